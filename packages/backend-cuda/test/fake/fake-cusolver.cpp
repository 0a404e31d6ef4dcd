// cuSOLVER's names over the reference implementations: its arguments in its order, its limits (gesvd wants m >= n), work space of the size
// that it asked for, written all over.
#include "reference.h"
#include "stream.h"
#include <cstring>

#define API extern "C" __attribute__((visibility("default")))
// Major, minor, patch.
API int cusolverGetProperty(int type, int *value) { static const int version[] = {12, 0, 4}; *value = version[type]; return 0; }

constexpr int invalid = 3, failed = 6;
struct Handle { void *stream; };
static int launched(int refused) { return refused == 0 ? 0 : failed; }
template <class T> static void scribble(T *work, int n) { memset((void *)work, 0x77, n * sizeof(T)); }

API int cusolverDnCreate(void **handle) { *handle = new Handle{nullptr}; return 0; }
API int cusolverDnDestroy(void *handle) { delete (Handle *)handle; return 0; }
API int cusolverDnSetStream(void *handle, void *stream) { ((Handle *)handle)->stream = stream; return 0; }
API int cusolverGetVersion(int *version) { *version = 12000; return 0; }
struct Rotations { double tolerance; int sweeps; };
API int cusolverDnCreateSyevjInfo(void **info) { *info = new Rotations{0, 100}; return 0; }
API int cusolverDnDestroySyevjInfo(void *info) { delete (Rotations *)info; return 0; }
API int cusolverDnCreateGesvdjInfo(void **info) { *info = new Rotations{0, 100}; return 0; }
API int cusolverDnDestroyGesvdjInfo(void *info) { delete (Rotations *)info; return 0; }
API int cusolverDnXgesvdjSetTolerance(void *info, double tolerance) { ((Rotations *)info)->tolerance = tolerance; return 0; }
API int cusolverDnXgesvdjSetMaxSweeps(void *info, int sweeps) { ((Rotations *)info)->sweeps = sweeps; return 0; }

#define BOTH(NAME) NAME(S, float) NAME(D, double)

#define POTRF(L, T)                                                                                                                    \
  API int cusolverDn##L##potrf_bufferSize(void *, int, int n, T *, int lda, int *size) { *size = 3 * n; return lda < n ? invalid : 0; } \
  API int cusolverDn##L##potrf(void *, int uplo, int n, T *a, int lda, T *work, int size, int *info) {                                 \
    if (lda < n || size < 3 * n) return invalid;                                                                                       \
    return launched(onStream({a, work, info}, [=] { scribble(work, size); *info = reference::potrf(uplo == 1, n, a, lda); return 0; })); \
  }                                                                                                                                    \
  API int cusolverDn##L##potrfBatched(void *, int uplo, int n, T **as, int lda, int *infos, int count) {                               \
    if (lda < n) return invalid;                                                                                                       \
    return launched(onStream({as, infos}, [=] {                                                                                        \
      for (int i = 0; i < count; i++) infos[i] = reference::potrf(uplo == 1, n, as[i], lda);                                           \
      return 0;                                                                                                                        \
    }));                                                                                                                               \
  }
BOTH(POTRF)

#define GETRF(L, T)                                                                                                              \
  API int cusolverDn##L##getrf_bufferSize(void *, int m, int n, T *, int lda, int *size) { *size = m + n; return lda < m ? invalid : 0; } \
  API int cusolverDn##L##getrf(void *, int m, int n, T *a, int lda, T *work, int *pivots, int *info) {                           \
    if (lda < m) return invalid;                                                                                                 \
    return launched(onStream({a, work, pivots, info}, [=] {                                                                      \
      scribble(work, m + n);                                                                                                     \
      *info = reference::getrf(m, n, a, lda, pivots);                                                                            \
      return 0;                                                                                                                  \
    }));                                                                                                                         \
  }
BOTH(GETRF)

#define GEQRF(L, T)                                                                                                                     \
  API int cusolverDn##L##geqrf_bufferSize(void *, int m, int n, T *, int lda, int *size) { *size = 2 * n; return lda < m ? invalid : 0; } \
  API int cusolverDn##L##geqrf(void *, int m, int n, T *a, int lda, T *tau, T *work, int size, int *info) {                             \
    if (lda < m || size < 2 * n) return invalid;                                                                                        \
    return launched(onStream({a, tau, work, info}, [=] {                                                                                \
      scribble(work, size);                                                                                                             \
      reference::geqrf(m, n, a, lda, tau);                                                                                              \
      *info = 0;                                                                                                                        \
      return 0;                                                                                                                         \
    }));                                                                                                                                \
  }                                                                                                                                     \
  API int cusolverDn##L##orgqr_bufferSize(void *, int m, int n, int k, const T *, int lda, const T *, int *size) {                      \
    *size = n + k;                                                                                                                      \
    return lda < m || n > m || k > n ? invalid : 0;                                                                                     \
  }                                                                                                                                     \
  API int cusolverDn##L##orgqr(void *, int m, int n, int k, T *a, int lda, const T *tau, T *work, int size, int *info) {                \
    if (lda < m || n > m || k > n || size < n + k) return invalid;                                                                      \
    return launched(onStream({a, tau, work, info}, [=] {                                                                                \
      scribble(work, size);                                                                                                             \
      reference::orgqr(m, n, k, a, lda, tau);                                                                                           \
      *info = 0;                                                                                                                        \
      return 0;                                                                                                                         \
    }));                                                                                                                                \
  }
BOTH(GEQRF)

// These wait for the card, which a captured stream does not allow: the driver's refusal comes through as an internal error.
extern "C" int cuStreamSynchronize(void *);
static int waits(void *handle) {
  static auto synchronize = (int (*)(void *))dlsym(dlopen((std::string(getenv("CURV_FAKE_DIR")) + "/libcuda.so.1").c_str(), RTLD_NOW | RTLD_NOLOAD), "cuStreamSynchronize");
  return synchronize(((Handle *)handle)->stream) == 0 ? 0 : 7;
}

#define SYEV(L, T)                                                                                                                  \
  API int cusolverDn##L##syevd_bufferSize(void *, int, int, int n, const T *, int lda, const T *, int *size) {                      \
    *size = n * n + 2 * n;                                                                                                          \
    return lda < n ? invalid : 0;                                                                                                   \
  }                                                                                                                                 \
  API int cusolverDn##L##syevd(void *handle, int jobz, int uplo, int n, T *a, int lda, T *w, T *work, int size, int *info) {        \
    if (lda < n || size < n * n + 2 * n) return invalid;                                                                            \
    if (int refused = waits(handle)) return refused;                                                                                \
    return launched(onStream({a, w, work, info}, [=] {                                                                              \
      scribble(work, size);                                                                                                         \
      *info = reference::syev(jobz == 1, uplo == 1, n, a, lda, w);                                                                  \
      return 0;                                                                                                                     \
    }));                                                                                                                            \
  }                                                                                                                                 \
  API int cusolverDn##L##syevjBatched_bufferSize(void *, int, int, int n, const T *, int lda, const T *, int *size, void *, int count) { \
    *size = n * count;                                                                                                              \
    return lda < n ? invalid : 0;                                                                                                   \
  }                                                                                                                                 \
  API int cusolverDn##L##syevjBatched(void *handle, int jobz, int uplo, int n, T *a, int lda, T *w, T *work, int size, int *infos,  \
                                      void *rotations, int count) {                                                                 \
    if (lda < n || size < n * count || rotations == nullptr) return invalid;                                                        \
    if (int refused = waits(handle)) return refused;                                                                                \
    return launched(onStream({a, w, work, infos}, [=] {                                                                             \
      scribble(work, size);                                                                                                         \
      for (int i = 0; i < count; i++) infos[i] = reference::syev(jobz == 1, uplo == 1, n, a + (long)i * lda * n, lda, w + (long)i * n); \
      return 0;                                                                                                                     \
    }));                                                                                                                            \
  }
BOTH(SYEV)

// Any order, both float types by number (0, 1); no more matrices than a grid has blocks. Work space on both sides.
API int cusolverDnCreateParams(void **params) { *params = new int(0); return 0; }
API int cusolverDnDestroyParams(void *params) { delete (int *)params; return 0; }
static int together = 0;
API int fakeSyevTogether() { return together; }
API int cusolverDnXsyevBatched_bufferSize(void *, void *params, int, int, long long n, int typeA, const void *, long long lda, int typeW, const void *,
                                          int computed, size_t *onDevice, size_t *onHost, long long count) {
  *onDevice = 8 * n * count;
  *onHost = 8 * n;
  return lda < n || params == nullptr || typeA > 1 || typeW != typeA || computed != typeA || count > 65535 ? invalid : 0;
}
template <class T> static int syevTogether(bool vectors, bool upper, long long n, T *a, long long lda, T *w, int *infos, long long count) {
  for (long long i = 0; i < count; i++) infos[i] = reference::syev(vectors, upper, (int)n, a + i * lda * n, (int)lda, w + i * n);
  return 0;
}
API int cusolverDnXsyevBatched(void *handle, void *params, int jobz, int uplo, long long n, int typeA, void *a, long long lda, int typeW, void *w,
                               int computed, void *work, size_t onDevice, void *host, size_t onHost, int *infos, long long count) {
  if (lda < n || params == nullptr || typeA > 1 || typeW != typeA || computed != typeA || count > 65535) return invalid;
  if (onDevice < (size_t)(8 * n * count) || onHost < (size_t)(8 * n) || host == nullptr) return invalid;
  if (int refused = waits(handle)) return refused;
  memset(host, 0x77, onHost);
  together += count;
  return launched(onStream({a, w, work, infos}, [=] {
    scribble((char *)work, (int)onDevice);
    return typeA == 0 ? syevTogether(jobz == 1, uplo == 1, n, (float *)a, lda, (float *)w, infos, count)
                      : syevTogether(jobz == 1, uplo == 1, n, (double *)a, lda, (double *)w, infos, count);
  }));
}

#define GESVD(L, T)                                                                                                                  \
  API int cusolverDn##L##gesvd_bufferSize(void *, int m, int n, int *size) { *size = 4 * (m + n); return m < n ? invalid : 0; }      \
  API int cusolverDn##L##gesvd(void *handle, signed char jobu, signed char jobvt, int m, int n, T *a, int lda, T *s, T *u, int ldu,  \
                               T *vt, int ldvt, T *work, int size, T *, int *info) {                                                 \
    if (m < n || lda < m || size < 4 * (m + n) || jobu != jobvt || (jobu != 'N' && (ldu < m || ldvt < n))) return invalid;           \
    if (int refused = waits(handle)) return refused;                                                                                 \
    return launched(onStream({a, s, u, vt, work, info}, [=] {                                                                        \
      scribble(work, size);                                                                                                          \
      std::vector<T> v((size_t)n * n);                                                                                               \
      *info = reference::svd(m, n, a, lda, s, jobu == 'N' ? nullptr : u, ldu, jobu == 'A' ? m : n, v.data(), n);                     \
      if (jobu != 'N') for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) vt[i + (long)j * ldvt] = v[j + (size_t)i * n];        \
      return 0;                                                                                                                      \
    }));                                                                                                                             \
  }                                                                                                                                  \
  API int cusolverDn##L##gesvdj_bufferSize(void *, int, int, int m, int n, const T *, int lda, const T *, const T *, int, const T *, \
                                           int, int *size, void *) {                                                                 \
    *size = m + n;                                                                                                                   \
    return lda < m || m < n ? invalid : 0;                                                                                           \
  }                                                                                                                                  \
  API int cusolverDn##L##gesvdj(void *handle, int jobz, int econ, int m, int n, T *a, int lda, T *s, T *u, int ldu, T *v, int ldv,   \
                                T *work, int size, int *info, void *rotations) {                                                     \
    if (lda < m || m < n || size < m + n || rotations == nullptr || (jobz == 1 && (ldu < m || ldv < n))) return invalid;             \
    if (((Rotations *)rotations)->tolerance <= 0) return invalid;                                                                    \
    if (int refused = waits(handle)) return refused;                                                                                 \
    return launched(onStream({a, s, u, v, work, info}, [=] {                                                                         \
      scribble(work, size);                                                                                                          \
      *info = reference::svd(m, n, a, lda, s, jobz == 0 ? nullptr : u, ldu, econ ? n : m, v, ldv);                                   \
      return 0;                                                                                                                      \
    }));                                                                                                                             \
  }                                                                                                                                  \
  API int cusolverDn##L##gesvdjBatched_bufferSize(void *, int, int m, int n, const T *, int lda, const T *, const T *, int,          \
                                                  const T *, int, int *size, void *, int count) {                                    \
    *size = (m + n) * count;                                                                                                         \
    return lda < m || m > 32 || n > 32 ? invalid : 0;                                                                                \
  }                                                                                                                                  \
  /* U is [m, m] here, whatever is wanted of it. */                                                                                  \
  API int cusolverDn##L##gesvdjBatched(void *handle, int jobz, int m, int n, T *a, int lda, T *s, T *u, int ldu, T *v, int ldv,      \
                                       T *work, int size, int *infos, void *rotations, int count) {                                  \
    if (lda < m || m < n || m > 32 || n > 32 || size < (m + n) * count || rotations == nullptr) return invalid;                      \
    if ((jobz == 1 && (ldu < m || ldv < n)) || ((Rotations *)rotations)->tolerance <= 0) return invalid;                             \
    if (int refused = waits(handle)) return refused;                                                                                 \
    return launched(onStream({a, s, u, v, work, infos}, [=] {                                                                        \
      scribble(work, size);                                                                                                          \
      for (long i = 0; i < count; i++)                                                                                               \
        infos[i] = reference::svd(m, n, a + i * lda * n, lda, s + i * n, jobz == 0 ? nullptr : u + i * ldu * m, ldu, m, v + i * ldv * n, ldv); \
      return 0;                                                                                                                      \
    }));                                                                                                                             \
  }
BOTH(GESVD)
