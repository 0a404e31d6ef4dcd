/** Sinkhorn-Newton-Sparse: entropic transport at small regularisation, to machine precision in tens of iterations. */

import { DomainError, tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkEqualMass, checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { checkCost, costMatrix, type Cost } from "./cost.js";
import { breathe, type Driver } from "./driver.js";
import { evaluate, sweep, type Evaluation, type ShannonProblem } from "./lyapunov.js";
import { solveHessian, sparsifyPlan, type MaskRule } from "./sparsify.js";

export interface SnsIteration {
  readonly stage: "sinkhorn" | "newton";
  readonly index: number;
  /** f(x, y); it never falls. */
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
  /** `stalled`: the line search or conjugate gradients failed three times in spite of sweeps between. */
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
  const { warmup = "auto", maxNewton = 60, mask = { kind: "auto" }, cgMaxIter = 4 * (n + m), init } = options;
  const { tol = a.dtype === "float32" ? 1e-5 : 1e-10 } = options;
  if (warmup !== "auto") checkCount(warmup, name, "warmup");
  checkCount(maxNewton, name, "maxNewton");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(cgMaxIter, name, "cgMaxIter", 1);
  if (mask.kind === "fixed") checkNumber(mask.lambda, name, "mask.lambda", { low: 0, high: 1 });

  const read = async (t: Tensor): Promise<Float64Array> => Float64Array.from(await t.data());
  const problem: ShannonProblem = { C: await read(costMatrix(cost)), r: await read(a), c: await read(b), eta };
  const history: SnsIteration[] = [];
  const record = async (entry: SnsIteration): Promise<void> => {
    history.push(entry);
    await breathe(options, entry);
  };
  let x = init === undefined ? new Float64Array(n) : await read(init.x);
  let y = init === undefined ? new Float64Array(m) : await read(init.y);
  let now = evaluate(problem, x, y);
  let [sweeps, newton, cg, failures] = [0, 0, 0, 0];
  const sinkhorn = async (): Promise<void> => {
    ({ x, y } = sweep(problem, now.y));
    now = evaluate(problem, x, y, now.P);
    await record({ stage: "sinkhorn", index: sweeps++, potential: now.potential, marginalError: now.error });
  };
  while (!(now.error <= tol) && needsWarmup(warmup, sweeps, now, problem.r)) await sinkhorn();

  while (!(now.error <= tol) && newton < maxNewton && failures < 3) {
    const hessian = sparsifyPlan(now.P, now.rows, now.columns, mask, now.error);
    const gradient = new Float64Array(n + m);
    for (let i = 0; i < n; i++) gradient[i] = problem.r[i] - now.rows[i];
    for (let j = 0; j < m; j++) gradient[n + j] = problem.c[j] - now.columns[j];
    const scaled = gradient.map((v) => v / eta);
    const solved = solveHessian(hessian, now.rows, now.columns, scaled, 0.1 * Math.min(1e-2, now.error), cgMaxIter);
    cg += solved.iterations;
    const found = solved.isSound ? lineSearch(problem, now, gradient, solved.z) : null;
    if (found === null) {
      failures++;
      for (let k = 0; k < 5; k++) await sinkhorn();
      continue;
    }
    now = found.at;
    failures = 0;
    const density = hessian.value.length / (n * m);
    const { potential, error: marginalError } = now;
    const step = found.alpha;
    await record({
      stage: "newton",
      index: newton++,
      potential,
      marginalError,
      density,
      cgIterations: solved.iterations,
      step,
    });
  }
  const converged = now.error <= tol;
  return {
    ...summary(problem, now, a.dtype),
    converged,
    status: converged ? "converged" : failures >= 3 ? "stalled" : "max-iterations",
    iterations: { sinkhorn: sweeps, newton, cg },
    residual: now.error,
    history,
  };
}

function etaOf({ eta, epsilon }: SnsOptions, caller: string): number {
  if ((eta === undefined) === (epsilon === undefined)) {
    throw new DomainError(`${caller}: eta is ${eta}, epsilon ${epsilon}; wants exactly one of them.`);
  }
  checkNumber((eta ?? epsilon)!, caller, eta === undefined ? "epsilon" : "eta", { low: 0 });
  return eta ?? 1 / epsilon!;
}

/** Newton's steps need a plan that is not far from the marginals. */
function needsWarmup(warmup: number | "auto", done: number, { rows, error }: Evaluation, r: Float64Array): boolean {
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
