/** Gromov–Wasserstein transport: between measures on different spaces, by the distances within each; fused: by features as well. */

import { DomainError, logicalAnd, ShapeError, stopGradient, whileLoop, type Tensor } from "@curv/tensor";
import {
  checkCount,
  checkEqualMass,
  checkFloats,
  checkNumber,
  checkSameDType,
  checkWeights,
  formatShape,
} from "./arguments.js";
import { inBlocks, type BlockProgress, type Driver } from "./driver.js";
import { emdCore } from "./emd-core.js";
import { sinkhornCore } from "./sinkhorn-core.js";

export interface GromovObjective {
  /** `"square"` (a − b)² (default), or `"kl"` a log(a/b) − a + b. */
  readonly loss?: "square" | "kl";
  /** Costs between features, [n, m]: the fused problem (1 − α) ⟨M, T⟩ + α GW(T). */
  readonly features?: Tensor;
  /** α in [0, 1], the weight of the structure. Default 1 without `features`, ½ with them. */
  readonly alpha?: number;
}

/** Σ L(C1_ik, C2_jl) T_ij T_kl with L(a, b) = f1(a) + f2(b) − h1(a) h2(b), in O(n²m + nm²). */
interface Structure {
  readonly rows: (T: Tensor) => Tensor;
  readonly h1: Tensor;
  readonly h2: Tensor;
}

function structureOf(C1: Tensor, C2: Tensor, loss: "square" | "kl"): Structure {
  const isSquare = loss === "square";
  // 0 log 0 = 0.
  const logOf = (C: Tensor): Tensor => C.greater(0).where(C.greater(0).where(C, 1).log(), 0);
  const f1 = isSquare ? C1.square() : C1.mul(logOf(C1)).sub(C1);
  const f2 = isSquare ? C2.square() : C2;
  return {
    h1: C1,
    h2: isSquare ? C2.mul(2) : C2.add(1e-15).log(),
    rows: (T) =>
      f1
        .matmul(T.sum(1))
        .expandDims(1)
        .add(f2.matmul(T.sum(0))),
  };
}

/** L ⊗ T, [n, m]. */
function product({ rows, h1, h2 }: Structure, T: Tensor): Tensor {
  return rows(T).sub(h1.matmul(T).matmul(h2.T));
}

/**
 * (1 − α) ⟨M, T⟩ + α Σ L(C1_ik, C2_jl) T_ij T_kl for a plan T, scalar, in O(n²m + nm²).
 *
 * Traceable. With the plan of {@link gromovWasserstein} as a constant, its derivatives in C1, C2 and the features are those of the distance
 * (envelope theorem).
 *
 * @param C1 - Distances (or similarities) within the first space, [n, n].
 * @param C2 - Within the second, [m, m].
 * @param T - [n, m].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Peyré, Cuturi & Solomon (2016), prop. 1; fused: Vayer et al. (2019).
 */
export function gromovCost(C1: Tensor, C2: Tensor, T: Tensor, objective: GromovObjective = {}): Tensor {
  const name = "gromovCost";
  const { loss, alpha, features } = checkObjective(C1, C2, objective, name);
  checkFloats(T, 2, name, "T");
  const structural = product(structureOf(C1, C2, loss), T)
    .mul(T)
    .sum();
  return features === null ? structural.mul(alpha) : features.mul(T).sum().mul(1 - alpha).add(structural.mul(alpha)); // prettier-ignore
}

export interface GromovCoreOptions extends GromovObjective {
  /** Entropic plans of this ε, by mirror descent; default none: conditional gradient with exact plans. */
  readonly epsilon?: number;
  /** Plan to start from, [n, m], with marginals p and q. Default p qᵀ. */
  readonly init?: Tensor;
  /** Allowed gap of the conditional gradient (relative to the cost's size), or L1 change of the entropic plan. Default 1e-9, in float32 1e-5. */
  readonly tol?: number;
  /** Default 1000. */
  readonly maxIter?: number;
}

export interface GromovCore {
  /** The cost of `plan` without entropy, scalar; differentiates in C1, C2 and the features (envelope theorem). */
  readonly value: Tensor;
  /** [n, m]; a constant for derivatives. */
  readonly plan: Tensor;
  /** Scalar bool: stationary to `tol` (and inner problems solved). */
  readonly converged: Tensor;
  readonly iterations: Tensor;
  /**
   * Scalar: the gap ⟨∇, T − T′⟩ ≥ 0 of the conditional gradient over the size of the cost, 0 at stationary plans; or the last change of the
   * entropic plan, L1.
   */
  readonly residual: Tensor;
}

export interface GromovOptions extends GromovCoreOptions, Driver<BlockProgress> {}

export interface GromovResult {
  plan(): Tensor;
  /** The cost of the plan without entropy. */
  readonly cost: number;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly BlockProgress[];
}

interface State {
  readonly T: Tensor;
  readonly residual: Tensor;
  readonly step: Tensor;
}

interface Task {
  readonly step: (T: Tensor) => { readonly T: Tensor; readonly residual: Tensor };
  readonly start: State;
  readonly tol: number;
  readonly maxIter: number;
}

function iterate({ step, tol }: Task, start: State, limit: Tensor | number): State {
  return whileLoop(
    (s: State) => logicalAnd(s.residual.greater(tol), s.step.less(limit)),
    (s: State): State => ({ ...step(s.T), step: s.step.add(1) }),
    start,
  );
}

/**
 * The traceable core of {@link gromovWasserstein}.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 */
export function gromovWassersteinCore(
  C1: Tensor,
  C2: Tensor,
  p: Tensor,
  q: Tensor,
  options: GromovCoreOptions = {},
): GromovCore {
  const task = taskOf(C1, C2, p, q, options, "gromovWassersteinCore");
  const { T, residual, step } = iterate(task, task.start, task.maxIter);
  const value = gromovCost(C1, C2, T, options);
  return { value, plan: T, converged: residual.lessEqual(task.tol), iterations: step, residual };
}

/**
 * A plan T with marginals p and q that is a local minimum (stationary) of Σ L(C1_ik, C2_jl) T_ij T_kl, with `features` of the fused problem.
 *
 * Without `epsilon` by conditional gradients: linearise, solve exactly, search the line exactly. With `epsilon` by mirror descent,
 * T ← the entropic plan of the gradient. The problem is not convex: other starts (`init`) may find better plans. Equals POT's
 * `gromov_wasserstein`, `fused_gromov_wasserstein` and their entropic forms.
 *
 * @param C1 - [n, n]; need not be symmetric.
 * @param C2 - [m, m].
 * @param p - Weights ≥ 0, [n].
 * @param q - Weights ≥ 0 of the same sum, [m].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Mémoli (2011); Peyré, Cuturi & Solomon (2016), entropic; Vayer et al. (2019), conditional gradient, fused.
 *
 * @example
 * const { plan, cost } = await gromovWasserstein(D1, D2, p, q, { features: M, alpha: 0.5 });
 */
export async function gromovWasserstein(
  C1: Tensor,
  C2: Tensor,
  p: Tensor,
  q: Tensor,
  options: GromovOptions = {},
): Promise<GromovResult> {
  const task = taskOf(C1, C2, p, q, options, "gromovWasserstein");
  const { signal, onProgress } = options;
  const run = (state: State, limit: Tensor): { state: State; iterations: Tensor; residual: Tensor } => {
    const end = iterate(task, { ...state, step: state.step.mul(0) }, limit);
    return { state: end, iterations: end.step, residual: end.residual };
  };
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const end = await inBlocks(run, task.start, { ...driver, tol: task.tol, maxIter: task.maxIter, block: 10 });
  const { T } = end.state;
  const converged = end.residual <= task.tol;
  return {
    plan: () => T,
    cost: await gromovCost(C1, C2, T, options).item(),
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations: end.iterations,
    residual: end.residual,
    history: end.history,
  };
}

function taskOf(C1: Tensor, C2: Tensor, p: Tensor, q: Tensor, options: GromovCoreOptions, name: string): Task {
  const { loss, alpha, features } = checkObjective(C1, C2, options, name);
  const [n, m] = [C1.shape[0], C2.shape[0]];
  checkWeights(p, n, name, "p");
  checkWeights(q, m, name, "q");
  checkSameDType([C1, p, q], name);
  checkEqualMass(p, q, name);
  const { epsilon, maxIter = 1000, tol = C1.dtype === "float32" ? 1e-5 : 1e-9 } = options;
  checkCount(maxIter, name, "maxIter");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  if (epsilon !== undefined) checkNumber(epsilon, name, "epsilon", { low: 0 });
  const [D1, D2, a, b] = [C1, C2, p, q].map(stopGradient);
  const init = options.init === undefined ? a.expandDims(1).mul(b).div(a.sum()) : stopGradient(options.init);
  checkFloats(init, 2, name, "init");
  if (init.shape[0] !== n || init.shape[1] !== m) {
    throw new ShapeError(`${name}: init has shape ${formatShape(init.shape)}; wants [${n}, ${m}].`);
  }
  const forth = structureOf(D1, D2, loss);
  const back = structureOf(D1.T, D2.T, loss);
  const M = features === null ? null : stopGradient(features).mul(1 - alpha);
  const slope = (T: Tensor): Tensor => {
    const structural = product(forth, T).add(product(back, T)).mul(alpha);
    return M === null ? structural : M.add(structural);
  };
  const curvature = (D: Tensor): Tensor => forth.h1.matmul(D).matmul(forth.h2.T).mul(D).sum().mul(-alpha);
  const size = (T: Tensor, G: Tensor): Tensor => G.mul(T).sum().abs().add(curvature(T).abs());
  const exact = (T: Tensor): { T: Tensor; residual: Tensor } => {
    const G = slope(T);
    const D = emdCore(a, b, G).plan.sub(T);
    // The cost at T + t D is that at T plus c2 t² + c1 t.
    const c1 = G.mul(D).sum();
    const c2 = curvature(D);
    const bent = c2.greater(0);
    const inside = c1.neg().div(bent.where(c2, 1).mul(2)).maximum(0).minimum(1);
    const t = bent.where(inside, c2.add(c1).less(0).where(inside.mul(0).add(1), 0));
    const scale = size(T, G);
    return { T: T.add(D.mul(t)), residual: c1.neg().maximum(0).div(scale.greater(0).where(scale, 1)) };
  };
  const entropic = (T: Tensor): { T: Tensor; residual: Tensor } => {
    const inner = { epsilon: epsilon!, tol: tol / 10, maxIter: 5000 };
    const C = slope(T);
    const { f, g, converged } = sinkhornCore(a, b, C, inner);
    const next = f.expandDims(1).add(g).sub(C).div(epsilon!).exp().mul(a.expandDims(1)).mul(b);
    // A plan whose marginals are off is no end.
    return {
      T: next,
      residual: next
        .sub(T)
        .abs()
        .sum()
        .add(converged.where(a.sum().mul(0), 1)),
    };
  };
  const zero = a.sum().mul(0);
  return {
    step: epsilon === undefined ? exact : entropic,
    start: { T: init, residual: zero.add(Infinity), step: zero.cast("int32") },
    tol,
    maxIter,
  };
}

function checkObjective(
  C1: Tensor,
  C2: Tensor,
  { loss = "square", features, alpha = features === undefined ? 1 : 0.5 }: GromovObjective,
  name: string,
): { readonly loss: "square" | "kl"; readonly alpha: number; readonly features: Tensor | null } {
  checkFloats(C1, 2, name, "C1");
  checkFloats(C2, 2, name, "C2");
  checkSameDType([C1, C2, ...(features === undefined ? [] : [features])], name);
  for (const [argument, { shape }] of [
    ["C1", C1],
    ["C2", C2],
  ] as const) {
    // prettier-ignore
    if (shape[0] !== shape[1]) throw new ShapeError(`${name}: ${argument} has shape ${formatShape(shape)}; wants a square.`);
  }
  checkNumber(alpha, name, "alpha", { low: 0, high: 1, closed: true });
  if (loss !== "square" && loss !== "kl") {
    throw new DomainError(`${name}: loss is ${String(loss)}; wants "square" or "kl".`);
  }
  if (features !== undefined) {
    checkFloats(features, 2, name, "features");
    if (features.shape[0] !== C1.shape[0] || features.shape[1] !== C2.shape[0]) {
      throw new ShapeError(
        `${name}: features has shape ${formatShape(features.shape)}; wants [${C1.shape[0]}, ${C2.shape[0]}].`,
      );
    }
  }
  return { loss, alpha, features: features ?? null };
}
