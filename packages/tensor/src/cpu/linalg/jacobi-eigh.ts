/** Symmetric eigenproblems of small order by Jacobi's method. */

const MAX_SWEEPS = 40;

/**
 * Diagonalises A, of [n, n] with both triangles filled, in place: its diagonal becomes the eigenvalues, in no order, and V (the
 * identity on entry, or null) the eigenvectors as columns.
 *
 * Cyclic: each sweep rotates every pair (p, q) so that A[p, q] = 0. Quadratically convergent, and as accurate as the entries of A
 * allow; the cheapest method for n ≤ 8.
 *
 * @returns 0, or the number of entries that did not vanish in 40 sweeps.
 * Source: Golub & Van Loan (2013), section 8.5; the choice of the smaller angle: Rutishauser (1966).
 */
export function jacobiEigh(a: Float64Array, n: number, v: Float64Array | null): number {
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let rotated = 0;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q];
        const app = a[p * n + p];
        const aqq = a[q * n + q];
        if (apq === 0) continue;
        if (Math.abs(apq) <= 2 ** -54 * Math.sqrt(Math.abs(app)) * Math.sqrt(Math.abs(aqq))) {
          a[p * n + q] = a[q * n + p] = 0;
          continue;
        }
        rotated++;
        // t = tan φ, the smaller root of t² + 2θt − 1 = 0.
        const theta = (aqq - app) / (2 * apq);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(1 + theta * theta));
        const c = 1 / Math.sqrt(1 + t * t);
        rotate(a, n, v, p, q, c, t * c);
        a[p * n + p] = app - t * apq;
        a[q * n + q] = aqq + t * apq;
        a[p * n + q] = a[q * n + p] = 0;
      }
    }
    if (rotated === 0) return 0;
  }
  let left = 0;
  for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) if (a[p * n + q] !== 0) left++;
  return left;
}

/** Rows and columns p, q of A outside their own 2×2 block, and columns p, q of V: x, y ← cx − sy, sx + cy, as small corrections. */
function rotate(a: Float64Array, n: number, v: Float64Array | null, p: number, q: number, c: number, s: number): void {
  const tau = s / (1 + c);
  for (let i = 0; i < n; i++) {
    if (i !== p && i !== q) {
      const x = a[i * n + p];
      const y = a[i * n + q];
      a[i * n + p] = a[p * n + i] = x - s * (y + tau * x);
      a[i * n + q] = a[q * n + i] = y + s * (x - tau * y);
    }
    if (v !== null) {
      const x = v[i * n + p];
      const y = v[i * n + q];
      v[i * n + p] = x - s * (y + tau * x);
      v[i * n + q] = y + s * (x - tau * y);
    }
  }
}
