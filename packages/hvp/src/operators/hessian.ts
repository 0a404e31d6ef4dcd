/** The Hessian of a mean loss. */

import { DomainError, where, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions, linearOperator, type LinearOperator } from "@curv/linsolve";
import { axpy, norm, scale, sub } from "@curv/tensor/tree";
import { meanOverExamples, type Data } from "../data.js";
import { checkLoss, gradientOf, type LossFunction, type LossOptions } from "../loss-function.js";
import { someDirection } from "../repeatable.js";
import { gradient, inner, linearized } from "../transforms.js";

export interface HessianOptions extends LossOptions {
  /**
   * How products are computed.
   * - `forward-over-reverse` (default): the gradient's derivative along v. For one batch in memory the gradient is linearised once, and a
   *   product runs only its linear part; what that needs is kept.
   * - `reverse-over-reverse`: the gradient of ⟨∇L, v⟩.
   * - `finite-difference`: a central difference of gradients, to about 1e-9 in float64 and 1e-3 in float32; biased where the step crosses
   *   a kink of the loss, as ReLU has.
   */
  readonly mode?: "forward-over-reverse" | "reverse-over-reverse" | "finite-difference";
}

/**
 * The Hessian ∇²L(θ) of a mean loss, as a symmetric operator on trees like the parameters.
 *
 * A product costs 2 to 3 gradients the first time and about as much each time again, or less for one batch (see `mode`). Nothing of size
 * P × P is made. Several products at once (`matmat`) are one vectorised pass, with that many times the memory of one.
 *
 * @param loss - (params, batch) ↦ the mean loss of a batch, a scalar.
 * @param params - θ.
 * @param data - Examples, or batches of them: `inBatches`, `fromLoader`.
 * @throws ShapeError, TreeError, DomainError for a loss that is no finite scalar or differs from call to call, as its gradient and a product
 * must not, either (unless `check` is false), or for no examples; TracingError where there is no second derivative, naming the operation.
 * Source: Pearlmutter, Fast exact multiplication by the Hessian (1994).
 *
 * @example
 * const { values } = await eigsh(hessianOperator(loss, params, batch), { k: 10 });
 */
export function hessianOperator<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: HessianOptions = {},
): LinearOperator<P> {
  return hessianFor(loss, params, data, options, "hessianOperator");
}

/** The same under the name by which it was called. */
export function hessianFor<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: HessianOptions,
  caller: string,
): LinearOperator<P> {
  expectOptions(caller, options, { mode: "text" });
  const { mode = "forward-over-reverse" } = options;
  const product = products[mode] as Product | undefined;
  if (product === undefined) {
    throw new DomainError(`${caller}: mode is ${JSON.stringify(mode)}; wants ${Object.keys(products).join(", ")}.`);
  }
  const batches = checkLoss(loss, params, data, caller, options, (ofBatch) => ({
    ...gradientOf(ofBatch, params),
    // Differences are made of gradients.
    ...(mode !== "finite-difference" && {
      "a Hessian-vector product": () => product(ofBatch, params)(someDirection(params)),
    }),
  }));
  const { mean, eager } = meanOverExamples(batches, (batch) => product((p: P) => loss(p, batch), params), caller);
  return linearOperator({ matvec: mean, domain: params, symmetric: true, eager, compiled: !eager });
}

/**
 * The Hessian of a loss with respect to its inputs, instead of its parameters: curvature in the space of images, say. The inputs of several
 * examples are one vector; its blocks beside the diagonal are zero if the loss is a mean over examples.
 *
 * @param loss - (params, batch) ↦ the mean loss of a batch, a scalar.
 * @param batch - Inputs and what else the loss takes.
 * @throws As {@link hessianOperator}.
 */
export function inputHessianOperator<P, X, B extends { readonly inputs: X }>(
  loss: LossFunction<P, B>,
  params: P,
  batch: B,
  options: HessianOptions = {},
): LinearOperator<B["inputs"]> {
  const caller = "inputHessianOperator";
  expectArguments(caller, { loss: [loss, "function"], params: [params, "tree"], batch: [batch, "object"] });
  expectArguments(caller, { "batch.inputs": [batch.inputs, "tree"] });
  return hessianFor(
    (inputs: B["inputs"], whole: B) => loss(params, { ...whole, inputs }),
    batch.inputs,
    batch,
    options,
    caller,
  );
}

/** A function and a place, to v ↦ ∇²f v. */
type Product = <P>(f: (p: P) => Tensor, params: P) => (v: P) => P;

const products: Readonly<Record<NonNullable<HessianOptions["mode"]>, Product>> = {
  "forward-over-reverse": (f, params) => linearized(gradient(f), params).linear,
  "reverse-over-reverse": (f, params) => (v) => gradient((p: typeof params) => inner(gradient(f)(p), v))(params),
  "finite-difference": (f, params) => {
    const base = norm(params as never);
    const step = base.dtype === "float64" ? 1e-5 : 1e-3;
    return (v) => {
      const length = norm(v as never);
      const scaled = where(base.greater(1), base, 1).mul(step);
      const epsilon = scaled.div(where(length.greater(0), length, 1));
      const at = (e: Tensor): typeof params => gradient(f)(axpy(e, v as never, params as never));
      return scale(epsilon.mul(2).reciprocal(), sub(at(epsilon) as never, at(epsilon.neg()) as never));
    };
  },
};
