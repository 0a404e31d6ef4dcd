/** Sinkhorn's sweeps in the log domain: plain, over-relaxed, with momentum, accelerated by Anderson's method, with a falling ε. */

import { logicalAnd, logicalOr, whileLoop, type Tensor } from "@curv/tensor";
import { andersonStep, emptyHistory, type AndersonHistory } from "./anderson.js";
import { softMinColumns, softMinRows, type Potentials, type Problem } from "./dual.js";
import { admissible, bestPotential, bestTranslation, wantedMarginal, type Price } from "./penalty.js";
import { kernelSweeps } from "./stabilized.js";

/** Options with their defaults. */
export interface Settings {
  readonly tol: number;
  readonly maxIter: number;
  readonly prices: readonly [Price, Price];
  readonly method: "log" | "stabilized";
  readonly initialEpsilon: number;
  readonly scaling: number;
  readonly relaxation: number | "auto";
  readonly momentum: number;
  readonly anderson: number;
}

/** How sweeps are done, but not how long. */
export type Schedule = Omit<Settings, "tol" | "maxIter">;

/** When sweeps end: at an L1 error of `tol`, or when `limit` have been done in all. */
export interface Until {
  readonly tol: Tensor | number;
  readonly limit: Tensor | number;
}

/** Where the sweeps are. */
export interface SweepState extends Potentials {
  /** ε of the next sweep. */
  readonly epsilon: Tensor;
  /** What both marginals of the potentials before the last sweep missed, L1; Infinity: not known. */
  readonly error: Tensor;
  /** What the columns of this state's plan miss. */
  readonly beside: Tensor;
  readonly step: Tensor;
  /** Of over-relaxation: ω, the error when it was last thought over, and the sweeps since. */
  readonly omega: Tensor;
  readonly anchor: Tensor;
  readonly age: Tensor;
  /** Of momentum: g before the last sweep. */
  readonly before: Tensor;
  /** Of Anderson acceleration; empty without it. */
  readonly past: AndersonHistory;
}

/** The state before the first sweep. */
export function sweepStart(
  { b, epsilon }: Pick<Problem, "b" | "epsilon">,
  init: Potentials,
  settings: Schedule,
): SweepState {
  const zero = epsilon.mul(0);
  return {
    f: admissible(settings.prices[0], init.f),
    g: admissible(settings.prices[1], init.g),
    epsilon: epsilon.maximum(settings.initialEpsilon),
    error: zero.add(Infinity),
    beside: isPlain(settings) ? zero : zero.add(Infinity),
    step: zero.cast("int32"),
    omega: zero.add(1),
    anchor: zero.add(Infinity),
    age: zero.cast("int32"),
    before: settings.momentum === 0 ? zero : init.g,
    past: emptyHistory(settings.anderson, b),
  };
}

/** Whether a sweep leaves columns that fit. */
function isPlain({ relaxation, momentum, anderson, prices }: Schedule): boolean {
  const isTranslated = prices[0].penalty !== "tv" && prices.some(({ rho }) => rho !== Infinity);
  return relaxation === 1 && momentum === 0 && anderson === 0 && !isTranslated;
}

/** Sweeps until the marginals fit: rows, then columns. */
export function sweeps(problem: Problem, start: SweepState, schedule: Schedule, until: Until): SweepState {
  const { initialEpsilon, method } = schedule;
  const goesOn = (s: SweepState): Tensor => logicalAnd(s.error.greater(until.tol), s.step.less(until.limit));
  const sweep = (s: SweepState): SweepState => logSweep(problem, s, schedule, until.tol);
  if (method === "log") return whileLoop(goesOn, sweep, start);
  // While ε falls a kernel would serve one sweep only.
  const isFalling = (s: SweepState): Tensor => logicalAnd(s.epsilon.greater(problem.epsilon), goesOn(s));
  const cool = initialEpsilon === 0 ? start : whileLoop(isFalling, sweep, start);
  return whileLoop(goesOn, (s: SweepState): SweepState => kernelSweeps(problem, sweep(s), until), cool);
}

function logSweep(problem: Problem, s: SweepState, schedule: Schedule, tol: Tensor | number): SweepState {
  const { a, b, epsilon, prices } = problem;
  const { initialEpsilon, scaling, relaxation, momentum, anderson } = schedule;
  const zero = epsilon.mul(0);
  const now: Problem = initialEpsilon === 0 ? problem : { ...problem, epsilon: s.epsilon };
  const misses = (price: Price, weights: Tensor, potential: Tensor, fit: Tensor): Tensor => {
    const actual = weights.mul(potential.sub(fit).div(now.epsilon).exp());
    return actual
      .sub(wantedMarginal(price, weights, potential, actual))
      .abs()
      .sum();
  };
  const rows = softMinRows(now, s.g);
  // What the rows of the plan with the potentials of this moment miss; the columns fit since the last sweep, up to relaxation.
  const off = misses(prices[0], a, s.f, rows);
  // Far from the solution none of the accelerations is known to help.
  const isNear = off.less(a.sum().mul(0.1));
  const { omega, anchor, age } = relaxation === "auto" ? chosenRelaxation(s, off, isNear) : s;
  const factor = relaxation === 1 ? null : isNear.where(relaxation === "auto" ? omega : zero.add(relaxation), 1);
  const step = (price: Price, weights: Tensor, old: Tensor, fit: Tensor): Tensor => {
    const best = bestPotential(price, weights, fit, now.epsilon);
    return factor === null ? best : admissible(price, old.add(best.sub(old).mul(factor)));
  };
  const upper = step(prices[0], a, s.f, rows);
  const fit = softMinColumns(now, upper);
  const lower = step(prices[1], b, s.g, fit);
  const shift = bestTranslation(prices, a, b, upper, lower);
  const [f, columns, relaxed] =
    shift === null ? [upper, fit, lower] : [upper.add(shift), fit.sub(shift), lower.sub(shift)];
  const fresh =
    momentum === 0
      ? relaxed
      : admissible(prices[1], relaxed.add(s.g.sub(s.before).mul(isNear.where(zero.add(momentum), 0))));
  const isFinal = initialEpsilon === 0 ? null : s.epsilon.lessEqual(epsilon);
  // While ε falls, the map changes from step to step: nothing to learn from the past.
  const { mixed, history } =
    anderson === 0
      ? { mixed: fresh, history: s.past }
      : andersonStep(s.past, fresh, fresh.sub(s.g), isFinal === null ? s.step : isFinal.where(s.step, 0));
  const accelerated = anderson === 0 ? fresh : admissible(prices[1], mixed);
  const g = isFinal === null || anderson === 0 ? accelerated : isFinal.where(accelerated, fresh);
  // After ε changed, nothing is known about the error.
  const known = (error: Tensor): Tensor => (isFinal === null ? error : isFinal.where(error, Infinity));
  const rest = (error: Tensor, beside: Tensor): Omit<SweepState, "f" | "g"> => ({
    error,
    beside,
    epsilon: s.epsilon.mul(scaling).maximum(epsilon),
    step: s.step.add(1),
    omega,
    anchor,
    age,
    before: momentum === 0 ? s.before : s.g,
    past: history,
  });
  if (isPlain(schedule)) return { f, g, ...rest(known(off), zero) };
  // Columns that were relaxed or mixed do not fit: what they miss counts, too. So the error is known of where this step began, which
  // is kept if it will do.
  const error = known(off.add(s.beside));
  const isDone = error.lessEqual(tol);
  const beside = misses(prices[1], b, g, columns);
  return { f: isDone.where(s.f, f), g: isDone.where(s.g, g), ...rest(error, beside) };
}

const sweepsPerChoice = 20;

/**
 * ω for sweeps whose error falls by r each at the present ω: as in linear successive over-relaxation, plain sweeps would fall by λ with
 * (r + ω − 1)² = r ω² λ, and 2 / (1 + √(1 − λ)) is best.
 *
 * Source: Young, Iterative solution of large linear systems (1971), ch. 6; for Sinkhorn: Lehmann et al., A note on overrelaxation in the
 * Sinkhorn algorithm (2022).
 */
function chosenRelaxation(
  { omega, anchor, age }: SweepState,
  off: Tensor,
  isNear: Tensor,
): Pick<SweepState, "omega" | "anchor" | "age"> {
  const isDue = age.equal(sweepsPerChoice);
  const ratio = off.div(anchor).pow(1 / sweepsPerChoice);
  const isTelling = logicalAnd(logicalAnd(isDue, isNear), logicalAnd(ratio.greater(omega.sub(1)), ratio.less(1)));
  const r = isTelling.where(ratio, 0.5);
  const lambda = r.add(omega).sub(1).square().div(r.mul(omega.square())).minimum(0.9999);
  const best = lambda.neg().add(1).sqrt().add(1).reciprocal().mul(2);
  return {
    omega: isTelling.where(best.maximum(omega), omega),
    // The errors of which a ratio is taken are both of sweeps with the same ω, but for the first.
    anchor: logicalOr(isDue, age.equal(0)).where(off, anchor),
    age: isDue.where(1, age.add(1)),
  };
}
