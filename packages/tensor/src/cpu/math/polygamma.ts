/**
 * Derivatives of ψ.
 *
 * ψⁿ(x) = (−1)^(n+1) n! Σ_k 1/(x + k)^(n+1): the first terms one by one, the rest from y = x + K ≥ 12 + 2n by
 * Euler–Maclaurin, n!/y^n·(1/n + 1/(2y) + Σ_j B_2j/(2j)!·(n + 1)…(n + 2j − 1)/y^2j).
 * Left of 0: ψⁿ(x) = (−1)ⁿψⁿ(1 − x) − π·dⁿ/dxⁿ cot πx.
 */

import { digamma64 } from "./digamma.js";
import { cotPi } from "./sin.js";

/** n!/y^(n+1), as a product of moderate factors: neither n! nor the power may overflow before the other. */
function scaledPower(n: number, y: number): number {
  const u = 1 / y;
  let term = u;
  for (let j = 1; j <= n; j++) term *= j * u;
  return term;
}

/** n! Σ_k 1/(x + k)^(n+1) = (−1)^(n+1)·ψⁿ(x), for n ≥ 1 and x off the poles. */
function zetaSum(n: number, x: number): number {
  let y = x;
  let sum = 0;
  while (y < 12 + 2 * n) {
    sum += scaledPower(n, y);
    y += 1;
  }
  const z = 1 / (y * y);
  // B_2j/(2j)!·(n + 1)…(n + 2j − 1)/y^2j for j = 1…7, each from the one before: the ratios of B_2j/(2j)! are constants.
  let term = ((n + 1) * z) / 12;
  let tail = term;
  term *= -(n + 2) * (n + 3) * z * 0.016666666666666666; // B4/4! : B2/2! = −1/60
  tail += term;
  term *= -(n + 4) * (n + 5) * z * 0.023809523809523808; // −1/42
  tail += term;
  term *= -(n + 6) * (n + 7) * z * 0.025; // −1/40
  tail += term;
  term *= -(n + 8) * (n + 9) * z * 0.025252525252525252; // −5/198
  tail += term;
  term *= -(n + 10) * (n + 11) * z * 0.025311355311355312; // −691/27300
  tail += term;
  term *= -(n + 12) * (n + 13) * z * 0.025325615050651228; // −35/1382
  tail += term;
  const lead = n * scaledPower(n - 1, y); // n!/y^n
  return sum + lead * (1 / n + (0.5 / y + tail));
}

/**
 * Coefficients q of dⁿ/dxⁿ cot πx = πⁿ·Q_n(cot πx), lowest power first: Q_0 = c, Q_(n+1) = −(1 + c²)Q_n′.
 * The non-zero ones of one Q_n have one sign, so its sum does not cancel.
 */
function cotDerivative(n: number): Float64Array {
  let q = Float64Array.of(0, 1);
  for (let k = 0; k < n; k++) {
    const next = new Float64Array(k + 3);
    for (let i = 1; i < q.length; i++) {
      next[i - 1] -= i * q[i];
      next[i + 1] -= i * q[i];
    }
    q = next;
  }
  return q;
}

/**
 * The n-th derivative of ψ, n = 0, 1, 2, …
 *
 * At the poles 0, −1, −2, …: Infinity for odd n; for even n, whose sides differ in sign, −Infinity at 0, Infinity at −0 and
 * NaN at the negative integers, as ψ itself. Cost: about 2n(6 + n) operations for x > 0.
 */
export function polygamma64(n: number, x: number): number {
  if (n === 0) return digamma64(x);
  const odd = n % 2 === 1;
  if (x === Infinity) return odd ? 0 : -0;
  if (x === 0) return odd ? Infinity : -1 / x;
  if (x < 0 && Math.floor(x) === x) return odd && x > -Infinity ? Infinity : NaN;
  // For odd n all terms are positive, and a short way left of 0 the sum is more accurate than the reflection, where the
  // cotangent is raised to the power n + 1. For even n the function crosses 0 there, and the sum would cancel.
  if (odd ? !(x < -16) : !(x < 0)) return odd ? zetaSum(n, x) : -zetaSum(n, x);
  const c = -cotPi(-x);
  const q = cotDerivative(n);
  let value = 0;
  for (let i = n + 1; i >= 0; i--) value = value * c + q[i];
  // (−1)ⁿψⁿ(1 − x) is −zetaSum for either parity
  return -zetaSum(n, 1 - x) - Math.PI ** (n + 1) * value;
}

/** The n-th derivative of ψ in float32, computed in float64 and rounded once. */
export function polygamma32(n: number, x: number): number {
  return Math.fround(polygamma64(n, x));
}
