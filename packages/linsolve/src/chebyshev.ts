/** Chebyshev's iteration. */

import { DomainError, zeros, type Tensor } from "@curv/tensor";
import type { DriverOptions } from "./iteration.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import { expectArguments, expectOptions } from "./arguments.js";
import { divergence } from "./richardson.js";
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

interface ChebyshevState extends MethodState {
  readonly r: Tensor;
  readonly direction: Tensor;
  readonly rho: Tensor;
  readonly first: Tensor;
}

/** Saad, Iterative methods for sparse linear systems (2003), algorithm 12.1. */
function method(lower: number, upper: number): Method<ChebyshevState> {
  const [centre, radius] = [(upper + lower) / 2, (upper - lower) / 2];
  const sigma = centre / radius;
  return {
    name: "chebyshev",
    symmetric: true,
    start: ({ precondition }, x, r) => ({
      x,
      r,
      direction: precondition(r).div(centre),
      rho: zeros([], { dtype: r.dtype }).add(1 / sigma),
      residual: norm(r),
      first: norm(r),
      flag: zeros([], { dtype: "int32" }),
    }),
    step: ({ matvec, precondition }, { x, r, direction, rho, first }) => {
      const next = r.sub(matvec(direction));
      const rhoNext = rho
        .mul(-1)
        .add(2 * sigma)
        .reciprocal();
      const residual = norm(next);
      return {
        x: x.add(direction),
        r: next,
        direction: direction.mul(rhoNext.mul(rho)).add(precondition(next).mul(rhoNext.mul(2 / radius))),
        rho: rhoNext,
        residual,
        first,
        flag: divergence(residual, residual.greater(first.mul(1e4))),
      };
    },
  };
}

export interface ChebyshevOptions<X = Tensor> extends SolveOptions<X> {
  /** At most the smallest eigenvalue of A (with a preconditioner, of M A), and positive. */
  readonly lower: number;
  /** At least the largest. */
  readonly upper: number;
}

function checked(a: AnyOperator, options: ChebyshevOptions<unknown>): Method<ChebyshevState> {
  expectArguments("chebyshev", { a: [a, "operator"] });
  expectOptions("chebyshev", options, { lower: "number", upper: "number" });
  const { lower, upper } = options;
  if (lower > 0 && upper > lower && upper < Infinity) return method(lower, upper);
  throw new DomainError(`chebyshev: lower is ${lower}, upper is ${upper}; wants 0 < lower < upper.`);
}

/**
 * x with A x = b for symmetric positive definite A whose spectrum lies in [lower, upper]: as fast as CG's bound, without inner products.
 * Where an eigenvalue lies outside, it may diverge: the residual comes to 10⁴ times the
 * first, and the status is `diverged`.
 *
 * Source: Golub & Varga (1961); Saad (2003), algorithm 12.1.
 */
export async function chebyshev<X>(
  a: LinearOperator<X>,
  b: X,
  options: ChebyshevOptions<X> & DriverOptions & { readonly check?: boolean },
): Promise<SolveResult<X>> {
  return solve(checked(a, options), a, b, options);
}

/** {@link chebyshev} as a traceable function; b may be [n, k]. That A is symmetric is believed, not tried: see `cgCore`. */
export function chebyshevCore<X>(a: LinearOperator<X>, b: X, options: ChebyshevOptions<X>): SolveCoreResult<X> {
  return solveCore(checked(a, options), a, b, options);
}
