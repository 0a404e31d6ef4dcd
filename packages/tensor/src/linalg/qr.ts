/** QR factorisation. */

import { DomainError } from "../errors.js";
import { qrPrimitive } from "../primitives/linalg/qr.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { asMatrices, checkFinite } from "./operands.js";

/**
 * A = Q R with orthonormal columns in Q and diag R ≥ 0, which makes it unique for full rank.
 *
 * @param mode - "thin": Q [..., m, k], R [..., k, n], k = min(m, n). "complete": Q [..., m, m], R [..., m, n]; it has no derivative.
 */
export function qr(
  a: Tensor,
  { mode = "thin" }: { readonly mode?: "thin" | "complete" } = {},
): { readonly q: Tensor; readonly r: Tensor } {
  const matrices = asMatrices(a, "qr");
  if (mode !== "thin" && mode !== "complete")
    throw new DomainError(`qr: mode is ${JSON.stringify(mode)}; wants "thin" or "complete".`);
  checkFinite(matrices, "qr");
  const [q, r] = bind(qrPrimitive, [matrices], { complete: mode === "complete" });
  return { q, r };
}
