/** Power iteration. */

import { check, DomainError, logicalAnd, logicalNot, stopGradient, whileLoop, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "../arguments.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { finite, norm, productError } from "../system.js";

export interface PowerIterationOptions {
  /** For the random start. */
  readonly key: random.Key;
  /** Done when ‖A v − λ v‖ ≤ tol |λ|. Default 1e-8 in float64, 1e-4 in float32. */
  readonly tol?: number;
  /** Default 1000. */
  readonly maxIter?: number;
}

export interface PowerIterationResult {
  /** The Rayleigh quotient vᵀAv, with its sign. */
  readonly value: Tensor;
  /** [n], of length 1. */
  readonly vector: Tensor;
  /** ‖A v − λ v‖. */
  readonly residual: Tensor;
  /** bool. */
  readonly converged: Tensor;
  /** int32: products with A. */
  readonly iterations: Tensor;
}

/**
 * The eigenvalue of largest magnitude of a symmetric A, traceable. Converges like |λ₂/λ₁|ᵏ, and not at all if λ₂ = −λ₁: `eigsh` needs far
 * fewer products, and tries whether A is symmetric, which is believed here.
 *
 * @throws DomainError for options that make no sense, or for a product with NaN, naming its number.
 */
export function powerIterationCore(a: AnyOperator, options: PowerIterationOptions): PowerIterationResult {
  square(a, "powerIterationCore");
  expectOptions("powerIterationCore", options, { tol: "number", maxIter: "number" });
  const { key, tol = a.dtype === "float64" ? 1e-8 : 1e-4, maxIter = 1000 } = options;
  expectArguments("powerIterationCore", { "options.key": [key, "key"] });
  if (!Number.isInteger(maxIter) || maxIter < 1) {
    throw new DomainError(`powerIterationCore: maxIter is ${maxIter}; wants an integer >= 1.`);
  }
  if (!(tol >= 0)) throw new DomainError(`powerIterationCore: tol is ${tol}; wants a number >= 0.`);
  const start = random.normal(key, { shape: [a.shape[1]], dtype: a.dtype });
  const zero = zeros([], { dtype: a.dtype });
  interface State {
    readonly next: Tensor;
    readonly vector: Tensor;
    readonly value: Tensor;
    readonly residual: Tensor;
    readonly iterations: Tensor;
  }
  const small = ({ residual, value }: State): Tensor => residual.lessEqual(value.abs().mul(tol));
  const end = whileLoop(
    (s: State) => logicalAnd(s.iterations.less(maxIter), logicalAnd(logicalNot(small(s)), finite(s.residual))),
    ({ next, iterations }: State): State => {
      const image = a.matvec(next);
      const value = next.mul(image).sum();
      const length = norm(image);
      // The zero operator keeps its vector.
      const stays = length.equal(0).cast(a.dtype);
      return {
        next: image.add(next.mul(stays)).div(length.add(stays)),
        vector: next,
        value,
        residual: norm(image.sub(next.mul(value))),
        iterations: iterations.add(1),
      };
    },
    {
      next: start.div(norm(start)),
      vector: start,
      value: zero,
      residual: zero.add(1),
      iterations: zeros([], { dtype: "int32" }),
    },
  );
  check([stopGradient(end.residual), end.iterations], [0, 0], ([residual], [product]) =>
    Number.isFinite(residual) ? null : productError(product, "powerIterationCore"),
  );
  return {
    value: end.value,
    vector: end.vector,
    residual: end.residual,
    converged: small(end as State),
    iterations: end.iterations,
  };
}
