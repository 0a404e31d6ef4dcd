/**
 * Functions of CUDA C that kernels call beyond the card's own: rules at special values, and functions that the card does not have.
 *
 * The formulas of digamma, polygamma and erfinv are those of the CPU backend, with its coefficients; see `@curv/tensor`, `cpu/math`.
 * float32 forms of these compute in float64 and round once.
 */

const device = "__device__ __forceinline__";
const infinity = "__longlong_as_double(0x7ff0000000000000LL)";
const nan = "__longlong_as_double(0x7ff8000000000000LL)";

/** In an order in which each comes after what it calls. */
const functions: Readonly<Record<string, string>> = {
  curv_negative: `${device} bool curv_negative(float x) { return __float_as_int(x) < 0; }
${device} bool curv_negative(double x) { return __double_as_longlong(x) < 0; }`,
  // NaN if either is; +0 is larger than −0.
  curv_max: `template <class T> ${device} T curv_max(T x, T y) {
  return x > y ? x : y > x ? y : x == y ? (curv_negative(x) ? y : x) : x + y;
}`,
  curv_min: `template <class T> ${device} T curv_min(T x, T y) {
  return x < y ? x : y < x ? y : x == y ? (curv_negative(x) ? x : y) : x + y;
}`,
  curv_fmod: `${device} float curv_fmod(float x, float y) { return fmodf(x, y); }
${device} double curv_fmod(double x, double y) { return fmod(x, y); }`,
  curv_floor: `${device} float curv_floor(float x) { return floorf(x); }
${device} double curv_floor(double x) { return floor(x); }`,
  curv_mod: `template <class T> ${device} T curv_mod(T x, T y) {
  const T r = curv_fmod(x, y);
  if (r == T(0)) return curv_negative(y) ? -T(0) : T(0);
  return (r < T(0)) != (y < T(0)) ? r + y : r;
}`,
  // From the exact remainder, so that 1 // 0.1 is 9.
  curv_floor_div: `template <class T> ${device} T curv_floor_div(T x, T y) {
  if (y == T(0)) return x / y;
  const T r = curv_fmod(x, y);
  const T q = (x - r) / y - (r != T(0) && (r < T(0)) != (y < T(0)) ? T(1) : T(0));
  const T f = curv_floor(q);
  return q == T(0) ? T(0) * (x / y) : q - f > T(0.5) ? f + T(1) : f;
}`,
  // Integers: a zero divisor gives 0; the least number by −1 wraps.
  curv_irem: `${device} int curv_irem(int x, int y) { return y == 0 || y == -1 ? 0 : x % y; }
${device} unsigned int curv_irem(unsigned int x, unsigned int y) { return y == 0u ? 0u : x % y; }`,
  curv_imod: `${device} int curv_imod(int x, int y) {
  const int r = curv_irem(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
${device} unsigned int curv_imod(unsigned int x, unsigned int y) { return curv_irem(x, y); }`,
  curv_ifloor_div: `${device} int curv_ifloor_div(int x, int y) {
  if (y == 0) return 0;
  if (y == -1) return (int)(0u - (unsigned int)x);
  return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0);
}
${device} unsigned int curv_ifloor_div(unsigned int x, unsigned int y) { return y == 0u ? 0u : x / y; }`,
  curv_ipow: `${device} unsigned int curv_ipow(unsigned int x, unsigned int n) {
  unsigned int r = 1u;
  for (unsigned int m = n; m > 0u; m >>= 1) {
    if (m & 1u) r *= x;
    x *= x;
  }
  return r;
}
${device} int curv_ipow(int x, int n) { return n < 0 ? 0 : (int)curv_ipow((unsigned int)x, (unsigned int)n); }`,
  curv_pow: `${device} float curv_pow(float x, float y) { return powf(x, y); }
${device} double curv_pow(double x, double y) { return pow(x, y); }`,
  curv_squaring: `template <class T> ${device} T curv_squaring(T x, int n) {
  T y = n & 1 ? x : T(1);
  T b = x;
  for (int m = n >> 1; m > 0; m >>= 1) {
    b *= b;
    if (m & 1) y *= b;
  }
  return y;
}`,
  // By squaring up to |n| = 16; a negative power is the reciprocal of the positive one where that is a normal number.
  curv_power: `${device} float curv_power(float x, int n) {
  const int m = n < 0 ? -n : n;
  if (m > 16) return curv_pow(x, (float)n);
  const float y = curv_squaring(x, m);
  if (n >= 0) return y;
  const float a = fabsf(y);
  return a >= 1.1754943508222875e-38f && a <= 3.4028234663852886e38f ? 1.0f / y : curv_squaring(1.0f / x, m);
}
${device} double curv_power(double x, int n) {
  const int m = n < 0 ? -n : n;
  if (m > 16) return curv_pow(x, (double)n);
  const double y = curv_squaring(x, m);
  if (n >= 0) return y;
  const double a = fabs(y);
  return a >= 2.2250738585072014e-308 && a <= 1.7976931348623157e308 ? 1.0 / y : curv_squaring(1.0 / x, m);
}`,
  curv_sigmoid: `${device} float curv_sigmoid(float x) { const float t = expf(-fabsf(x)); return (x < 0.0f ? t : 1.0f) / (1.0f + t); }
${device} double curv_sigmoid(double x) { const double t = exp(-fabs(x)); return (x < 0.0 ? t : 1.0) / (1.0 + t); }`,
  curv_softplus: `${device} float curv_softplus(float x) { return (x < 0.0f ? 0.0f : x) + log1pf(expf(-fabsf(x))); }
${device} double curv_softplus(double x) { return (x < 0.0 ? 0.0 : x) + log1p(exp(-fabs(x))); }`,
  curv_to_int: `${device} int curv_to_int(double x) {
  return x >= 2147483647.0 ? 2147483647 : x <= -2147483648.0 ? -2147483647 - 1 : x != x ? 0 : (int)x;
}`,
  curv_to_uint: `${device} unsigned int curv_to_uint(double x) {
  return x >= 4294967295.0 ? 4294967295u : x > 0.0 ? (unsigned int)x : 0u;
}`,
  curv_next: `${device} float curv_next(float x, float y) {
  if (x != x || y != y) return x + y;
  if (x == y) return y;
  if (x == 0.0f) return __int_as_float(y > 0.0f ? 1 : (int)0x80000001u);
  return __int_as_float(__float_as_int(x) + ((x < y) == (x > 0.0f) ? 1 : -1));
}
${device} double curv_next(double x, double y) {
  if (x != x || y != y) return x + y;
  if (x == y) return y;
  if (x == 0.0) return __longlong_as_double(y > 0.0 ? 1LL : (long long)0x8000000000000001ULL);
  return __longlong_as_double(__double_as_longlong(x) + ((x < y) == (x > 0.0) ? 1 : -1));
}`,
  curv_erfinv: `${device} double curv_erfinv(double x) {
  const double a = fabs(x);
  if (!(a >= 0.75)) {
    if (x == 0.0) return x;
    const double t = 0.5625 - x * x;
    const double p = 0.08455979679682468 + t * (-0.03983403644951729 + t * (-1.6040871874684945 + t * (-3.5931072500847616 + t * (-2.8524164985415528 + t * (-0.8094105507720878 + t * -0.055775501413893834)))));
    const double q = 1.0 + t * (6.182361977030455 + t * (14.220213860495262 + t * (15.029673242479966 + t * (7.282321819560359 + t * (1.3943808593059035 + t * 0.0676945492907677)))));
    return x + x * (p / q);
  }
  if (a == 1.0) return x * ${infinity};
  const double s = sqrt(-log(1.0 - a));
  const double t = s - 1.15;
  const double p = -0.36423998420447823 + t * (-1.0244275092255002 + t * (-1.1844831010236765 + t * (-0.7169942452480258 + t * (-0.23421996478893617 + t * (-0.03875759698126032 + t * (-0.002727184843759597 + t * (-5.595523195016988e-5 + t * -5.706825735632649e-8)))))));
  const double q = 1.0 + t * (2.8319188472816847 + t * (3.517304196574895 + t * (2.418893252492072 + t * (0.9733223530876037 + t * (0.22347022028071512 + t * (0.0266849817343183 + t * (0.0013634218024011647 + t * 1.943194746388727e-5)))))));
  const double y = s + p / q;
  return x < 0.0 ? -y : y;
}`,
  curv_cot_pi: `${device} double curv_cot_pi(double a) {
  // cot has period 1, and the nearest integer is taken off exactly; beyond a quarter it is the tangent of what is left to a half.
  const double pi = 3.14159265358979323846, r = a - rint(a);
  return r > 0.25 ? tan(pi * (0.5 - r)) : r < -0.25 ? -tan(pi * (0.5 + r)) : 1.0 / tan(pi * r);
}`,
  curv_digamma: `${device} double curv_digamma_centre(double t) {
  const double p = 1.2503801375034054 + t * (1.9498456036594 + t * (1.084485810523111 + t * (0.26772612385290745 + t * (0.02898871122753205 + t * (0.0011013106827647279 + t * (3.894284764409974e-6 + t * -2.845133404891948e-8))))));
  const double q = 1.0 + t * (2.242949068161724 + t * (1.7986939711386347 + t * (0.6652781785028306 + t * (0.11872575481766111 + t * (0.009439619274774514 + t * 0.00024713153718790174)))));
  return (t - 0.46163214496836236 + 1.5522348162858677e-17) * (p / q);
}
static __device__ double curv_digamma_positive(double x) {
  if (x < 1.0) return curv_digamma_centre(x) - 1.0 / x;
  if (x >= 8.0) {
    const double u = 1.0 / x;
    const double z = u * u;
    const double s = 0.08333333333333288 + z * (-0.008333333331227035 + z * (0.003968252371965597 + z * (-0.0041662228024247835 + z * (0.00751946214674835 + z * -0.017720683244722046))));
    return log(x) - (0.5 * u + z * s);
  }
  double sum = 0.0, y = x;
  while (y >= 3.0) {
    y -= 1.0;
    sum += 1.0 / y;
  }
  return sum + curv_digamma_centre(y - 1.0);
}
static __device__ double curv_digamma(double x) {
  if (x > 0.0) return curv_digamma_positive(x);
  if (x == 0.0) return -1.0 / x;
  const double a = -x;
  if (!(floor(a) != a)) return ${nan};
  return (a < 2.0 ? curv_digamma_centre(a) : curv_digamma_positive(a) + 1.0 / a) + 3.14159265358979323846 * curv_cot_pi(a);
}`,
  // Derivatives of psi: terms one by one up to 12 + 2n, the rest by Euler-Maclaurin; left of 0 by reflection.
  curv_polygamma: `static __device__ double curv_scaled_power(int n, double y) {
  const double u = 1.0 / y;
  double term = u;
  for (int j = 1; j <= n; j++) term *= j * u;
  return term;
}
static __device__ double curv_zeta_sum(int n, double x) {
  double y = x, sum = 0.0;
  while (y < 12 + 2 * n) {
    sum += curv_scaled_power(n, y);
    y += 1.0;
  }
  const double z = 1.0 / (y * y);
  double term = ((n + 1) * z) / 12.0, tail = term;
  term *= -(double)(n + 2) * (n + 3) * z * 0.016666666666666666;
  tail += term;
  term *= -(double)(n + 4) * (n + 5) * z * 0.023809523809523808;
  tail += term;
  term *= -(double)(n + 6) * (n + 7) * z * 0.025;
  tail += term;
  term *= -(double)(n + 8) * (n + 9) * z * 0.025252525252525252;
  tail += term;
  term *= -(double)(n + 10) * (n + 11) * z * 0.025311355311355312;
  tail += term;
  term *= -(double)(n + 12) * (n + 13) * z * 0.025325615050651228;
  tail += term;
  return sum + n * curv_scaled_power(n - 1, y) * (1.0 / n + (0.5 / y + tail));
}
static __device__ double curv_polygamma(int n, double x) {
  const bool odd = n % 2 == 1;
  const double infinity = ${infinity}, nan = ${nan};
  if (x == infinity) return odd ? 0.0 : -0.0;
  if (x == 0.0) return odd ? infinity : -1.0 / x;
  if (x < 0.0 && floor(x) == x) return odd && x > -infinity ? infinity : nan;
  if (odd ? !(x < -16.0) : !(x < 0.0)) return odd ? curv_zeta_sum(n, x) : -curv_zeta_sum(n, x);
  // d^n/dx^n cot(pi x) = pi^n Q_n(cot), Q_0 = c, Q_(n+1) = -(1 + c^2) Q_n'
  const double c = -curv_cot_pi(-x);
  double q[16] = {0.0, 1.0};
  for (int k = 0; k < n; k++) {
    double next[16] = {};
    for (int i = 1; i < k + 2; i++) {
      next[i - 1] -= i * q[i];
      next[i + 1] -= i * q[i];
    }
    for (int i = 0; i < 16; i++) q[i] = next[i];
  }
  double value = 0.0;
  for (int i = n + 1; i >= 0; i--) value = value * c + q[i];
  return -curv_zeta_sum(n, 1.0 - x) - curv_power(3.14159265358979323846, n + 1) * value;
}`,
  // threefry2x32, 20 rounds: Salmon et al. (2011). The first word is the low half.
  curv_threefry: `static __device__ unsigned long long curv_threefry(unsigned int k0, unsigned int k1, unsigned int x0, unsigned int x1) {
  const unsigned int k2 = k0 ^ k1 ^ 0x1bd11bdau;
  const int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  x0 += k0;
  x1 += k1;
#pragma unroll
  for (int g = 0; g < 5; g++) {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      const int by = rotations[4 * (g & 1) + r];
      x0 += x1;
      x1 = ((x1 << by) | (x1 >> (32 - by))) ^ x0;
    }
    x0 += g % 3 == 0 ? k1 : g % 3 == 1 ? k2 : k0;
    x1 += (g % 3 == 0 ? k2 : g % 3 == 1 ? k0 : k1) + (unsigned int)(g + 1);
  }
  return (unsigned long long)x1 << 32 | x0;
}`,
};

/** The functions that `text` calls, and those that they call, in order. */
export function preludeFor(text: string): string {
  const needed = new Set<string>();
  const visit = (code: string): void => {
    for (const [word] of code.matchAll(/\bcurv_[a-z_]+\b/g)) {
      if (word in functions && !needed.has(word)) {
        needed.add(word);
        visit(functions[word]);
      }
    }
  };
  visit(text);
  return Object.keys(functions)
    .filter((name) => needed.has(name))
    .map((name) => `${functions[name]}\n`)
    .join("");
}
