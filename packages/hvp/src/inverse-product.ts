/** Products with the inverse of a damped curvature matrix. */

import { DomainError } from "@curv/tensor";
import {
  expectOptions,
  cg,
  minres,
  richardson,
  shiftOperator,
  type DriverOptions,
  type LinearOperator,
  type SolveOptions,
  type SolveResult,
} from "@curv/linsolve";
import { spectralNorm } from "./estimators/extremes.js";
import { squareSize } from "./estimators/products.js";

export interface InverseProductOptions<X> extends SolveOptions<X>, DriverOptions {
  /** Added to the diagonal, ≥ 0. Default 0. */
  readonly damping?: number;
  /**
   * - `cg` (default): for A + damping·I positive definite; where it is not, the status is `indefinite`.
   * - `minres`: for symmetric A.
   * - `neumann`: the series Σ (I − s(A + damping·I))ᵏ s·b, `maxIter` terms: converges for 0 < s < 2/λ_max of a positive definite matrix, with
   *   an error that falls like (1 − s λ_min)ᵏ.
   */
  readonly method?: "cg" | "minres" | "neumann";
  /** s of the Neumann series. Default 1/λ_max, found by Lanczos. */
  readonly stepSize?: number;
}

/**
 * x with (A + damping·I) x = b: Newton's direction, a natural gradient, an influence. At most 250 steps by default; `converged` and `status`
 * tell how it ended.
 *
 * @param a - A symmetric operator, such as `hessianOperator` or `gaussNewtonOperator`.
 * @param b - A tree like its parameters.
 * @throws DomainError for a negative damping or an unknown method; as `cg`.
 *
 * @example
 * const { x: step, converged } = await inverseProduct(hessianOperator(loss, params, batch), gradient, { damping: 1e-3 });
 */
export async function inverseProduct<X>(
  a: LinearOperator<X>,
  b: X,
  inverseOptions: InverseProductOptions<X> = {},
): Promise<SolveResult<X>> {
  const caller = "inverseProduct";
  const n = squareSize(a, caller);
  expectOptions(caller, inverseOptions, { damping: "number", method: "text", stepSize: "number" });
  const { damping = 0, method = "cg", stepSize, ...options } = inverseOptions;
  if (!(damping >= 0 && damping < Infinity)) {
    throw new DomainError(`${caller}: damping is ${damping}; wants a finite number >= 0.`);
  }
  const damped = damping === 0 ? a : shiftOperator(a, damping);
  const settings = { maxIter: Math.min(n, 250), ...options };
  switch (method) {
    case "cg":
      return cg(damped, b, settings);
    case "minres":
      return minres(damped, b, settings);
    case "neumann": {
      const { signal } = options;
      const step = stepSize ?? 1 / (await spectralNorm(damped, { tol: 1e-3, ...(signal && { signal }) })).norm;
      return richardson(damped, b, { ...settings, stepSize: step });
    }
    default:
      throw new DomainError(`${caller}: method is ${JSON.stringify(method)}; wants "cg", "minres" or "neumann".`);
  }
}
