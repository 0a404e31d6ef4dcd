/**
 * Elementary functions in the subset of JavaScript that gpu.js compiles for every mode, from + − × ÷ √ ⌊⌋ and comparisons alone.
 *
 * A GPU's own exp, log, tanh, sin lose up to half of their digits and turn NaN and infinities into numbers, and WGSL allows it. These are
 * the polynomials of the CPU backend's float32 functions (see `cpu/math` of @curv/tensor), rounded by the hardware at each step instead of
 * by Math.fround; what there is read from the bits of a number is found here by comparisons.
 *
 * Nothing is said of the sign of zero; NaN stays NaN because it fails every comparison.
 */

import type { Definition } from "./source-functions.js";

export const portableMath: readonly Definition[] = [
  // 2ⁿ for −126 ≤ n ≤ 127, exact.
  [
    "c_pow2",
    ["n"],
    `
  let m = Math.abs(n);
  let b = 2.0;
  if (n < 0.0) { b = 0.5; }
  let r = 1.0;
  for (let i = 0; i < 7; i++) {
    let half = Math.floor(m * 0.5);
    if (m - half * 2.0 > 0.5) { r = r * b; }
    m = half;
    b = b * b;
  }
  return r;`,
  ],
  // x·2ⁿ for any integer n with |n| < 252, rounded once.
  [
    "c_ldexp",
    ["x", "n"],
    `
  let h = Math.floor(n * 0.5);
  return x * c_pow2(h) * c_pow2(n - h);`,
  ],
  // The k with x·2⁻ᵏ in [√½, √2), for normal x > 0.
  [
    "c_exponent",
    ["x"],
    `
  let m = x;
  let k = 0.0;
  if (m >= 18446744073709552000.0) { m = m * 5.421010862427522e-20; k = k + 64.0; }
  if (m >= 4294967296.0) { m = m * 2.3283064365386963e-10; k = k + 32.0; }
  if (m >= 65536.0) { m = m * 0.0000152587890625; k = k + 16.0; }
  if (m >= 256.0) { m = m * 0.00390625; k = k + 8.0; }
  if (m >= 16.0) { m = m * 0.0625; k = k + 4.0; }
  if (m >= 4.0) { m = m * 0.25; k = k + 2.0; }
  if (m >= 2.0) { m = m * 0.5; k = k + 1.0; }
  if (m < 5.421010862427522e-20) { m = m * 18446744073709552000.0; k = k - 64.0; }
  if (m < 2.3283064365386963e-10) { m = m * 4294967296.0; k = k - 32.0; }
  if (m < 0.0000152587890625) { m = m * 65536.0; k = k - 16.0; }
  if (m < 0.00390625) { m = m * 256.0; k = k - 8.0; }
  if (m < 0.0625) { m = m * 16.0; k = k - 4.0; }
  if (m < 0.25) { m = m * 4.0; k = k - 2.0; }
  if (m < 0.5) { m = m * 2.0; k = k - 1.0; }
  if (m < 1.0) { m = m * 2.0; k = k - 1.0; }
  if (m > 1.4142135381698608) { k = k + 1.0; }
  return k;`,
  ],
  // eʳ − 1 for |r| ≤ 0.35.
  [
    "c_expTail",
    ["r"],
    `
  let z = r * r;
  let even = 0.5 + z * (0.04166637361049652 + z * 0.0013941124780103564);
  let odd = 0.16666576266288757 + z * 0.008363181725144386;
  return z * (even + r * odd);`,
  ],
  [
    "c_exp",
    ["x"],
    `
  let a = x;
  if (a > 89.0) { a = 89.0; }
  if (a < -104.0) { a = -104.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let r = (a - n * 0.693359375) - n * -0.00021219444170128554;
  let y = c_ldexp(1.0 + (r + c_expTail(r)), n);
  if (x < -103.97207641601562) { y = 0.0; }
  return y;`,
  ],
  [
    "c_exp2",
    ["x"],
    `
  let a = x;
  if (a > 129.0) { a = 129.0; }
  if (a < -151.0) { a = -151.0; }
  let n = Math.floor(a + 0.5);
  let r = (a - n) * 0.6931471824645996;
  return c_ldexp(1.0 + (r + c_expTail(r)), n);`,
  ],
  // 2ⁿ(1 + p) − 1 = (2^n1·p + (2^n1 − 2^−n2))·2^n2 with n1 + n2 = n.
  [
    "c_expm1",
    ["x"],
    `
  let a = x;
  if (a > 89.0) { a = 89.0; }
  if (a < -25.0) { a = -25.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let h = a - n * 0.693359375;
  let l = n * -0.00021219444170128554;
  let r = h - l;
  let p = r + (c_expTail(r) + ((h - r) - l));
  let n1 = Math.floor(n * 0.5);
  let n2 = n - n1;
  let s = c_pow2(n1);
  return (s * p + (s - c_pow2(-n2))) * c_pow2(n2);`,
  ],
  // f − log(1 + f) for √½ ≤ 1 + f < √2.
  [
    "c_logTail",
    ["f"],
    `
  let s = f / (2.0 + f);
  let z = s * s;
  let r = 0.6666668653488159 + z * (0.39988696575164795 + z * 0.2958308756351471);
  return s * (f - z * r);`,
  ],
  // Logarithms of what is not in (0, ∞): −Infinity at 0, NaN below, Infinity and NaN as they are.
  [
    "c_logOutside",
    ["x"],
    `
  let y = x;
  if (x === 0.0) { y = -1.0 / (x * x); }
  if (x < 0.0) { y = (x - x) / (x - x); }
  return y;`,
  ],
  [
    "c_log",
    ["x"],
    `
  if (!(x > 0.0 && x <= 3.4028234663852886e38)) { return c_logOutside(x); }
  let a = x;
  let shift = 0.0;
  if (x < 1e-19) { a = x * 18446744073709552000.0; shift = 64.0; }
  let k = c_exponent(a);
  let f = c_ldexp(a, -k) - 1.0;
  k = k - shift;
  return k * 0.693359375 - ((c_logTail(f) - k * -0.00021219444170128554) - f);`,
  ],
  [
    "c_log2",
    ["x"],
    `
  if (!(x > 0.0 && x <= 3.4028234663852886e38)) { return c_logOutside(x); }
  let a = x;
  let shift = 0.0;
  if (x < 1e-19) { a = x * 18446744073709552000.0; shift = 64.0; }
  let k = c_exponent(a);
  let f = c_ldexp(a, -k) - 1.0;
  return (k - shift) + (f - c_logTail(f)) * 1.4426950216293335;`,
  ],
  [
    "c_log10",
    ["x"],
    `
  if (!(x > 0.0 && x <= 3.4028234663852886e38)) { return c_logOutside(x); }
  let a = x;
  let shift = 0.0;
  if (x < 1e-19) { a = x * 18446744073709552000.0; shift = 64.0; }
  let k = c_exponent(a);
  let f = c_ldexp(a, -k) - 1.0;
  k = k - shift;
  return k * 0.301025390625 + ((f - c_logTail(f)) * 0.4342944920063019 + k * 0.000004605039066518657);`,
  ],
  // log(u) + (x − (u − 1))/u with u = 1 + x, the correction added to the low part.
  [
    "c_log1p",
    ["x"],
    `
  let u = 1.0 + x;
  if (!(u > 0.0 && u <= 3.4028234663852886e38)) { return c_logOutside(u); }
  if (Math.abs(x) < 1e-8) { return x; }
  let k = c_exponent(u);
  let f = c_ldexp(u, -k) - 1.0;
  let lost = x - (u - 1.0);
  if (x > 1.0) { lost = 1.0 - (u - x); }
  let low = k * -0.00021219444170128554 + lost / u;
  return k * 0.693359375 - ((c_logTail(f) - low) - f);`,
  ],
  ["c_rsqrt", ["x"], `return 1.0 / Math.sqrt(x);`],
  // |x| = 2^(3q)·m with 1 ≤ m < 8 or so; one step of a cubic iteration from a polynomial.
  [
    "c_cbrt",
    ["x"],
    `
  let a = Math.abs(x);
  if (!(a > 0.0 && a <= 3.4028234663852886e38)) { return x; }
  let lift = 0.0;
  if (a < 1e-30) { a = a * 16777216.0; lift = 8.0; }
  let k = c_exponent(a);
  let q = Math.floor((k + 0.5) / 3.0);
  let m = c_ldexp(a, -3.0 * q);
  let t = 1.0;
  if (m >= 1.4142135381698608) { t = 1.2599210739135742; m = m * 0.5; }
  let scale = t;
  if (m >= 1.4142135381698608) { scale = 1.587401032447815; m = m * 0.5; }
  let y = 0.3954 + m * (0.7894 + m * -0.1848);
  let d = (m - y * y * y) / (y * y * y);
  y = y + y * (d * (0.3333333432674408 + d * -0.1111111119389534));
  d = (m - y * y * y) / (y * y * y);
  y = y + y * (d * 0.3333333432674408);
  y = c_ldexp(y * scale, q - lift);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_sigmoid",
    ["x"],
    `
  let t = c_exp(-Math.abs(x));
  let y = 1.0;
  if (x < 0.0) { y = t; }
  return y / (1.0 + t);`,
  ],
  [
    "c_softplus",
    ["x"],
    `
  let y = x;
  if (x < 0.0) { y = 0.0; }
  return y + c_log1p(c_exp(-Math.abs(x)));`,
  ],
  [
    "c_sinh",
    ["x"],
    `
  let a = Math.abs(x);
  if (a < 1.0) {
    let z = x * x;
    return x + (x * z) * (0.1666671633720398 + z * (0.008330270648002625 + z * 0.00020373340521473438));
  }
  let h = c_halfExp(a);
  let y = h - 0.25 / h;
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // ½eˣ for x ≥ 0, finite for as long as cosh is.
  [
    "c_halfExp",
    ["x"],
    `
  let a = x;
  if (a > 90.0) { a = 90.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let r = (a - n * 0.693359375) - n * -0.00021219444170128554;
  return c_ldexp(1.0 + (r + c_expTail(r)), n - 1.0);`,
  ],
  ["c_cosh", ["x"], `let h = c_halfExp(Math.abs(x));\n  return h + 0.25 / h;`],
  [
    "c_tanh",
    ["x"],
    `
  let a = Math.abs(x);
  if (a > 10.0) { a = 10.0; }
  let e = c_expm1(2.0 * a);
  let y = e / (e + 2.0);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_asinh",
    ["x"],
    `
  let a = Math.abs(x);
  let y = 0.0;
  if (a > 4096.0) { y = c_log(a) + 0.6931471824645996; }
  else { y = c_log1p(a + (a * a) / (1.0 + Math.sqrt(a * a + 1.0))); }
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_acosh",
    ["x"],
    `
  if (!(x >= 1.0)) { return (x - x) / (x - x); }
  if (x > 4096.0) { return c_log(x) + 0.6931471824645996; }
  let t = x - 1.0;
  return c_log1p(t + Math.sqrt(2.0 * t + t * t));`,
  ],
  [
    "c_atanh",
    ["x"],
    `
  let a = Math.abs(x);
  let twice = 2.0 * a;
  let u = twice / (1.0 - a);
  if (a < 0.5) { u = twice + (twice * a) / (1.0 - a); }
  let y = 0.5 * c_log1p(u);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // x − n·π/2, π/2 in four parts.
  [
    "c_reduceAngle",
    ["x", "n"],
    `
  let y = (x - n * 1.5703125) - n * 0.0004837512969970703;
  return (y - n * 7.549533620476723e-8) - n * 2.5633440682570896e-12;`,
  ],
  // sin(r + q·π/2) for |r| ≤ π/4 and an integer q ≥ 0.
  [
    "c_sinQuadrant",
    ["r", "q"],
    `
  let z = r * r;
  let y = r + (r * z) * (-0.166666641831398 + z * (0.008332747966051102 + z * -0.00019587756833061576));
  let quadrant = q - 4.0 * Math.floor((q + 0.5) / 4.0);
  if (quadrant === 1.0 || quadrant === 3.0) {
    y = (1.0 - 0.5 * z) + (z * z) * (0.0416666641831398 + z * (-0.001388830249197781 + z * 0.000024547787688788958));
  }
  if (quadrant >= 2.0) { y = -y; }
  return y;`,
  ],
  // Digit j of 2/π in base 2¹², 0 before the first.
  [
    "c_twoOverPi",
    ["j"],
    `
  let d = 0.0;
  if (j === 0.0) { d = 2607.0; }
  if (j === 1.0) { d = 2435.0; }
  if (j === 2.0) { d = 1764.0; }
  if (j === 3.0) { d = 3652.0; }
  if (j === 4.0) { d = 338.0; }
  if (j === 5.0) { d = 2556.0; }
  if (j === 6.0) { d = 629.0; }
  if (j === 7.0) { d = 2001.0; }
  if (j === 8.0) { d = 3923.0; }
  if (j === 9.0) { d = 1245.0; }
  if (j === 10.0) { d = 3085.0; }
  if (j === 11.0) { d = 2914.0; }
  if (j === 12.0) { d = 2393.0; }
  if (j === 13.0) { d = 2364.0; }
  if (j === 14.0) { d = 1081.0; }
  if (j === 15.0) { d = 65.0; }
  return d;`,
  ],
  // The 12 bits of 2/π after the first s.
  [
    "c_twoOverPiFrom",
    ["s"],
    `
  let j = Math.floor((s + 0.5) / 12.0);
  let shift = s - 12.0 * j;
  let t = c_twoOverPi(j) * c_pow2(shift);
  return (t - Math.floor(t / 4096.0) * 4096.0) + Math.floor(c_twoOverPi(j + 1.0) * c_pow2(shift - 12.0));`,
  ],
  // For x ≥ 2¹³, x·2/π modulo 4 in limbs of 12 bits (Payne & Hanek): part 0, what is left of the nearest quarter turn, in radians; 1, its number.
  [
    "c_turn",
    ["x", "part"],
    `
  if (!(x <= 3.4028234663852886e38)) { return x - x; }
  let k = c_exponent(x);
  if (c_ldexp(x, -k) < 1.0) { k = k - 1.0; }
  let m = c_ldexp(x, 23.0 - k);
  let a = Math.floor(m / 4096.0);
  let b = m - a * 4096.0;
  let s = k - 25.0;
  let w0 = c_twoOverPiFrom(s);
  let w1 = c_twoOverPiFrom(s + 12.0);
  let w2 = c_twoOverPiFrom(s + 24.0);
  let w3 = c_twoOverPiFrom(s + 36.0);
  let w4 = c_twoOverPiFrom(s + 48.0);
  let l4 = c_low12(a * w4) + c_low12(b * w3);
  let l3 = c_low12(a * w3) + c_low12(b * w2) + Math.floor(a * w4 / 4096.0) + Math.floor(b * w3 / 4096.0) + Math.floor(l4 / 4096.0);
  let l2 = c_low12(a * w2) + c_low12(b * w1) + Math.floor(a * w3 / 4096.0) + Math.floor(b * w2 / 4096.0) + Math.floor(l3 / 4096.0);
  let l1 = c_low12(a * w1) + c_low12(b * w0) + Math.floor(a * w2 / 4096.0) + Math.floor(b * w1 / 4096.0) + Math.floor(l2 / 4096.0);
  l1 = c_low12(l1);
  l2 = c_low12(l2);
  l3 = c_low12(l3);
  l4 = c_low12(l4);
  let q = Math.floor(l1 / 1024.0);
  let f = l1 - 1024.0 * q;
  if (f >= 512.0) { f = f - 1024.0; q = q + 1.0; }
  if (part > 0.5) { return q; }
  let r = (f * 4096.0 + l2) * 2.384185791015625e-7 + (l3 * 5.820766091346741e-11 + l4 * 1.4210854715202004e-14);
  return r * 1.5707963705062866;`,
  ],
  ["c_low12", ["x"], `return x - Math.floor(x / 4096.0) * 4096.0;`],
  [
    "c_sin",
    ["x"],
    `
  if (!(Math.abs(x) < 8192.0)) {
    let y = c_sinQuadrant(c_turn(Math.abs(x), 0.0), c_turn(Math.abs(x), 1.0));
    if (x < 0.0) { y = -y; }
    return y;
  }
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  return c_sinQuadrant(c_reduceAngle(x, n), n);`,
  ],
  [
    "c_cos",
    ["x"],
    `
  if (!(Math.abs(x) < 8192.0)) { return c_sinQuadrant(c_turn(Math.abs(x), 0.0), c_turn(Math.abs(x), 1.0) + 1.0); }
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  return c_sinQuadrant(c_reduceAngle(x, n), n + 1.0);`,
  ],
  [
    "c_tan",
    ["x"],
    `
  if (!(Math.abs(x) < 8192.0)) { return c_sin(x) / c_cos(x); }
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  let w = (x - n * 1.5703125) - n * 0.0004837512969970703;
  let n3 = n * 7.549533620476723e-8;
  let y = w - n3;
  let n4 = n * 2.5633440682570896e-12 - ((w - y) - n3);
  let r = y - n4;
  let low = (y - r) - n4;
  let z = r * r;
  let p = 0.3333333432674408 + z * -0.014784322120249271;
  let q = 1.0 + z * (-0.4443527162075043 + z * 0.015835845842957497);
  let t = r + (r * (z * (p / q)) + low * (1.0 + z));
  if (n - 2.0 * Math.floor(n * 0.5) > 0.5) { t = -1.0 / t; }
  return t;`,
  ],
  // atan(t) − t for |t| ≤ tan(π/8).
  [
    "c_atanTail",
    ["t"],
    `
  let z = t * t;
  let v = z * z;
  let even = -0.33333316445350647 + v * (-0.14244391024112701 + v * -0.060900766402482986);
  let odd = 0.19998528063297272 + v * 0.10599172115325928;
  return (t * z) * (even + z * odd);`,
  ],
  [
    "c_atan",
    ["x"],
    `
  let a = Math.abs(x);
  let t = a;
  let base = 0.0;
  let low = 0.0;
  if (a > 2.4142136573791504) { t = -1.0 / a; base = 1.5707963705062866; low = -4.371138828673793e-8; }
  else { if (a > 0.41421356797218323) { t = (a - 1.0) / (a + 1.0); base = 0.7853981852531433; low = -2.1855694143368964e-8; } }
  let y = base + (t + (c_atanTail(t) + low));
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // 1 for negative numbers and −0, else 0.
  [
    "c_signBit",
    ["x"],
    `
  let s = 0.0;
  if (x < 0.0) { s = 1.0; }
  if (x === 0.0) { if (1.0 / x < 0.0) { s = 1.0; } }
  return s;`,
  ],
  [
    "c_atan2",
    ["y", "x"],
    `
  let a = Math.abs(x);
  let b = Math.abs(y);
  if (a > 3.4028234663852886e38 && b > 3.4028234663852886e38) { a = 1.0; b = 1.0; }
  let left = c_signBit(x);
  let s = 1.0;
  if (b > 1e38) { s = 0.25; }
  let u = b;
  let v = a;
  if (a === 0.0) { v = 1.0; }
  let base = left * 3.1415927410125732;
  let low = left * -8.742277657347586e-8;
  if (b > 2.4142136573791504 * a) { u = -a; v = b; base = 1.5707963705062866; low = -4.371138828673793e-8; }
  else { if (b > 0.41421356797218323 * a) {
    u = b * s - a * s;
    v = b * s + a * s;
    base = 0.7853981852531433;
    low = -2.1855694143368964e-8;
    if (left > 0.5) { base = 2.356194496154785; low = -5.962440319251527e-9; }
  } }
  let t = u / v;
  if (left > 0.5) { t = -t; }
  let angle = base + (t + (c_atanTail(t) + low));
  if (c_signBit(y) > 0.5) { angle = -angle; }
  return angle;`,
  ],
  // asin(√z)/√z − 1 for 0 ≤ z ≤ ¼.
  [
    "c_asinTail",
    ["z"],
    `
  let v = z * z;
  let even = 0.16666752099990845 + v * (0.04546915367245674 + v * 0.04215838760137558);
  let odd = 0.074953094124794 + v * 0.02418474294245243;
  return z * (even + z * odd);`,
  ],
  [
    "c_asin",
    ["x"],
    `
  let a = Math.abs(x);
  let y = 0.0;
  if (a > 0.5) {
    let z = 0.5 * (1.0 - a);
    let s = Math.sqrt(z);
    y = (1.5707963705062866 - 2.0 * s) - (2.0 * (s * c_asinTail(z)) - -4.371138828673793e-8);
  } else {
    y = a + a * c_asinTail(a * a);
  }
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_acos",
    ["x"],
    `
  let a = Math.abs(x);
  if (a > 0.5) {
    let z = 0.5 * (1.0 - a);
    let s = Math.sqrt(z);
    let p = s * c_asinTail(z);
    if (x > 0.0) { return 2.0 * (s + p); }
    return 2.0 * ((1.5707963705062866 - s) - (p - -4.371138828673793e-8));
  }
  let q = x * c_asinTail(x * x);
  return (1.5707963705062866 - x) - (q - -4.371138828673793e-8);`,
  ],
  // erf(x) − x for |x| < 1.
  [
    "c_erfTail",
    ["x"],
    `
  let z = x * x;
  let v = z * z;
  let even = 0.12837912142276764 + v * (0.11280179768800735 + v * 0.004917549435049295);
  let odd = -0.37612324953079224 + v * (-0.02671130932867527 + v * -0.0005631414824165404);
  return x * (even + z * odd);`,
  ],
  [
    "c_erf",
    ["x"],
    `
  let b = Math.abs(x);
  if (!(b >= 1.0)) { return x + c_erfTail(x); }
  if (b > 4.099999904632568) { b = 4.099999904632568; }
  let w = (b - 3.0) / (b + 3.0);
  let v = w * w;
  let even = 1.2530080080032349 + v * (-0.04756438359618187 + v * (-0.11918498575687408 + v * -0.02427653968334198));
  let odd = -0.1356211155653 + v * (0.12964193522930145 + v * 0.06858169287443161);
  let y = 1.0 - c_exp(-(b * b)) * ((even + w * odd) / (1.0 + 2.0 * b));
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // The rounding error of b·b, by splitting b in two halves of 12 bits.
  [
    "c_squareLow",
    ["b", "square"],
    `
  let c = b * 4097.0;
  let high = c - (c - b);
  let low = b - high;
  return ((high * high - square) + 2.0 * (high * low)) + low * low;`,
  ],
  [
    "c_erfc",
    ["x"],
    `
  let b = Math.abs(x);
  if (!(b > 0.75)) { return 0.5 - ((x - 0.5) + c_erfTail(x)); }
  if (b > 10.5) { b = 10.5; }
  let square = b * b;
  let low = c_squareLow(b, square);
  let d = 1.0 + 2.0 * b;
  let w = (b - 2.0) / (b + 2.0);
  let lost = (2.0 * b - (d - 1.0)) * ((1.0 - w) * (0.2199999988079071 - 0.12999999523162842 * w));
  let v = w * w;
  let even = 0.2444966584444046 + v * (-0.1326577216386795 + v * (-0.04225416108965874 + v * (-0.00611108960583806 + v * -0.002261044457554817)));
  let odd = -0.07264324277639389 + v * (0.11889718472957611 + v * (0.006692956667393446 + v * 0.006588664371520281));
  let g = (even + w * odd) - (low + lost);
  let n = Math.floor((g - square) * 1.4426950216293335 + 0.5);
  let r = (-square - n * 0.693359375) - (n * -0.00021219444170128554 - g);
  let y = c_ldexp((1.0 + (r + c_expTail(r))) / d, n);
  if (x < 0.0) { y = 2.0 - y; }
  return y;`,
  ],
  [
    "c_erfinv",
    ["x"],
    `
  let a = Math.abs(x);
  if (!(a >= 0.75)) {
    let t = 0.5625 - x * x;
    let p = 0.08455973118543625 + t * (-0.35710659623146057 + t * (-0.5981918573379517 + t * -0.029758041724562645));
    let q = 1.0 + t * (2.4301717281341553 + t * 1.1551282405853271);
    return x + x * (p / q);
  }
  if (a === 1.0) { return x / (1.0 - a); }
  let s = Math.sqrt(-c_log(1.0 - a));
  let u = s - 1.149999976158142;
  let p = -0.3642398715019226 + u * (-0.4437006711959839 + u * (-0.11186715215444565 + u * -0.001215440919622779));
  let q = 1.0 + u * (1.2375555038452148 + u * (0.5416553616523743 + u * 0.06012031435966492));
  let y = s + p / q;
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // log Γ(½ + t)/((t − ½)(t − 3/2)), 0 ≤ t < 5/2.
  [
    "c_lgammaCentre",
    ["t"],
    `
  let p = 0.7631532572329335 + t * (4.672246175841777 + t * (11.19102756188774 + t * (13.337162493153363 + t * (8.334852754941274
    + t * (2.648111486492485 + t * (0.38257405508667464 + t * (0.01913578944596217 + t * (0.00009746716667002932 - t * 7.32011051382755e-7))))))));
  let q = 1.0 + t * (6.886145268256626 + t * (18.9835975907835 + t * (26.87352595701379 + t * (20.877719064900806
    + t * (8.848617529000803 + t * (1.9230584878587236 + t * (0.18615512208340537 + t * 0.005703006650822365)))))));
  return p / q;`,
  ],
  [
    "c_lgammaPositive",
    ["x"],
    `
  if (x < 0.5) { return x * (x - 1.0) * c_lgammaCentre(x + 0.5) - c_log(x); }
  if (x < 3.0) { return (x - 1.0) * (x - 2.0) * c_lgammaCentre(x - 0.5); }
  if (x >= 8.0) {
    let u = 1.0 / x;
    let z = u * u;
    let s = 0.0833333333333333 + z * (-0.0027777777776146844 + z * 0.0007936506685518719);
    let l = c_log(x);
    return x * (l - 1.0) - (0.5 * l - (0.9189385332046727 + u * s));
  }
  let product = 1.0;
  let y = x;
  for (let i = 0; i < 5; i++) {
    if (y >= 3.0) { y = y - 1.0; product = product * y; }
  }
  return c_log(product) + (y - 1.0) * (y - 2.0) * c_lgammaCentre(y - 0.5);`,
  ],
  // sin πx for x ≥ 0.
  [
    "c_sinPi",
    ["x"],
    `
  let n = Math.floor(2.0 * x + 0.5);
  return c_sinQuadrant((x - 0.5 * n) * 3.1415927410125732, n);`,
  ],
  [
    "c_lgamma",
    ["x"],
    `
  if (x > 0.0 && x <= 3.4028234663852886e38) { return c_lgammaPositive(x); }
  if (!(x <= 0.0)) { return x; }
  let a = -x;
  if (a > 3.4028234663852886e38) { return a; }
  if (Math.floor(a) === a) { let zero = a - a; return 1.0 / (zero * zero); }
  if (a < 1e-9) { return -c_log(a); }
  return c_log(3.1415927410125732 / (a * Math.abs(c_sinPi(a)))) - c_lgammaPositive(a);`,
  ],
  // ψ(1 + t) for 0 ≤ t < 2; the zero minus 1 is in two parts.
  [
    "c_digammaCentre",
    ["t"],
    `
  let p = 1.2503801375034054 + t * (1.9498456036594 + t * (1.084485810523111 + t * (0.26772612385290745 + t * (0.02898871122753205
    + t * (0.0011013106827647279 + t * (0.000003894284764409974 - t * 2.845133404891948e-8))))));
  let q = 1.0 + t * (2.242949068161724 + t * (1.7986939711386347 + t * (0.6652781785028306 + t * (0.11872575481766111
    + t * (0.009439619274774514 + t * 0.00024713153718790174)))));
  return ((t - 0.46163213253021240) - 0.00000001243814996) * (p / q);`,
  ],
  [
    "c_digammaPositive",
    ["x"],
    `
  if (x < 1.0) { return c_digammaCentre(x) - 1.0 / x; }
  if (x >= 8.0) {
    let u = 1.0 / x;
    let z = u * u;
    let s = 0.08333333333333288 + z * (-0.008333333331227035 + z * 0.003968252371965597);
    return c_log(x) - (0.5 * u + z * s);
  }
  let sum = 0.0;
  let y = x;
  for (let i = 0; i < 5; i++) {
    if (y >= 3.0) { y = y - 1.0; sum = sum + 1.0 / y; }
  }
  return sum + c_digammaCentre(y - 1.0);`,
  ],
  // cot πx for x ≥ 0.
  [
    "c_cotPi",
    ["x"],
    `
  let n = Math.floor(2.0 * x + 0.5);
  let r = (x - 0.5 * n) * 3.1415927410125732;
  return c_sinQuadrant(r, n + 1.0) / c_sinQuadrant(r, n);`,
  ],
  [
    "c_digamma",
    ["x"],
    `
  if (x > 0.0) { return c_digammaPositive(x); }
  if (x === 0.0) { return -1.0 / x; }
  let a = -x;
  if (!(Math.floor(a) < a)) { return (x - x) / (x - x); }
  let next = 0.0;
  if (a < 2.0) { next = c_digammaCentre(a); } else { next = c_digammaPositive(a) + 1.0 / a; }
  return next + 3.1415927410125732 * c_cotPi(a);`,
  ],
  // max and min that keep NaN from either side.
  [
    "c_max",
    ["a", "b"],
    `
  let y = a + b;
  if (b >= a) { y = b; }
  if (a > b) { y = a; }
  if (a === 0.0 && b === 0.0) { if (c_signBit(b) > 0.5) { y = a; } }
  return y;`,
  ],
  [
    "c_min",
    ["a", "b"],
    `
  let y = a + b;
  if (b <= a) { y = b; }
  if (a < b) { y = a; }
  if (a === 0.0 && b === 0.0) { if (c_signBit(a) > 0.5) { y = a; } }
  return y;`,
  ],
  [
    "c_isNaN",
    ["a"],
    `
  let y = 1.0;
  if (a >= 0.0 || a < 0.0) { y = 0.0; }
  return y;`,
  ],
  [
    "c_sign",
    ["a"],
    `
  let y = a;
  if (a > 0.0) { y = 1.0; }
  if (a < 0.0) { y = -1.0; }
  return y;`,
  ],
  // To the nearest integer, half to even.
  [
    "c_round",
    ["a"],
    `
  let f = Math.floor(a);
  let d = a - f;
  let y = f;
  if (d > 0.5) { y = f + 1.0; }
  if (d === 0.5) { if (f - 2.0 * Math.floor(f * 0.5) > 0.5) { y = f + 1.0; } }
  if (!(Math.abs(a) < 8388608.0)) { y = a; }
  if (y === 0.0) { if (c_signBit(a) > 0.5) { y = a * 0.0; } }
  return y;`,
  ],
  [
    "c_trunc",
    ["a"],
    `
  let y = Math.floor(a);
  if (a < 0.0) { y = -Math.floor(-a); }
  return y;`,
  ],
  // x − trunc(x/y)·y, exact while |x/y| < 2⁴⁸: the multiples y·2ᵏ are taken away one by one.
  [
    "c_rem",
    ["x", "y"],
    `
  let b = Math.abs(y);
  let r = Math.abs(x);
  if (!(b > 0.0 && r <= 3.4028234663852886e38)) { return (x - x) / (b - b); }
  if (b > r) { return x; }
  let step = b;
  for (let i = 0; i < 48; i++) {
    if (step * 2.0 <= r) { step = step * 2.0; }
  }
  for (let i = 0; i < 49; i++) {
    if (step >= b) { if (r >= step) { r = r - step; } step = step * 0.5; }
  }
  if (c_signBit(x) > 0.5) { r = -r; }
  return r;`,
  ],
  // x − ⌊x/y⌋·y, with the sign of y.
  [
    "c_mod",
    ["x", "y"],
    `
  let r = c_rem(x, y);
  if (r === 0.0) {
    r = Math.abs(r);
    if (c_signBit(y) > 0.5) { r = -r; }
    return r;
  }
  if (r < 0.0 && y > 0.0) { r = r + y; }
  else { if (r > 0.0 && y < 0.0) { r = r + y; } }
  return r;`,
  ],
  // ⌊x/y⌋ from the exact remainder, so that 1 // 0.1 is 9.
  [
    "c_floorDiv",
    ["x", "y"],
    `
  if (y === 0.0) { return x / y; }
  let r = c_rem(x, y);
  let quotient = (x - r) / y;
  if (r < 0.0 && y > 0.0) { quotient = quotient - 1.0; }
  if (r > 0.0 && y < 0.0) { quotient = quotient - 1.0; }
  if (quotient === 0.0) { return 0.0 * (x / y); }
  return Math.floor(quotient + 0.5);`,
  ],
  // x^m for an integer 0 ≤ m ≤ 64, by squaring.
  [
    "c_powerBySquaring",
    ["x", "m"],
    `
  let y = 1.0;
  let base = x;
  let n = m;
  for (let i = 0; i < 7; i++) {
    let half = Math.floor(n * 0.5);
    if (n - half * 2.0 > 0.5) { y = y * base; }
    n = half;
    base = base * base;
  }
  return y;`,
  ],
  // For |y| beyond 32 the error is that of y·log|x|, whose exponent part is exact: 2 + |y|/32 ulp.
  [
    "c_pow",
    ["x", "y"],
    `
  if (x === 1.0 || y === 0.0) { return 1.0; }
  if (x === -1.0 && Math.abs(y) > 3.4028234663852886e38) { return 1.0; }
  if (c_isNaN(x) + c_isNaN(y) > 0.5) { return x + y; }
  let a = Math.abs(x);
  let whole = c_round(y);
  let r = 0.0;
  if (Math.abs(y) <= 32.0) {
    let m = Math.abs(whole);
    let p = c_powerBySquaring(a, m);
    if (whole < 0.0) { p = 1.0 / p; }
    let f = y - whole;
    if (f === 0.0) { r = p; }
    else {
      if (a === 0.0 || a > 3.4028234663852886e38) { r = c_exp(y * c_log(a)); }
      else { r = p * c_exp(f * c_log(a)); }
    }
  } else {
    r = c_exp2(y * c_log2(a));
  }
  if (x > 0.0) { return r; }
  let odd = 0.0;
  if (Math.floor(y) === y && Math.floor(0.5 * y) < 0.5 * y) { odd = 1.0; }
  if (odd > 0.5) {
    if (c_signBit(x) > 0.5) { return -r; }
    return r;
  }
  if (Math.floor(y) === y || x === 0.0 || a > 3.4028234663852886e38) { return r; }
  return (x - x) / (x - x);`,
  ],
];
