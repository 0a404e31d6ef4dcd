/** Richardson's iteration, which is the Neumann series. */

import { DomainError, logicalOr, where, zeros, type Tensor } from "@curv/tensor";
import { statusCode, type DriverOptions } from "./iteration.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import { expectArguments, expectOptions } from "./arguments.js";
import {
  finite,
  norm,
  solve,
  solveCore,
  type Method,
  type MethodState,
  type SolveCoreResult,
  type SolveOptions,
  type SolveResult,
} from "./system.js";

interface RichardsonState extends MethodState {
  readonly r: Tensor;
  /** The residual at the start. */
  readonly first: Tensor;
  /** int32: by how many steps in a row the residual has grown. */
  readonly growths: Tensor;
}

/**
 * x ← x + stepSize·M(b − A x), under the name by which it is called.
 *
 * @param symmetric - I − stepSize·A M is symmetric: three growths of the residual in a row prove that it diverges.
 */
export function richardsonMethod(
  stepSize: number,
  symmetric: boolean,
  name: string = "richardson",
): Method<RichardsonState> {
  const none = (): Tensor => zeros([], { dtype: "int32" });
  return {
    name,
    symmetric: false,
    start: (_system, x, r) => ({ x, r, residual: norm(r), first: norm(r), growths: none(), flag: none() }),
    step: ({ matvec, precondition, epsilon }, { x, r, residual: before, first, growths }) => {
      const direction = precondition(r).mul(stepSize);
      const next = r.sub(matvec(direction));
      const residual = norm(next);
      // The residual is multiplied by G = I − stepSize·A. ‖G r‖/‖r‖ never falls from step to step if G is symmetric, by Cauchy and Schwarz:
      // what grows once grows for ever. A G that is not may let a residual grow for long that vanishes in the end. √ε keeps rounding apart
      // from growth where A is singular, and the residual stays.
      const grows = residual.greater(before.mul(1 + Math.sqrt(epsilon)));
      const inARow = where(grows, growths.add(1), 0).cast("int32");
      const far = residual.greater(first.mul(1e4));
      return {
        x: x.add(direction),
        r: next,
        first,
        residual,
        growths: inARow,
        flag: divergence(residual, symmetric ? logicalOr(far, inARow.greaterEqual(3)) : far),
      };
    },
  };
}

/** The flag of a step of a method without inner products: NaN in one product does not reach its x, and it would go on. */
export function divergence(residual: Tensor, diverges: Tensor): Tensor {
  const flag = where(diverges, statusCode("diverged"), 0);
  return where(finite(residual), flag, statusCode("notFinite")).cast("int32");
}

export interface RichardsonOptions<X = Tensor> extends SolveOptions<X> {
  /** Converges for 0 < stepSize < 2/λ_max of a positive definite A. */
  readonly stepSize: number;
}

function checked(a: AnyOperator, options: RichardsonOptions<unknown>): Method<RichardsonState> {
  expectArguments("richardson", { a: [a, "operator"] });
  expectOptions("richardson", options, { stepSize: "number" });
  const { stepSize, preconditioner } = options;
  if (Number.isFinite(stepSize) && stepSize !== 0) {
    return richardsonMethod(stepSize, a.symmetric && preconditioner === undefined);
  }
  throw new DomainError(`richardson: stepSize is ${stepSize}; wants a finite number that is not 0.`);
}

/**
 * x with A x = b by Richardson's iteration. From x0 = 0, k steps are the first k terms of the Neumann series
 * Σ (I − stepSize·A)ʲ stepSize·b; set `maxIter` for a given number of terms.
 *
 * Where it diverges, the status is `diverged`: for an A that is said to be symmetric, and no preconditioner, when the residual has grown in
 * three steps in a row, which proves it; for others, whose residual may grow before it falls, when it comes to 10⁴ times the first.
 *
 * @throws DomainError if b or a product has NaN.
 */
export async function richardson<X>(
  a: LinearOperator<X>,
  b: X,
  options: RichardsonOptions<X> & DriverOptions,
): Promise<SolveResult<X>> {
  return solve(checked(a, options), a, b, options);
}

/** {@link richardson} as a traceable function; b may be [n, k]. */
export function richardsonCore<X>(a: LinearOperator<X>, b: X, options: RichardsonOptions<X>): SolveCoreResult<X> {
  return solveCore(checked(a, options), a, b, options);
}
