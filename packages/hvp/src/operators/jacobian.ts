/** The Jacobian of a model's outputs. */

import { type Tensor } from "@curv/tensor";
import { linearOperator, type LinearOperator, expectArguments } from "@curv/linsolve";
import { compiled, linearized, withPullback } from "../transforms.js";
import { checkedModel, type Model } from "./model.js";

/**
 * J = ∂outputs/∂params at a place, as an operator from trees like the parameters to tensors like the outputs; Jᵀ is `applyTranspose`.
 *
 * @example
 * const kernel = composeOperators(j, transposeOperator(j)); // the neural tangent kernel J Jᵀ
 */
export function jacobianOperator<P, X>(model: Model<P, X>, params: P, inputs: X): LinearOperator<P, Tensor> {
  const checked = checkedModel(model, params, "jacobianOperator");
  // A function of the parameters alone has no inputs.
  if (inputs !== null) expectArguments("jacobianOperator", { inputs: [inputs, "tree"] });
  const outputsAt = (p: P): Tensor => checked(p, inputs);
  const { value, linear } = linearized(outputsAt, params);
  const { pullback } = withPullback(outputsAt, params);
  return linearOperator<P, Tensor>({
    matvec: compiled(linear),
    rmatvec: compiled((u: Tensor) => pullback(u)[0]),
    domain: params,
    range: value,
  });
}
