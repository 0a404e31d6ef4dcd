/** Entropic barycentres of measures on a fixed support, by iterative Bregman projections in the log domain. */

import {
  full,
  isTensor,
  linspace,
  logicalAnd,
  logSumExp,
  ShapeError,
  stack,
  stopGradient,
  unstack,
  whileLoop,
  zeros,
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
import { movingBarycenter, type Averaged, type LogKernel } from "./barycenter-derivative.js";
import { checkCost, reducer, type Cost } from "./cost.js";
import { inBlocks, type BlockProgress, type Driver } from "./driver.js";

export interface BarycenterCoreOptions {
  /** Strength ε > 0 of the entropy. On a grid in units of its squared side. */
  readonly epsilon: number;
  /** Weights of the measures, [k]. Default even. */
  readonly weights?: Tensor;
  /** Removes the blur that the entropy brings (for a cost of the support with itself). Default false. */
  readonly debiased?: boolean;
  /** Allowed Σ w |P_kᵀ1 − barycentre|, L1. Default 1e-8, in float32 1e-4. */
  readonly tol?: number;
  /** Default 10,000. */
  readonly maxIter?: number;
}

export interface BarycenterCore {
  /**
   * The weights of the barycentre: [m], or the shape of the grid. Differentiates in the measures (where they are > 0), their weights and the
   * cost or its points, to every order, by the implicit function theorem: at convergence.
   */
  readonly barycenter: Tensor;
  /** Scalar bool: `residual` ≤ `tol`. */
  readonly converged: Tensor;
  readonly iterations: Tensor;
  /** Scalar: how far the plans' second marginals are from the barycentre, Σ w |P_kᵀ1 − barycentre|. */
  readonly residual: Tensor;
}

export interface BarycenterOptions extends BarycenterCoreOptions, Driver<BlockProgress> {}

export interface BarycenterResult {
  readonly barycenter: Tensor;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly BlockProgress[];
}

interface State {
  /** log of the scalings on the barycentre's side applied by the kernel, log Kᵀu, [k, …]. */
  readonly logKu: Tensor;
  readonly logBarycenter: Tensor;
  /** The debiasing factor's logarithm. */
  readonly logD: Tensor;
  readonly residual: Tensor;
  readonly step: Tensor;
}

interface Task {
  /** As constants. */
  readonly logA: Tensor;
  readonly shares: Tensor;
  readonly kernel: LogKernel;
  /** What derivatives are of. */
  readonly theta: Averaged;
  readonly start: State;
  readonly tol: number;
  readonly maxIter: number;
  readonly debiased: boolean;
}

function iterate({ logA, shares, kernel, tol, debiased }: Task, start: State, limit: Tensor | number): State {
  return whileLoop(
    (s: State) => logicalAnd(s.residual.greater(tol), s.step.less(limit)),
    (s: State): State => {
      const logV = s.logBarycenter.sub(s.logKu);
      const logU = logA.sub(kernel.fromBarycenter(logV));
      const logKu = kernel.toBarycenter(logU);
      const logBarycenter = s.logD.add(logKu.mul(shares).sum(0));
      // The marginals of the plans u K v on the barycentre's side; on the other they fit.
      const miss = logV.add(logKu).exp().sub(logBarycenter.exp()).abs().mul(shares);
      const logD = debiased
        ? s.logD
            .add(logBarycenter)
            .sub(kernel.toBarycenter(s.logD.expandDims(0)).squeeze(0))
            .div(2)
        : s.logD;
      return { logKu, logBarycenter, logD, residual: miss.sum(), step: s.step.add(1) };
    },
    start,
  );
}

/**
 * The traceable core of {@link barycenter}.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 */
export function barycenterCore(measures: Tensor, cost: Cost, options: BarycenterCoreOptions): BarycenterCore {
  return solved(onSupport(measures, cost, options, "barycenterCore"));
}

/**
 * The entropic barycentre min Σ w OT_ε(a_k, b) over weights b on a fixed support, of measures a_k on one support.
 *
 * Equals POT's `ot.bregman.barycenter` (and `barycenter_debiased`). ε in the units of the cost. The residual is that of the weights that are
 * returned.
 *
 * @param measures - Weights ≥ 0 of equal sums, a row each, [k, n].
 * @param cost - [n, m], or points: from the measures' support x to the barycentre's support y.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Benamou et al., Iterative Bregman projections for regularized transportation problems (2015); debiased: Janati et al. (2020).
 *
 * @example
 * const { barycenter: b } = await barycenter(stack([a1, a2]), C, { epsilon: 0.01 });
 */
export async function barycenter(measures: Tensor, cost: Cost, options: BarycenterOptions): Promise<BarycenterResult> {
  return driven(onSupport(measures, cost, options, "barycenter"), options);
}

/**
 * The traceable core of {@link gridBarycenter}.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 */
export function gridBarycenterCore(images: Tensor, options: BarycenterCoreOptions): BarycenterCore {
  return solved(onGrid(images, options, "gridBarycenterCore"));
}

/**
 * The entropic barycentre of images on a grid with squared distances: each axis has coordinates from 0 to 1, and the kernel acts on one axis
 * after the other. O(n^(1 + 1/d)) a step for n pixels in d dimensions, where a cost matrix would need n².
 *
 * Equals POT's `convolutional_barycenter2d` (and `_debiased`), in any dimension.
 *
 * @param images - Weights ≥ 0 of equal sums, [k, …grid], one to three axes.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Solomon et al., Convolutional Wasserstein distances (2015).
 */
export async function gridBarycenter(images: Tensor, options: BarycenterOptions): Promise<BarycenterResult> {
  return driven(onGrid(images, options, "gridBarycenter"), options);
}

function solved(task: Task): BarycenterCore {
  const { logBarycenter, logKu, logD, residual, step } = iterate(task, task.start, task.maxIter);
  const logV = logBarycenter.sub(logKu);
  const logU = task.logA.sub(task.kernel.fromBarycenter(logV));
  const moving = movingBarycenter(task.theta, { logU, logV, logD: task.debiased ? logD : null });
  return {
    // The value is that of the iteration, the derivatives those of the plans' marginals.
    barycenter: logBarycenter.exp().add(moving.sub(stopGradient(moving))),
    residual,
    converged: residual.lessEqual(task.tol),
    iterations: step,
  };
}

async function driven(task: Task, { signal, onProgress }: BarycenterOptions): Promise<BarycenterResult> {
  const run = (state: State, limit: Tensor): { state: State; iterations: Tensor; residual: Tensor } => {
    const end = iterate(task, { ...state, step: state.step.mul(0) }, limit);
    return { state: end, iterations: end.step, residual: end.residual };
  };
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const end = await inBlocks(run, task.start, { ...driver, tol: task.tol, maxIter: task.maxIter, block: 50 });
  const converged = end.residual <= task.tol;
  return {
    barycenter: end.state.logBarycenter.exp(),
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations: end.iterations,
    residual: end.residual,
    history: end.history,
  };
}

function onSupport(measures: Tensor, cost: Cost, options: BarycenterCoreOptions, name: string): Task {
  const { n, m, leaf } = checkCost(cost, name);
  checkFloats(measures, 2, name, "measures");
  checkSameDType([leaf, measures], name);
  if (measures.shape[1] !== n) {
    throw new ShapeError(`${name}: measures has shape ${formatShape(measures.shape)}; the cost wants rows of ${n}.`);
  }
  if (options.debiased === true && n !== m) {
    throw new ShapeError(`${name}: debiased with a cost of shape [${n}, ${m}]; wants one support.`);
  }
  const inverse = 1 / options.epsilon;
  const each = (f: (row: Tensor) => Tensor, rows: Tensor): Tensor => stack(unstack(rows).map(f));
  const [like, other] = [n, m].map((length) => zeros([length], { dtype: measures.dtype }));
  const kernelOf = (c: Cost): LogKernel => {
    const costs = reducer(c);
    return {
      fromBarycenter: (logV) => each((v) => costs.rows((C) => logSumExp(v.sub(C.mul(inverse)), 1), like), logV),
      toBarycenter: (logU) =>
        each((u) => costs.columns((C) => logSumExp(u.expandDims(1).sub(C.mul(inverse)), 0), other), logU),
    };
  };
  const fixed: Cost = isTensor(cost)
    ? stopGradient(cost)
    : { ...cost, x: stopGradient(cost.x), y: stopGradient(cost.y) };
  return taskOf(measures, kernelOf(fixed), kernelOf(cost), [m], options, name);
}

function onGrid(images: Tensor, options: BarycenterCoreOptions, name: string): Task {
  if (images.rank < 2 || images.rank > 4) {
    throw new ShapeError(
      `${name}: images has shape ${formatShape(images.shape)}; wants [k, …grid] of one to three axes.`,
    );
  }
  checkFloats(images, images.rank, name, "images");
  const apply = (logs: Tensor): Tensor => {
    let out = logs;
    for (let axis = 1; axis < images.rank; axis++) out = alongAxis(out, axis, options.epsilon);
    return out;
  };
  const kernel = { fromBarycenter: apply, toBarycenter: apply };
  return taskOf(images, kernel, kernel, images.shape.slice(1), options, name);
}

/** log Σ_j exp(x_j − (t_i − t_j)²/ε) along an axis of coordinates t in [0, 1]. */
function alongAxis(x: Tensor, axis: number, epsilon: number): Tensor {
  const n = x.shape[axis];
  const t = linspace(0, 1, n, { dtype: x.dtype as FloatDType });
  const C = t.expandDims(1).sub(t).square().div(-epsilon);
  const behind = new Array<number>(x.rank - axis - 1).fill(1);
  return logSumExp(x.expandDims(axis).add(C.reshape([n, n, ...behind])), axis + 1);
}

function taskOf(
  measures: Tensor,
  kernel: LogKernel,
  moving: LogKernel,
  support: readonly number[],
  options: BarycenterCoreOptions,
  name: string,
): Task {
  const { epsilon, weights, debiased = false, maxIter = 10_000 } = options;
  const { tol = measures.dtype === "float32" ? 1e-4 : 1e-8 } = options;
  checkNumber(epsilon, name, "epsilon", { low: 0 });
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(maxIter, name, "maxIter");
  const k = measures.shape[0];
  const flat = measures.reshape([k, -1]);
  unstack(flat).forEach((row, i) => {
    checkWeights(row, flat.shape[1], name, `measures[${i}]`);
    checkEqualMass(flat.slice(0), row, name);
  });
  const share =
    weights ??
    flat
      .slice(null, 0)
      .mul(0)
      .add(1 / k);
  checkWeights(share, k, name, "weights");
  checkSameDType([measures, share], name);
  const ones = new Array<number>(support.length).fill(1);
  const shares = share.div(share.sum()).reshape([k, ...ones]);
  const count = support.reduce((s, x) => s * x, 1);
  const zero = zeros([...support], { dtype: measures.dtype });
  const start: State = {
    logKu: kernel.toBarycenter(zeros([...measures.shape], { dtype: measures.dtype })),
    logBarycenter: zero.sub(Math.log(count)),
    logD: zero,
    residual: full([], Infinity, { dtype: measures.dtype }),
    step: zeros([], { dtype: "int32" }),
  };
  return {
    logA: stopGradient(measures).log(),
    shares: stopGradient(shares),
    kernel,
    theta: { measures, shares, kernel: moving },
    start,
    tol,
    maxIter,
    debiased,
  };
}
