/** The product of a symmetric matrix and a vector, which reads only its lower triangle, and that only once. */

import { kernelsFor } from "./work-space.js";

/**
 * y ← Ax for the leading block of order i of a symmetric A of [n, n]: each entry is used for its row and for its column.
 *
 * Four rows at a time, which add x₀a₀ⱼ + x₁a₁ⱼ + (x₂a₂ⱼ + x₃a₃ⱼ) to y_j; in a row even and odd columns are summed apart.
 */
export function symmetricVector(
  a: Float64Array,
  n: number,
  i: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  y.fill(0, yo, yo + i);
  const kernels = kernelsFor(a, x, y);
  const [pa, px, py] = [a.byteOffset, x.byteOffset + 8 * xo, y.byteOffset + 8 * yo];
  let r = 0;
  for (; r + 4 <= i; r += 4) {
    if (kernels === null) fourRows(a, n, r, x, xo, y, yo);
    else kernels.symmetricRows(r, pa + 8 * r * n, 8 * n, px, px + 8 * r, py, py + 8 * r);
    for (let q = r; q < r + 4; q++) addRow(a, q * n, q, r, x, xo, y, yo);
  }
  for (; r < i; r++) addRow(a, r * n, r, 0, x, xo, y, yo);
}

/** Rows r … r + 3, left of column r. */
function fourRows(
  a: Float64Array,
  n: number,
  r: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  const x0 = x[xo + r];
  const x1 = x[xo + r + 1];
  const x2 = x[xo + r + 2];
  const x3 = x[xo + r + 3];
  const a0 = r * n;
  const a1 = a0 + n;
  const a2 = a1 + n;
  const a3 = a2 + n;
  for (let c = 0; c < r; c++) {
    y[yo + c] += a[a0 + c] * x0 + a[a1 + c] * x1 + (a[a2 + c] * x2 + a[a3 + c] * x3);
  }
  for (let q = r; q < r + 4; q++) {
    let even = 0;
    let odd = 0;
    for (let c = 0; c < r; c += 2) {
      even += a[q * n + c] * x[xo + c];
      odd += a[q * n + c + 1] * x[xo + c + 1];
    }
    y[yo + q] += even + odd;
  }
}

/** Columns [from, r] of row r of the triangle. */
function addRow(
  a: Float64Array,
  row: number,
  r: number,
  from: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  const xr = x[xo + r];
  let sum = a[row + r] * xr;
  for (let c = from; c < r; c++) {
    sum += a[row + c] * x[xo + c];
    y[yo + c] += a[row + c] * xr;
  }
  y[yo + r] += sum;
}
