/** The damping λ of F = λI + (1/m) Σ gᵢgᵢᵀ. */

import { DomainError } from "@curv/tensor";

/** Of the paper and of its code, for pruning and for training. */
export const defaultDamping = 1e-5;

export function checkDamping(damping: number, caller: string): void {
  if (!(typeof damping === "number" && damping > 0 && damping < Infinity)) {
    throw new DomainError(`${caller}: damping is ${String(damping)}; wants a positive number.`);
  }
}
