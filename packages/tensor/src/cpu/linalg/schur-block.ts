/** The Schur form of a real 2×2 matrix. */

import { hypot } from "./norm.js";

/** R [[a, b], [c, d]] Rᵀ, R = [[cs, sn], [−sn, cs]]: upper triangular, or with equal diagonal and bc < 0 (a conjugate pair). */
export interface SchurBlock {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly cs: number;
  readonly sn: number;
}

/** A discriminant below this (relative) is rounding: whether the pair is real is decided after its diagonal was made equal. */
const UNDECIDED = 2 ** -50;

export function schurBlock(a: number, b: number, c: number, d: number): SchurBlock {
  if (c === 0) return { a, b, c, d, cs: 1, sn: 0 };
  if (b === 0) return { a: d, b: -c, c: 0, d: a, cs: 0, sn: 1 };
  const half = (a - d) / 2;
  const size = Math.max(Math.abs(half), Math.abs(b), Math.abs(c));
  // (λ − d)² − 2·half·(λ − d) − bc = 0, divided by size².
  const discriminant = (half / size) ** 2 + (b / size) * (c / size);
  if (discriminant >= UNDECIDED) {
    const z = half + (half < 0 ? -1 : 1) * size * Math.sqrt(discriminant);
    return triangularForm(b, c, d + z, d - (b / z) * c, z);
  }
  // tan 2φ = −(a − d)/(b + c) makes the diagonal equal; |φ| ≤ π/4.
  const sigma = b + c;
  const length = hypot(sigma, a - d);
  let cs = 1;
  let sn = 0;
  let mean = a;
  if (length > 0 && a !== d) {
    cs = Math.sqrt((1 + Math.abs(sigma) / length) / 2);
    sn = -((half / length) * (sigma < 0 ? -1 : 1)) / cs;
    const [aa, bb] = [a * cs + b * sn, b * cs - a * sn];
    const [cc, dd] = [c * cs + d * sn, d * cs - c * sn];
    mean = (aa * cs + cc * sn + (dd * cs - bb * sn)) / 2;
    b = bb * cs + dd * sn;
    c = cc * cs - aa * sn;
  }
  if (b * c < 0 || (b !== 0 && c !== 0 && b < 0 !== c < 0)) return { a: mean, b, c, d: mean, cs, sn };
  if (c === 0) return { a: mean, b, c, d: mean, cs, sn };
  // A real pair after all: one more rotation.
  const z = Math.sqrt(Math.abs(b)) * Math.sqrt(Math.abs(c));
  const last = triangularForm(b, c, mean + z, mean - z, z);
  return { ...last, cs: last.cs * cs - last.sn * sn, sn: last.sn * cs + last.cs * sn };
}

/** With the eigenvector (z, c) of the first eigenvalue as the new first axis, what is left off the diagonal is b − c. */
function triangularForm(b: number, c: number, first: number, second: number, z: number): SchurBlock {
  const length = hypot(z, c);
  return { a: first, b: b - c, c: 0, d: second, cs: z / length, sn: c / length };
}

/** Eigenvalues of a block in Schur form: a, d, or a ± i√(−bc). */
export function blockEigenvalues({ a, b, c, d }: SchurBlock): [re1: number, im1: number, re2: number, im2: number] {
  if (c === 0) return [a, 0, d, 0];
  const im = Math.sqrt(Math.abs(b)) * Math.sqrt(Math.abs(c));
  return [a, im, d, -im];
}
