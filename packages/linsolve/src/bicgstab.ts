/** Stabilised biconjugate gradients. */

import { logicalOr, where, zeros, type Tensor } from "@curv/tensor";
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

interface BicgstabState extends MethodState {
  readonly r: Tensor;
  /** The residual at the start. */
  readonly shadow: Tensor;
  readonly p: Tensor;
  readonly v: Tensor;
  readonly rho: Tensor;
  readonly alpha: Tensor;
  readonly omega: Tensor;
}

const safe = (x: Tensor): Tensor => where(x.equal(0), 1, x);

/** van der Vorst (1992). */
const method: Method<BicgstabState> = {
  name: "bicgstab",
  symmetric: false,
  start: (_system, x, r) => {
    const one = zeros([], { dtype: r.dtype }).add(1);
    const none = zeros(r.shape, { dtype: r.dtype });
    return {
      x,
      r,
      shadow: r,
      p: none,
      v: none,
      rho: one,
      alpha: one,
      omega: one,
      residual: norm(r),
      flag: zeros([], { dtype: "int32" }),
    };
  },
  step: ({ matvec, precondition, epsilon }, { x, r, shadow, p, v, rho, alpha, omega }) => {
    const rhoNext = shadow.mul(r).sum();
    const beta = rhoNext.div(safe(rho)).mul(alpha.div(safe(omega)));
    const pNext = r.add(p.sub(v.mul(omega)).mul(beta));
    const direction = precondition(pNext);
    const vNext = matvec(direction);
    const along = shadow.mul(vNext).sum();
    const alphaNext = rhoNext.div(safe(along));
    const s = r.sub(vNext.mul(alphaNext));
    const correction = precondition(s);
    const t = matvec(correction);
    const tt = t.square().sum();
    const omegaNext = t.mul(s).sum().div(safe(tt));
    const next = s.sub(t.mul(omegaNext));
    // The residual is orthogonal to what it began with: a new start may help.
    const lost = rhoNext.abs().lessEqual(
      norm(shadow)
        .mul(norm(r))
        .mul(epsilon ** 2),
    );
    const stuck = along.equal(0);
    return {
      x: x.add(direction.mul(alphaNext)).add(correction.mul(omegaNext)),
      r: next,
      shadow,
      p: pNext,
      v: vNext,
      rho: rhoNext,
      alpha: alphaNext,
      omega: omegaNext,
      residual: norm(next),
      flag: where(logicalOr(lost, stuck), statusCode("breakdown"), 0).cast("int32"),
    };
  },
};

/**
 * x with A x = b for any square A, by stabilised biconjugate gradients: two products with A a step, memory for eight vectors. Residuals
 * may jump; where the method breaks down it starts anew.
 *
 * Counts as SciPy's `bicgstab` does, a step that ends half-way included. From a condition of about 100 on the count depends on rounding: SciPy's
 * own moves by a quarter when b changes by 1e-15 of itself.
 *
 * Source: van der Vorst, Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG (1992).
 */
export function bicgstab<X>(
  a: LinearOperator<X>,
  b: X,
  options: SolveOptions<X> & DriverOptions = {},
): Promise<SolveResult<X>> {
  return solve(method, a, b, options);
}

/** {@link bicgstab} as a traceable function; b may be [n, k]. */
export function bicgstabCore<X>(a: LinearOperator<X>, b: X, options: SolveOptions<X> = {}): SolveCoreResult<X> {
  return solveCore(method, a, b, options);
}
