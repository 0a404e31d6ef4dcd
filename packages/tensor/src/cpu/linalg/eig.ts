/** Eigenvalues and right eigenvectors of a general real matrix. */

import { externalFactorisations } from "../external-factorisations.js";
import { balance, undoBalance } from "./balance.js";
import { francisQr } from "./francis-qr.js";
import { hessenberg } from "./hessenberg.js";
import { addProduct } from "./multiply.js";
import { hypot, maxAbs, norm2, safeScale } from "./norm.js";
import { schurVectors } from "./schur-vectors.js";

/** A component counts as largest if it is within this factor of the largest, as for eigh. */
const NEARLY = 1 - 2 ** -10;

/**
 * AV = V diag(w), w = wr + i·wi, V = vr + i·vi, for A of [n, n].
 *
 * Backward stable: ‖Av − wv‖ ≤ 10nε‖A‖‖v‖ for every column, where A and v are those after balancing. For a badly scaled A that is the
 * better bound for the eigenvalues, but the residual of the vectors as returned may be larger than 10nε‖A‖.
 *
 * Order: real parts ascend; where they agree to 10nε max|w|, |Im w| ascends; of a conjugate pair the one with Im w > 0 is first.
 * ‖v_j‖₂ = 1, and the first component with |v| ≥ (1 − 2⁻¹⁰) max|v| is real and positive. For a defective matrix the vectors of a
 * multiple eigenvalue are nearly parallel.
 *
 * @param a - A; not modified.
 * @param vr - Receives Re V of [n, n]; null together with `vi` for eigenvalues only (the same bits).
 * @returns 0; −1 if A holds NaN or an infinity; else the number of eigenvalues that did not converge. All outputs are NaN unless 0.
 */
export function eig(
  a: Float64Array,
  n: number,
  wr: Float64Array,
  wi: Float64Array,
  vr: Float64Array | null,
  vi: Float64Array | null,
): number {
  if (n === 0) return 0;
  const largest = maxAbs(a, n * n);
  const fail = (info: number): number => {
    for (const out of [wr, wi, vr, vi]) out?.fill(NaN);
    return info;
  };
  if (!(largest < Infinity)) return fail(-1);
  const scale = safeScale(largest);
  const h = a.slice(0, n * n);
  if (scale !== 1) for (let k = 0; k < h.length; k++) h[k] *= scale;

  const re = new Float64Array(n);
  const im = new Float64Array(n);
  const v = vr !== null && vi !== null ? new Float64Array(n * n) : null;
  if (!(externalFactorisations(n * n)?.eig(h.slice(), n, re, im, v) ?? false)) {
    const info = bySchurForm(h, n, re, im, v);
    if (info !== 0) return fail(info);
  }

  const order = eigenvalueOrder(re, im);
  for (let j = 0; j < n; j++) {
    wr[j] = re[order[j]] / scale;
    wi[j] = im[order[j]] / scale;
  }
  if (v === null || vr === null || vi === null) return 0;
  for (let j = 0; j < n; j++) {
    const from = order[j];
    // The second vector of a pair is the conjugate of the first.
    if (im[from] < 0) normalise(v, n, from - 1, -1, vr, vi, j);
    else normalise(v, n, from, im[from] > 0 ? 1 : 0, vr, vi, j);
  }
  return 0;
}

/**
 * Eigenvalues of H, which is destroyed. Column j of V, zero on entry, becomes the eigenvector of a real eigenvalue; columns j and j + 1 are
 * the real and imaginary parts of that of the first of a conjugate pair.
 */
function bySchurForm(h: Float64Array, n: number, re: Float64Array, im: Float64Array, v: Float64Array | null): number {
  const balanced = balance(h, n);
  const z = hessenberg(h, n, balanced.low, balanced.high, v !== null);
  const info = francisQr(h, n, balanced.low, balanced.high, re, im, z);
  if (info !== 0 || z === null || v === null) return info;
  addProduct(z, schurVectors(h, n, re, im), n, v.fill(0));
  undoBalance(balanced, v, n);
  return 0;
}

function eigenvalueOrder(re: Float64Array, im: Float64Array): Int32Array {
  const n = re.length;
  const order = Int32Array.from(re.keys()).sort((i, j) => re[i] - re[j] || i - j);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, hypot(re[i], im[i]));
  const first = (i: number): number => (im[i] < 0 ? i - 1 : i); // so that equal pairs stay pairs
  const tie = 10 * n * 2 ** -52 * largest;
  for (let i = 0; i < n;) {
    let end = i + 1;
    while (end < n && re[order[end]] - re[order[end - 1]] <= tie) end++;
    order.subarray(i, end).sort((p, q) => Math.abs(im[p]) - Math.abs(im[q]) || first(p) - first(q) || p - q);
    i = end;
  }
  return order;
}

/**
 * Column `to` of vr + i·vi from column `from` of V, with sign·(column `from` + 1) as the imaginary part; sign 0: none. Divided by
 * its norm and by the phase of its first nearly largest component.
 */
function normalise(
  v: Float64Array,
  n: number,
  from: number,
  sign: number,
  vr: Float64Array,
  vi: Float64Array,
  to: number,
): void {
  const imaginary = (i: number): number => (sign === 0 ? 0 : sign * v[i * n + from + 1]);
  const norm = sign === 0 ? norm2(v, from, n, n) : hypot(norm2(v, from, n, n), norm2(v, from + 1, n, n));
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, hypot(v[i * n + from], imaginary(i)));
  let pivot = 0;
  while (hypot(v[pivot * n + from], imaginary(pivot)) < NEARLY * largest) pivot++;
  const size = hypot(v[pivot * n + from], imaginary(pivot));
  const c = v[pivot * n + from] / size;
  const s = imaginary(pivot) / size;
  for (let i = 0; i < n; i++) {
    const re = v[i * n + from] / norm;
    const im = imaginary(i) / norm;
    vr[i * n + to] = c * re + s * im;
    vi[i * n + to] = sign === 0 || i === pivot ? 0 : c * im - s * re;
  }
}
