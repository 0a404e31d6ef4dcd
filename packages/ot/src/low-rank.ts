/** Low-rank Sinkhorn: transport by plans that go through r points, in linear time and memory. */

import {
  arange,
  concat,
  logicalAnd,
  logSumExp,
  ShapeError,
  stopGradient,
  whileLoop,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
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

/** A cost C = left rightᵀ of small rank. */
export interface FactoredCost {
  /** [n, k]. */
  readonly left: Tensor;
  /** [m, k]. */
  readonly right: Tensor;
}

/**
 * The squared distances of two clouds of points as a product of rank d + 2: |x|² + |y|² − 2 x·y.
 *
 * @param x - [n, d].
 * @param y - [m, d].
 */
export function factoredSquares(x: Tensor, y: Tensor): FactoredCost {
  checkFloats(x, 2, "factoredSquares", "x");
  checkFloats(y, 2, "factoredSquares", "y");
  const square = (t: Tensor): Tensor => t.square().sum(1, { keepDims: true });
  const one = (t: Tensor): Tensor => t.slice(null, [0, 1]).mul(0).add(1);
  return { left: concat([square(x), one(x), x.mul(-2)], 1), right: concat([one(y), square(y), y], 1) };
}

/** P = Q diag(1/g) Rᵀ. */
export interface LowRankPlan {
  /** [n, r], with marginals a and g. */
  readonly Q: Tensor;
  /** [m, r], with marginals b and g. */
  readonly R: Tensor;
  /** [r]. */
  readonly g: Tensor;
}

/** P v = Q ((Rᵀ v) / g) for a plan of low rank and v [m] or [m, k], in O((n + m) r). */
export function applyLowRank({ Q, R, g }: LowRankPlan, v: Tensor): Tensor {
  return Q.matmul(v.rank === 1 ? R.T.matmul(v).div(g) : R.T.matmul(v).div(g.expandDims(1)));
}

export interface LowRankCoreOptions {
  /** Rank r of the plan, at most n and m. */
  readonly rank: number;
  /** Strength ε ≥ 0 of the entropies of Q, R and g. Default 0. */
  readonly epsilon?: number;
  /** Step of the mirror descent, over the squared size of the gradient. Default 10. */
  readonly gamma?: number;
  /** Least weight of a point in between. Default 1e-10. */
  readonly least?: number;
  /** Allowed L1 change of Q and R in a step. Default 1e-5. */
  readonly tol?: number;
  /** Default 1000. */
  readonly maxIter?: number;
  /** Plan to start from. Default one of rank 2 by a formula. */
  readonly init?: LowRankPlan;
}

export interface LowRankCore extends LowRankPlan {
  /** ⟨C, P⟩, scalar; differentiates in the cost's factors (envelope theorem, for `epsilon` 0). */
  readonly value: Tensor;
  readonly converged: Tensor;
  /** Steps of mirror descent, int32. */
  readonly iterations: Tensor;
  /** Steps of Dykstra's algorithm in all, int32. */
  readonly dykstra: Tensor;
  /** L1 change of Q and R in the last step, plus the L1 error of the marginals. */
  readonly residual: Tensor;
}

export interface LowRankOptions extends LowRankCoreOptions, Driver<BlockProgress> {}

export interface LowRankResult extends LowRankPlan {
  /** [n, m]. */
  plan(): Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly BlockProgress[];
}

/** Logarithms of Q, R and g. */
interface State extends LowRankPlan {
  readonly residual: Tensor;
  readonly step: Tensor;
  readonly dykstra: Tensor;
}

interface Task {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly cost: FactoredCost;
  readonly epsilon: number;
  readonly gamma: number;
  readonly least: number;
  readonly tol: number;
  readonly maxIter: number;
  readonly start: State;
}

/**
 * The traceable core of {@link lowRankSinkhorn}.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 */
export function lowRankSinkhornCore(
  a: Tensor,
  b: Tensor,
  cost: FactoredCost,
  options: LowRankCoreOptions,
): LowRankCore {
  const task = taskOf(a, b, cost, options, "lowRankSinkhornCore");
  const { residual, step, dykstra, ...logs } = iterate(task, task.start, task.maxIter);
  const plan = exponential(logs);
  const value = inner(cost, plan);
  return { ...plan, value, residual, converged: residual.lessEqual(task.tol), iterations: step, dykstra };
}

/**
 * min ⟨C, P⟩ (− ε entropies) over plans P = Q diag(1/g) Rᵀ of rank r, by mirror descent with Dykstra's projections, in the log domain. With a
 * factored cost of rank k a step takes O((n + m) r k), and no array [n, m] exists. A local optimum; its cost is at least that of `emd`.
 *
 * The method of POT's `ot.lowrank.lowrank_sinkhorn` and OTT's `LRSinkhorn`.
 *
 * @param a - Weights > 0, [n].
 * @param b - Weights > 0 of the same sum, [m].
 * @param cost - `factoredSquares(x, y)`, or any product.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Scetbon, Cuturi & Peyré, Low-rank Sinkhorn factorization (2021), alg. 2 and 3; steps: Scetbon & Cuturi (2022), §4.
 *
 * @example
 * const { cost } = await lowRankSinkhorn(a, b, factoredSquares(x, y), { rank: 10 });
 */
export async function lowRankSinkhorn(
  a: Tensor,
  b: Tensor,
  cost: FactoredCost,
  options: LowRankOptions,
): Promise<LowRankResult> {
  const task = taskOf(a, b, cost, options, "lowRankSinkhorn");
  const { signal, onProgress } = options;
  const run = (state: State, limit: Tensor): { state: State; iterations: Tensor; residual: Tensor } => {
    const end = iterate(task, { ...state, step: state.step.mul(0) }, limit);
    return { state: end, iterations: end.step, residual: end.residual };
  };
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const end = await inBlocks(run, task.start, { ...driver, tol: task.tol, maxIter: task.maxIter, block: 20 });
  const plan = exponential(end.state);
  const converged = end.residual <= task.tol;
  return {
    ...plan,
    plan: () => plan.Q.div(plan.g).matmul(plan.R.T),
    cost: await inner(cost, plan).item(),
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations: end.iterations,
    residual: end.residual,
    history: end.history,
  };
}

function exponential({ Q, R, g }: LowRankPlan): LowRankPlan {
  return { Q: Q.exp(), R: R.exp(), g: g.exp() };
}

/** ⟨left rightᵀ, Q diag(1/g) Rᵀ⟩. */
function inner({ left, right }: FactoredCost, { Q, R, g }: LowRankPlan): Tensor {
  return left.T.matmul(Q).mul(right.T.matmul(R).div(g)).sum();
}

function iterate(task: Task, start: State, limit: Tensor | number): State {
  const { cost, epsilon, gamma, tol } = task;
  const { left, right } = cost;
  return whileLoop(
    (s: State) => logicalAnd(s.residual.greater(tol), s.step.less(limit)),
    (s: State): State => {
      const { Q, R, g } = exponential(s);
      // Gradients of the cost in Q, R and g.
      const CR = left.matmul(right.T.matmul(R));
      const inQ = CR.div(g).add(s.Q.mul(epsilon));
      const inR = right.matmul(left.T.matmul(Q)).div(g).add(s.R.mul(epsilon));
      const inG = Q.mul(CR).sum(0).div(g.square()).neg().add(s.g.mul(epsilon));
      const size = inQ.abs().max().maximum(inR.abs().max()).maximum(inG.abs().max()).square();
      const step = size.greater(0).where(size, 1).reciprocal().mul(gamma);
      const target = { Q: s.Q.sub(inQ.mul(step)), R: s.R.sub(inR.mul(step)), g: s.g.sub(inG.mul(step)) };
      const found = dykstra(task, target);
      const change = found.plan.Q.exp().sub(Q).abs().sum().add(found.plan.R.exp().sub(R).abs().sum());
      return {
        ...found.plan,
        residual: change.add(found.error),
        step: s.step.add(1),
        dykstra: s.dykstra.add(found.steps),
      };
    },
    start,
  );
}

interface Dykstra {
  readonly v1: Tensor;
  readonly v2: Tensor;
  readonly u1: Tensor;
  readonly u2: Tensor;
  readonly g: Tensor;
  readonly q1: Tensor;
  readonly q2: Tensor;
  readonly q3: Tensor;
  readonly p3: Tensor;
  readonly error: Tensor;
  readonly step: Tensor;
}

/** The plan that is nearest to `target` in the Kullback–Leibler divergence, with marginals a and b and g ≥ least. All in logarithms. */
function dykstra(
  { a, b, least, tol }: Task,
  target: LowRankPlan,
): { readonly plan: LowRankPlan; readonly error: Tensor; readonly steps: Tensor } {
  const [logA, logB] = [a.log(), b.log()];
  const zero = target.g.mul(0);
  const { u1, u2, v1, v2, g, error, step } = whileLoop(
    (s: Dykstra) => logicalAnd(s.error.greater(tol / 10), s.step.less(1000)),
    (s: Dykstra): Dykstra => {
      const scaleA = logA.sub(logSumExp(target.Q.add(s.v1), 1));
      const scaleB = logB.sub(logSumExp(target.R.add(s.v2), 1));
      const raised = s.g.add(s.p3).maximum(Math.log(least));
      const p3 = s.g.add(s.p3).sub(raised);
      const sum1 = logSumExp(target.Q.add(scaleA.expandDims(1)), 0);
      const sum2 = logSumExp(target.R.add(scaleB.expandDims(1)), 0);
      const mean = raised.add(s.q3).add(s.v1.add(s.q1).add(sum1)).add(s.v2.add(s.q2).add(sum2)).div(3);
      const [next1, next2] = [mean.sub(sum1), mean.sub(sum2)];
      const missed = (log: Tensor, u: Tensor, v: Tensor, w: Tensor): Tensor =>
        u
          .add(logSumExp(log.add(v), 1))
          .exp()
          .sub(w)
          .abs()
          .sum();
      return {
        u1: scaleA,
        u2: scaleB,
        v1: next1,
        v2: next2,
        g: mean,
        q1: s.v1.add(s.q1).sub(next1),
        q2: s.v2.add(s.q2).sub(next2),
        q3: raised.add(s.q3).sub(mean),
        p3,
        error: missed(target.Q, scaleA, next1, a).add(missed(target.R, scaleB, next2, b)),
        step: s.step.add(1),
      };
    },
    {
      u1: logA.mul(0),
      u2: logB.mul(0),
      v1: zero,
      v2: zero,
      g: target.g,
      q1: zero,
      q2: zero,
      q3: zero,
      p3: zero,
      error: zero.sum().add(Infinity),
      step: zero.sum().cast("int32"),
    },
  );
  const plan = { Q: target.Q.add(u1.expandDims(1)).add(v1), R: target.R.add(u2.expandDims(1)).add(v2), g };
  return { plan, error, steps: step };
}

function taskOf(a: Tensor, b: Tensor, cost: FactoredCost, options: LowRankCoreOptions, name: string): Task {
  const { left, right } = cost;
  checkFloats(left, 2, name, "cost.left");
  checkFloats(right, 2, name, "cost.right");
  const [n, m] = [left.shape[0], right.shape[0]];
  if (left.shape[1] !== right.shape[1]) {
    throw new ShapeError(
      `${name}: cost.left has shape ${formatShape(left.shape)}, cost.right ${formatShape(right.shape)}; wants one rank.`,
    );
  }
  checkWeights(a, n, name, "a", true);
  checkWeights(b, m, name, "b", true);
  checkSameDType([left, right, a, b], name);
  checkEqualMass(a, b, name);
  const { rank, epsilon = 0, gamma = 10, least = 1e-10, tol = 1e-5, maxIter = 1000, init } = options;
  checkCount(rank, name, "rank", 1);
  checkNumber(rank, name, "rank", { low: 0, high: Math.min(n, m) });
  checkNumber(epsilon, name, "epsilon", { low: 0, closed: true });
  checkNumber(gamma, name, "gamma", { low: 0 });
  checkNumber(least, name, "least", { low: 0, high: 1 / rank });
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(maxIter, name, "maxIter");
  const [p, q] = [stopGradient(a), stopGradient(b)];
  const from = init ?? secondRank(p, q, rank);
  const zero = p.sum().mul(0);
  return {
    a: p,
    b: q,
    cost: { left: stopGradient(left), right: stopGradient(right) },
    epsilon,
    gamma,
    least,
    tol,
    maxIter,
    start: {
      Q: from.Q.log(),
      R: from.R.log(),
      g: from.g.log(),
      residual: zero.add(Infinity),
      step: zero.cast("int32"),
      dykstra: zero.cast("int32"),
    },
  };
}

/** The start of Scetbon et al.: mixtures of two products with the right marginals. */
function secondRank(a: Tensor, b: Tensor, rank: number): LowRankPlan {
  const mass = a.sum();
  const ramp = (length: number): Tensor =>
    arange(1, length + 1, { dtype: a.dtype as FloatDType }).div((length * (length + 1)) / 2);
  const even = ramp(rank)
    .mul(0)
    .add(1 / rank);
  const share = a.div(mass).min().minimum(b.div(mass).min()).minimum(1 / rank).div(2); // prettier-ignore
  const rest = share.neg().add(1);
  const mixed = (w: Tensor): Tensor => {
    const normal = w.div(mass);
    const [first, second] = [ramp(w.shape[0]), ramp(rank)];
    const left = (t: Tensor, r: Tensor): Tensor => t.sub(r.mul(share)).div(rest);
    const one = first.expandDims(1).mul(second).mul(share);
    return one.add(left(normal, first).expandDims(1).mul(left(even, second)).mul(rest)).mul(mass);
  };
  return { Q: mixed(a), R: mixed(b), g: even.mul(mass) };
}
