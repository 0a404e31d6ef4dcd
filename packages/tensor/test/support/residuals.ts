/** Residuals and norms in which the tests state their bounds: test support. */

/** 2^-52. */
export const EPS: number = 2 ** -52;
/** float32's ε, 2^-23. */
export const EPS32: number = 2 ** -23;

/** The smallest positive number: below 1e-292 every rounding adds up to half of it, whatever the relative bound says. */
export const TINIEST: number = 2 ** -1074;

/** AB for A of [m, k], B of [k, n]; the plain triple loop. */
export function product(m: number, n: number, k: number, a: Float64Array, b: Float64Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  }
  return c;
}

/** Aᵀ of [n, m] for A of [m, n]. */
export function transposed(m: number, n: number, a: Float64Array): Float64Array {
  const t = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) t[j * m + i] = a[i * n + j];
  return t;
}

/** ‖A − B‖_F, ‖A‖_F if B is left out; scaled inside, so that 1e-160 and 1e150 are as good as 1. */
export function distance(a: Float64Array, b?: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const x = Math.abs(b === undefined ? a[i] : a[i] - b[i]);
    if (!(x <= largest)) largest = x;
  }
  if (largest === 0 || !(largest < Infinity)) return largest;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((b === undefined ? a[i] : a[i] - b[i]) / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** ‖QᵀQ − I‖_F for Q of [m, n]. */
export function orthogonalityError(m: number, n: number, q: Float64Array): number {
  const gram = product(n, n, m, transposed(m, n, q), q);
  for (let i = 0; i < n; i++) gram[i * n + i] -= 1;
  return distance(gram);
}

/** A copy of x with every entry rounded to float32. */
export function rounded(x: Float64Array): Float64Array {
  return Float64Array.from(x, Math.fround);
}

/** How a float32 tensor is treated: rounded on the way in and on the way out, float64 in between. */
export const precisions: readonly { precision: string; eps: number; round: (x: Float64Array) => Float64Array }[] = [
  { precision: "float64", eps: EPS, round: (x) => x.slice() },
  { precision: "float32", eps: EPS32, round: rounded },
];

/** Whether in each column of V the first component with |v| ≥ (1 − 2⁻¹⁰) max|v| is positive. */
export function signsAreFixed(v: Float64Array, rows: number, columns: number): boolean {
  for (let j = 0; j < columns && rows > 0; j++) {
    const column = Array.from({ length: rows }, (_, i) => v[i * columns + j]);
    const largest = Math.max(...column.map(Math.abs));
    if (!(column.find((x) => Math.abs(x) >= (1 - 2 ** -10) * largest)! > 0)) return false;
  }
  return true;
}
