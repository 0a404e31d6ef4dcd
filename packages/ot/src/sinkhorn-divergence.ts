/** The Sinkhorn divergence: entropic transport without its bias, S(α, α) = 0. */

import { DomainError, isTensor, jit, logicalAnd, stopGradient, tensor, whileLoop, type Tensor } from "@curv/tensor";
import { checkNumber, evenWeights } from "./arguments.js";
import { costMatrix, reducer, type PointCost } from "./cost.js";
import { inBlocks, type BlockProgress, type Driver } from "./driver.js";
import { softMinRows, type Potentials, type Problem } from "./dual.js";
import { bestPotential, wantedMarginal } from "./penalty.js";
import {
  checkProblem,
  settingsOf,
  sinkhornCore,
  type SinkhornCore,
  type SinkhornCoreOptions,
} from "./sinkhorn-core.js";
import { sinkhorn } from "./sinkhorn.js";

export interface SinkhornDivergenceOptions extends Omit<SinkhornCoreOptions, "epsilon" | "init" | "entropy" | "rho"> {
  /** Strength ε > 0 of the entropy, in the units of the cost. A tensor may be traced. Give it, or `blur`. */
  readonly epsilon?: number | Tensor;
  /** GeomLoss's scale: the cost is |x − y|ᵖ/p and ε = blurᵖ. */
  readonly blur?: number;
  /** With `blur`: 2 (default) or 1. */
  readonly p?: 1 | 2;
  /** With `blur`: GeomLoss's name for an unbalanced problem's ρ = reachᵖ. */
  readonly reach?: number;
  /** Weights [n] and [m]. Default even, of sum 1. */
  readonly a?: Tensor;
  readonly b?: Tensor;
  /** Default `"sqeuclidean"`; GeomLoss's costs, |x − y|²/2, come with `blur`. */
  readonly cost?: PointCost["cost"];
  readonly tile?: number;
  /** Price of both marginals' deviations (unbalanced, see `penalty`). Default Infinity. */
  readonly rho?: number;
}

export interface SinkhornDivergence {
  /** S_ε(α, β) ≥ 0, scalar. */
  readonly value: Tensor;
  /** The three problems: between the measures, and of each with itself. Their potentials are those of the debiased dual. */
  readonly xy: SinkhornCore;
  readonly xx: SinkhornCore;
  readonly yy: SinkhornCore;
  /** Scalar bool: all three. */
  readonly converged: Tensor;
  /** Scalar: the largest of the three. */
  readonly residual: Tensor;
}

/** Options in which only ε and a cost are left of GeomLoss's names. */
type Plain = Omit<SinkhornDivergenceOptions, "epsilon" | "blur" | "p" | "reach"> & {
  readonly epsilon: number | Tensor;
};

function plain(options: SinkhornDivergenceOptions, caller: string): Plain {
  const { epsilon, blur, p = 2, reach, ...rest } = options;
  if ((epsilon === undefined) === (blur === undefined)) {
    throw new DomainError(`${caller}: epsilon is ${String(epsilon)}, blur ${String(blur)}; wants exactly one of them.`);
  }
  if (epsilon !== undefined) {
    if (options.p === undefined && reach === undefined) return { ...rest, epsilon };
    throw new DomainError(`${caller}: p or reach are given with epsilon; they are for blur. Use cost and rho.`);
  }
  checkNumber(blur!, caller, "blur", { low: 0 });
  if (p !== 1 && p !== 2) throw new DomainError(`${caller}: p is ${String(p)}; wants 1 or 2.`);
  if (rest.cost !== undefined || (reach !== undefined && rest.rho !== undefined)) {
    throw new DomainError(`${caller}: cost, or rho beside reach, is given with blur, which says what it is.`);
  }
  if (reach !== undefined) checkNumber(reach, caller, "reach", { low: 0 });
  return {
    ...rest,
    epsilon: blur! ** p,
    cost: p === 1 ? "euclidean" : halfSquares,
    ...(reach === undefined ? {} : { rho: reach ** p }),
  };
}

function halfSquares(x: Tensor, y: Tensor): Tensor {
  return costMatrix({ x, y }).div(2);
}

/**
 * S_ε(α, β) = OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β) (+ ½ ε (mass α − mass β)² when unbalanced), with OT_ε the cost with ε KL(P | a bᵀ).
 *
 * S ≥ 0, and 0 for equal measures; for ε → 0 the transport cost, for ε → ∞ a maximum mean discrepancy. Traceable; differentiates in points,
 * weights and ε to every order, by the envelope theorem and the implicit function theorem. The symmetric problems take few sweeps, of the
 * averaged iteration f ← ½ (f + T f). With progress and cancellation: {@link runSinkhornDivergence}.
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences; unbalanced: Séjourné et al. (2019).
 *
 * @example
 * const gradient = jit(grad((x: Tensor) => sinkhornDivergence(x, y, { epsilon: 0.1 }).value))(x);
 */
export function sinkhornDivergence(x: Tensor, y: Tensor, options: SinkhornDivergenceOptions): SinkhornDivergence {
  const settings = plain(options, "sinkhornDivergence");
  const { a = evenWeights(x), b = evenWeights(y) } = settings;
  const itself = (points: Tensor, weights: Tensor): SelfEnd => {
    const { problem, start, tol, maxIter } = selfProblem(points, weights, settings, "sinkhornDivergence");
    return selfSweeps(problem, start, tol, maxIter);
  };
  const [xx, yy] = [itself(x, a), itself(y, b)];
  const divergence = assembled(x, y, settings, { xx: xx.f, yy: yy.f });
  return {
    ...divergence,
    xx: { ...divergence.xx, iterations: xx.step },
    yy: { ...divergence.yy, iterations: yy.step },
  };
}

/** The divergence from potentials of the symmetric problems that are there; those of `xy` are found, or given, too. */
function assembled(
  x: Tensor,
  y: Tensor,
  options: Plain,
  { xx: f, yy: g, xy: init }: { readonly xx: Tensor; readonly yy: Tensor; readonly xy?: Potentials },
): SinkhornDivergence {
  const { a = evenWeights(x), b = evenWeights(y), ...rest } = options;
  const points = pointsOf(options);
  const core = { ...rest, entropy: "kl" } as const;
  const xy = sinkhornCore(a, b, { ...points, x, y }, init === undefined ? core : { ...core, init, maxIter: 0 });
  const itself = (p: Tensor, weights: Tensor, at: Tensor): SinkhornCore =>
    sinkhornCore(weights, weights, { ...points, x: p, y: p }, { ...core, init: { f: at, g: at }, maxIter: 0 });
  const [xx, yy] = [itself(x, a, f), itself(y, b, g)];
  let value = xy.value.sub(xx.value.add(yy.value).div(2));
  if (options.rho !== undefined && options.rho !== Infinity) {
    value = value.add(a.sum().sub(b.sum()).square().mul(options.epsilon).div(2));
  }
  return {
    value,
    xy,
    xx,
    yy,
    converged: logicalAnd(xy.converged, logicalAnd(xx.converged, yy.converged)),
    residual: xy.residual.maximum(xx.residual).maximum(yy.residual),
  };
}

function pointsOf({ cost, tile }: Plain): Omit<PointCost, "x" | "y"> {
  return { ...(cost === undefined ? {} : { cost }), ...(tile === undefined ? {} : { tile }) };
}

interface SelfEnd {
  readonly f: Tensor;
  readonly error: Tensor;
  readonly step: Tensor;
}

interface SelfProblem {
  readonly problem: Problem;
  readonly start: SelfEnd;
  readonly tol: number;
  readonly maxIter: number;
}

/** A measure with itself, as constants. */
function selfProblem(points: Tensor, weights: Tensor, options: Plain, caller: string): SelfProblem {
  const { tol, maxIter, prices } = settingsOf(options, weights.dtype, caller);
  const a = stopGradient(weights);
  const { epsilon: given } = options;
  const epsilon = stopGradient(isTensor(given) ? given : tensor(given, { dtype: a.dtype }));
  const fixed = stopGradient(points);
  const costs = reducer({ ...pointsOf(options), x: fixed, y: fixed });
  const zero = epsilon.mul(0);
  return {
    problem: { a, b: a, epsilon, prices, costs },
    start: { f: a.mul(0), error: zero.add(Infinity), step: zero.cast("int32") },
    tol,
    maxIter,
  };
}

/** The potential f = g of a measure with itself, by the averaged iteration. */
function selfSweeps(problem: Problem, start: SelfEnd, tol: number, limit: Tensor | number): SelfEnd {
  const { a, epsilon, prices } = problem;
  return whileLoop(
    (s: SelfEnd) => logicalAnd(s.error.greater(tol), s.step.less(limit)),
    ({ f, step }: SelfEnd): SelfEnd => {
      const rows = softMinRows(problem, f);
      const actual = a.mul(f.sub(rows).div(epsilon).exp());
      // Rows and columns miss the same.
      const error = actual
        .sub(wantedMarginal(prices[0], a, f, actual))
        .abs()
        .sum()
        .mul(2);
      // The last step would be no worse, but what was measured is f: it stays.
      const next = error.lessEqual(tol).where(f, f.add(bestPotential(prices[0], a, rows, epsilon)).div(2));
      return { f: next, error, step: step.add(1) };
    },
    start,
  );
}

export interface SinkhornDivergenceProgress extends BlockProgress {
  /** Which of the three problems it is of. */
  readonly problem: "xy" | "xx" | "yy";
}

export interface SinkhornDivergenceRunOptions extends SinkhornDivergenceOptions, Driver<SinkhornDivergenceProgress> {
  readonly epsilon?: number;
}

export interface SinkhornDivergenceResult {
  /** S_ε(α, β). */
  readonly value: number;
  /** Potentials between the measures, [n] and [m], and those of each with itself, [n] and [m]. */
  readonly xy: Potentials;
  readonly xx: Tensor;
  readonly yy: Tensor;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  /** Sweeps of each problem. */
  readonly iterations: { readonly xy: number; readonly xx: number; readonly yy: number };
  /** The largest L1 error of the marginals of the three plans. */
  readonly residual: number;
  readonly history: readonly SinkhornDivergenceProgress[];
}

/**
 * {@link sinkhornDivergence}, driven from the host: in blocks of sweeps, with progress and cancellation.
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 *
 * @example
 * const { value, converged } = await runSinkhornDivergence(x, y, { blur: 0.05, signal });
 */
export async function runSinkhornDivergence(
  x: Tensor,
  y: Tensor,
  options: SinkhornDivergenceRunOptions,
): Promise<SinkhornDivergenceResult> {
  const name = "runSinkhornDivergence";
  const { signal, onProgress, ...rest } = options;
  const settings = plain(rest, name) as Plain & { readonly epsilon: number };
  const { a = evenWeights(x), b = evenWeights(y), ...core } = settings;
  const cost = { ...pointsOf(settings), x, y };
  checkProblem(a, b, cost, settings.rho === undefined || settings.rho === Infinity, name);
  const history: SinkhornDivergenceProgress[] = [];
  const driverOf = (problem: "xy" | "xx" | "yy"): Driver<BlockProgress> => ({
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => {
      history.push({ ...progress, problem });
      onProgress?.(history[history.length - 1]);
    },
  });
  const xy = await sinkhorn(a, b, cost, { ...core, ...driverOf("xy") });
  const itself = async (
    points: Tensor,
    w: Tensor,
    problem: "xx" | "yy",
  ): Promise<{ f: Tensor; iterations: number }> => {
    const { problem: own, start, tol, maxIter } = selfProblem(points, w, settings, name);
    const run = (state: SelfEnd, limit: Tensor): { state: SelfEnd; iterations: Tensor; residual: Tensor } => {
      const end = selfSweeps(own, { ...state, step: state.step.mul(0) }, tol, limit);
      return { state: end, iterations: end.step, residual: end.error };
    };
    const { state, iterations } = await inBlocks(run, start, { ...driverOf(problem), tol, maxIter, block: 20 });
    return { f: state.f, iterations };
  };
  const [xx, yy] = [await itself(x, a, "xx"), await itself(y, b, "yy")];
  const end = jit((f: Tensor, g: Tensor, u: Tensor, v: Tensor) => {
    const { value, residual, converged } = assembled(x, y, settings, { xx: u, yy: v, xy: { f, g } });
    return { value, residual, converged };
  })(xy.f, xy.g, xx.f, yy.f);
  const converged = (await end.converged.item()) === 1;
  return {
    value: await end.value.item(),
    xy: { f: xy.f, g: xy.g },
    xx: xx.f,
    yy: yy.f,
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations: { xy: xy.iterations, xx: xx.iterations, yy: yy.iterations },
    residual: await end.residual.item(),
    history,
  };
}
