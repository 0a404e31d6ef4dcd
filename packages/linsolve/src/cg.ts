/** Conjugate gradients. */

import type { Tensor } from "@curv/tensor";
import { where, zeros } from "@curv/tensor";
import { statusCode, type DriverOptions } from "./iteration.js";
import type { LinearOperator } from "./linear-operator.js";
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

interface CgState extends MethodState {
  readonly r: Tensor;
  readonly p: Tensor;
  /** rᵀ M r. */
  readonly rz: Tensor;
}

/** Hestenes & Stiefel (1952), preconditioned. */
const method: Method<CgState> = {
  name: "cg",
  symmetric: true,
  start: ({ precondition }, x, r) => {
    const z = precondition(r);
    return { x, r, p: z, rz: r.mul(z).sum(), residual: norm(r), flag: zeros([], { dtype: "int32" }) };
  },
  step: ({ matvec, precondition }, { x, r, p, rz }) => {
    const q = matvec(p);
    const curvature = p.mul(q).sum();
    // NaN goes on: it is found in the residual.
    const indefinite = curvature.lessEqual(0);
    const alpha = where(indefinite, 0, rz.div(where(indefinite, 1, curvature)));
    const next = r.sub(q.mul(alpha));
    const z = precondition(next);
    const rzNext = next.mul(z).sum();
    const code = statusCode("indefinite");
    return {
      x: x.add(p.mul(alpha)),
      r: next,
      p: z.add(p.mul(rzNext.div(rz))),
      rz: rzNext,
      residual: norm(next),
      flag: where(indefinite, code, where(rzNext.less(0), code, 0)).cast("int32"),
    };
  },
};

/**
 * x with A x = b for symmetric positive definite A, by preconditioned conjugate gradients: one product with A a step.
 *
 * After k steps the error in the A-norm is at most 2((√κ − 1)/(√κ + 1))ᵏ of the first. Where pᵀAp ≤ 0 is met, the run ends with status
 * `indefinite` and the x that was reached.
 *
 * @throws DomainError if A is not symmetric (unless `check` is false), or if b or a product has NaN.
 * Source: Hestenes & Stiefel (1952).
 */
export function cg<X>(
  a: LinearOperator<X>,
  b: X,
  options: SolveOptions<X> & DriverOptions & { readonly check?: boolean } = {},
): Promise<SolveResult<X>> {
  return solve(method, a, b, options);
}

/**
 * {@link cg} as a traceable function; b may be [n, k]. Derivatives of x come from one more solve each. That A is symmetric is believed, whatever
 * its tag says: to try it, as {@link cg} does, costs two products.
 */
export function cgCore<X>(a: LinearOperator<X>, b: X, options: SolveOptions<X> = {}): SolveCoreResult<X> {
  return solveCore(method, a, b, options);
}
