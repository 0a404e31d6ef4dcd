/** Eigenvalues of a symmetric tridiagonal matrix by the implicit QL iteration. */

import { hypot } from "./norm.js";
import type { RotationQueue } from "./plane-rotations.js";
import { beginSweep, flushRotations } from "./plane-rotations.js";

const EPS = 2 ** -53;
/** Couplings and bulges below this are dropped (the matrix is scaled to about 1): rotations made of denormals are not orthogonal. */
const NEGLIGIBLE = 2 ** -800;
/** Sweeps allowed per eigenvalue; about 1.7 are needed. */
const MAX_SWEEPS = 30;

/**
 * Diagonalises T in place: d receives the eigenvalues, in no order, e is destroyed.
 *
 * Each sweep is a QL step with Wilkinson's shift on an unreduced block, its bulge chased upwards. A coupling is dropped when
 * |e_i| ≤ ε√|d_i d_{i+1}|, which keeps the small eigenvalues of a graded matrix (large entries last) accurate.
 *
 * @param e - Subdiagonal, e[i] = T[i + 1, i].
 * @param rotations - Queue on the matrix whose columns become eigenvectors (start from the identity, or from the Q of the
 *   reduction); null for eigenvalues only.
 * @returns 0, or the number of couplings that did not converge in 30n sweeps.
 * Source: Golub & Van Loan (2013), section 8.3.
 */
export function tridiagonalQl(d: Float64Array, e: Float64Array, rotations: RotationQueue | null): number {
  const n = d.length;
  let sweeps = MAX_SWEEPS * n;
  for (let low = 0; low < n; low++) {
    for (;;) {
      let high = low;
      while (high < n - 1 && !isNegligible(d, e, high)) high++;
      if (high < n - 1) e[high] = 0;
      if (high === low) break;
      if (sweeps-- === 0) return e.reduce((count, x) => count + (x !== 0 ? 1 : 0), 0);
      sweep(d, e, low, high, rotations);
    }
  }
  if (rotations !== null) flushRotations(rotations);
  return 0;
}

function isNegligible(d: Float64Array, e: Float64Array, i: number): boolean {
  const size = Math.abs(e[i]);
  const left = Math.abs(d[i]);
  const right = Math.abs(d[i + 1]);
  if (size > EPS * (left + right) && size > NEGLIGIBLE) return false; // most often, and without the roots
  return size <= EPS * Math.sqrt(left) * Math.sqrt(right) || size < NEGLIGIBLE;
}

/** The eigenvalue of the leading 2×2 of the block that is nearer to d[low]. */
function wilkinsonShift(d: Float64Array, e: Float64Array, low: number): number {
  // d − e/(q ± √(q² + 1)) with q half the difference of the diagonal over e, and the sign that does not cancel.
  const q = (d[low + 1] - d[low]) / 2 / e[low];
  return d[low] - e[low] / (q + (q < 0 ? -1 : 1) * hypot(q, 1));
}

/** One QL step on T[low..high, low..high]. */
function sweep(d: Float64Array, e: Float64Array, low: number, high: number, rotations: RotationQueue | null): void {
  let x = d[high] - wilkinsonShift(d, e, low);
  let bulge = e[high - 1];
  let at = rotations === null ? 0 : beginSweep(rotations, high, high - low, -1);
  for (let k = high - 1; k >= low; k--) {
    // The rotation of rows and columns k, k + 1 that turns (x, bulge), at rows (k + 1, k), into (r, 0).
    const r = hypot(x, bulge);
    const c = r < NEGLIGIBLE ? 1 : x / r;
    const s = r < NEGLIGIBLE ? 0 : bulge / r;
    if (k < high - 1) e[k + 1] = r;
    const b = e[k];
    const t = s * (d[k] - d[k + 1]) + 2 * c * b;
    d[k + 1] += s * t;
    d[k] -= s * t;
    e[k] = c * t - b;
    if (k > low) {
      x = e[k];
      bulge = s * e[k - 1];
      e[k - 1] *= c;
    }
    if (rotations !== null) {
      rotations.c[at] = c;
      rotations.s[at++] = s;
    }
  }
}
