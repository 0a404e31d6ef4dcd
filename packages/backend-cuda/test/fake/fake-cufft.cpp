// cuFFT's names over the definition of the transform. Plans have cuFFT's life: made, given work space, executed on their stream.
#include "stream.h"
#include <cmath>
#include <cstddef>
#include <map>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))
// Major, minor, patch.
API int cufftGetProperty(int type, int *value) { static const int version[] = {12, 0, 0}; *value = version[type]; return 0; }

struct Plan { long long n = 0, batch = 0; int type = 0; void *stream = nullptr, *work = nullptr; bool automatic = true; };
static std::map<int, Plan> plans;
static int made = 0;

API int cufftGetVersion(int *version) { *version = 12000; return 0; }
API int cufftCreate(int *plan) { *plan = ++made; plans[made] = {}; return 0; }
API int cufftDestroy(int plan) { return plans.erase(plan) == 1 ? 0 : 1; }
API int cufftSetStream(int plan, void *stream) { plans.at(plan).stream = stream; return 0; }
API int cufftSetAutoAllocation(int plan, int automatic) { plans.at(plan).automatic = automatic != 0; return 0; }
API int cufftSetWorkArea(int plan, void *work) { plans.at(plan).work = work; return 0; }
API int cufftMakePlanMany64(int plan, int rank, long long *n, long long *, long long, long long idist, long long *, long long, long long odist,
                            int type, long long batch, size_t *size) {
  if (plans.count(plan) == 0) return 1;
  const long long half = *n / 2 + 1;
  const int kind = type & 0xf;  // 9: complex; a: of real numbers; c: to real numbers
  if (rank != 1 || (type >> 4 != 2 && type >> 4 != 6) || (kind != 0x9 && kind != 0xa && kind != 0xc)) return 4;
  if (idist != (kind == 0xc ? half : *n) || odist != (kind == 0xa ? half : *n)) return 4;
  plans[plan].n = *n;
  plans[plan].batch = batch;
  plans[plan].type = type;
  *size = *n > 4 ? 16 * *n : 0;
  return 0;
}

template <class T> static int execute(int plan, int type, T *in, T *out, int direction) {
  if (plans.count(plan) == 0) return 1;
  const Plan p = plans[plan];
  if (p.type != type) return 3;
  if (p.n > 4 && !p.automatic && p.work == nullptr) return 13;
  int refused = onStream({in, out, p.work}, [=] {
    const double turn = direction * 2 * 3.14159265358979323846 / p.n;
    std::vector<T> z(2 * p.n);
    for (long long line = 0; line < p.batch; line++) {
      const T *x = in + 2 * p.n * line;
      for (long long k = 0; k < p.n; k++) {
        double re = 0, im = 0;
        for (long long j = 0; j < p.n; j++) {
          const double angle = turn * (double)(j * k % p.n), c = cos(angle), s = sin(angle);
          re += x[2 * j] * c - x[2 * j + 1] * s;
          im += x[2 * j] * s + x[2 * j + 1] * c;
        }
        z[2 * k] = (T)re;
        z[2 * k + 1] = (T)im;
      }
      for (long long k = 0; k < 2 * p.n; k++) out[2 * p.n * line + k] = z[k];
    }
    return 0;
  });
  return refused == 0 ? 0 : 6;
}
API int cufftExecC2C(int plan, float *in, float *out, int direction) { return execute(plan, 0x29, in, out, direction); }
API int cufftExecZ2Z(int plan, double *in, double *out, int direction) { return execute(plan, 0x69, in, out, direction); }

// Real numbers to the first half of their transform, which goes forward.
template <class T> static int executeOfReal(int plan, int type, T *in, T *out) {
  if (plans.count(plan) == 0) return 1;
  const Plan p = plans[plan];
  if (p.type != type) return 3;
  if ((size_t)in % 8 != 0) return 4;
  if (p.n > 4 && !p.automatic && p.work == nullptr) return 13;
  int refused = onStream({in, out, p.work}, [=] {
    for (long long line = 0; line < p.batch; line++)
      for (long long k = 0; k <= p.n / 2; k++) {
        double re = 0, im = 0;
        for (long long j = 0; j < p.n; j++) {
          const double angle = -2 * 3.14159265358979323846 * (double)(j * k % p.n) / p.n;
          re += in[p.n * line + j] * cos(angle);
          im += in[p.n * line + j] * sin(angle);
        }
        T *z = out + 2 * ((p.n / 2 + 1) * line + k);
        z[0] = (T)re;
        z[1] = (T)im;
      }
    return 0;
  });
  return refused == 0 ? 0 : 6;
}
API int cufftExecR2C(int plan, float *in, float *out) { return executeOfReal(plan, 0x2a, in, out); }
API int cufftExecD2Z(int plan, double *in, double *out) { return executeOfReal(plan, 0x6a, in, out); }

// The first half of a conjugate symmetric spectrum to real numbers, back and unscaled. The imaginary parts of values that are their own mirror
// image are ignored, and the input is destroyed.
template <class T> static int executeToReal(int plan, int type, T *in, T *out) {
  if (plans.count(plan) == 0) return 1;
  const Plan p = plans[plan];
  if (p.type != type) return 3;
  if (p.n > 4 && !p.automatic && p.work == nullptr) return 13;
  int refused = onStream({in, out, p.work}, [=] {
    for (long long line = 0; line < p.batch; line++) {
      T *z = in + 2 * (p.n / 2 + 1) * line;
      for (long long j = 0; j < p.n; j++) {
        double sum = z[0];
        for (long long k = 1; k <= p.n / 2; k++) {
          const double angle = 2 * 3.14159265358979323846 * (double)(j * k % p.n) / p.n;
          sum += 2 * k == p.n ? z[2 * k] * cos(angle) : 2 * (z[2 * k] * cos(angle) - z[2 * k + 1] * sin(angle));
        }
        out[p.n * line + j] = (T)sum;
      }
      for (long long k = 0; k < 2 * (p.n / 2 + 1); k++) z[k] = (T)NAN;
    }
    return 0;
  });
  return refused == 0 ? 0 : 6;
}
API int cufftExecC2R(int plan, float *in, float *out) { return executeToReal(plan, 0x2c, in, out); }
API int cufftExecZ2D(int plan, double *in, double *out) { return executeToReal(plan, 0x6c, in, out); }
