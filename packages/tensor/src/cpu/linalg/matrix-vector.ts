/**
 * Matrix-vector products on blocks, four rows at a time: each entry of the vectors is loaded once for four of the matrix.
 *
 * The order of the sums is that of the vector kernels, so the bits do not depend on where the matrix is.
 */

import { addMultiple, dot } from "./vectors.js";
import { kernelsFor } from "./work-space.js";

/** y ← Ax for A of [rows, columns] at a[ao + i·ar + j]. The sum of the even columns and that of the odd ones are added, then what is left. */
export function matrixVector(
  rows: number,
  columns: number,
  a: Float64Array,
  ao: number,
  ar: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  const kernels = kernelsFor(a, x, y);
  if (kernels !== null) {
    kernels.rowDots(rows, columns, a.byteOffset + 8 * ao, 8 * ar, x.byteOffset + 8 * xo, y.byteOffset + 8 * yo);
    return;
  }
  const last = columns & 1 ? columns - 1 : -1;
  const pairs = columns & ~1;
  let i = 0;
  for (; i + 2 <= rows; i += 2) {
    const a0 = ao + i * ar;
    const a1 = a0 + ar;
    let even0 = 0;
    let odd0 = 0;
    let even1 = 0;
    let odd1 = 0;
    for (let j = 0; j < pairs; j += 2) {
      const even = x[xo + j];
      const odd = x[xo + j + 1];
      even0 += a[a0 + j] * even;
      odd0 += a[a0 + j + 1] * odd;
      even1 += a[a1 + j] * even;
      odd1 += a[a1 + j + 1] * odd;
    }
    y[yo + i] = last < 0 ? even0 + odd0 : even0 + odd0 + a[a0 + last] * x[xo + last];
    y[yo + i + 1] = last < 0 ? even1 + odd1 : even1 + odd1 + a[a1 + last] * x[xo + last];
  }
  if (i < rows) y[yo + i] = dot(a, ao + i * ar, x, xo, columns);
}

/** y ← Aᵀx for A of [rows, columns] at a[ao + i·ar + j]. */
export function transposeVector(
  rows: number,
  columns: number,
  a: Float64Array,
  ao: number,
  ar: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  y.fill(0, yo, yo + columns);
  addScaledRows(rows, columns, 1, a, ao, ar, x, xo, 1, y, yo);
}

/** y ← y + αAᵀx, which is a sum of rows of A, x[i] at x[xo + i·xs]. */
export function addScaledRows(
  rows: number,
  columns: number,
  alpha: number,
  a: Float64Array,
  ao: number,
  ar: number,
  x: Float64Array,
  xo: number,
  xs: number,
  y: Float64Array,
  yo: number,
): void {
  const kernels = kernelsFor(a, x, y);
  if (kernels !== null) {
    const [pa, px, py] = [a.byteOffset + 8 * ao, x.byteOffset + 8 * xo, y.byteOffset + 8 * yo];
    kernels.addRows(rows, columns, alpha, pa, 8 * ar, px, 8 * xs, py);
    return;
  }
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const a0 = ao + i * ar;
    const a1 = a0 + ar;
    const a2 = a1 + ar;
    const a3 = a2 + ar;
    const x0 = alpha * x[xo + i * xs];
    const x1 = alpha * x[xo + (i + 1) * xs];
    const x2 = alpha * x[xo + (i + 2) * xs];
    const x3 = alpha * x[xo + (i + 3) * xs];
    for (let j = 0; j < columns; j++) {
      y[yo + j] += x0 * a[a0 + j] + x1 * a[a1 + j] + (x2 * a[a2 + j] + x3 * a[a3 + j]);
    }
  }
  for (; i < rows; i++) addMultiple(y, yo, alpha * x[xo + i * xs], a, ao + i * ar, columns);
}
