// cuDNN's names for convolutions over their definition: descriptors must fit each other as the library wants them to, a method is offered
// first that loses digits, and one for each way back that adds in any order. Work space is written all over.
#include "product.h"
#include "stream.h"
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

constexpr int bad = 2000, unsupported = 3000, failed = 5000;
constexpr size_t wanted = 4096;
API int cudnnGetProperty(int type, int *value) { static const int version[] = {9, 24, 0}; *value = version[type]; return 0; }

using Shape = std::vector<int>;
struct Tensor { int type; Shape shape; };
struct Filter { int type; Shape shape; };
struct Convolution { int type; Shape padding, stride, dilation; int math = 0, groups = 1; };
struct Handle { void *stream; };
struct Result { int algorithm, status; float time; size_t memory; int determinism, math, reserved[3]; };
static_assert(sizeof(Result) == 48 && offsetof(Result, memory) == 16 && offsetof(Result, determinism) == 24, "");

static int refuses = 0, ran[3] = {0, 0, 0}, live = 0;
API int fakeRefuse(int value) { refuses = value; return 0; }
// How often y, x and w were computed.
API int fakeRan(int which) { return ran[which]; }
API int fakeDescriptors() { return live; }

API int cudnnCreate(void **handle) { *handle = new Handle{nullptr}; live++; return 0; }
API int cudnnDestroy(void *handle) { delete (Handle *)handle; live--; return 0; }
API int cudnnSetStream(void *handle, void *stream) { ((Handle *)handle)->stream = stream; return 0; }
#define DESCRIPTOR(NAME)                                                                                     \
  API int cudnnCreate##NAME##Descriptor(void **out) { *out = new NAME{}; live++; return 0; }                 \
  API int cudnnDestroy##NAME##Descriptor(void *of) { delete (NAME *)of; live--; return 0; }
DESCRIPTOR(Tensor) DESCRIPTOR(Filter) DESCRIPTOR(Convolution)

API int cudnnSetTensorNdDescriptor(void *of, int type, int rank, const int *shape, const int *strides) {
  if (type > 1 || rank < 4 || rank > 5) return bad;
  long step = 1;
  for (int i = rank - 1; i >= 0; step *= shape[i--]) if (shape[i] < 1 || strides[i] != step) return bad;
  *(Tensor *)of = {type, Shape(shape, shape + rank)};
  return 0;
}
API int cudnnSetFilterNdDescriptor(void *of, int type, int format, int rank, const int *shape) {
  if (type > 1 || format != 0 || rank < 4 || rank > 5) return bad;
  *(Filter *)of = {type, Shape(shape, shape + rank)};
  return 0;
}
API int cudnnSetConvolutionNdDescriptor(void *of, int rank, const int *padding, const int *stride, const int *dilation, int mode, int type) {
  if (rank < 2 || rank > 3 || mode != 1 || type > 1) return bad;
  for (int i = 0; i < rank; i++) if (padding[i] < 0 || stride[i] < 1 || dilation[i] < 1) return bad;
  *(Convolution *)of = {type, Shape(padding, padding + rank), Shape(stride, stride + rank), Shape(dilation, dilation + rank)};
  return 0;
}
API int cudnnSetConvolutionMathType(void *of, int math) { ((Convolution *)of)->math = math; return math == 0 || math == 3 ? 0 : bad; }
API int cudnnSetConvolutionGroupCount(void *of, int groups) { ((Convolution *)of)->groups = groups; return groups < 1 ? bad : 0; }

static int outputOf(const Convolution &c, const Tensor &x, const Filter &w, Shape &y) {
  const size_t rank = x.shape.size();
  if (w.shape.size() != rank || c.padding.size() + 2 != rank || x.type != w.type || c.type != x.type) return bad;
  if (x.shape[1] != w.shape[1] * c.groups || w.shape[0] % c.groups != 0) return bad;
  y = {x.shape[0], w.shape[0]};
  for (size_t i = 2; i < rank; i++) {
    const int room = x.shape[i] + 2 * c.padding[i - 2] - c.dilation[i - 2] * (w.shape[i] - 1) - 1;
    if (room < 0) return bad;
    y.push_back(room / c.stride[i - 2] + 1);
  }
  return 0;
}
API int cudnnGetConvolutionNdForwardOutputDim(void *c, void *x, void *w, int rank, int *shape) {
  Shape y;
  if (int refused = outputOf(*(Convolution *)c, *(Tensor *)x, *(Filter *)w, y)) return refused;
  if (rank != (int)y.size()) return bad;
  std::copy(y.begin(), y.end(), shape);
  return 0;
}
static bool fits(void *c, void *x, void *w, void *y) {
  Shape shape;
  return outputOf(*(Convolution *)c, *(Tensor *)x, *(Filter *)w, shape) == 0 && shape == ((Tensor *)y)->shape;
}

API int cudnnGetConvolutionForwardAlgorithm_v7(void *, void *x, void *w, void *c, void *y, int most, int *found, Result *results) {
  if (!fits(c, x, w, y)) return bad;
  const Result all[] = {{6, 0, 1, 64, 1, 3}, {4, unsupported, -1, 0, 1, 3}, {1, 0, 2, wanted, 1, 3}, {0, 0, 3, 0, 1, 3}};
  *found = refuses ? 1 : 4;
  if (most < *found) return bad;
  memcpy(results, all, *found * sizeof(Result));
  return 0;
}
API int cudnnGetConvolutionBackwardDataWorkspaceSize(void *, void *w, void *y, void *c, void *x, int algorithm, size_t *size) {
  if (!fits(c, x, w, y)) return bad;
  *size = wanted;
  return algorithm != 1 || refuses ? unsupported : 0;
}
API int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *, void *x, void *y, void *c, void *w, int algorithm, size_t *size) {
  if (!fits(c, x, w, y)) return bad;
  *size = wanted;
  return algorithm != 1 || refuses ? unsupported : 0;
}

static long sizeOf(const Shape &shape, size_t from = 0) { long n = 1; for (; from < shape.size(); from++) n *= shape[from]; return n; }

// Calls f(element of x, of w, of y) for every product of the convolution.
template <class F> static void products(const Convolution &c, const Shape &x, const Shape &w, const Shape &y, F f) {
  const long places = sizeOf(y, 2), taps = sizeOf(w, 2), inside = sizeOf(x, 2);
  const int each = w[0] / c.groups;
  for (int n = 0; n < y[0]; n++)
    for (int k = 0; k < y[1]; k++)
      for (long p = 0; p < places; p++)
        for (long r = 0; r < taps; r++) {
          long at = 0, step = 1, a = p, b = r;
          bool in = true;
          for (size_t i = x.size() - 1; i >= 2; step *= x[i--], a /= y[i + 1], b /= w[i + 1]) {
            const long s = a % y[i] * c.stride[i - 2] + b % w[i] * c.dilation[i - 2] - c.padding[i - 2];
            in = in && s >= 0 && s < x[i];
            at += s * step;
          }
          if (!in) continue;
          for (int d = 0; d < w[1]; d++)
            f(((long)n * x[1] + k / each * w[1] + d) * inside + at, ((long)k * w[1] + d) * taps + r, ((long)n * y[1] + k) * places + p);
        }
}

// Which array is computed: 0 is y, 1 is x, 2 is w.
template <class T> static int run(int which, const Convolution &c, const Shape &xs, const Shape &ws, const Shape &ys, void *x, void *w, void *y, void *work) {
  void *const out[] = {y, x, w};
  const long size = sizeOf(which == 0 ? ys : which == 1 ? xs : ws);
  const int bits = c.math == 0 && sizeof(T) == 4 ? 13 : 0;  // TF32
  void *target = out[which];
  int refused = onStream({x, w, y, work}, [=] {
    if (work != nullptr) memset(work, 0x77, wanted);
    std::vector<double> sums(size, 0);
    auto of = [=](void *array, long i) { return (double)reference::rounded(((T *)array)[i], bits); };
    products(c, xs, ws, ys, [&](long i, long j, long k) {
      if (which == 0) sums[k] += of(x, i) * of(w, j);
      if (which == 1) sums[i] += of(y, k) * of(w, j);
      if (which == 2) sums[j] += of(y, k) * of(x, i);
    });
    for (long i = 0; i < size; i++) ((T *)target)[i] = (T)sums[i];
    return 0;
  });
  ran[which]++;
  return refused == 0 ? 0 : failed;
}
static int convolve(int which, void *of, void *x, const void *xs, void *w, const void *ws, void *y, const void *ys, int algorithm, void *work,
                    size_t bytes, const void *alpha, const void *beta) {
  const Convolution c = *(Convolution *)of;
  const Tensor &a = *(Tensor *)xs, &b = *(Tensor *)ys;
  const Filter &f = *(Filter *)ws;
  if (!fits(of, (void *)xs, (void *)ws, (void *)ys) || b.type != a.type) return bad;
  if (which == 0 ? algorithm != 0 && algorithm != 1 : algorithm != 1) return unsupported;
  if (!(which == 0 && algorithm == 0) && (work == nullptr || bytes < wanted)) return bad;
  const bool plain = a.type == 0 ? *(float *)alpha == 1 && *(float *)beta == 0 : *(double *)alpha == 1 && *(double *)beta == 0;
  if (!plain) return bad;
  return a.type == 0 ? run<float>(which, c, a.shape, f.shape, b.shape, x, w, y, work) : run<double>(which, c, a.shape, f.shape, b.shape, x, w, y, work);
}
API int cudnnConvolutionForward(void *, const void *alpha, void *xs, void *x, void *ws, void *w, void *c, int algorithm, void *work, size_t bytes,
                                const void *beta, void *ys, void *y) {
  return convolve(0, c, x, xs, w, ws, y, ys, algorithm, work, bytes, alpha, beta);
}
API int cudnnConvolutionBackwardData(void *, const void *alpha, void *ws, void *w, void *ys, void *y, void *c, int algorithm, void *work,
                                     size_t bytes, const void *beta, void *xs, void *x) {
  return convolve(1, c, x, xs, w, ws, y, ys, algorithm, work, bytes, alpha, beta);
}
API int cudnnConvolutionBackwardFilter(void *, const void *alpha, void *xs, void *x, void *ys, void *y, void *c, int algorithm, void *work,
                                       size_t bytes, const void *beta, void *ws, void *w) {
  return convolve(2, c, x, xs, w, ws, y, ys, algorithm, work, bytes, alpha, beta);
}
