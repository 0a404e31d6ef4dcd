// What a generated kernel finds when g++ compiles it for the fake card: the part of CUDA C that the generator uses, and nothing else.
// A kernel that needs more than this file does not compile in the tests, which is how the generator's list is kept.
#pragma once

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define __align__(n) __attribute__((aligned(n)))
#define CURV_FAKE 1

typedef unsigned long size_t;
struct float4 { float x, y, z, w; } __attribute__((aligned(16)));
struct double2 { double x, y; } __attribute__((aligned(16)));
struct int4 { int x, y, z, w; } __attribute__((aligned(16)));
struct uint4 { unsigned x, y, z, w; } __attribute__((aligned(16)));
struct Dim3 { unsigned x, y, z; };

// Shared with the fake driver, which sets curv_rt when it loads the module.
struct FakeRuntime {
  Dim3 threadIdx, blockIdx, blockDim, gridDim;
  void (*barrier)();
  const unsigned long long *(*exchange)(unsigned long long value, unsigned mask);
};
extern "C" { FakeRuntime *curv_rt; }
#define threadIdx (curv_rt->threadIdx)
#define blockIdx (curv_rt->blockIdx)
#define blockDim (curv_rt->blockDim)
#define gridDim (curv_rt->gridDim)

inline void __syncthreads() { curv_rt->barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { curv_rt->exchange(0, mask); }
inline unsigned curv_lane() { return threadIdx.x & 31u; }

template <class T> inline T curv_shuffle(unsigned mask, T v, unsigned source) {
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &v, sizeof(T));
  const unsigned long long *all = curv_rt->exchange(bits, mask);
  T out = v;
  // A lane that is not there leaves the value as it was.
  if (source < 32 && (mask >> source & 1u)) __builtin_memcpy(&out, &all[source], sizeof(T));
  return out;
}
template <class T> inline T __shfl_sync(unsigned mask, T v, int source) { return curv_shuffle(mask, v, (unsigned)source & 31u); }
template <class T> inline T __shfl_xor_sync(unsigned mask, T v, int other) { return curv_shuffle(mask, v, curv_lane() ^ (unsigned)other); }
template <class T> inline T __shfl_down_sync(unsigned mask, T v, unsigned by) { return curv_shuffle(mask, v, curv_lane() + by); }
template <class T> inline T __shfl_up_sync(unsigned mask, T v, unsigned by) { return curv_shuffle(mask, v, curv_lane() - by); }
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const unsigned long long *all = curv_rt->exchange(predicate != 0, mask);
  unsigned out = 0;
  for (int i = 0; i < 32; i++) if ((mask >> i & 1u) && all[i]) out |= 1u << i;
  return out;
}

extern "C" {
#define CURV_UNARY(name) double name(double); float name##f(float);
CURV_UNARY(exp) CURV_UNARY(exp2) CURV_UNARY(expm1) CURV_UNARY(log) CURV_UNARY(log1p) CURV_UNARY(log2) CURV_UNARY(log10)
CURV_UNARY(sqrt) CURV_UNARY(cbrt) CURV_UNARY(sin) CURV_UNARY(cos) CURV_UNARY(tan) CURV_UNARY(asin) CURV_UNARY(acos)
CURV_UNARY(atan) CURV_UNARY(sinh) CURV_UNARY(cosh) CURV_UNARY(tanh) CURV_UNARY(asinh) CURV_UNARY(acosh) CURV_UNARY(atanh)
CURV_UNARY(erf) CURV_UNARY(erfc) CURV_UNARY(lgamma) CURV_UNARY(floor) CURV_UNARY(ceil) CURV_UNARY(rint) CURV_UNARY(trunc) CURV_UNARY(fabs)
#define CURV_BINARY(name) double name(double, double); float name##f(float, float);
CURV_BINARY(pow) CURV_BINARY(atan2) CURV_BINARY(fmod) CURV_BINARY(nextafter) CURV_BINARY(copysign)
double fma(double, double, double); float fmaf(float, float, float);
double ldexp(double, int);
}
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrtf(float x) { return (float)(1.0 / sqrt((double)x)); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }

template <class To, class From> inline To curv_bits(From v) { To out; __builtin_memcpy(&out, &v, sizeof(To)); return out; }
inline float __int_as_float(int v) { return curv_bits<float>(v); }
inline int __float_as_int(float v) { return curv_bits<int>(v); }
inline unsigned __float_as_uint(float v) { return curv_bits<unsigned>(v); }
inline float __uint_as_float(unsigned v) { return curv_bits<float>(v); }
inline double __longlong_as_double(long long v) { return curv_bits<double>(v); }
inline long long __double_as_longlong(double v) { return curv_bits<long long>(v); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }

// Calls a kernel with arguments that stand behind an array of pointers, as cuLaunchKernel gets them.
template <size_t... I> struct CurvSequence {};
template <class... A, size_t... I> inline void curv_apply(void (*kernel)(A...), void **p, CurvSequence<I...>) {
  kernel(*(A *)p[I]...);
}
template <class... A> inline void curv_call(void (*kernel)(A...), void **p) {
  curv_apply(kernel, p, CurvSequence<__integer_pack(sizeof...(A))...>());
}
// Sizes of the arguments, which the driver needs to keep them for a graph.
template <class... A> inline int curv_sizes(void (*)(A...), unsigned *sizes) {
  const unsigned all[] = {(unsigned)sizeof(A)..., 0};
  for (unsigned i = 0; i < sizeof...(A); i++) sizes[i] = all[i];
  return (int)sizeof...(A);
}
