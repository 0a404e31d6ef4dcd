// cuBLASLt's descriptors and one of its products: attributes have the sizes that the header gives them, layouts must fit each other, and an
// algorithm is good only for the product that it was asked for. Work space is written all over.
#include "product.h"
#include "stream.h"
#include <cstddef>
#include <cstdint>
#include <cstring>

#define API extern "C" __attribute__((visibility("default")))

constexpr int invalid = 7, failed = 13, unsupported = 15;
API int cublasLtGetProperty(int type, int *value) { static const int version[] = {13, 1, 0}; *value = version[type]; return 0; }

struct Product { int compute, scale, transA, transB; unsigned epilogue; const void *bias; };
struct Layout { int type; uint64_t rows, columns; int64_t leading; };
struct Preference { uint64_t workspace; unsigned alignments[4]; };
struct Algorithm { unsigned long long magic, of, rest[6]; };
struct Result { Algorithm algorithm; size_t workspace; int state; float waves; int reserved[4]; };
static_assert(sizeof(Algorithm) == 64 && sizeof(Result) == 96 && offsetof(Result, workspace) == 64 && offsetof(Result, state) == 72, "");
constexpr unsigned long long magic = 0x4355525643555256ull;
constexpr size_t wanted = 2048;

static int made = 0, has = 1, dropsNaN = 0;
API int fakeEpilogues() { return made; }
API int fakeHasEpilogues(int value) { has = value; return 0; }
API int fakeRectifierDropsNaN(int value) { dropsNaN = value; return 0; }

API int cublasLtCreate(void **handle) { static int token; *handle = &token; return 0; }
API int cublasLtDestroy(void *) { return 0; }
API int cublasLtMatmulDescCreate(void **out, int compute, int scale) { *out = new Product{compute, scale, 0, 0, 1, nullptr}; return 0; }
API int cublasLtMatmulDescDestroy(void *product) { delete (Product *)product; return 0; }
API int cublasLtMatmulDescSetAttribute(void *product, int attribute, const void *value, size_t bytes) {
  Product &p = *(Product *)product;
  auto into = [=](void *field, size_t size) { if (bytes != size) return invalid; memcpy(field, value, size); return 0; };
  switch (attribute) {
    case 3: return into(&p.transA, 4);
    case 4: return into(&p.transB, 4);
    case 7: return into(&p.epilogue, 4);
    case 8: return into(&p.bias, 8);
    default: return invalid;
  }
}
API int cublasLtMatrixLayoutCreate(void **out, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  *out = new Layout{type, rows, columns, leading};
  return leading < (int64_t)rows ? invalid : 0;
}
API int cublasLtMatrixLayoutDestroy(void *layout) { delete (Layout *)layout; return 0; }
API int cublasLtMatmulPreferenceCreate(void **out) { *out = new Preference{0, {256, 256, 256, 256}}; return 0; }
API int cublasLtMatmulPreferenceDestroy(void *preference) { delete (Preference *)preference; return 0; }
API int cublasLtMatmulPreferenceSetAttribute(void *preference, int attribute, const void *value, size_t bytes) {
  Preference &p = *(Preference *)preference;
  if (attribute == 1 && bytes == 8) { memcpy(&p.workspace, value, 8); return 0; }
  if (attribute >= 5 && attribute <= 8 && bytes == 4) { memcpy(&p.alignments[attribute - 5], value, 4); return 0; }
  return invalid;
}

struct Size { uint64_t m, n, k; };
// Whether the layouts are those of op(A) op(B) = C = D.
static bool fits(const Product &p, const Layout &a, const Layout &b, const Layout &c, const Layout &d, Size *size) {
  uint64_t m = p.transA ? a.columns : a.rows, k = p.transA ? a.rows : a.columns;
  uint64_t k2 = p.transB ? b.columns : b.rows, n = p.transB ? b.rows : b.columns;
  *size = {m, n, k};
  if (a.type != b.type || a.type != c.type || a.type != d.type || p.scale != a.type) return false;
  if (a.type == 0 ? p.compute != 68 && p.compute != 75 && p.compute != 77 && p.compute != 78 : a.type != 1 || p.compute != 70) return false;
  return k == k2 && d.rows == m && d.columns == n && c.rows == m && c.columns == n && c.leading == d.leading;
}
static unsigned long long hashOf(const Product &p, const Size &s) { return (((s.m * 1000003 + s.n) * 1000003 + s.k) * 31 + p.epilogue) * 4 + p.transA * 2 + p.transB; }

API int cublasLtMatmulAlgoGetHeuristic(void *, void *product, void *a, void *b, void *c, void *d, void *preference, int most, void *results,
                                       int *found) {
  *found = 0;
  const Product &p = *(Product *)product;
  const Preference &wish = *(Preference *)preference;
  Size size;
  if (most < 1 || !fits(p, *(Layout *)a, *(Layout *)b, *(Layout *)c, *(Layout *)d, &size)) return invalid;
  if (p.epilogue != 4 && p.epilogue != 6) return unsupported;
  const size_t item = p.scale == 0 ? 4 : 8;
  for (unsigned alignment : wish.alignments) if (alignment < item) return unsupported;
  if (!has || p.bias == nullptr || (uintptr_t)p.bias % item != 0 || wish.workspace < wanted) return unsupported;
  *(Result *)results = {{magic, hashOf(p, size), {}}, wanted, 0, 1.0f, {}};
  *found = 1;
  return 0;
}

template <class T> static T rectified(T x) { return x > 0 || x != x ? x : T(0); }
template <class T> static T cut(T x) { return x > 0 ? x : T(0); }

template <class T>
static int multiply(const Product &p, Size s, T alpha, const T *a, long long lda, const T *b, long long ldb, T beta, T *c, long long ldc, void *work) {
  const T *bias = (const T *)p.bias;
  int transA = p.transA, transB = p.transB, bits = reference::dropped(p.compute);
  T (*end)(T) = p.epilogue == 4 ? nullptr : dropsNaN ? cut<T> : rectified<T>;
  return onStream({a, b, c, bias, work}, [=] {
    memset(work, 0x77, wanted);
    reference::gemm<T>(transA, transB, (int)s.m, (int)s.n, (int)s.k, alpha, a, lda, b, ldb, beta, c, ldc, bits, bias, end);
    return 0;
  });
}

API int cublasLtMatmul(void *, void *product, const void *alpha, const void *a, void *aLayout, const void *b, void *bLayout, const void *beta,
                       const void *c, void *cLayout, void *d, void *dLayout, const void *algorithm, void *work, size_t bytes, void *) {
  const Product &p = *(Product *)product;
  const Layout &la = *(Layout *)aLayout, &lb = *(Layout *)bLayout, &lc = *(Layout *)cLayout, &ld = *(Layout *)dLayout;
  const Algorithm &way = *(const Algorithm *)algorithm;
  Size size;
  if (!fits(p, la, lb, lc, ld, &size) || c != d || p.bias == nullptr) return invalid;
  if (way.magic != magic || way.of != hashOf(p, size) || bytes < wanted || work == nullptr) return invalid;
  made++;
  int refused = p.scale == 0
    ? multiply<float>(p, size, *(const float *)alpha, (const float *)a, la.leading, (const float *)b, lb.leading, *(const float *)beta, (float *)d, ld.leading, work)
    : multiply<double>(p, size, *(const double *)alpha, (const double *)a, la.leading, (const double *)b, lb.leading, *(const double *)beta, (double *)d, ld.leading, work);
  return refused == 0 ? 0 : failed;
}
