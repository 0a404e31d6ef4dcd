/** LSMR. */

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

/** Names are those of the paper. */
interface LsmrState extends LeastSquaresState {
  readonly columns: Bidiagonalisation;
  readonly alphabar: Tensor;
  readonly zetabar: Tensor;
  readonly rho: Tensor;
  readonly rhobar: Tensor;
  readonly cbar: Tensor;
  readonly sbar: Tensor;
  readonly h: Tensor;
  readonly hbar: Tensor;
  /** For the norm of the residual. */
  readonly betadd: Tensor;
  readonly betad: Tensor;
  readonly rhodold: Tensor;
  readonly tautildeold: Tensor;
  readonly thetatilde: Tensor;
  readonly zeta: Tensor;
  readonly d: Tensor;
}

const safe = (x: Tensor): Tensor => where(x.equal(0), 1, x);

/** The rotation (c, s, r) with c·a + s·b = r, −s·a + c·b = 0. */
function rotation(a: Tensor, b: Tensor | number): readonly [c: Tensor, s: Tensor, r: Tensor] {
  const r = hypot(a, b);
  const zero = r.equal(0);
  return [where(zero, 1, a.div(safe(r))), where(zero, 0, r.mul(0).add(b).div(safe(r))), r];
}

/** Fong & Saunders (2011). */
const method: LeastSquaresMethod<LsmrState> = {
  name: "lsmr",
  start: (products, x, r) => {
    const columns = startBidiagonalisation(products, r);
    const { alpha, beta, v } = columns;
    const zero = zeros([], { dtype: r.dtype });
    const one = zero.add(1);
    return {
      x, columns, alphabar: alpha, zetabar: alpha.mul(beta), rho: one, rhobar: one, cbar: one, sbar: zero, h: v, hbar: v.mul(0),
      betadd: beta, betad: zero, rhodold: one, tautildeold: zero, thetatilde: zero, zeta: zero, d: zero,
      size2: zero, residual: beta, normalResidual: alpha.mul(beta),
    }; // prettier-ignore
  },
  step: (products, state, damping) => {
    const columns = bidiagonalise(products, state.columns);
    const { alpha, beta, v } = columns;
    const [chat, shat, alphahat] = rotation(state.alphabar, damping);
    const [c, s, rho] = rotation(alphahat, beta);
    const thetanew = s.mul(alpha);
    const alphabar = c.mul(alpha);
    const thetabar = state.sbar.mul(rho);
    const rhotemp = state.cbar.mul(rho);
    const [cbar, sbar, rhobar] = rotation(rhotemp, thetanew);
    const zeta = cbar.mul(state.zetabar);
    const zetabar = sbar.neg().mul(state.zetabar);
    const hbar = state.h.sub(state.hbar.mul(thetabar.mul(rho).div(safe(state.rho.mul(state.rhobar)))));
    const x = state.x.add(hbar.mul(zeta.div(safe(rho.mul(rhobar)))));
    const h = v.sub(state.h.mul(thetanew.div(safe(rho))));
    // The norm of the residual, by two more sequences of rotations.
    const betaacute = chat.mul(state.betadd);
    const betacheck = shat.neg().mul(state.betadd);
    const betahat = c.mul(betaacute);
    const betadd = s.neg().mul(betaacute);
    const [ctilde, stilde, rhotilde] = rotation(state.rhodold, thetabar);
    const thetatilde = stilde.mul(rhobar);
    const rhodold = ctilde.mul(rhobar);
    const betad = stilde.neg().mul(state.betad).add(ctilde.mul(betahat));
    const tautilde = state.zeta.sub(state.thetatilde.mul(state.tautildeold)).div(safe(rhotilde));
    const taud = zeta.sub(thetatilde.mul(tautilde)).div(safe(rhodold));
    const d = state.d.add(betacheck.square());
    return {
      x, columns, alphabar, zetabar, rho, rhobar, cbar, sbar, h, hbar,
      betadd, betad, rhodold, tautildeold: tautilde, thetatilde, zeta, d,
      size2: state.size2.add(state.columns.alpha.square()).add(beta.square()).add(damping ** 2),
      residual: d.add(betad.sub(taud).square()).add(betadd.square()).sqrt(),
      normalResidual: zetabar.abs(),
    }; // prettier-ignore
  },
};

/**
 * As `lsqr`, but ‖Aᵀr‖ falls from step to step, so that it is safe to stop early.
 *
 * @throws DomainError if b or a product has NaN.
 * Source: Fong & Saunders, LSMR: an iterative algorithm for sparse least-squares problems (2011).
 */
export function lsmr<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X> & DriverOptions = {},
): Promise<LeastSquaresResult<X>> {
  return leastSquares(method, a, b, options);
}

/** {@link lsmr} as a traceable function. Derivatives of x need A of full column rank, or damping. */
export function lsmrCore<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X> = {},
): LeastSquaresCoreResult<X> {
  return leastSquaresCore(method, a, b, options);
}
