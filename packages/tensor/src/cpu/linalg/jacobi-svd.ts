/** Singular value decomposition by one-sided Jacobi rotations: the most accurate method, and the cheapest for small matrices. */

import { norm2 } from "./norm.js";
import { applyQ, qr } from "./qr.js";
import { factorPivotedQr } from "./qr-pivoted.js";
import { dot } from "./vectors.js";

const MAX_SWEEPS = 60;
/** Rows below this are zero: their products would underflow. The matrix is scaled to about 1. */
const NEGLIGIBLE = 2 ** -490;

/**
 * A = U diag(s) Vᵀ for A of [m, n], m ≥ n, in place; s ≥ 0 in no order.
 *
 * After AΠ = QR, rotations JᵀR make the rows of R orthogonal: their norms are s, their directions V. Pivoting brings R near to
 * that, and lets the small singular values of A = BD, D diagonal and B well conditioned, be found to full relative accuracy however
 * bad D is, which no method that begins with a bidiagonal matrix does.
 *
 * @param u - Receives U of [m, uColumns], uColumns = n or m; null with `v` for singular values only.
 * @param v - Receives V of [n, n].
 * @returns 0, or the number of pairs still not orthogonal after 60 sweeps.
 * Source: Hestenes (1958); the preconditioning: Drmač & Veselić (2008).
 */
export function jacobiSvd(
  a: Float64Array,
  m: number,
  n: number,
  s: Float64Array,
  u: Float64Array | null,
  uColumns: number,
  v: Float64Array | null,
): number {
  const perm = new Int32Array(n);
  const factors = factorPivotedQr(a, m, n, perm);
  const g = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) g[i * n + j] = a[i * n + j];
  const vectors = u !== null && v !== null;
  const jt = vectors ? identity(n) : null;
  const info = orthogonaliseRows(g, n, jt);
  for (let i = 0; i < n; i++) {
    s[i] = norm2(g, i * n, 1, n);
    if (s[i] < NEGLIGIBLE) s[i] = 0;
  }
  if (!vectors) return info;

  const w = normalisedRows(g, n, s);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) v[perm[j] * n + i] = w[i * n + j];
  u.fill(0, 0, m * uColumns);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) u[i * uColumns + j] = jt![j * n + i];
  for (let i = n; i < uColumns; i++) u[i * uColumns + i] = 1;
  applyQ(factors, u, uColumns);
  return info;
}

/** Rotates pairs of rows of G, and of Jᵀ with them, until all are orthogonal. */
function orthogonaliseRows(g: Float64Array, n: number, jt: Float64Array | null): number {
  const tolerance = Math.max(8, Math.sqrt(n)) * 2 ** -53;
  const squares = new Float64Array(n);
  let rotated = 0;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    rotated = 0;
    for (let i = 0; i < n; i++) squares[i] = dot(g, i * n, g, i * n, n); // afresh: updating them loses digits
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const gamma = dot(g, p * n, g, q * n, n);
        const alpha = squares[p];
        const beta = squares[q];
        if (!(Math.abs(gamma) > tolerance * Math.sqrt(alpha) * Math.sqrt(beta)) || alpha === 0 || beta === 0) continue;
        rotated++;
        // t = tan φ, the smaller root of t² + 2ζt − 1 = 0.
        const zeta = (beta - alpha) / (2 * gamma);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        rotateRows(g, n, p, q, c, c * t);
        if (jt !== null) rotateRows(jt, n, p, q, c, c * t);
        squares[p] = alpha - t * gamma;
        squares[q] = beta + t * gamma;
        // A row that nearly vanished by subtraction: its square is noise.
        if (squares[p] < 2 ** -20 * alpha) squares[p] = dot(g, p * n, g, p * n, n);
        if (squares[q] < 2 ** -20 * beta) squares[q] = dot(g, q * n, g, q * n, n);
      }
    }
    if (rotated === 0) return 0;
  }
  return rotated;
}

/** Rows x, y ← cx − sy, sx + cy, as a small correction of each (s/(1 + c) = (1 − c)/s): near the end of the iteration s is small, and so is the rounding. */
function rotateRows(g: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  const tau = s / (1 + c);
  for (let x = p * n, y = q * n, end = x + n; x < end; x++, y++) {
    const gx = g[x];
    const gy = g[y];
    g[x] = gx - s * (gy + tau * gx);
    g[y] = gy + s * (gx - tau * gy);
  }
}

/** G's rows divided by s; rows with s = 0 are replaced by an orthonormal basis of what the others leave. */
function normalisedRows(g: Float64Array, n: number, s: Float64Array): Float64Array {
  const w = g.slice();
  const zeros: number[] = [];
  const others: number[] = [];
  for (let i = 0; i < n; i++) {
    if (s[i] === 0) zeros.push(i);
    else {
      others.push(i);
      for (let j = 0; j < n; j++) w[i * n + j] /= s[i];
    }
  }
  if (zeros.length === 0) return w;
  const rank = others.length;
  const columns = new Float64Array(n * rank);
  for (let i = 0; i < n; i++) for (let j = 0; j < rank; j++) columns[i * rank + j] = w[others[j] * n + i];
  const basis = new Float64Array(n * n);
  qr(columns, n, rank, basis, new Float64Array(n * rank), true);
  zeros.forEach((row, l) => {
    for (let j = 0; j < n; j++) w[row * n + j] = basis[j * n + rank + l];
  });
  return w;
}

function identity(n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = 1;
  return a;
}
