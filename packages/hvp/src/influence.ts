/** Influence functions: what a training example does to the loss of a test example. */

import { concat, ConvergenceError, stack, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions, type LinearOperator } from "@curv/linsolve";
import { refuseNoData, type Data } from "./data.js";
import { inverseProduct, type InverseProductOptions } from "./inverse-product.js";
import { checkLoss, exampleLosses, type LossFunction } from "./loss-function.js";
import { perSampleGradientRows } from "./per-sample.js";
import { compiled, directional, mapped } from "./transforms.js";

export interface InfluenceOptions<P> extends Omit<InverseProductOptions<P>, "x0" | "onProgress"> {
  /** v ↦ an approximation of (A + damping·I)⁻¹ v, instead of solving: M-FAC's or K-FAC's. Vectors [parameters]. */
  readonly inverse?: (v: Tensor) => Tensor;
  /** Called after each test example. */
  readonly onProgress?: (progress: { readonly examples: number; readonly of: number }) => void;
}

/**
 * Iᵢⱼ = −∇l(testᵢ)ᵀ (A + damping·I)⁻¹ ∇l(trainⱼ): the derivative of the loss of test example i with respect to the weight of training example
 * j. To leave j out of n changes that loss by about −Iᵢⱼ/n; positive values are of examples that do harm.
 *
 * One solve for each test example; then each training batch in one forward pass: no gradient of a training example is stored.
 *
 * @param curvature - A, of the training loss at its minimum: `hessianOperator`, or `gaussNewtonOperator` with damping.
 * @returns [test examples, training examples].
 * @throws ConvergenceError where a solve does not converge, naming its status; as `hessianOperator`.
 * Source: Koh & Liang, Understanding black-box predictions via influence functions (2017), eq. 2.
 *
 * @example
 * const scores = await influence(loss, params, hessianOperator(loss, params, training), { training, test }, { damping: 1e-3 });
 */
export async function influence<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  curvature: LinearOperator<P>,
  data: { readonly training: Data<B>; readonly test: B },
  influenceOptions: InfluenceOptions<P> = {},
): Promise<Tensor> {
  expectArguments("influence", {
    loss: [loss, "function"],
    curvature: [curvature, "operator"],
    data: [data, "object"],
  });
  const { training, test } = data;
  const caller = "influence";
  refuseNoData(training, caller);
  expectArguments(caller, { "data.test": [test, "tree"] });
  expectOptions(caller, influenceOptions, {
    inverse: "function", damping: "number", method: "text", stepSize: "number", rtol: "number", atol: "number",
    maxIter: "number", preconditioner: "operator",
  }); // prettier-ignore
  const { inverse, onProgress, ...options } = influenceOptions;
  const batches = checkLoss(loss, params, training, caller, {});
  const [gradients] = [...perSampleGradientRows(loss, params, test)];
  const { ravel, unravel } = curvature.domain;
  const count = gradients.shape[0];
  const solved: Tensor[] = [];
  for (let i = 0; i < count; i++) {
    const g = gradients.slice(i);
    if (inverse !== undefined) {
      const x = inverse(g);
      expectArguments(caller, { "the result of options.inverse": [x, "tensor"] });
      solved.push(x);
    } else {
      const { x, converged, status, residual } = await inverseProduct(curvature, unravel(g), options);
      if (!converged) {
        throw new ConvergenceError(
          `${caller}: the solve for test example ${i} ended with status "${status}" and residual ${residual}; more damping, a larger maxIter or rtol, or method "minres" may help.`,
        );
      }
      solved.push(ravel(x, caller, "the solution"));
    }
    options.signal?.throwIfAborted();
    onProgress?.({ examples: i + 1, of: count });
  }
  const directions = stack(solved);
  const ofBatch = compiled((batch: B, vs: Tensor) =>
    mapped((v: Tensor) => directional(exampleLosses(loss, batch), params, unravel(v)))(vs),
  );
  const parts: Tensor[] = [];
  for (const batch of batches.each()) {
    parts.push(ofBatch(batch, directions).neg());
    options.signal?.throwIfAborted();
  }
  return concat(parts, 1);
}
