/** log Γ as a Taylor series. */

import * as taylor from "./taylor.js";
import type { Taylor } from "./taylor.js";

/** B₂ₖ/(2k(2k − 1)). */
const stirling: readonly number[] = [
  1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188,
]; // prettier-ignore

/** log Γ(z + δ) to order n, z > 0: Stirling's series from z + m ≥ 16 + n, and log Γ(z) = log Γ(z + m) − Σ_{j<m} log(z + j). */
export function logGammaTaylor(n: number, z: number): Taylor {
  const m = Math.max(0, Math.ceil(16 + n - z));
  const w = taylor.affine(n, z + m, 1);
  const inverse = taylor.quotient(taylor.affine(n, 1, 0), w);
  const square = taylor.product(inverse, inverse);
  const tail = taylor.affine(n, stirling[stirling.length - 1], 0);
  for (let k = stirling.length - 2; k >= 0; k--) taylor.multiplyInto(tail, square, stirling[k]);
  taylor.multiplyInto(tail, inverse);
  const out = taylor.product(taylor.affine(n, z + m - 0.5, 1), taylor.log(w));
  out[0] += 0.9189385332046727 - (z + m); // ½log 2π
  if (n > 0) out[1] -= 1;
  for (let k = 0; k <= n; k++) out[k] += tail[k];
  for (let j = m - 1; j >= 0; j--) {
    const t = z + j;
    out[0] -= Math.log(t);
    let power = 1;
    for (let k = 1; k <= n; k++) {
      power /= -t;
      out[k] += power / k; // −log(t + δ) = −log t + Σ (−δ/t)ᵏ/k
    }
  }
  return out;
}
