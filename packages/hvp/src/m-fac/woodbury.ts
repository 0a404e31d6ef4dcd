/** The inverse of a diagonal plus a matrix of low rank. */

import { check, DomainError, DTypeError, full, isTensor, ShapeError, stopGradient, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions, lowRankPreconditioner, type LinearOperator } from "@curv/linsolve";
import { checkDamping, defaultDamping } from "./damping.js";

export interface WoodburyOptions {
  /** λ > 0 for λI, or a diagonal [d] of positive numbers. Default 1e-5. */
  readonly damping?: number | Tensor;
  /** Of GᵀG. Default 1/m: the mean over the rows. */
  readonly scale?: number;
}

/**
 * (Λ + s GᵀG)⁻¹ for a factor G [m, d] and Λ = λI or a diagonal, by the Woodbury formula:
 *
 * Λ⁻¹ − Λ⁻¹Gᵀ (I/s + GΛ⁻¹Gᵀ)⁻¹ GΛ⁻¹, which for Λ = λI and s = 1/m is x ↦ (x − Gᵀ(mλI + GGᵀ)⁻¹G x)/λ.
 *
 * O(d m²) to build, O(d m) a product. It computes in float64 and keeps G in it; products have the dtype of G. Traceable and differentiable
 * in G, in the diagonal and in x. For many float32 gradients `staticInverseFisher` takes half the room.
 *
 * @throws ShapeError for a factor that is no matrix or a diagonal of another length; DTypeError for integers; DomainError for a damping
 * or scale that is not positive.
 *
 * @example
 * const inverse = woodburyInverse(grads, { damping: 1e-3 }); // of the damped empirical Fisher
 */
export function woodburyInverse(factor: Tensor, options: WoodburyOptions = {}): LinearOperator {
  expectArguments("woodburyInverse", { factor: [factor, "tensor"] });
  expectOptions("woodburyInverse", options, { scale: "number" });
  const { damping = defaultDamping, scale } = options;
  if (!isTensor(damping)) expectArguments("woodburyInverse", { "options.damping": [damping, "number"] });
  if (factor.rank !== 2 || factor.shape[0] === 0) {
    throw new ShapeError(
      `woodburyInverse: factor has shape [${factor.shape.join(", ")}]; wants [m, d] with m of 1 or more.`,
    );
  }
  const { dtype } = factor;
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`woodburyInverse: factor is ${dtype}; wants float32 or float64.`);
  }
  const [m, d] = factor.shape;
  const s = scale ?? 1 / m;
  if (!(s > 0 && s < Infinity)) throw new DomainError(`woodburyInverse: scale is ${s}; wants a positive number.`);
  checkDiagonal(damping, d);
  return lowRankPreconditioner(factor.transpose(), full([m], s, { dtype: "float64" }), damping);
}

function checkDiagonal(damping: number | Tensor, d: number): void {
  if (!isTensor(damping)) {
    checkDamping(damping, "woodburyInverse");
    return;
  }
  if (damping.rank !== 1 || damping.shape[0] !== d) {
    throw new ShapeError(`woodburyInverse: damping has shape [${damping.shape.join(", ")}]; wants a number or [${d}].`);
  }
  check([stopGradient(damping)], [1], (values) => {
    const at = values.findIndex((v) => !(v > 0 && v < Infinity));
    return at < 0 ? null : new DomainError(`woodburyInverse: damping[${at}] is ${values[at]}; wants positive numbers.`);
  });
}
