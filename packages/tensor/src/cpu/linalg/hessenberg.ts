/** Reduction of a general matrix to upper Hessenberg form. */

import { reflector } from "./householder.js";
import { matrixVector, transposeVector } from "./matrix-vector.js";
import { applyQ, compactFactors } from "./qr.js";
import { addMultiple } from "./vectors.js";

/**
 * QᵀAQ = H in place, H zero below its first subdiagonal. A is already upper triangular outside rows and columns low … high.
 *
 * @param vectors - Also transform the part of A outside the block, and return Q; otherwise only the block [low, high] of A means
 *   anything afterwards. It holds the same numbers in both cases.
 */
export function hessenberg(
  a: Float64Array,
  n: number,
  low: number,
  high: number,
  vectors: boolean,
): Float64Array | null {
  const tau = new Float64Array(Math.max(n - 1, 0));
  const v = new Float64Array(n);
  const work = new Float64Array(n);
  const reflectors = vectors ? new Float64Array((n - 1) * (n - 1)) : null;
  const top = vectors ? 0 : low;
  const right = vectors ? n : high + 1;
  for (let k = low; k + 1 < high; k++) {
    const length = high - k;
    for (let i = 0; i < length; i++) v[i] = a[(k + 1 + i) * n + k];
    tau[k] = reflector(v, 0, 1, length);
    a[(k + 1) * n + k] = v[0];
    for (let i = 1; i < length; i++) {
      a[(k + 1 + i) * n + k] = 0;
      if (reflectors !== null) reflectors[(k + i) * (n - 1) + k] = v[i];
    }
    if (tau[k] === 0) continue;
    v[0] = 1;
    const width = right - k - 1;
    const corner = (k + 1) * n + k + 1;
    transposeVector(length, width, a, corner, n, v, 0, work, 0);
    for (let i = 0; i < length; i++) addMultiple(a, corner + i * n, -tau[k] * v[i], work, 0, width);
    const rows = high + 1 - top;
    matrixVector(rows, length, a, top * n + k + 1, n, v, 0, work, 0);
    for (let i = 0; i < rows; i++) {
      addMultiple(a, (top + i) * n + k + 1, -tau[k] * work[i], v, 0, length);
    }
  }
  if (reflectors === null) return null;

  // H_k acts on rows k + 1 …, so Q is bordered by one row and column of the identity.
  const q = new Float64Array(n * n);
  const inner = new Float64Array((n - 1) * (n - 1));
  for (let i = 0; i < n - 1; i++) inner[i * n] = 1;
  applyQ(compactFactors(reflectors, n - 1, n - 1, tau), inner, n - 1, { triangular: true });
  q[0] = 1;
  for (let i = 1; i < n; i++) q.set(inner.subarray((i - 1) * (n - 1), i * (n - 1)), i * n + 1);
  return q;
}
