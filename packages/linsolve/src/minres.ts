/** Minimal residuals. */

import { hypot, maximum, where, zeros, type Tensor } from "@curv/tensor";
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

interface MinresState extends MethodState {
  /** The Lanczos process on A in the metric of the preconditioner. */
  readonly previous: Tensor;
  readonly current: Tensor;
  readonly y: Tensor;
  readonly oldBeta: Tensor;
  readonly beta: Tensor;
  /** The QR factorisation of its tridiagonal matrix, by plane rotations. */
  readonly c: Tensor;
  readonly s: Tensor;
  readonly dbar: Tensor;
  readonly epsilonBar: Tensor;
  readonly phibar: Tensor;
  /** Directions. */
  readonly w: Tensor;
  readonly w2: Tensor;
  /** ‖T‖_F². */
  readonly size2: Tensor;
  /** From norms in the metric to norms. */
  readonly scale: Tensor;
}

/** Paige & Saunders (1975). */
const method: Method<MinresState> = {
  name: "minres",
  symmetric: true,
  start: ({ precondition }, x, r) => {
    const y = precondition(r);
    const beta = r.mul(y).sum().sqrt();
    const zero = zeros([], { dtype: r.dtype });
    const none = zeros(r.shape, { dtype: r.dtype });
    const residual = norm(r);
    return {
      x, residual, y, beta,
      flag: zeros([], { dtype: "int32" }),
      previous: none, current: r, oldBeta: zero,
      c: zero.sub(1), s: zero, dbar: zero, epsilonBar: zero, phibar: beta,
      w: none, w2: none, size2: zero, scale: residual.div(where(beta.equal(0), 1, beta)),
    }; // prettier-ignore
  },
  step: ({ matvec, precondition, epsilon }, state) => {
    const { oldBeta, beta, c, s, dbar, epsilonBar, phibar, w, w2 } = state;
    const v = state.y.div(beta);
    const first = oldBeta.equal(0);
    const av = matvec(v).sub(state.previous.mul(where(first, 0, beta.div(where(first, 1, oldBeta)))));
    const alpha = v.mul(av).sum();
    const current = av.sub(state.current.mul(alpha.div(beta)));
    const y = precondition(current);
    const product = current.mul(y).sum();
    const nextBeta = maximum(product, 0).sqrt();
    const size2 = state.size2
      .add(alpha.square())
      .add(where(first, 0, beta.square()))
      .add(nextBeta.square());

    const delta = c.mul(dbar).add(s.mul(alpha));
    const gbar = s.mul(dbar).sub(c.mul(alpha));
    const nextDbar = c.neg().mul(nextBeta);
    // ‖A r‖/‖r‖ of the residual before this step.
    const slope = hypot(gbar, nextDbar);
    const gamma = maximum(hypot(gbar, nextBeta), size2.sqrt().mul(epsilon));
    const [cNext, sNext] = [gbar.div(gamma), nextBeta.div(gamma)];
    const direction = v.sub(w2.mul(epsilonBar)).sub(w.mul(delta)).div(gamma);
    const phibarNext = sNext.mul(phibar);

    const size = size2.sqrt();
    // The residual is orthogonal to the range of A: nothing is left to gain.
    const flat = slope.lessEqual(size.mul(Math.sqrt(epsilon)));
    const invariant = nextBeta.lessEqual(size.mul(10 * epsilon));
    const flag = where(
      product.less(0),
      statusCode("indefinite"),
      where(flat, statusCode("leastSquares"), where(invariant, -1, 0)),
    );
    return {
      x: where(flat, state.x, state.x.add(direction.mul(cNext.mul(phibar)))),
      residual: phibarNext.abs().mul(state.scale),
      flag: flag.cast("int32"),
      previous: state.current, current, y, oldBeta: beta, beta: nextBeta,
      c: cNext, s: sNext, dbar: nextDbar, epsilonBar: s.mul(nextBeta), phibar: phibarNext,
      w: direction, w2: w, size2, scale: state.scale,
    }; // prettier-ignore
  },
};

/**
 * x with A x = b for symmetric A, indefinite or singular too, by minimal residuals: one product with A a step. The preconditioner must be
 * positive definite.
 *
 * Where b is not in the range of A, the run ends at a least-squares solution with status `leastSquares`.
 *
 * @throws DomainError if A is not symmetric (unless `check` is false), or if b or a product has NaN.
 * Source: Paige & Saunders, Solution of sparse indefinite systems of linear equations (1975).
 */
export function minres<X>(
  a: LinearOperator<X>,
  b: X,
  options: SolveOptions<X> & DriverOptions & { readonly check?: boolean } = {},
): Promise<SolveResult<X>> {
  return solve(method, a, b, options);
}

/** {@link minres} as a traceable function; b may be [n, k]. That A is symmetric is believed, not tried: see `cgCore`. */
export function minresCore<X>(a: LinearOperator<X>, b: X, options: SolveOptions<X> = {}): SolveCoreResult<X> {
  return solveCore(method, a, b, options);
}
