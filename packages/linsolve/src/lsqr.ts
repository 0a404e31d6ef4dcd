/** LSQR. */

import { hypot, where, zeros, type Tensor } from "@curv/tensor";
import type { DriverOptions } from "./iteration.js";
import {
  bidiagonalise,
  leastSquares,
  leastSquaresCore,
  startBidiagonalisation,
  type Bidiagonalisation,
  type LeastSquaresCoreResult,
  type LeastSquaresMethod,
  type LeastSquaresOptions,
  type LeastSquaresResult,
  type LeastSquaresState,
} from "./least-squares.js";
import type { LinearOperator } from "./linear-operator.js";

interface LsqrState extends LeastSquaresState {
  readonly columns: Bidiagonalisation;
  readonly w: Tensor;
  readonly rhobar: Tensor;
  readonly phibar: Tensor;
  /** Squares of what damping adds to the residual. */
  readonly damped2: Tensor;
}

const safe = (x: Tensor): Tensor => where(x.equal(0), 1, x);

/** Paige & Saunders (1982): the QR factorisation of the bidiagonal matrix, by plane rotations. */
export const lsqrMethod: LeastSquaresMethod<LsqrState> = {
  name: "lsqr",
  start: (products, x, r) => {
    const columns = startBidiagonalisation(products, r);
    const { alpha, beta, v } = columns;
    const zero = zeros([], { dtype: r.dtype });
    return {
      x,
      columns,
      w: v,
      rhobar: alpha,
      phibar: beta,
      damped2: zero,
      size2: zero,
      residual: beta,
      normalResidual: alpha.mul(beta),
    };
  },
  step: (products, { x, columns: before, w, rhobar, phibar, damped2, size2 }, damping) => {
    const columns = bidiagonalise(products, before);
    const { alpha, beta, v } = columns;
    // Damping is a row of its own, rotated away first.
    const rhobar1 = hypot(rhobar, damping);
    const psi = phibar.mul(damping).div(safe(rhobar1));
    const phibar1 = phibar.mul(rhobar).div(safe(rhobar1));
    const rho = hypot(rhobar1, beta);
    const [c, s] = [rhobar1.div(safe(rho)), beta.div(safe(rho))];
    const theta = s.mul(alpha);
    const phi = c.mul(phibar1);
    const phibarNext = s.mul(phibar1);
    const rhobarNext = c.neg().mul(alpha);
    const damped2Next = damped2.add(psi.square());
    const xNext = x.add(w.mul(phi.div(safe(rho))));
    return {
      x: xNext,
      columns,
      w: v.sub(w.mul(theta.div(safe(rho)))),
      rhobar: rhobarNext,
      phibar: phibarNext,
      damped2: damped2Next,
      size2: size2
        .add(before.alpha.square())
        .add(beta.square())
        .add(damping ** 2),
      residual: phibarNext.square().add(damped2Next).sqrt(),
      normalResidual: phibarNext.mul(alpha).mul(c).abs(),
    };
  },
};

/**
 * x that minimises ‖b − A x‖² + damping² ‖x‖², for any shape of A: one product with A and one with Aᵀ a step. From x0 = 0 it is the
 * solution of least norm.
 *
 * @throws DomainError if b or a product has NaN.
 * Source: Paige & Saunders, LSQR: an algorithm for sparse linear equations and sparse least squares (1982).
 */
export function lsqr<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X> & DriverOptions = {},
): Promise<LeastSquaresResult<X>> {
  return leastSquares(lsqrMethod, a, b, options);
}

/** {@link lsqr} as a traceable function. Derivatives of x need A of full column rank, or damping. */
export function lsqrCore<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X> = {},
): LeastSquaresCoreResult<X> {
  return leastSquaresCore(lsqrMethod, a, b, options);
}
