/** Matrix product on strided blocks: the inner operation of every blocked factorisation here. */

import { updateByThreads } from "../wasm/shared-update.js";
import { copied, inWorkSpace, kernelsFor } from "./work-space.js";

// One panel of B is kc × nc doubles (512 KiB), small enough for the second-level cache.
const KC = 256;
const NC = 256;

// Allocated at the first product; they hold nothing between calls.
let packedA: Float64Array = /* @__PURE__ */ new Float64Array(0);
let packedB: Float64Array = /* @__PURE__ */ new Float64Array(0);

/**
 * C ← C + αAB for A of [m, k], B of [k, n] and C of [m, n].
 *
 * Each operand is a block inside some array: element (i, j) of A is `a[ao + i·ar + j·ac]`, so a transpose is a swap of the strides.
 * C has unit column stride: (i, j) is `c[co + i·cr + j]`. Strides may be negative. The blocks may lie in one array but C must not overlap A or B.
 * Each entry is c + αa₀b₀ + αa₁b₁ + …, rounded in that order, here as in the vector kernel.
 *
 * Four columns of B and two rows of A are packed side by side, so that the inner loop holds a 2×4 tile of C in registers (8 sums,
 * 6 operands: the most that 16 vector registers take) and reads memory with step 1.
 */
export function multiplyAdd(
  m: number,
  n: number,
  k: number,
  alpha: 1 | -1,
  a: Float64Array,
  ao: number,
  ar: number,
  ac: number,
  b: Float64Array,
  bo: number,
  br: number,
  bc: number,
  c: Float64Array,
  co: number,
  cr: number,
): void {
  if (m === 0 || n === 0 || k === 0) return;
  const kernels = kernelsFor(a, b, c);
  if (kernels !== null) {
    const [aAt, bAt, cAt] = [a.byteOffset + 8 * ao, b.byteOffset + 8 * bo, c.byteOffset + 8 * co];
    const [aRow, aColumn, bRow, bColumn, cRow] = [8 * ar, 8 * ac, 8 * br, 8 * bc, 8 * cr];
    const whole = { m, n, k, a: aAt, aRow, aColumn, b: bAt, bRow, bColumn, c: cAt, cRow };
    if (updateByThreads(kernels.shared, alpha === 1 ? 0 : 1, whole)) return;
    const update = alpha === 1 ? kernels.add : kernels.subtract;
    update(m, n, k, aAt, aRow, aColumn, bAt, bRow, bColumn, cAt, cRow, kernels.work);
    return;
  }
  if (packedA.length === 0) {
    packedA = new Float64Array(2 * KC);
    packedB = new Float64Array(KC * NC);
  }
  for (let j = 0; j < n; j += NC) {
    const width = Math.min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kb = Math.min(KC, k - p);
      packColumns(kb, width, b, bo + p * br + j * bc, br, bc);
      for (let i = 0; i < m; i += 2) {
        packRows(kb, Math.min(2, m - i), alpha, a, ao + i * ar + p * ac, ar, ac);
        addRowPair(kb, width, c, co + i * cr + j, cr, i + 1 < m);
      }
    }
  }
}

/** C ← C + AB for matrices of order n, row-major from their first entries, by copies in the work space. */
export function addProduct(a: Float64Array, b: Float64Array, n: number, c: Float64Array): void {
  const size = n * n;
  inWorkSpace(size, 3 * size, () => {
    const sum = copied(c, size);
    multiplyAdd(n, n, n, 1, copied(a, size), 0, n, 1, copied(b, size), 0, n, 1, sum, 0, n);
    c.set(sum);
  });
}

/** packedB[q·4·kb + 4p + t] = B[p, 4q + t], zero past the last column. */
function packColumns(kb: number, width: number, b: Float64Array, bo: number, br: number, bc: number): void {
  const pb = packedB;
  for (let j = 0, t = 0; j < width; j += 4) {
    let x = bo + j * bc;
    if (j + 4 <= width) {
      for (let p = 0; p < kb; p++, x += br, t += 4) {
        pb[t] = b[x];
        pb[t + 1] = b[x + bc];
        pb[t + 2] = b[x + 2 * bc];
        pb[t + 3] = b[x + 3 * bc];
      }
    } else {
      for (let p = 0; p < kb; p++, x += br, t += 4) {
        for (let l = 0; l < 4; l++) pb[t + l] = j + l < width ? b[x + l * bc] : 0;
      }
    }
  }
}

/** packedA[2p + t] = α·A[t, p], zero for a missing second row. */
function packRows(kb: number, rows: number, alpha: number, a: Float64Array, ao: number, ar: number, ac: number): void {
  const pa = packedA;
  const second = rows === 2 ? alpha : 0;
  const step = rows === 2 ? ar : 0;
  for (let p = 0, x = ao, t = 0; p < kb; p++, x += ac, t += 2) {
    pa[t] = alpha * a[x];
    pa[t + 1] = second * a[x + step];
  }
}

/** Adds the product of the packed rows and columns to two rows of C, or to one. */
function addRowPair(kb: number, width: number, c: Float64Array, co: number, cr: number, pair: boolean): void {
  const pa = packedA;
  const pb = packedB;
  const end = 2 * kb;
  let u = 0;
  for (let j = 0; j < width; j += 4) {
    const o = co + j;
    const o1 = pair ? o + cr : o;
    const left = width - j;
    let c00 = c[o];
    let c01 = left > 1 ? c[o + 1] : 0;
    let c02 = left > 2 ? c[o + 2] : 0;
    let c03 = left > 3 ? c[o + 3] : 0;
    let c10 = c[o1];
    let c11 = left > 1 ? c[o1 + 1] : 0;
    let c12 = left > 2 ? c[o1 + 2] : 0;
    let c13 = left > 3 ? c[o1 + 3] : 0;
    for (let t = 0; t < end; t += 2, u += 4) {
      const a0 = pa[t];
      const a1 = pa[t + 1];
      const b0 = pb[u];
      const b1 = pb[u + 1];
      const b2 = pb[u + 2];
      const b3 = pb[u + 3];
      c00 += a0 * b0;
      c01 += a0 * b1;
      c02 += a0 * b2;
      c03 += a0 * b3;
      c10 += a1 * b0;
      c11 += a1 * b1;
      c12 += a1 * b2;
      c13 += a1 * b3;
    }
    c[o] = c00;
    if (left > 1) c[o + 1] = c01;
    if (left > 2) c[o + 2] = c02;
    if (left > 3) c[o + 3] = c03;
    if (pair) {
      c[o1] = c10;
      if (left > 1) c[o1 + 1] = c11;
      if (left > 2) c[o1 + 2] = c12;
      if (left > 3) c[o1 + 3] = c13;
    }
  }
}
