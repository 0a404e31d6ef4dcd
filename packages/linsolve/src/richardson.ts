/** Richardson's iteration, which is the Neumann series. */

import { DomainError, where, zeros, type Tensor } from "@curv/tensor";
import { statusCode, type DriverOptions } from "./iteration.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import { expectArguments, expectOptions } from "./arguments.js";
import {
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
}

/** x ← x + stepSize·M(b − A x), under the name by which it is called. */
export function richardsonMethod(stepSize: number, name: string = "richardson"): Method<RichardsonState> {
  return {
    name,
    symmetric: false,
    start: (_system, x, r) => ({ x, r, residual: norm(r), first: norm(r), flag: zeros([], { dtype: "int32" }) }),
    step: ({ matvec, precondition }, { x, r, first }) => {
      const direction = precondition(r).mul(stepSize);
      const next = r.sub(matvec(direction));
      const residual = norm(next);
      return {
        x: x.add(direction),
        r: next,
        first,
        residual,
        flag: where(residual.greater(first.mul(1e4)), statusCode("breakdown"), 0).cast("int32"),
      };
    },
  };
}

export interface RichardsonOptions<X = Tensor> extends SolveOptions<X> {
  /** Converges for 0 < stepSize < 2/λ_max of a positive definite A. */
  readonly stepSize: number;
}

function checked(a: AnyOperator, options: RichardsonOptions<unknown>): number {
  expectArguments("richardson", { a: [a, "operator"] });
  expectOptions("richardson", options, { stepSize: "number" });
  const { stepSize } = options;
  if (Number.isFinite(stepSize) && stepSize !== 0) return stepSize;
  throw new DomainError(`richardson: stepSize is ${stepSize}; wants a finite number that is not 0.`);
}

/**
 * x with A x = b by Richardson's iteration. From x0 = 0, k steps are the first k terms of the Neumann series
 * Σ (I − stepSize·A)ʲ stepSize·b; set `maxIter` for a given number of terms. Where it diverges, the status is `breakdown`.
 */
export async function richardson<X>(
  a: LinearOperator<X>,
  b: X,
  options: RichardsonOptions<X> & DriverOptions,
): Promise<SolveResult<X>> {
  return solve(richardsonMethod(checked(a, options)), a, b, options);
}

/** {@link richardson} as a traceable function; b may be [n, k]. */
export function richardsonCore<X>(a: LinearOperator<X>, b: X, options: RichardsonOptions<X>): SolveCoreResult<X> {
  return solveCore(richardsonMethod(checked(a, options)), a, b, options);
}
