/**
 * cbrt and rsqrt.
 *
 * |x| = 2^(3q + r)·m with m in [1, 2) and r = 0, 1, 2. y = P(m)·2^(r/3) is the root of M = 2^r·m to 1e-5 (float32: 7e-4);
 * with d = M/y³ − 1, ∛M = y·(1 + d)^⅓ = y + y·d·(⅓ − d/9 + 5d²/81 − …). P: minimax, `scripts/fit-minimax.py cbrt64`.
 */

import { highWord, powerBias, powersOfTwo } from "./binary-exponent.js";

const f = Math.fround;
const pow2 = powersOfTwo;
const bias = powerBias;

/** 2^(r/3) for r = 0, 1, 2, in float32 too. More than 64 bytes long: see binary-exponent.ts. */
const thirds: Float64Array = /* @__PURE__ */ new Float64Array([
  1, 1.2599210498948732, 1.5874010519681994, 1, 1.2599210739135742, 1.587401032447815, 0, 0, 0, 0, 0, 0,
]);

/** Cube root. */
export function cbrt64(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0 && a < Infinity)) return x;
  const subnormal = a < 2.2250738585072014e-308;
  const b = subnormal ? a * 18014398509481984 : a; // 2^54
  const e = (highWord(b) >> 20) - 1023;
  const q = (((e + 3072) * 21846) >> 16) - 1024; // ⌊e/3⌋
  const r = e - 3 * q;
  const m = b * pow2[bias - e];
  const guess =
    0.5069793739572164 +
    m * (0.7181539557025417 + m * (-0.3006115830145494 + m * (0.08609136038752388 + m * -0.010603899221613906)));
  // To 17 bits (1.5·2^36 has an ulp of 2^-16), so that y³ is exact, and the small difference of M and y³ too.
  const y = guess * thirds[r] + 103079215104 - 103079215104;
  const cube = y * y * y;
  const d = (m * pow2[bias + r] - cube) / cube;
  const root = y + y * (d * (0.3333333333333333 + d * (-0.1111111111111111 + d * 0.06172839506172839)));
  const s = root * pow2[bias + (subnormal ? q - 18 : q)];
  return x < 0 ? -s : s;
}

/** Cube root in float32. */
export function cbrt32(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0 && a < Infinity)) return x;
  const e = (highWord(a) >> 20) - 1023;
  const q = (((e + 3072) * 21846) >> 16) - 1024; // ⌊e/3⌋
  const r = e - 3 * q;
  const m = a * pow2[bias - e];
  const guess = f(0.6215136051177979 + f(m * f(0.43944182991981506 + f(m * -0.06031939387321472))));
  const y = f(guess * thirds[3 + r]);
  const cube = f(f(y * y) * y);
  const d = f(f(m * pow2[bias + r] - cube) / cube);
  const root = f(y + f(y * f(d * f(0.3333333432674408 + f(d * -0.1111111119389534)))));
  const s = root * pow2[bias + q];
  return x < 0 ? -s : s;
}

/** 1/√x. */
export function rsqrt64(x: number): number {
  return 1 / Math.sqrt(x);
}

/** 1/√x in float32. */
export function rsqrt32(x: number): number {
  return f(1 / f(Math.sqrt(x)));
}
