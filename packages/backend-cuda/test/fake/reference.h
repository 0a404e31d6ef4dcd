// Factorisations as LAPACK defines them, by the shortest algorithms that are right: column-major, element (i, j) at i + j * ld.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace reference {

// L L^T or U^T U in place of one triangle; the other is neither read nor written. 0, or 1 + the index of the pivot that is not positive.
template <class T> int potrf(bool upper, int n, T *a, int lda) {
  auto at = [=](int i, int j) -> T & { return upper ? a[j + (long)i * lda] : a[i + (long)j * lda]; };  // as if lower
  for (int j = 0; j < n; j++) {
    T d = at(j, j);
    for (int p = 0; p < j; p++) d -= at(j, p) * at(j, p);
    if (!(d > 0)) { at(j, j) = d; return j + 1; }
    at(j, j) = d = std::sqrt(d);
    for (int i = j + 1; i < n; i++) {
      T s = at(i, j);
      for (int p = 0; p < j; p++) s -= at(i, p) * at(j, p);
      at(i, j) = s / d;
    }
  }
  return 0;
}

// P A = L U in place; pivots count from 1: row i was swapped with row pivots[i]. 1 + the first pivot that is zero; it goes on.
template <class T> int getrf(int m, int n, T *a, int lda, int *pivots) {
  int info = 0;
  for (int j = 0; j < std::min(m, n); j++) {
    int p = j;
    for (int i = j + 1; i < m; i++) if (std::abs(a[i + (long)j * lda]) > std::abs(a[p + (long)j * lda])) p = i;
    pivots[j] = p + 1;
    if (a[p + (long)j * lda] == 0) { if (info == 0) info = j + 1; continue; }
    for (int c = 0; c < n && p != j; c++) std::swap(a[j + (long)c * lda], a[p + (long)c * lda]);
    for (int i = j + 1; i < m; i++) {
      T l = a[i + (long)j * lda] /= a[j + (long)j * lda];
      for (int c = j + 1; c < n; c++) a[i + (long)c * lda] -= l * a[j + (long)c * lda];
    }
  }
  return info;
}

// H_j = I - tau_j v v^T with v_j = 1 and the rest of v below the diagonal; the diagonal of R has the sign that is opposite to what was there.
template <class T> void geqrf(int m, int n, T *a, int lda, T *tau) {
  for (int j = 0; j < std::min(m, n); j++) {
    T *x = a + (long)j * lda, below = 0;
    for (int i = j + 1; i < m; i++) below += x[i] * x[i];
    tau[j] = 0;
    if (below == 0) continue;
    T beta = -std::copysign(std::sqrt(x[j] * x[j] + below), x[j]);
    tau[j] = (beta - x[j]) / beta;
    for (int i = j + 1; i < m; i++) x[i] /= x[j] - beta;
    x[j] = beta;
    for (int c = j + 1; c < n; c++) {
      T *y = a + (long)c * lda, s = y[j];
      for (int i = j + 1; i < m; i++) s += x[i] * y[i];
      y[j] -= tau[j] * s;
      for (int i = j + 1; i < m; i++) y[i] -= tau[j] * s * x[i];
    }
  }
}

// The first n columns of H_0 ... H_(k-1), in place of the reflectors.
template <class T> void orgqr(int m, int n, int k, T *a, int lda, const T *tau) {
  std::vector<T> q((size_t)m * n, 0);
  for (int j = 0; j < n; j++) q[j + (size_t)j * m] = 1;
  for (int r = k - 1; r >= 0; r--)
    for (int c = 0; c < n; c++) {
      T *y = q.data() + (size_t)c * m, s = y[r];
      for (int i = r + 1; i < m; i++) s += a[i + (long)r * lda] * y[i];
      y[r] -= tau[r] * s;
      for (int i = r + 1; i < m; i++) y[i] -= tau[r] * s * a[i + (long)r * lda];
    }
  for (int c = 0; c < n; c++) std::copy(q.data() + (size_t)c * m, q.data() + (size_t)(c + 1) * m, a + (long)c * lda);
}

// Cyclic Jacobi on one triangle: ascending eigenvalues, eigenvectors as columns in place of A. Every other vector is turned round: a
// library promises no sign. With NaN it says that nothing converged.
template <class T> int syev(bool vectors, bool upper, int n, T *a, int lda, T *w) {
  std::vector<T> s((size_t)n * n), v((size_t)n * n, 0);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) s[i + (size_t)j * n] = (i <= j) == upper || i == j ? a[i + (long)j * lda] : a[j + (long)i * lda];
  for (int j = 0; j < n; j++) v[j + (size_t)j * n] = 1;
  T size = 0;
  for (T x : s) { if (!std::isfinite(x)) return n; size += x * x; }
  const T eps = std::numeric_limits<T>::epsilon();
  for (int sweep = 0; sweep < 60; sweep++) {
    T off = 0;
    for (int q = 0; q < n; q++) for (int p = 0; p < q; p++) off += s[p + (size_t)q * n] * s[p + (size_t)q * n];
    if (off <= eps * eps * size * T(1e-2)) break;
    for (int q = 1; q < n; q++)
      for (int p = 0; p < q; p++) {
        T g = s[p + (size_t)q * n];
        if (g == 0) continue;
        T theta = (s[q + (size_t)q * n] - s[p + (size_t)p * n]) / (2 * g);
        T t = std::copysign(T(1), theta) / (std::abs(theta) + std::hypot(theta, T(1))), c = 1 / std::hypot(t, T(1)), d = t * c;
        for (int i = 0; i < n; i++) {
          T x = s[i + (size_t)p * n], y = s[i + (size_t)q * n];
          s[i + (size_t)p * n] = c * x - d * y; s[i + (size_t)q * n] = d * x + c * y;
        }
        for (int i = 0; i < n; i++) {
          T x = s[p + (size_t)i * n], y = s[q + (size_t)i * n];
          s[p + (size_t)i * n] = c * x - d * y; s[q + (size_t)i * n] = d * x + c * y;
          x = v[i + (size_t)p * n]; y = v[i + (size_t)q * n];
          v[i + (size_t)p * n] = c * x - d * y; v[i + (size_t)q * n] = d * x + c * y;
        }
      }
  }
  std::vector<int> order(n);
  for (int i = 0; i < n; i++) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return s[i + (size_t)i * n] < s[j + (size_t)j * n]; });
  for (int j = 0; j < n; j++) {
    int from = order[j];
    w[j] = s[from + (size_t)from * n];
    for (int i = 0; i < n; i++)  // without vectors A is destroyed
      a[i + (long)j * lda] = vectors ? (j % 2 ? -1 : 1) * v[i + (size_t)from * n] : std::numeric_limits<T>::quiet_NaN();
  }
  return 0;
}

// One-sided Jacobi (Hestenes) for m >= n: descending values, U [m, columns] and V [n, n]; further columns of U by Gram-Schmidt. A is
// destroyed.
template <class T> int svd(int m, int n, T *a, int lda, T *s, T *u, int ldu, int columns, T *v, int ldv) {
  std::vector<T> x((size_t)m * n), r((size_t)n * n, 0);
  for (int j = 0; j < n; j++) for (int i = 0; i < m; i++) {
    if (!std::isfinite(x[i + (size_t)j * m] = a[i + (long)j * lda])) return 1;
    a[i + (long)j * lda] = std::numeric_limits<T>::quiet_NaN();
  }
  for (int j = 0; j < n; j++) r[j + (size_t)j * n] = 1;
  bool turned = true;
  for (int sweep = 0; sweep < 60 && turned; sweep++) {
    turned = false;
    for (int q = 1; q < n; q++)
      for (int p = 0; p < q; p++) {
        T alpha = 0, beta = 0, gamma = 0, *xp = x.data() + (size_t)p * m, *xq = x.data() + (size_t)q * m;
        for (int i = 0; i < m; i++) { alpha += xp[i] * xp[i]; beta += xq[i] * xq[i]; gamma += xp[i] * xq[i]; }
        if (std::abs(gamma) <= std::numeric_limits<T>::epsilon() * std::sqrt(alpha * beta)) continue;
        turned = true;
        T zeta = (beta - alpha) / (2 * gamma), t = std::copysign(T(1), zeta) / (std::abs(zeta) + std::hypot(zeta, T(1)));
        T c = 1 / std::hypot(t, T(1)), d = t * c;
        auto turn = [=](T *y, T *z, int k) { for (int i = 0; i < k; i++) { T e = y[i], f = z[i]; y[i] = c * e - d * f; z[i] = d * e + c * f; } };
        turn(xp, xq, m);
        turn(r.data() + (size_t)p * n, r.data() + (size_t)q * n, n);
      }
  }
  std::vector<T> norms(n);
  std::vector<int> order(n);
  for (int j = 0; j < n; j++) {
    T sum = 0;
    for (int i = 0; i < m; i++) sum += x[i + (size_t)j * m] * x[i + (size_t)j * m];
    norms[j] = std::sqrt(sum);
    order[j] = j;
  }
  std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return norms[i] > norms[j]; });
  for (int j = 0; j < n; j++) s[j] = norms[order[j]];
  if (u == nullptr) return turned;
  int made = 0;
  auto orthonormal = [&](std::vector<T> y) {  // against the columns made so far; false if nothing is left
    for (int twice = 0; twice < 2; twice++)
      for (int c = 0; c < made; c++) {
        T dot = 0;
        for (int i = 0; i < m; i++) dot += u[i + (long)c * ldu] * y[i];
        for (int i = 0; i < m; i++) y[i] -= dot * u[i + (long)c * ldu];
      }
    T sum = 0;
    for (T e : y) sum += e * e;
    if (!(sum > T(1e-3))) return false;
    for (int i = 0; i < m; i++) u[i + (long)made * ldu] = y[i] / std::sqrt(sum);
    made++;
    return true;
  };
  int unit = 0;
  for (int j = 0; j < columns; j++) {
    const int sign = j % 2 ? -1 : 1;  // no sign is promised, but that of v follows u's
    const T *from = j < n ? x.data() + (size_t)order[j] * m : nullptr;
    if (j < n) for (int i = 0; i < n; i++) v[i + (long)j * ldv] = sign * r[i + (size_t)order[j] * n];
    if (j < n && s[j] > s[0] * std::numeric_limits<T>::epsilon() * T(4)) {
      for (int i = 0; i < m; i++) u[i + (long)j * ldu] = sign * from[i] / s[j];
      made = j + 1;
      continue;
    }
    std::vector<T> e(m);
    do { std::fill(e.begin(), e.end(), 0); e[unit++ % m] = 1; } while (!orthonormal(e));
  }
  return turned;
}

// X op(A) = B (right) or op(A) X = B (left), in place of B [m, n].
template <class T>
void trsm(bool right, bool upper, bool transpose, bool unit, int m, int n, T alpha, const T *a, int lda, T *b, int ldb) {
  int k = right ? n : m, lines = right ? m : n;
  // As op(A) x = b for each line; from the right that is the transpose of A.
  bool flipped = transpose != right;
  auto A = [=](int i, int j) { return flipped ? a[j + (long)i * lda] : a[i + (long)j * lda]; };
  bool isUpper = upper != flipped;
  for (int line = 0; line < lines; line++) {
    auto x = [=](int i) -> T & { return right ? b[line + (long)i * ldb] : b[i + (long)line * ldb]; };
    for (int step = 0; step < k; step++) {
      int i = isUpper ? k - 1 - step : step;
      T sum = alpha * x(i);
      for (int j = isUpper ? i + 1 : 0; j < (isUpper ? k : i); j++) sum -= A(i, j) * x(j);
      x(i) = unit ? sum : sum / A(i, i);
    }
  }
}

}  // namespace reference
