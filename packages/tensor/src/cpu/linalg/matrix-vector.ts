/** Matrix-vector products on blocks, four rows at a time: each entry of the vectors is loaded once for four of the matrix. */

/** y ← Ax for A of [rows, columns] at a[ao + i·ar + j]. */
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
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const a0 = ao + i * ar;
    const a1 = a0 + ar;
    const a2 = a1 + ar;
    const a3 = a2 + ar;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < columns; j++) {
      const t = x[xo + j];
      s0 += a[a0 + j] * t;
      s1 += a[a1 + j] * t;
      s2 += a[a2 + j] * t;
      s3 += a[a3 + j] * t;
    }
    y[yo + i] = s0;
    y[yo + i + 1] = s1;
    y[yo + i + 2] = s2;
    y[yo + i + 3] = s3;
  }
  for (; i < rows; i++) {
    let sum = 0;
    for (let j = 0, row = ao + i * ar; j < columns; j++) sum += a[row + j] * x[xo + j];
    y[yo + i] = sum;
  }
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
  addScaledRows(rows, columns, 1, a, ao, ar, x, xo, y, yo);
}

/** y ← y + αAᵀx, which is a sum of rows of A. */
export function addScaledRows(
  rows: number,
  columns: number,
  alpha: number,
  a: Float64Array,
  ao: number,
  ar: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const a0 = ao + i * ar;
    const a1 = a0 + ar;
    const a2 = a1 + ar;
    const a3 = a2 + ar;
    const x0 = alpha * x[xo + i];
    const x1 = alpha * x[xo + i + 1];
    const x2 = alpha * x[xo + i + 2];
    const x3 = alpha * x[xo + i + 3];
    for (let j = 0; j < columns; j++) {
      y[yo + j] += x0 * a[a0 + j] + x1 * a[a1 + j] + (x2 * a[a2 + j] + x3 * a[a3 + j]);
    }
  }
  for (; i < rows; i++) {
    const t = alpha * x[xo + i];
    for (let j = 0, row = ao + i * ar; j < columns; j++) y[yo + j] += t * a[row + j];
  }
}
