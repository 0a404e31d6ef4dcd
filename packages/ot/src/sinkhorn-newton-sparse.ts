/** Sinkhorn-Newton-Sparse: entropic transport at small regularisation, to machine precision in tens of iterations. */

import { DomainError, tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkEqualMass, checkInit, checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { checkCost, costMatrix, type Cost } from "./cost.js";
import { breather, type Driver } from "./driver.js";
import { softRows, sweep, type Swept } from "./log-sweep.js";
import { evaluate, type Evaluation, type ShannonProblem } from "./lyapunov.js";
import { solveHessian, sparsifyPlan, type MaskRule } from "./sparsify.js";

export interface SnsIteration {
  readonly stage: "sinkhorn" | "newton";
  readonly index: number;
  /** η of the problem that the step is for: smaller ones lead to that which was asked for when Newton's steps fail. */
  readonly eta: number;
  /** f(x, y) at this η; of the steps for one η it never falls. */
  readonly potential: number;
  /** L1 error of both marginals, after the iteration. */
  readonly marginalError: number;
  /** Share of the plan's elements that the Hessian kept. */
  readonly density?: number;
  readonly cgIterations?: number;
  /** Length of the step that the line search took. */
  readonly step?: number;
}

export interface SnsOptions extends Driver<SnsIteration> {
  /** Regularisation ε = 1/η; give either. */
  readonly epsilon?: number;
  /** η = 1/ε. */
  readonly eta?: number;
  /** Sinkhorn sweeps before Newton's steps. Default `"auto"`: 20, and more (up to 1000) while the marginals are far off. */
  readonly warmup?: number | "auto";
  /** Default 60. */
  readonly maxNewton?: number;
  /** Default `{ kind: "auto" }`. */
  readonly mask?: MaskRule;
  /** L1 error of both marginals. Default 1e-10 in float64, 1e-5 in float32. */
  readonly tol?: number;
  /** Most steps of conjugate gradients in a Newton step. Default 4 (n + m). */
  readonly cgMaxIter?: number;
  /** Potentials to start from. Default zeros. */
  readonly init?: { readonly x: Tensor; readonly y: Tensor };
}

export interface SnsResult {
  /** P_ij = exp(η (x_i + y_j − C_ij) − 1), [n, m]: also the derivative of `regularizedCost` in the cost. */
  plan(): Tensor;
  /** Derivatives of `regularizedCost` in the marginals, up to a constant. */
  readonly x: Tensor;
  readonly y: Tensor;
  /** The potentials of P = a bᵀ exp((f + g − C)/ε): f = x − ε (½ + log a), g = y − ε (½ + log b). */
  readonly f: Tensor;
  readonly g: Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  /** ⟨C, P⟩ + ε Σ P log P. */
  readonly regularizedCost: number;
  /** f(x, y). */
  readonly dual: number;
  /** `stalled`: the line search or conjugate gradients failed, after a path of smaller η and sweeps between, too. */
  readonly status: "converged" | "max-iterations" | "stalled";
  readonly converged: boolean;
  readonly iterations: { readonly sinkhorn: number; readonly newton: number; readonly cg: number };
  /** L1 error of both marginals of the plan that is returned. */
  readonly residual: number;
  readonly history: readonly SnsIteration[];
  /** Present when η times the range of the costs is beyond 10⁶: rounding of the exponent limits what can be reached. */
  readonly warning?: string;
}

/**
 * Entropic transport min ⟨C, P⟩ + ε Σ P log P by Sinkhorn's sweeps followed by Newton's steps with a sparse Hessian. Always in float64.
 *
 * For small ε, where Sinkhorn needs thousands of sweeps. A sweep, like a Newton step, costs O(nm); memory is O(nm).
 *
 * @param a - Weights > 0, [n].
 * @param b - Weights > 0 of the same sum, [m].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, weights of 0, both or neither of ε and η.
 * Source: Tang et al., Accelerating Sinkhorn algorithm with sparse Newton iterations (ICLR 2024); `auto` mask after Tang & Qiu (2024).
 *
 * @example
 * const { plan, status } = await sinkhornNewtonSparse(a, b, C, { eta: 1200 });
 */
export async function sinkhornNewtonSparse(a: Tensor, b: Tensor, cost: Cost, options: SnsOptions): Promise<SnsResult> {
  const name = "sinkhornNewtonSparse";
  const { n, m, leaf } = checkCost(cost, name);
  checkWeights(a, n, name, "a", true);
  checkWeights(b, m, name, "b", true);
  checkSameDType([leaf, a, b], name);
  checkEqualMass(a, b, name);
  const eta = etaOf(options, name);
  const { init } = options;
  checkInit(init, { x: n, y: m }, name);
  const settings = snsSettings(options, a, b, name);
  const read = async (t: Tensor): Promise<Float64Array> => Float64Array.from(await t.data());
  const problem: ShannonProblem = { C: await read(costMatrix(cost)), r: await read(a), c: await read(b), eta };
  const x = init === undefined ? new Float64Array(n) : await read(init.x);
  const y = init === undefined ? new Float64Array(m) : await read(init.y);
  const history: SnsIteration[] = [];
  const report = breather(options);
  const steps = newtonSparse(problem, { x, y }, settings);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) {
    history.push(step.value);
    await report(step.value);
  }
  const { now, status, counts } = step.value;
  const converged = status === "converged";
  return {
    ...summary(problem, now, a.dtype),
    converged,
    status,
    iterations: counts,
    residual: now.error,
    history,
  };
}

/** Checks options and fills in the defaults. */
export function snsSettings(options: Partial<SnsSettings>, a: Tensor, b: Tensor, name: string): SnsSettings {
  const { warmup = "auto", maxNewton = 60, mask = { kind: "auto" } } = options;
  const { tol = a.dtype === "float32" ? 1e-5 : 1e-10, cgMaxIter = 4 * (a.shape[0] + b.shape[0]) } = options;
  if (warmup !== "auto") checkCount(warmup, name, "warmup");
  checkCount(maxNewton, name, "maxNewton");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(cgMaxIter, name, "cgMaxIter", 1);
  if (mask.kind === "fixed") checkNumber(mask.lambda, name, "mask.lambda", { low: 0, high: 1 });
  return { tol, warmup, maxNewton, mask, cgMaxIter };
}

/** Options with their defaults. */
export type SnsSettings = Required<Pick<SnsOptions, "tol" | "warmup" | "maxNewton" | "mask" | "cgMaxIter">>;

export interface SnsEnd {
  readonly now: Evaluation;
  readonly status: SnsResult["status"];
  readonly counts: SnsResult["iterations"];
}

/** The method, an iteration at a time. */
export function* newtonSparse(
  problem: ShannonProblem,
  start: { readonly x: Float64Array; readonly y: Float64Array },
  settings: SnsSettings,
): Generator<SnsIteration, SnsEnd> {
  const { tol, warmup } = settings;
  const run: Run = { ...settings, counts: { sinkhorn: 0, newton: 0, cg: 0 } };
  let now = yield* sinkhornSweeps(
    problem,
    evaluate(problem, start.x, start.y),
    run,
    (at) => !(at.error <= tol) && needsWarmup(warmup, run.counts.sinkhorn, at, problem.r),
  );
  let end = yield* newtonSteps(problem, now, tol, 0, run);
  if (end.isStalled) {
    // Along a path of smaller η to a better start, and once more.
    now = yield* alongPath(problem, end.now, run);
    end = yield* newtonSteps(problem, now, tol, 5, run);
  }
  const { error } = end.now;
  const status = error <= tol ? "converged" : end.isStalled ? "stalled" : "max-iterations";
  return { now: end.now, status, counts: run.counts };
}

interface Run extends SnsSettings {
  readonly counts: { sinkhorn: number; newton: number; cg: number };
}

type Misfit = Pick<Swept, "rows" | "error">;

function* sinkhornSweeps(
  problem: ShannonProblem,
  start: Evaluation,
  { counts }: Run,
  needsMore: (at: Misfit) => boolean,
): Generator<SnsIteration, Evaluation> {
  if (!needsMore(start)) return start;
  let at: Misfit & Pick<Swept, "x" | "y" | "soft"> = { ...start, soft: softRows(problem, start.y) };
  do {
    const swept = (at = sweep(problem, at.soft));
    const { potential, error: marginalError } = swept;
    yield { stage: "sinkhorn", index: counts.sinkhorn++, eta: problem.eta, potential, marginalError };
  } while (needsMore(at));
  return evaluate(problem, at.x, at.y, start.P);
}

function someSweeps(
  problem: ShannonProblem,
  start: Evaluation,
  run: Run,
  count: number,
): Generator<SnsIteration, Evaluation> {
  const last = run.counts.sinkhorn + count;
  return sinkhornSweeps(problem, start, run, ({ error }) => run.counts.sinkhorn < last && !(error <= run.tol));
}

/** Newton's steps; 5, 20, 80 … sweeps after steps that fail in a row, of which there may be `patience`. */
function* newtonSteps(
  problem: ShannonProblem,
  start: Evaluation,
  tol: number,
  patience: number,
  run: Run,
): Generator<SnsIteration, { readonly now: Evaluation; readonly isStalled: boolean }> {
  const { counts, mask, cgMaxIter, maxNewton } = run;
  const [n, m] = [problem.r.length, problem.c.length];
  let now = start;
  let failures = 0;
  while (!(now.error <= tol) && counts.newton < maxNewton) {
    const hessian = sparsifyPlan(now.P, now.rows, now.columns, mask, now.error);
    const gradient = new Float64Array(n + m);
    for (let i = 0; i < n; i++) gradient[i] = problem.r[i] - now.rows[i];
    for (let j = 0; j < m; j++) gradient[n + j] = problem.c[j] - now.columns[j];
    const scaled = gradient.map((v) => v / problem.eta);
    const solved = solveHessian(hessian, now.rows, now.columns, scaled, 0.1 * Math.min(1e-2, now.error), cgMaxIter);
    counts.cg += solved.iterations;
    const found = solved.isSound ? lineSearch(problem, now, gradient, solved.z) : null;
    if (found === null) {
      if (failures >= patience) return { now, isStalled: true };
      now = yield* someSweeps(problem, now, run, 5 * 4 ** failures++);
      continue;
    }
    now = found.at;
    failures = 0;
    yield {
      stage: "newton",
      index: counts.newton++,
      eta: problem.eta,
      potential: now.potential,
      marginalError: now.error,
      density: hessian.value.length / (n * m),
      cgIterations: solved.iterations,
      step: found.alpha,
    };
  }
  return { now, isStalled: false };
}

/**
 * A better start at η: the solution at η/2, roughly, which starts from that at η/4, and so on from an easy problem. Where f is not higher
 * there, the old start stays.
 */
function* alongPath(problem: ShannonProblem, start: Evaluation, run: Run): Generator<SnsIteration, Evaluation> {
  let [low, high] = [Infinity, -Infinity];
  for (const cost of problem.C) {
    low = Math.min(low, cost);
    high = Math.max(high, cost);
  }
  const hardness = problem.eta * (high - low);
  // Beyond 10⁸ the exponents have no digits left to be right in.
  if (!(hardness <= 1e8)) return start;
  const levels = Math.max(1, Math.ceil(Math.log2(hardness / 50)));
  let y = start.y;
  for (let level = levels; level >= 1; level--) {
    const easier = { ...problem, eta: problem.eta / 2 ** level };
    const now = yield* someSweeps(easier, evaluate(easier, start.x, y), run, 5);
    y = (yield* newtonSteps(easier, now, 1e-3, 3, run)).now.y;
  }
  const now = yield* someSweeps(problem, evaluate(problem, start.x, y), run, 5);
  return now.potential >= start.potential ? now : start;
}

export function etaOf(options: Pick<SnsOptions, "eta" | "epsilon"> | undefined, caller: string): number {
  const { eta, epsilon } = options ?? {};
  if ((eta === undefined) === (epsilon === undefined)) {
    throw new DomainError(`${caller}: eta is ${eta}, epsilon ${epsilon}; wants exactly one of them.`);
  }
  checkNumber((eta ?? epsilon)!, caller, eta === undefined ? "epsilon" : "eta", { low: 0 });
  return eta ?? 1 / epsilon!;
}

/** Newton's steps need a plan that is not far from the marginals. */
function needsWarmup(warmup: number | "auto", done: number, { rows, error }: Misfit, r: Float64Array): boolean {
  if (warmup !== "auto") return done < warmup;
  if (done < 20) return true;
  if (done >= 1000) return false;
  return !(error <= 0.1) || rows.some((s, i) => !(Math.abs(Math.log(s / r[i])) <= 3));
}

/** The longest of the steps 1, ½, ¼, … after which f has risen enough (Armijo); null when there is none. */
function lineSearch(
  problem: ShannonProblem,
  now: Evaluation,
  gradient: Float64Array,
  dz: Float64Array,
): { readonly at: Evaluation; readonly alpha: number } | null {
  const n = problem.r.length;
  let slope = 0;
  for (let k = 0; k < dz.length; k++) slope += gradient[k] * dz[k];
  if (!(slope > 0)) return null;
  // f rounds: near the optimum it cannot tell better from equal.
  const slack = 1e-15 * (1 + Math.abs(now.potential));
  const P = new Float64Array(now.P.length);
  for (let alpha = 1; alpha >= 1e-8; alpha /= 2) {
    const at = evaluate(
      problem,
      now.x.map((v, i) => v + alpha * dz[i]),
      now.y.map((v, j) => v + alpha * dz[n + j]),
      P,
    );
    if (Number.isFinite(at.error) && at.potential >= now.potential + 1e-4 * alpha * slope - slack) return { at, alpha };
  }
  return null;
}

function summary(
  { C, r, c, eta }: ShannonProblem,
  { x, y, P, potential }: Evaluation,
  dtype: Tensor["dtype"],
): Pick<SnsResult, "plan" | "x" | "y" | "f" | "g" | "cost" | "regularizedCost" | "dual" | "warning"> {
  const [n, m] = [r.length, c.length];
  let [cost, entropy, low, high] = [0, 0, Infinity, -Infinity];
  for (let k = 0; k < P.length; k++) {
    cost += P[k] * C[k];
    if (P[k] > 0) entropy += P[k] * Math.log(P[k]);
    low = Math.min(low, C[k]);
    high = Math.max(high, C[k]);
  }
  const vector = (v: Float64Array): Tensor => tensor(v).cast(dtype);
  const range = eta * (high - low);
  return {
    plan: () => tensor(P.slice(), { shape: [n, m] }).cast(dtype),
    x: vector(x),
    y: vector(y),
    f: vector(x.map((v, i) => v - (0.5 + Math.log(r[i])) / eta)),
    g: vector(y.map((v, j) => v - (0.5 + Math.log(c[j])) / eta)),
    cost,
    regularizedCost: cost + entropy / eta,
    dual: potential,
    ...(range > 1e6
      ? { warning: `eta times the range of the costs is ${range.toExponential(1)}: exponents round.` }
      : {}),
  };
}
