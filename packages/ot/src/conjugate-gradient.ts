/** Conjugate gradients on a pair of vectors, as a traceable loop: what the implicit derivatives of the potentials are solved with. */

import { logicalAnd, whileLoop, type Tensor } from "@curv/tensor";
import type { Potentials } from "./dual.js";

interface State {
  readonly z: Potentials;
  readonly r: Potentials;
  readonly p: Potentials;
  readonly rho: Tensor;
  readonly step: Tensor;
}

const inner = (u: Potentials, v: Potentials): Tensor => u.f.mul(v.f).sum().add(u.g.mul(v.g).sum());
const combine = (u: Potentials, v: Potentials, s: Tensor): Potentials => ({
  f: u.f.add(v.f.mul(s)),
  g: u.g.add(v.g.mul(s)),
});

/**
 * z with `apply`(z) = b for a symmetric positive definite `apply`, from z = 0.
 *
 * @param scale - Inverse of the diagonal preconditioner.
 * @param tol - Stops when the preconditioned residual is so much smaller than that of 0.
 */
export function conjugateGradient(
  apply: (z: Potentials) => Potentials,
  b: Potentials,
  scale: Potentials,
  tol: number,
  maxIter: number,
): Potentials {
  const precondition = (r: Potentials): Potentials => ({ f: r.f.mul(scale.f), g: r.g.mul(scale.g) });
  const start = precondition(b);
  const initial = inner(b, start);
  const goal = initial.mul(tol * tol);
  const last = whileLoop(
    (s: State) => logicalAnd(s.rho.greater(goal), s.step.less(maxIter)),
    (s: State): State => {
      const Ap = apply(s.p);
      const curvature = inner(s.p, Ap);
      const alpha = curvature.greater(0).where(s.rho.div(curvature.greater(0).where(curvature, 1)), 0);
      const z = combine(s.z, s.p, alpha);
      const r = combine(s.r, Ap, alpha.neg());
      const q = precondition(r);
      const rho = inner(r, q);
      const next = s.rho.greater(0).where(rho.div(s.rho.greater(0).where(s.rho, 1)), 0);
      return { z, r, p: combine(q, s.p, next), rho, step: s.step.add(1) };
    },
    {
      z: { f: b.f.mul(0), g: b.g.mul(0) },
      r: b,
      p: start,
      rho: initial,
      step: initial.mul(0).cast("int32"),
    },
  );
  return last.z;
}
