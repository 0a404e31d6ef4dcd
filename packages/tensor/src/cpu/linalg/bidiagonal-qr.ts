/** Singular values of an upper bidiagonal matrix by the implicit zero-shift QR iteration. */

import { hypot } from "./norm.js";
import type { RotationQueue } from "./plane-rotations.js";
import { beginSweep, flushRotations } from "./plane-rotations.js";

/** Relative error that dropping a coupling may cause in a singular value. */
const TOLERANCE = 2 ** -50;
/** Couplings and bulges below this are dropped (the matrix is scaled to about 1): rotations made of denormals are not orthogonal. */
const NEGLIGIBLE = 2 ** -800;
/** Sweeps allowed per singular value; about 2 are needed. */
const MAX_SWEEPS = 30;

/**
 * Diagonalises B in place: |d| become the singular values, in no order (d may be negative); e is destroyed.
 *
 * A sweep is a QR step on BᵀB that never forms it. Where a shift would spoil the smallest singular value of the block, the shift is
 * zero and the step has no subtraction, so that every singular value of B is found to nearly full relative accuracy. The bulge is
 * chased towards the smaller end. A chase upwards is one downwards on B with rows and columns reversed and transposed, which is upper
 * bidiagonal again: the same loop with the indices reversed and left and right exchanged.
 *
 * @param left - Queue on the matrix whose columns become left singular vectors, null for values only; `right` likewise.
 * @returns 0, or the number of couplings that did not converge in 30n sweeps.
 * Source: Demmel & Kahan (1990).
 */
export function bidiagonalQr(
  d: Float64Array,
  e: Float64Array,
  left: RotationQueue | null,
  right: RotationQueue | null,
): number {
  let sweeps = MAX_SWEEPS * d.length;
  let high = d.length - 1;
  while (high > 0) {
    let low = high;
    while (low > 0 && Math.abs(e[low - 1]) > NEGLIGIBLE) low--;
    if (low > 0) e[low - 1] = 0;
    if (low === high) {
      high--;
      continue;
    }
    const down = Math.abs(d[low]) >= Math.abs(d[high]);
    const block: Block = { d, e, start: down ? low : high, step: down ? 1 : -1, length: high - low };
    const smallest = dropCouplings(block);
    if (smallest < 0) continue;
    if (sweeps-- === 0) return e.reduce((count, x) => count + (x !== 0 ? 1 : 0), 0);
    const shift = chooseShift(block, smallest);
    const first = down ? right : left;
    const second = down ? left : right;
    if (shift === 0) zeroShiftSweep(block, first, second);
    else shiftedSweep(block, shift, first, second);
  }
  if (left !== null) flushRotations(left);
  if (right !== null) flushRotations(right);
  return 0;
}

/** Entries d[start + i·step], i ≤ length, and the coupling between i and i + 1. */
interface Block {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly start: number;
  readonly step: 1 | -1;
  readonly length: number;
}

/** Where the coupling of entries i and i + 1 of the block starts: its index for i = 0. */
const couplingStart = ({ start, step }: Block): number => (step > 0 ? start : start - 1);

/**
 * Drops the couplings that no singular value feels: |e_i| ≤ tol·μ_i, where μ_i = |d_i| μ_{i−1}/(μ_{i−1} + |e_{i−1}|) bounds from below
 * the smallest singular value of the leading part.
 *
 * @returns A lower bound of the block's smallest singular value, but for a factor √n; −1 if a coupling was dropped.
 */
function dropCouplings(block: Block): number {
  const { d, e, start, step, length } = block;
  const c = couplingStart(block);
  let dropped = false;
  const last = c + step * (length - 1);
  if (Math.abs(e[last]) <= TOLERANCE * Math.abs(d[start + step * length])) {
    e[last] = 0;
    dropped = true;
  }
  let mu = Math.abs(d[start]);
  let smallest = mu;
  for (let i = 0; i < length; i++) {
    const size = Math.abs(e[c + step * i]);
    const next = Math.abs(d[start + step * (i + 1)]);
    if (size <= TOLERANCE * mu) {
      e[c + step * i] = 0;
      dropped = true;
      mu = next;
    } else {
      mu = next * (mu / (mu + size));
    }
    smallest = Math.min(smallest, mu);
  }
  return dropped ? -1 : smallest;
}

/** The smaller singular value of the block's last 2×2, or 0 if subtracting it would harm the smallest one of the block. */
function chooseShift(block: Block, smallest: number): number {
  const { d, e, start, step, length } = block;
  const c = couplingStart(block);
  let largest = Math.abs(d[start]);
  for (let i = 0; i < length; i++) {
    largest = Math.max(largest, Math.abs(e[c + step * i]), Math.abs(d[start + step * (i + 1)]));
  }
  // A shift perturbs by ε·largest: too much, compared with 100ε of the smallest singular value, if that is this small.
  if (100 * length * smallest <= largest) return 0;
  const f = Math.abs(d[start + step * (length - 1)]);
  const g = Math.abs(e[c + step * (length - 1)]);
  const h = Math.abs(d[start + step * length]);
  const sigma = smallerSingularValue(f, g, h);
  const ratio = sigma / Math.abs(d[start]);
  return ratio * ratio < 2 ** -53 ? 0 : sigma;
}

/** σ_min = |fh|/σ_max of [[f, g], [0, h]], with 2σ_max = √((f+h)² + g²) + √((f−h)² + g²); all three ≥ 0. */
function smallerSingularValue(f: number, g: number, h: number): number {
  const largest = (hypot(f + h, g) + hypot(f - h, g)) / 2;
  return largest === 0 ? 0 : Math.min(f, h) * (Math.max(f, h) / largest);
}

/** The shifted step: the first rotation is that of BᵀB − σ², the others restore the form. */
function shiftedSweep(block: Block, shift: number, first: RotationQueue | null, second: RotationQueue | null): void {
  const { d, e, start, step, length } = block;
  const c = couplingStart(block);
  let at1 = first === null ? 0 : beginSweep(first, start, length, step);
  let at2 = second === null ? 0 : beginSweep(second, start, length, step);
  // (d² − σ²)/d, of which only the ratio to e matters.
  let f = (Math.abs(d[start]) - shift) * ((d[start] < 0 ? -1 : 1) + shift / d[start]);
  let g = e[c];
  for (let i = 0; i < length; i++) {
    const p = start + step * i;
    const q = c + step * i;
    let r = hypot(f, g);
    const c1 = r < NEGLIGIBLE ? 1 : f / r;
    const s1 = r < NEGLIGIBLE ? 0 : g / r;
    if (i > 0) e[q - step] = r;
    f = c1 * d[p] + s1 * e[q];
    e[q] = c1 * e[q] - s1 * d[p];
    g = s1 * d[p + step];
    d[p + step] *= c1;
    r = hypot(f, g);
    const c2 = r < NEGLIGIBLE ? 1 : f / r;
    const s2 = r < NEGLIGIBLE ? 0 : g / r;
    d[p] = r;
    f = c2 * e[q] + s2 * d[p + step];
    d[p + step] = c2 * d[p + step] - s2 * e[q];
    if (i < length - 1) {
      g = s2 * e[q + step];
      e[q + step] *= c2;
    }
    if (first !== null) {
      first.c[at1] = c1;
      first.s[at1++] = s1;
    }
    if (second !== null) {
      second.c[at2] = c2;
      second.s[at2++] = s2;
    }
  }
  e[c + step * (length - 1)] = f;
}

/** The step with shift 0, in which nothing is subtracted. */
function zeroShiftSweep(block: Block, first: RotationQueue | null, second: RotationQueue | null): void {
  const { d, e, start, step, length } = block;
  const c = couplingStart(block);
  let at1 = first === null ? 0 : beginSweep(first, start, length, step);
  let at2 = second === null ? 0 : beginSweep(second, start, length, step);
  let c1 = 1;
  let c2 = 1;
  let s2 = 0;
  for (let i = 0; i < length; i++) {
    const p = start + step * i;
    const q = c + step * i;
    const f = c1 * d[p];
    const r = hypot(f, e[q]);
    c1 = f / r; // couplings inside a block are not negligible, so neither is r
    const s1 = e[q] / r;
    if (i > 0) e[q - step] = s2 * r;
    const f2 = c2 * r;
    const g2 = d[p + step] * s1;
    const r2 = hypot(f2, g2);
    c2 = r2 < NEGLIGIBLE ? 1 : f2 / r2;
    s2 = r2 < NEGLIGIBLE ? 0 : g2 / r2;
    d[p] = r2;
    if (first !== null) {
      first.c[at1] = c1;
      first.s[at1++] = s1;
    }
    if (second !== null) {
      second.c[at2] = c2;
      second.s[at2++] = s2;
    }
  }
  const h = c1 * d[start + step * length];
  e[c + step * (length - 1)] = h * s2;
  d[start + step * length] = h * c2;
}
