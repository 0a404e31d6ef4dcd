// Matrix products by three loops under cuBLAS's names: column-major, with its leading dimensions, strides and flags. Triangular systems and
// batches of LU and QR factorisations by the reference implementations.
#include "product.h"
#include "reference.h"
#include "stream.h"
#include <cstddef>

#define API extern "C" __attribute__((visibility("default")))
// Major, minor, patch.
API int cublasGetProperty(int type, int *value) { static const int version[] = {13, 1, 0}; *value = version[type]; return 0; }

API int cublasCreate_v2(void **handle) { static int token; *handle = &token; return 0; }
API int cublasDestroy_v2(void *) { return 0; }
API int cublasGetVersion_v2(void *, int *version) { *version = 130000; return 0; }
API int cublasSetStream_v2(void *, void *) { return 0; }
API int cublasSetWorkspace_v2(void *, void *, size_t) { return 0; }
API int cublasSetMathMode(void *, int) { return 0; }

template <class T>
static int gemm(int opA, int opB, int m, int n, int k, T alpha, const T *a, int lda, long long sa, const T *b, int ldb, long long sb,
                T beta, T *c, int ldc, long long sc, int batch, int bits = 0) {
  if (lda < (opA ? k : m) || ldb < (opB ? n : k) || ldc < m) return 7;
  int refused = onStream({a, b, c}, [=] {
    for (int l = 0; l < batch; l++)
      reference::gemm<T>(opA, opB, m, n, k, alpha, a + l * sa, lda, b + l * sb, ldb, beta, c + l * sc, ldc, bits);
    return 0;
  });
  return refused == 0 ? 0 : 13;  // CUBLAS_STATUS_EXECUTION_FAILED
}

// Types: 0 is float32, 1 is float64; computing in 68 (float32), 75 (bfloat16), 77 (TF32), 78 (three bfloat16) or 70 (float64), or status 15.
API int cublasGemmStridedBatchedEx(void *, int opA, int opB, int m, int n, int k, const void *alpha, const void *a, int ta, int lda,
                                   long long sa, const void *b, int tb, int ldb, long long sb, const void *beta, void *c, int tc, int ldc,
                                   long long sc, int batch, int compute, int) {
  if (ta != tb || ta != tc) return 15;
  if (ta == 0 && (compute == 68 || compute == 75 || compute == 77 || compute == 78))
    return gemm<float>(opA, opB, m, n, k, *(const float *)alpha, (const float *)a, lda, sa, (const float *)b, ldb, sb, *(const float *)beta,
                       (float *)c, ldc, sc, batch, reference::dropped(compute));
  if (ta == 1 && compute == 70)
    return gemm<double>(opA, opB, m, n, k, *(const double *)alpha, (const double *)a, lda, sa, (const double *)b, ldb, sb,
                        *(const double *)beta, (double *)c, ldc, sc, batch);
  return 15;
}

#define BOTH(NAME) NAME(S, float) NAME(D, double)

#define TRSM(L, T)                                                                                                                     \
  API int cublas##L##trsm_v2(void *, int side, int uplo, int op, int diag, int m, int n, const T *alpha, const T *a, int lda, T *b,    \
                             int ldb) {                                                                                                \
    if (lda < (side ? n : m) || ldb < m) return 7;                                                                                     \
    T scale = *alpha;                                                                                                                  \
    int refused = onStream({a, b}, [=] { reference::trsm<T>(side, uplo, op, diag, m, n, scale, a, lda, b, ldb); return 0; });          \
    return refused == 0 ? 0 : 13;                                                                                                      \
  }                                                                                                                                    \
  API int cublas##L##trsmBatched(void *, int side, int uplo, int op, int diag, int m, int n, const T *alpha, const T *const *as,       \
                                 int lda, T *const *bs, int ldb, int count) {                                                          \
    if (lda < (side ? n : m) || ldb < m) return 7;                                                                                     \
    T scale = *alpha;                                                                                                                  \
    int refused = onStream({as, bs}, [=] {                                                                                             \
      for (int i = 0; i < count; i++) reference::trsm<T>(side, uplo, op, diag, m, n, scale, as[i], lda, bs[i], ldb);                   \
      return 0;                                                                                                                        \
    });                                                                                                                                \
    return refused == 0 ? 0 : 13;                                                                                                      \
  }                                                                                                                                    \
  API int cublas##L##getrfBatched(void *, int n, T *const *as, int lda, int *pivots, int *infos, int count) {                          \
    if (lda < n) return 7;                                                                                                             \
    int refused = onStream({as, pivots, infos}, [=] {                                                                                  \
      for (int i = 0; i < count; i++) infos[i] = reference::getrf(n, n, as[i], lda, pivots + (long)i * n);                             \
      return 0;                                                                                                                        \
    });                                                                                                                                \
    return refused == 0 ? 0 : 13;                                                                                                      \
  }                                                                                                                                    \
  API int cublas##L##geqrfBatched(void *, int m, int n, T *const *as, int lda, T *const *taus, int *info, int count) {                 \
    /* On the host: minus the number of the argument that is wrong. */                                                                 \
    *info = m < 0 ? -1 : n < 0 ? -2 : lda < (m > 1 ? m : 1) ? -4 : 0;                                                                  \
    if (*info != 0) return 7;                                                                                                          \
    int refused = onStream({as, taus}, [=] {                                                                                           \
      for (int i = 0; i < count; i++) reference::geqrf<T>(m, n, as[i], lda, taus[i]);                                                  \
      return 0;                                                                                                                        \
    });                                                                                                                                \
    return refused == 0 ? 0 : 13;                                                                                                      \
  }
BOTH(TRSM)
