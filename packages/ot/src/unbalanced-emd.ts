/** Unbalanced transport without entropy: marginals may differ from the weights at a price. */

import {
  check,
  concat,
  DomainError,
  full,
  logicalAnd,
  stopGradient,
  whileLoop,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
import { checkCount, checkNumber } from "./arguments.js";
import { costMatrix, type Cost } from "./cost.js";
import { inBlocks, type BlockProgress, type Driver } from "./driver.js";
import { emd, type EmdProgress } from "./emd.js";
import { emdCore } from "./emd-core.js";
import { reward, type Penalty, type Price } from "./penalty.js";
import { checkProblem } from "./sinkhorn-core.js";

export interface UnbalancedEmdCoreOptions {
  /** Price ρ > 0 of the marginals' deviations, for both or one each (`"tv"`: one). */
  readonly rho: number | readonly [number, number];
  /** `"kl"` (default) ρ KL(P1 | a), generalised, `"tv"` ρ Σ |P1 − a|, or `"l2"` ½ ρ Σ (P1 − a)². */
  readonly penalty?: Penalty;
  /** Allowed duality gap, relative to the value of the plan without any mass. Default 1e-9, in float32 1e-5. */
  readonly tol?: number;
  /** Largest number of steps (`"tv"`: of pivots). Default 20,000, of `"tv"` 100 (n + m) + 100,000. */
  readonly maxIter?: number;
}

export interface UnbalancedEmdCore {
  /** ⟨C, P⟩ and the price of both marginals; scalar. */
  readonly value: Tensor;
  /** The plan [n, m]. */
  readonly plan: Tensor;
  /** Scalar bool: `residual` ≤ `tol` (`"tv"`: no pivot was left that could lower the cost). */
  readonly converged: Tensor;
  /** Scalar int32. */
  readonly iterations: Tensor;
  /** Scalar ≥ 0: an upper bound of how far `value` is from the optimum, relative to the value of the plan without any mass. */
  readonly residual: Tensor;
}

export interface UnbalancedEmdOptions extends UnbalancedEmdCoreOptions, Driver<BlockProgress> {}

export interface UnbalancedEmdResult {
  /** The plan [n, m]. */
  plan(): Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  /** ⟨C, P⟩ and the price of both marginals. */
  readonly value: number;
  readonly status: "converged" | "max-iterations";
  readonly converged: boolean;
  readonly iterations: number;
  /** An upper bound of how far `value` is from the optimum, relative to the value of the plan without any mass. */
  readonly residual: number;
  readonly history: readonly BlockProgress[];
}

interface Task {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly C: Tensor;
  readonly prices: readonly [Price, Price];
}

interface State {
  readonly P: Tensor;
  readonly residual: Tensor;
  readonly step: Tensor;
}

/** x / y, 0 where y is 0. */
function quotient(x: Tensor, y: Tensor): Tensor {
  const positive = y.greater(0);
  return positive.where(x.div(positive.where(y, 1)), 0);
}

/** Σ φ(p), what a marginal p costs. */
function price({ penalty, rho }: Price, weights: Tensor, p: Tensor): Tensor {
  if (penalty === "l2") return p.sub(weights).square().sum().mul(rho / 2); // prettier-ignore
  if (penalty === "tv") return p.sub(weights).abs().sum().mul(rho);
  const both = logicalAnd(p.greater(0), weights.greater(0));
  const log = both.where(both.where(p, 1).div(both.where(weights, 1)).log(), 0);
  return p.mul(log).sub(p).add(weights).sum().mul(rho);
}

function primal({ a, b, C, prices }: Task, P: Tensor): Tensor {
  return C.mul(P)
    .sum()
    .add(price(prices[0], a, P.sum(1)))
    .add(price(prices[1], b, P.sum(0)));
}

/** −φ′(p), the potential that belongs to a marginal. */
function potential({ penalty, rho }: Price, weights: Tensor, p: Tensor): Tensor {
  if (penalty === "l2") return weights.sub(p).mul(rho);
  const both = logicalAnd(p.greater(0), weights.greater(0));
  return both.where(both.where(weights, 1).div(both.where(p, 1)).log().mul(rho), 0);
}

/** An upper bound of what P costs too much: its value less that of potentials with f_i + g_j ≤ C_ij. */
function gap(task: Task, P: Tensor): Tensor {
  const { a, b, C, prices } = task;
  const g = potential(prices[1], b, P.sum(0));
  // Sinks that get nothing would let any g do; this one is feasible with every f that is.
  const f = potential(prices[0], a, P.sum(1)).minimum(C.sub(g).min(1));
  return primal(task, P)
    .sub(reward(prices[0], a, f))
    .sub(reward(prices[1], b, g));
}

/**
 * Steps that minimise a majorant of the value, which is separable in the elements of P: the value never grows.
 *
 * Source: Chapel, Flamary, Wu, Févotte & Gasso, Unbalanced optimal transport through non-negative penalized linear regression (2021), eq. 12
 * (squares) and 14 (KL).
 */
function iterate(task: Task, start: State, tol: number, limit: Tensor | number): State {
  const { a, b, C, prices } = task;
  const [{ rho: first }, { rho: second }] = prices;
  const sum = first + second;
  const isSquare = prices[0].penalty === "l2";
  const top = a.mul(first).expandDims(1).add(b.mul(second)).sub(C).maximum(0);
  const kernel = C.div(-sum).exp();
  const empty = primal(task, start.P.mul(0));
  return whileLoop(
    (s: State) => logicalAnd(s.residual.greater(tol), s.step.less(limit)),
    ({ P, step }): State => {
      const [rows, columns] = [P.sum(1), P.sum(0)];
      const next = isSquare
        ? P.mul(quotient(top, rows.mul(first).expandDims(1).add(columns.mul(second))))
        : P.mul(kernel)
            .mul(
              quotient(a, rows)
                .pow(first / sum)
                .expandDims(1),
            )
            .mul(quotient(b, columns).pow(second / sum));
      return { P: next, residual: gap(task, next).div(empty).maximum(0), step: step.add(1) };
    },
    start,
  );
}

interface Checked {
  readonly C: Tensor;
  readonly prices: readonly [Price, Price];
  readonly fixed: Task;
  readonly start: State;
  readonly tol: number;
  readonly maxIter: number;
}

function checked(a: Tensor, b: Tensor, cost: Cost, options: UnbalancedEmdCoreOptions, caller: string): Checked {
  checkProblem(a, b, cost, false, caller);
  const { rho, penalty = "kl", tol = a.dtype === "float32" ? 1e-5 : 1e-9 } = options;
  if (!["kl", "tv", "l2"].includes(penalty)) {
    throw new DomainError(`${caller}: penalty is ${String(penalty)}; wants "kl", "tv" or "l2".`);
  }
  const pair = typeof rho === "number" ? ([rho, rho] as const) : rho;
  pair.forEach((r) => checkNumber(r, caller, "rho", { low: 0 }));
  checkNumber(tol, caller, "tol", { low: 0, closed: true });
  const pivots = 100 * (a.shape[0] + b.shape[0]) + 100_000;
  const { maxIter = penalty === "tv" ? pivots : 20_000 } = options;
  checkCount(maxIter, caller, "maxIter");
  const C = costMatrix(cost);
  if (penalty === "tv") {
    if (pair[0] !== pair[1])
      throw new DomainError(`${caller}: rho is [${pair.join(", ")}] with "tv"; wants one number.`);
    // Below 0 it would pay to make mass that nobody has.
    check([C.min()], [0], ([least]) =>
      least >= 0 ? null : new DomainError(`${caller}: the least cost is ${least} with "tv"; wants costs >= 0.`),
    );
  }
  const prices = [
    { penalty, rho: pair[0] },
    { penalty, rho: pair[1] },
  ] as const;
  const fixed = { a: stopGradient(a), b: stopGradient(b), C: stopGradient(C), prices };
  const zero = fixed.a.sum().mul(0);
  const start = {
    P: fixed.a.expandDims(1).mul(fixed.b),
    residual: zero.add(Infinity),
    step: zero.cast("int32"),
  };
  return { C, prices, fixed, start, tol, maxIter };
}

interface Extended {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly C: Tensor;
  /** The value of the plan without any mass. */
  readonly empty: Tensor;
}

/** Total variation as a balanced problem: a further source and a further sink that take, at ρ, what stays. */
function withDummies(a: Tensor, b: Tensor, C: Tensor, rho: number): Extended {
  const [n, m] = C.shape;
  const all = (shape: number[], price: number): Tensor => full(shape, price, { dtype: a.dtype as FloatDType });
  return {
    a: concat([a, b.sum().reshape([1])], 0),
    b: concat([b, a.sum().reshape([1])], 0),
    C: concat([concat([C, all([n, 1], rho)], 1), concat([all([1, m], rho), all([1, 1], 0)], 1)], 0),
    empty: a.sum().add(b.sum()).mul(rho),
  };
}

function totalVariation(a: Tensor, b: Tensor, C: Tensor, rho: number, maxIter: number): UnbalancedEmdCore {
  const problem = withDummies(a, b, C, rho);
  const { value, plan, converged, iterations, residual } = emdCore(problem.a, problem.b, problem.C, { maxIter });
  return {
    value,
    plan: plan.slice([0, a.shape[0]], [0, b.shape[0]]),
    converged,
    iterations,
    residual: stopGradient(residual.div(problem.empty)),
  };
}

/**
 * The traceable core of {@link unbalancedEmd}.
 *
 * `value` has the derivatives of the optimum in a, b and the costs: first ones for `"kl"` and `"l2"`, whose plan is a constant for
 * derivatives; those of {@link emdCore} for `"tv"`, and of its plan, too.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities; with `"tv"` for negative costs.
 */
export function unbalancedEmdCore(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: UnbalancedEmdCoreOptions,
): UnbalancedEmdCore {
  const { C, prices, fixed, start, tol, maxIter } = checked(a, b, cost, options, "unbalancedEmdCore");
  if (prices[0].penalty === "tv") return totalVariation(a, b, C, prices[0].rho, maxIter);
  const { P, residual, step } = iterate(fixed, start, tol, maxIter);
  const value = primal({ a, b, C, prices }, P);
  return { value, plan: P, converged: residual.lessEqual(tol), iterations: step, residual };
}

/**
 * Unbalanced transport without entropy: min ⟨C, P⟩ + φ(P1 | a) + φ(Pᵀ1 | b) over P ≥ 0, by majorise–minimise steps (`"kl"`, `"l2"`) or, for
 * total variation, exactly by the network simplex. `status` comes from the duality gap of the plan that is returned.
 *
 * Equals POT's `ot.unbalanced.mm_unbalanced` (`reg=0`) and `lbfgsb_unbalanced`. With entropy: `rho` and `penalty` of {@link sinkhorn}.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0, [m]; its sum may be another.
 * @param cost - [n, m], or points (their matrix is made).
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities; with `"tv"` for negative costs.
 * Source: Chapel et al., Unbalanced optimal transport through non-negative penalized linear regression (2021); total variation:
 * Piccoli & Rossi, Generalized Wasserstein distance (2014).
 *
 * @example
 * const { plan, value } = await unbalancedEmd(a, b, C, { rho: 2, penalty: "tv" });
 */
export async function unbalancedEmd(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: UnbalancedEmdOptions,
): Promise<UnbalancedEmdResult> {
  const { C, prices, fixed, start, tol, maxIter } = checked(a, b, cost, options, "unbalancedEmd");
  const { signal, onProgress } = options;
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const end = prices[0].penalty === "tv" ? await exactly(fixed, driver, maxIter) : await inSteps(fixed, start, tol, maxIter, driver); // prettier-ignore
  const { P, ...rest } = end;
  return {
    plan: () => P,
    cost: await C.mul(P).sum().item(),
    value: await primal(fixed, P).item(),
    status: rest.converged ? "converged" : "max-iterations",
    ...rest,
  };
}

type End = Pick<UnbalancedEmdResult, "converged" | "iterations" | "residual" | "history"> & { readonly P: Tensor };

async function inSteps(
  task: Task,
  start: State,
  tol: number,
  maxIter: number,
  driver: Driver<BlockProgress>,
): Promise<End> {
  const run = (state: State, limit: Tensor): { state: State; iterations: Tensor; residual: Tensor } => {
    const end = iterate(task, { ...state, step: state.step.mul(0) }, tol, limit);
    return { state: end, iterations: end.step, residual: end.residual };
  };
  const { state, iterations, residual, history } = await inBlocks(run, start, { ...driver, tol, maxIter, block: 100 });
  return { P: state.P, converged: residual <= tol, iterations, residual, history };
}

async function exactly({ a, b, C, prices }: Task, driver: Driver<BlockProgress>, maxIter: number): Promise<End> {
  const problem = withDummies(a, b, C, prices[0].rho);
  const history: BlockProgress[] = [];
  const onProgress = ({ iterations }: EmdProgress): void => {
    // How far it is from the optimum is not known before the end.
    history.push({ iterations, residual: Infinity });
    driver.onProgress?.(history[history.length - 1]);
  };
  const { plan, converged, iterations, residual } = await emd(problem.a, problem.b, problem.C, {
    ...(driver.signal === undefined ? {} : { signal: driver.signal }),
    onProgress,
    maxIter,
  });
  const P = plan().slice([0, a.shape[0]], [0, b.shape[0]]);
  return { P, converged, iterations, residual: residual / (await problem.empty.item()), history };
}
