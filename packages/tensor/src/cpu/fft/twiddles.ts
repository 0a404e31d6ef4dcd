/** Roots of unity, each to about an ulp of 1 whatever its angle, with the same bits in every engine. */

import { cos64, sin64 } from "../math/sin.js";

/** cos(2πk/n) and sin(2πk/n). */
export interface UnitRoot {
  cos: number;
  sin: number;
}

/**
 * Writes e^(2πik/n) into `out`, for integers 0 ≤ k < n.
 *
 * The angle is reduced to [0, π/4] in integers (8k against n) before anything is rounded, so 1, i, −1 and −i are exact
 * and e^(2πik/n) and its mirror images have the same bits.
 */
export function unitRoot(k: number, n: number, out: UnitRoot): void {
  let eighths = 8 * k; // angle = 2π·eighths/(8n)
  const lower = eighths > 4 * n;
  if (lower) eighths = 8 * n - eighths; // [0, π]
  const left = eighths > 2 * n;
  if (left) eighths = 4 * n - eighths; // [0, π/2]
  const steep = eighths > n;
  if (steep) eighths = 2 * n - eighths; // [0, π/4]
  const angle = (eighths / n) * 0.7853981633974483;
  const c = cos64(angle);
  const s = sin64(angle);
  const x = steep ? s : c;
  const y = steep ? c : s;
  out.cos = left ? -x : x;
  out.sin = lower ? -y : y;
}
