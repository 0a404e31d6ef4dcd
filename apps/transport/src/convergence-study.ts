/** Sinkhorn-Newton-Sparse beside Sinkhorn, on random assignment costs and on digits: iterations and time. */

import { costMatrix, sinkhorn, sinkhornNewtonSparse } from "@curv/ot";
import { full, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { startClock, type ClockKind } from "./clock.js";
import { side } from "app-frame/digits";
import { drawDigit, halved, normalised } from "./digits.js";
import { stage, type Report, type Watch } from "./progress.js";
import type { ConvergenceSettings } from "./settings.js";

/** A problem with marginals a, b, costs C and η = 1/ε, to be solved to an L1 error of both marginals of `tol`. */
export interface Problem {
  readonly name: string;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly C: Tensor;
  readonly eta: number;
  readonly tol: number;
}

/** The error after so many iterations and seconds. */
export interface CurvePoint {
  readonly iteration: number;
  readonly seconds: number;
  readonly error: number;
}

export interface Curve {
  readonly points: readonly CurvePoint[];
  readonly seconds: number;
}

/** Of one method; no times, which differ from run to run. */
export interface MethodResult {
  readonly status: "converged" | "max-iterations" | "stalled";
  readonly iterations: number;
  readonly residual: number;
}

export interface NewtonResult extends MethodResult {
  readonly sweeps: number;
  readonly newtonSteps: number;
  readonly cgSteps: number;
  /** Share of the plan's elements in the last Hessian. */
  readonly density: number;
}

export interface ComparisonResult {
  readonly name: string;
  readonly group: Group;
  readonly n: number;
  readonly eta: number;
  readonly tol: number;
  readonly newton: NewtonResult;
  readonly sinkhorn: MethodResult;
}

export type Group = "assignment" | "squared distances" | "city-block distances";

export interface LargeResult {
  readonly n: number;
  readonly eta: number;
  readonly newton: NewtonResult;
}

export interface ConvergenceResults {
  readonly comparisons: readonly ComparisonResult[];
  readonly large: LargeResult | null;
}

export interface ConvergenceStudy {
  readonly results: ConvergenceResults;
  /** In the order of the comparisons. */
  readonly curves: readonly { readonly newton: Curve; readonly sinkhorn: Curve }[];
  /** Seconds, and the process's peak in MiB, all that came before included. */
  readonly large: { readonly seconds: number; readonly memory: number } | null;
}

/** Allowed errors, of the paper's table and of the specification's digits. */
const tols = { assignment: 1e-10, digits: 1e-8 } as const;

export async function studyConvergence(
  settings: ConvergenceSettings,
  key: random.Key,
  watch: Watch,
): Promise<ConvergenceStudy> {
  const [assignmentKey, digitKey, largeKey] = random.split(key, 3);
  const { n, eta } = settings.assignment;
  const run: Run = { clock: settings.clock, signal: watch.signal };
  const problems: { group: Group; problem: Problem }[] = [
    { group: "assignment", problem: assignmentProblem(n, eta, assignmentKey) },
  ];
  for (const group of ["squared distances", "city-block distances"] as const) {
    for (const pair of settings.pairs) {
      problems.push({ group, problem: await digitProblem(pair, group, settings.digitEta, digitKey) });
    }
  }
  // Both methods meet a compiler that knows them already.
  await sinkhornNewtonSparse(...argumentsOf(assignmentProblem(60, 100, largeKey)), { eta: 100 });
  // First of all, so that the peak of the process's memory is its own.
  const large =
    settings.large === null ? null : await runLarge(assignmentProblem(settings.large, eta, largeKey), run, watch);
  const comparisons: ComparisonResult[] = [];
  const curves: { newton: Curve; sinkhorn: Curve }[] = [];
  for (const { group, problem } of problems) {
    const newton = await stage(
      watch,
      "convergence",
      problem.name,
      (report) => runNewton(problem, run, report),
      ({ result, curve }) => `SNS ${result.status} after ${result.sweeps} + ${result.newtonSteps}, ${curve.seconds.toFixed(2)} s`, // prettier-ignore
    );
    const plain = await stage(
      watch,
      "convergence",
      problem.name,
      (report) => runSinkhorn(problem, settings.sweeps, run, report),
      ({ result, curve }) => `Sinkhorn ${result.status} after ${result.iterations}, ${curve.seconds.toFixed(2)} s`,
    );
    const { name, eta: ownEta, tol, a } = problem;
    comparisons.push({ name, group, n: a.shape[0], eta: ownEta, tol, newton: newton.result, sinkhorn: plain.result });
    curves.push({ newton: newton.curve, sinkhorn: plain.curve });
  }
  return {
    results: { comparisons, large: large?.result ?? null },
    curves,
    large: large && { seconds: large.seconds, memory: large.memory },
  };
}

/** Costs uniform on [0, 1], even weights: at large η the plan is nearly a permutation. */
function assignmentProblem(n: number, eta: number, key: random.Key): Problem {
  const C = random.uniform(key, { shape: [n, n], dtype: "float64" });
  const even = full([n], 1 / n, { dtype: "float64" });
  return { name: `assignment, n = ${n}`, a: even, b: even, C, eta, tol: tols.assignment };
}

/** Two digits of 14 × 14 pixels with 10⁻⁴ added to each; costs with a maximum of 1. */
async function digitProblem(
  [first, second]: readonly [number, number],
  group: Exclude<Group, "assignment">,
  eta: number,
  key: random.Key,
): Promise<Problem> {
  const weights = async (digit: number): Promise<Tensor> => {
    const image = await drawDigit(digit, random.foldIn(key, digit));
    return tensor(normalised(halved(image).map((v) => v + 1e-4)));
  };
  const half = side / 2;
  const places = Float64Array.from({ length: 2 * half * half }, (_, k) =>
    k % 2 === 0 ? (k >> 1) % half : Math.floor((k >> 1) / half),
  );
  const grid = tensor(places, { shape: [half * half, 2] });
  const metric = group === "squared distances" ? "sqeuclidean" : "cityblock";
  const C = costMatrix({ x: grid, y: grid, cost: metric });
  const name = `${first} and ${second}, ${metric === "sqeuclidean" ? "squared" : "city-block"}`;
  return { name, a: await weights(first), b: await weights(second), C: C.div(C.max()), eta, tol: tols.digits };
}

interface Run {
  readonly clock: ClockKind;
  readonly signal: AbortSignal | undefined;
}

function argumentsOf({ a, b, C }: Problem): [a: Tensor, b: Tensor, C: Tensor] {
  return [a, b, C];
}

async function runNewton(problem: Problem, run: Run, report: Report): Promise<{ result: NewtonResult; curve: Curve }> {
  const points: CurvePoint[] = [];
  const clock = startClock(run.clock);
  const { status, iterations, residual, history } = await sinkhornNewtonSparse(...argumentsOf(problem), {
    eta: problem.eta,
    tol: problem.tol,
    ...(run.signal === undefined ? {} : { signal: run.signal }),
    onProgress: ({ marginalError: error }) => {
      points.push({ iteration: points.length + 1, seconds: clock(), error });
      report(0, `SNS: ${points.length} iterations, error ${error.toExponential(1)}`);
    },
  });
  const seconds = clock();
  const { sinkhorn: sweeps, newton: newtonSteps, cg: cgSteps } = iterations;
  const density = history.findLast((entry) => entry.density !== undefined)?.density ?? 0;
  const result = { status, iterations: sweeps + newtonSteps, residual, sweeps, newtonSteps, cgSteps, density };
  return { result, curve: { points, seconds } };
}

/** Sweeps between two looks at the error: few enough for a curve, and so many that looking takes no time. */
const block = 50;

async function runSinkhorn(
  problem: Problem,
  maxIter: number,
  { clock: kind, signal }: Run,
  report: Report,
): Promise<{ result: MethodResult; curve: Curve }> {
  const options = { epsilon: 1 / problem.eta, tol: problem.tol, maxIter, block };
  await compile(problem, options);
  // What a call takes without any sweep, compiling included, is not Sinkhorn's time, either.
  const idle = startClock(kind);
  await sinkhorn(...argumentsOf(problem), { ...options, maxIter: 0 });
  const fixed = idle();
  const total = startClock(kind);
  const clock = (): number => Math.max(0, total() - fixed);
  const points: CurvePoint[] = [];
  const { status, iterations, residual } = await sinkhorn(...argumentsOf(problem), {
    ...options,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ iterations: iteration, residual: error }) => {
      points.push({ iteration, seconds: clock(), error });
      report(iteration / maxIter, `Sinkhorn: ${iteration} sweeps, error ${error.toExponential(1)}`);
    },
  });
  return { result: { status, iterations, residual }, curve: { points, seconds: clock() } };
}

/** A first block with the same options, so that its program is compiled before the clock starts. */
async function compile(problem: Problem, options: Parameters<typeof sinkhorn>[3]): Promise<void> {
  const { signal, abort } = stopper();
  await sinkhorn(...argumentsOf(problem), { ...options, signal, onProgress: abort }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

function stopper(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

async function runLarge(
  problem: Problem,
  run: Run,
  watch: Watch,
): Promise<{ result: LargeResult; seconds: number; memory: number }> {
  return stage(
    watch,
    "convergence",
    problem.name,
    async (report) => {
      const { result, curve } = await runNewton(problem, run, report);
      // In kB, whatever the system.
      const memory = process.resourceUsage().maxRSS / 1024;
      return { result: { n: problem.a.shape[0], eta: problem.eta, newton: result }, seconds: curve.seconds, memory };
    },
    ({ result: { newton }, seconds, memory }) =>
      `SNS ${newton.status} after ${newton.sweeps} + ${newton.newtonSteps}, ${seconds.toFixed(2)} s, ${memory.toFixed(0)} MiB`,
  );
}
