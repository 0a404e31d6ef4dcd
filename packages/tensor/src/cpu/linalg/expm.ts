/** The matrix exponential. */

import { lu } from "./lu.js";
import { addProduct } from "./multiply.js";
import { triangularSolve } from "./triangular-solve.js";

/** θ_m: the [m/m] Padé approximant is right to 2⁻⁵³ (as a backward error) for ‖A‖₁ ≤ θ_m. Higham (2005), table 2.3. */
const THETA: readonly (readonly [degree: number, theta: number])[] = [
  [3, 1.495585217958292e-2],
  [5, 2.53939833006323e-1],
  [7, 9.504178996162932e-1],
  [9, 2.097847961257068],
];
const THETA_13 = 5.371920351148152;

/** Norms above this are scaled before A⁶ is formed, which would overflow for 1e60. */
const HUGE = 2 ** 100;

/**
 * e^A for A of [n, n], by scaling and squaring: e^A = (r(A/2^s))^(2^s), r the diagonal Padé approximant of degree 3, 5, 7, 9 or 13.
 *
 * s follows ‖A⁴‖^(1/4) and ‖A⁶‖^(1/6) where they are smaller than ‖A‖: for a matrix far from normal, scaling by the norm squares much
 * too often, and each squaring loses accuracy. Relative error ≤ 100ε·κ_exp(A).
 *
 * @param a - A; not modified.
 * @returns e^A, all NaN if A holds NaN or an infinity.
 * Source: Higham (2005); the choice of s: Al-Mohy & Higham (2009).
 */
export function expm(a: Float64Array, n: number): Float64Array {
  const norm = norm1(a, n);
  if (!(norm < Infinity)) return new Float64Array(n * n).fill(NaN);
  if (isDiagonal(a, n)) return diagonalExponential(a, n);
  for (const [degree, theta] of THETA) if (norm <= theta) return pade(a, n, powers(a, n, (degree - 1) / 2), degree);

  let scaled = a;
  let squarings = 0;
  if (norm > HUGE) {
    squarings = Math.ceil(Math.log2(norm / THETA_13));
    scaled = a.map((x) => x * 2 ** -squarings);
  }
  const even = powers(scaled, n, 3);
  const size = Math.min(norm1(scaled, n), Math.max(norm1(even[1], n) ** (1 / 4), norm1(even[2], n) ** (1 / 6)));
  let more = Math.max(0, Math.ceil(Math.log2(size / THETA_13)));
  more += extraSquarings(scaled, n, 13, 2 ** -more);
  if (more > 0) {
    squarings += more;
    const factor = 2 ** -more;
    scaled = scaled.map((x) => x * factor);
    even.forEach((power, i) => {
      const f = factor ** (2 * i + 2);
      for (let k = 0; k < power.length; k++) power[k] *= f;
    });
  }
  let x = pade(scaled, n, even, 13);
  for (let i = 0; i < squarings; i++) x = multiply(x, x, n);
  return x;
}

/** A², A⁴, …, `count` of them. */
function powers(a: Float64Array, n: number, count: number): Float64Array[] {
  const square = multiply(a, a, n);
  const list = [square];
  while (list.length < count) list.push(multiply(square, list[list.length - 1], n));
  return list;
}

/** r(A) = (V − U)⁻¹(V + U), with U the odd and V the even part of Σ b_j A^j. */
function pade(a: Float64Array, n: number, even: readonly Float64Array[], degree: number): Float64Array {
  const b = padeCoefficients(degree);
  let odd: Float64Array;
  let v: Float64Array;
  if (degree < 13) {
    odd = combination(n, b, 1, even);
    v = combination(n, b, 0, even);
  } else {
    // Powers above A⁶ as A⁶ times a cubic in A².
    odd = combination(n, b, 1, even);
    v = combination(n, b, 0, even);
    const high = (first: number): Float64Array => combination(n, [0, 0, ...b.slice(first)], 0, even);
    addProduct(even[2], high(9), n, odd);
    addProduct(even[2], high(8), n, v);
  }
  const u = multiply(a, odd, n);
  const denominator = v.map((x, i) => x - u[i]);
  const numerator = v.map((x, i) => x + u[i]);
  const perm = new Int32Array(n);
  lu(denominator, n, n, perm);
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) x.set(numerator.subarray(perm[i] * n, perm[i] * n + n), i * n);
  triangularSolve(denominator, n, x, n, { unit: true });
  triangularSolve(denominator, n, x, n, { lower: false });
  return x;
}

/** b_0, …, b_m with b_m = 1: b_j ∝ (2m − j)!/(j!(m − j)!). All are integers that float64 holds exactly. */
function padeCoefficients(m: number): number[] {
  const b = [1];
  for (let j = m; j > 0; j--) b.unshift((b[0] * j * (2 * m - j + 1)) / (m - j + 1));
  return b;
}

/** b_f I + b_(f+2) A² + b_(f+4) A⁴ + … as far as the given powers go, f = `first`. */
function combination(n: number, b: readonly number[], first: number, even: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(n * n);
  // The smallest terms first.
  for (let p = even.length - 1; p >= 0; p--) {
    const coefficient = b[first + 2 * p + 2] ?? 0;
    if (coefficient !== 0) for (let k = 0; k < sum.length; k++) sum[k] += coefficient * even[p][k];
  }
  for (let i = 0; i < n; i++) sum[i * n + i] += b[first];
  return sum;
}

/**
 * Squarings needed beyond those that the norms of A's powers ask for, so that the backward error is small against |A| as well:
 * its first term is |c|‖|A|^(2m+1)‖/‖A‖, 1/|c| = C(2m, m)(2m + 1)!.
 */
function extraSquarings(a: Float64Array, n: number, m: number, scale: number): number {
  const size = new Float64Array(n * n);
  for (let k = 0; k < size.length; k++) size[k] = Math.abs(a[k]) * scale;
  let row = new Float64Array(n).fill(1); // 1ᵀ|A|^p, whose largest entry is the norm
  for (let p = 0; p < 2 * m + 1; p++) {
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) next[j] += row[i] * size[i * n + j];
    row = next;
  }
  let c = 1;
  for (let i = 1; i <= m; i++) c *= i / (m + i);
  for (let i = 2; i <= 2 * m + 1; i++) c /= i;
  const error = (c * row.reduce((x, y) => Math.max(x, y), 0)) / (norm1(a, n) * scale);
  return error === 0 ? 0 : Math.max(0, Math.ceil(Math.log2(error / 2 ** -53) / (2 * m)));
}

/** ‖A‖₁, the largest sum of a column; NaN if A holds NaN. */
function norm1(a: Float64Array, n: number): number {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sums[j] += Math.abs(a[i * n + j]);
  return sums.reduce((x, y) => Math.max(x, y), 0);
}

function isDiagonal(a: Float64Array, n: number): boolean {
  return a.every((x, k) => x === 0 || k % (n + 1) === 0);
}

function diagonalExponential(a: Float64Array, n: number): Float64Array {
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) x[i * n + i] = Math.exp(a[i * n + i]);
  return x;
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const c = new Float64Array(n * n);
  addProduct(a, b, n, c);
  return c;
}
