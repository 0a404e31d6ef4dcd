/** How an entropic barycentre moves with its measures, their weights and the costs: the implicit function theorem on its dual. */

import { concat, customRoot, stopGradient, type Tensor } from "@curv/tensor";
import { conjugateGradient } from "./conjugate-gradient.js";
import type { Potentials } from "./dual.js";

/** log K for the kernel K = exp(−C/ε): log-sum-exps over either side, for each measure, [k, …]. */
export interface LogKernel {
  readonly fromBarycenter: (logV: Tensor) => Tensor;
  readonly toBarycenter: (logU: Tensor) => Tensor;
}

/** What a barycentre is made of. Tensors may be traced. */
export interface Averaged {
  /** a_k, [k, …]. */
  readonly measures: Tensor;
  /** w_k of sum 1, [k, 1, …]. */
  readonly shares: Tensor;
  readonly kernel: LogKernel;
}

/** Logarithms of the scalings of the plans diag(u_k) K diag(v_k), and of the debiasing factor d, or null. */
export interface Scalings {
  readonly logU: Tensor;
  readonly logV: Tensor;
  readonly logD: Tensor | null;
}

/**
 * The barycentre Σ w P_kᵀ1 of scalings that belong to it, with its derivatives.
 *
 * The scalings are stationary for Σ w_k (⟨log u_k, a_k⟩ − Σ P_k) under Σ w_k log v_k = log d, and of + ½ Σ d K d in log d where it is debiased
 * (d = 1 where it is not). log v_k = γ_k − Σ w γ + log d with free γ makes the constraint hold, and the Jacobian symmetric.
 *
 * Source: the dual of Benamou et al. (2015), §3.2, and Janati et al., Debiased Sinkhorn barycenters (2020), prop. 2.
 */
export function movingBarycenter(theta: Averaged, { logU, logV, logD }: Scalings): Tensor {
  const axes = Array.from({ length: theta.measures.rank - 1 }, (_, i) => i + 1);
  const total = (x: Tensor): Tensor => x.sum(axes, { keepDims: true });
  const a = stopGradient(theta.measures);
  const w = stopGradient(theta.shares);
  const k = a.shape[0];
  const deviation = (x: Tensor, shares: Tensor): Tensor => x.sub(x.mul(shares).sum(0, { keepDims: true }));

  // (log u_k + t_k, log v_k − t_k) with Σ w t = 0 are the same plans: those are taken for which `imbalance` is 0.
  const settled = (f: Tensor): Tensor => a.greater(0).where(f, 0);
  const b = logV.add(theta.kernel.toBarycenter(logU)).exp().mul(w).sum(0, { keepDims: true });
  const weight = stopGradient(b);
  const mass = weight.sum();
  const imbalance = (f: Tensor, g: Tensor): Tensor =>
    deviation(total(a.mul(settled(f))).sub(total(weight.mul(g))), w).div(mass);
  const shift = imbalance(stopGradient(logU), stopGradient(logV)).div(2);
  const free = deviation(stopGradient(logV), w);
  const start: Potentials = {
    f: stopGradient(logU).sub(shift),
    g: logD === null ? free.add(shift) : concat([free.add(shift), stopGradient(logD).expandDims(0)], 0),
  };

  const plans = (z: Potentials): { f: Tensor; free: Tensor; g: Tensor; h: Tensor | null } => {
    const [own, h] = logD === null ? [z.g, null] : [z.g.slice([0, k]), z.g.slice([k, k + 1])];
    const g = deviation(own, theta.shares);
    return { f: z.f, free: own, g: h === null ? g : g.add(h), h };
  };
  const columnsOf = ({ f, g }: { f: Tensor; g: Tensor }): Tensor => g.add(theta.kernel.toBarycenter(f)).exp();
  const residual = (z: Potentials): Potentials => {
    const at = plans(z);
    const rows = at.f.add(theta.kernel.fromBarycenter(at.g)).exp();
    const columns = columnsOf(at);
    const mean = columns.mul(theta.shares).sum(0, { keepDims: true });
    const off = imbalance(at.f, deviation(at.free, w));
    const f = rows.sub(theta.measures).add(a.mul(off)).mul(theta.shares);
    // Σ w γ = 0 fixes what the constraint leaves free.
    const sum = at.free.mul(w).sum(0, { keepDims: true });
    const g = columns.sub(mean).sub(weight.mul(off)).add(weight.mul(sum)).mul(theta.shares);
    if (at.h === null) return { f, g };
    const self = at.h.add(theta.kernel.toBarycenter(at.h)).exp();
    return { f, g: concat([g, mean.sub(self)], 0) };
  };
  const inverse = (x: Tensor): Tensor => x.greater(0).where(x.greater(0).where(x, 1).reciprocal(), 0);
  const even = weight.mul(w);
  const scale: Potentials = {
    f: inverse(a.mul(w)),
    g: inverse(logD === null ? even : concat([even, weight], 0)),
  };
  const tol = a.dtype === "float32" ? 1e-6 : 1e-13;
  const limit = 4 * (start.f.size + start.g.size) + 50;
  const tangentSolve = (linear: (dz: Potentials) => Potentials, dz: Potentials): Potentials => {
    if (logD === null) return conjugateGradient(linear, dz, scale, tol, limit);
    // Indefinite: with S = `scale`, A S A is definite.
    const scaled = (z: Potentials): Potentials => ({ f: z.f.mul(scale.f), g: z.g.mul(scale.g) });
    const normal = (z: Potentials): Potentials => linear(scaled(linear(z)));
    return conjugateGradient(normal, linear(scaled(dz)), scale, tol, limit);
  };
  const z = customRoot(residual, start, { solve: (_f, from) => from, tangentSolve });
  return columnsOf(plans(z)).mul(theta.shares).sum(0);
}
