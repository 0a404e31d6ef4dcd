// Matrix products by three loops: column-major, with leading dimensions and flags.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace reference {

// A float32 with so many bits of mantissa less, to the nearest, ties to even.
inline float rounded(float x, int bits) {
  uint32_t u;
  memcpy(&u, &x, 4);
  if (bits > 0 && std::isfinite(x)) {
    uint32_t half = 1u << (bits - 1);
    u += half - 1 + (u >> bits & 1u);
    u &= ~((1u << bits) - 1);
  }
  memcpy(&x, &u, 4);
  return x;
}
inline double rounded(double x, int) { return x; }

// How many bits of its operands' mantissas a way of computing drops: 75 is bfloat16, 77 is TF32.
inline int dropped(int compute) { return compute == 75 ? 16 : compute == 77 ? 13 : 0; }

// C = alpha op(A) op(B) + beta C; then, with a bias, that is added to each column, and with `relu` what is negative becomes 0.
template <class T>
void gemm(int opA, int opB, int m, int n, int k, T alpha, const T *a, long long lda, const T *b, long long ldb, T beta, T *c, long long ldc,
          int bits, const T *bias = nullptr, T (*end)(T) = nullptr) {
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      T sum = 0;
      for (int p = 0; p < k; p++) sum += rounded(a[opA ? p + i * lda : i + p * lda], bits) * rounded(b[opB ? j + p * ldb : p + j * ldb], bits);
      T &out = c[i + j * ldc];
      out = beta == 0 ? alpha * sum : alpha * sum + beta * out;
      if (bias != nullptr) out += bias[i];
      if (end != nullptr) out = end(out);
    }
}

}  // namespace reference
