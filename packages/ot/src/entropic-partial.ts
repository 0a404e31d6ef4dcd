/** Entropic partial transport: some of the mass moves, spread by an entropy. */

import {
  customRoot,
  DomainError,
  isTensor,
  logicalAnd,
  stopGradient,
  tensor,
  whileLoop,
  type Tensor,
} from "@curv/tensor";
import { checkCount, checkNumber } from "./arguments.js";
import { conjugateGradient } from "./conjugate-gradient.js";
import { costMatrix, reducer, type Cost, type PointCost } from "./cost.js";
import { inBlocks, type BlockProgress, type Driver } from "./driver.js";
import {
  columnMarginal,
  envelope,
  rowMarginal,
  softMinColumns,
  softMinRows,
  type Potentials,
  type Problem,
} from "./dual.js";
import { checkPartial } from "./partial-emd.js";

export interface EntropicPartialCoreOptions {
  /** How much moves, > 0: at most the smaller of the two sums. A tensor may be traced. */
  readonly mass: number | Tensor;
  /** Strength ε > 0 of the entropy, in the units of the cost. */
  readonly epsilon: number | Tensor;
  /**
   * What the plan is spread towards, and with it what the plan is: `"shannon"` (default, POT's) ε Σ P log P, evenly; `"kl"` ε KL(P | a bᵀ), as
   * the weights are.
   */
  readonly entropy?: "shannon" | "kl";
  /** Allowed L1 error of the optimality conditions of both marginals. Default 1e-9, in float32 1e-5. */
  readonly tol?: number;
  /** Default 10,000. */
  readonly maxIter?: number;
}

export interface EntropicPartialCore {
  /** ⟨C, P⟩ + ε Σ P log P, or + ε KL(P | a bᵀ) with generalised KL; scalar. */
  readonly value: Tensor;
  /** The plan [n, m]: P1 ≤ a, Pᵀ1 ≤ b, Σ P = `mass`. */
  readonly plan: Tensor;
  /** Scalar bool: `residual` ≤ `tol`. */
  readonly converged: Tensor;
  /** Scalar int32: sweeps over rows and columns. */
  readonly iterations: Tensor;
  /** Scalar: L1 error of the optimality conditions of the plan that is returned; what a marginal has too much is part of it. */
  readonly residual: Tensor;
}

export interface EntropicPartialOptions extends EntropicPartialCoreOptions, Driver<BlockProgress> {
  readonly mass: number;
  readonly epsilon: number;
}

export interface EntropicPartialResult {
  /** The plan [n, m]: P1 ≤ a, Pᵀ1 ≤ b, Σ P = `mass`. */
  plan(): Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  /** With its entropy (see `entropy`). */
  readonly regularizedCost: number;
  readonly status: "converged" | "max-iterations";
  readonly converged: boolean;
  readonly iterations: number;
  /** L1 error of the optimality conditions of the plan that is returned. */
  readonly residual: number;
  readonly history: readonly BlockProgress[];
}

/** What can be traced. */
interface Parameters {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly epsilon: Tensor;
  readonly mass: Tensor;
  readonly cost: Tensor | { readonly x: Tensor; readonly y: Tensor };
}

/**
 * P = r sᵀ exp((f + g + λ − C)/ε) with potentials f, g ≤ 0, below 0 only where all of a row's or column's mass moves, and r = a, s = b or
 * r = s = 1. λ brings the sum of P to the mass: it follows from f and g.
 */
interface Task {
  /** Its weights are r and s. */
  readonly problem: Problem;
  readonly mass: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
}

interface State extends Potentials {
  readonly residual: Tensor;
  readonly step: Tensor;
}

/** λ at which P, of sum `sum` without it, has the mass. */
function multiplier({ mass, problem }: Task, sum: Tensor): Tensor {
  return mass.div(sum).log().mul(problem.epsilon);
}

/** What is wrong with a marginal: it is too large, or too small though the potential holds mass back. */
function miss(actual: Tensor, weights: Tensor, f: Tensor): Tensor {
  const off = actual.sub(weights);
  return f.less(0).where(off, off.maximum(0));
}

/** Block ascent of the dual: f, λ, g, λ in turn, each exactly. It is Dykstra's algorithm on the constraints. */
function iterate(task: Task, start: State, tol: number, limit: Tensor | number): State {
  const { problem, a, b } = task;
  const { a: r, b: s, epsilon } = problem;
  const scaled = (reference: Tensor, f: Tensor, fit: Tensor): Tensor => reference.mul(f.sub(fit).div(epsilon).exp());
  // The potential at which a marginal is the weights, but not above 0.
  const capped = (fit: Tensor, weights: Tensor, reference: Tensor): Tensor => {
    const isLive = weights.greater(0);
    const log = isLive.where(weights, 1).div(isLive.where(reference, 1)).log();
    return fit.add(log.mul(epsilon)).minimum(0);
  };
  return whileLoop(
    (z: State) => logicalAnd(z.residual.greater(tol), z.step.less(limit)),
    (z: State): State => {
      const rows = softMinRows(problem, z.g);
      const before = multiplier(task, scaled(r, z.f, rows).sum());
      const off = miss(scaled(r, z.f.add(before), rows), a, z.f);
      const f = capped(rows.sub(before), a, r);
      const columns = softMinColumns(problem, f);
      const between = multiplier(task, scaled(s, z.g, columns).sum());
      const beside = miss(scaled(s, z.g.add(between), columns), b, z.g);
      const g = capped(columns.sub(between), b, s);
      return { f, g, residual: off.abs().sum().add(beside.abs().sum()), step: z.step.add(1) };
    },
    start,
  );
}

/** What the marginals miss, and λ. */
function conditions(
  task: Task,
  z: Potentials,
): { readonly rows: Tensor; readonly columns: Tensor; readonly lambda: Tensor } {
  const [rows, columns] = [rowMarginal(task.problem, z), columnMarginal(task.problem, z)];
  const sum = rows.sum();
  const scale = task.mass.div(sum);
  return { rows: rows.mul(scale), columns: columns.mul(scale), lambda: multiplier(task, sum) };
}

function residualOf(task: Task, z: Potentials): Tensor {
  const { rows, columns } = conditions(task, z);
  return miss(rows, task.a, z.f)
    .abs()
    .sum()
    .add(miss(columns, task.b, z.g).abs().sum());
}

/** The potentials as a root of the optimality conditions: potentials at 0 stay there, the others see to it that all mass moves. */
function differentiable(task: Task, z: Potentials): Potentials {
  const [heldF, heldG] = [z.f.greaterEqual(0), z.g.greaterEqual(0)];
  const [a, b, epsilon] = [stopGradient(task.a), stopGradient(task.b), stopGradient(task.problem.epsilon)];
  const residual = (at: Potentials): Potentials => {
    const { rows, columns } = conditions(task, { f: heldF.where(z.f, at.f), g: heldG.where(z.g, at.g) });
    return {
      f: heldF.where(at.f.sub(z.f).mul(a).div(epsilon), rows.sub(task.a)),
      g: heldG.where(at.g.sub(z.g).mul(b).div(epsilon), columns.sub(task.b)),
    };
  };
  const inverse = (w: Tensor): Tensor => w.greater(0).where(epsilon.div(w.greater(0).where(w, 1)), 0);
  const scale = { f: inverse(a), g: inverse(b) };
  const tol = a.dtype === "float32" ? 1e-6 : 1e-13;
  const limit = 4 * (a.shape[0] + b.shape[0]) + 50;
  const tangentSolve = (linear: (dz: Potentials) => Potentials, dz: Potentials): Potentials =>
    conjugateGradient(linear, dz, scale, tol, limit);
  return customRoot(residual, z, { solve: (_f, start) => start, tangentSolve });
}

/** The dual's value: at the optimum that of the problem, and its derivative in what the problem is made of is that at fixed potentials. */
function dualOf(task: Task, z: Potentials, entropy: "shannon" | "kl"): Tensor {
  const { problem, mass, a, b } = task;
  const { lambda } = conditions(task, z);
  const value = a.mul(z.f).sum().add(b.mul(z.g).sum()).add(lambda.mul(mass));
  return entropy === "shannon" ? value : value.add(a.sum().mul(b.sum()).sub(mass).mul(problem.epsilon));
}

function planOf({ problem: { a: r, b: s, epsilon } }: Task, { f, g }: Potentials, lambda: Tensor, C: Tensor): Tensor {
  return f.expandDims(1).add(g).add(lambda).sub(C).div(epsilon).exp().mul(r.expandDims(1)).mul(s);
}

interface Checked {
  readonly theta: Parameters;
  readonly taskOf: (theta: Parameters) => Task;
  readonly costOf: (theta: Parameters) => Cost;
  readonly fixed: Task;
  readonly start: State;
  readonly tol: number;
  readonly maxIter: number;
  readonly entropy: "shannon" | "kl";
}

function checked(a: Tensor, b: Tensor, cost: Cost, options: EntropicPartialCoreOptions, caller: string): Checked {
  const moved = checkPartial(a, b, cost, options.mass, caller);
  const { epsilon, entropy = "shannon", tol = a.dtype === "float32" ? 1e-5 : 1e-9, maxIter = 10_000 } = options;
  if (!isTensor(epsilon)) checkNumber(epsilon, caller, "epsilon", { low: 0 });
  if (entropy !== "shannon" && entropy !== "kl") {
    throw new DomainError(`${caller}: entropy is ${String(entropy)}; wants "shannon" or "kl".`);
  }
  checkNumber(tol, caller, "tol", { low: 0, closed: true });
  checkCount(maxIter, caller, "maxIter");
  const theta: Parameters = {
    a,
    b,
    epsilon: isTensor(epsilon) ? epsilon : tensor(epsilon, { dtype: a.dtype }),
    mass: moved,
    cost: isTensor(cost) ? cost : { x: cost.x, y: cost.y },
  };
  const costOf = (t: Parameters): Cost => (isTensor(t.cost) ? t.cost : { ...(cost as PointCost), ...t.cost });
  const free = { penalty: "kl", rho: Infinity } as const;
  // Nothing can move from or to weights of 0, whatever they are spread towards.
  const reference = (w: Tensor): Tensor => (entropy === "kl" ? w : w.greater(0).cast(w.dtype));
  const taskOf = (t: Parameters): Task => ({
    problem: {
      a: reference(t.a),
      b: reference(t.b),
      epsilon: t.epsilon,
      costs: reducer(costOf(t)),
      prices: [free, free],
    },
    mass: t.mass,
    a: t.a,
    b: t.b,
  });
  const zero = stopGradient(a).sum().mul(0);
  return {
    theta,
    taskOf,
    costOf,
    fixed: taskOf(detached(theta)),
    start: {
      f: stopGradient(a).mul(0),
      g: stopGradient(b).mul(0),
      residual: zero.add(Infinity),
      step: zero.cast("int32"),
    },
    tol,
    maxIter,
    entropy,
  };
}

function detached({ a, b, epsilon, mass, cost }: Parameters): Parameters {
  return {
    a: stopGradient(a),
    b: stopGradient(b),
    epsilon: stopGradient(epsilon),
    mass: stopGradient(mass),
    cost: isTensor(cost) ? stopGradient(cost) : { x: stopGradient(cost.x), y: stopGradient(cost.y) },
  };
}

/**
 * The traceable core of {@link entropicPartial}. `value` and `plan` differentiate in weights, costs (or their points), ε and the mass, to
 * every order, by the envelope and the implicit function theorem: at convergence, and where no potential is just about to reach 0.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and a mass that is not there.
 */
export function entropicPartialCore(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: EntropicPartialCoreOptions,
): EntropicPartialCore {
  const { theta, taskOf, costOf, fixed, start, tol, maxIter, entropy } = checked(a, b, cost, options, "entropicPartialCore"); // prettier-ignore
  const found = iterate(fixed, start, tol, maxIter);
  const z = differentiable(taskOf(theta), { f: found.f, g: found.g });
  const residual = residualOf(fixed, { f: stopGradient(z.f), g: stopGradient(z.g) });
  const task = taskOf(theta);
  return {
    value: envelope((t: Parameters, at: Potentials) => dualOf(taskOf(t), at, entropy))(theta, z),
    plan: planOf(task, z, conditions(task, z).lambda, costMatrix(costOf(theta))),
    converged: residual.lessEqual(tol),
    iterations: found.step,
    residual,
  };
}

/**
 * Entropic partial transport: min ⟨C, P⟩ + ε entropy over P ≥ 0 with P1 ≤ a, Pᵀ1 ≤ b and Σ P = `mass`, in the log domain.
 *
 * Equals POT's `ot.partial.entropic_partial_wasserstein`. ε → 0 gives {@link partialEmd}. `status` comes from the marginals of the plan that
 * is returned.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0, [m]; its sum may be another.
 * @param cost - [n, m], or points.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and a mass that is not there.
 * Source: Benamou et al., Iterative Bregman projections for regularized transportation problems (2015), §5.1, prop. 5.
 *
 * @example
 * const { plan, converged } = await entropicPartial(a, b, C, { mass: 0.5, epsilon: 0.05 });
 */
export async function entropicPartial(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: EntropicPartialOptions,
): Promise<EntropicPartialResult> {
  const { fixed, start, tol, maxIter, entropy } = checked(a, b, cost, options, "entropicPartial");
  const { signal, onProgress } = options;
  const run = (state: State, limit: Tensor): { state: State; iterations: Tensor; residual: Tensor } => {
    const end = iterate(fixed, { ...state, step: state.step.mul(0) }, tol, limit);
    // The residual of the state itself, which the next block, or nobody, goes on from.
    const residual = residualOf(fixed, end);
    return { state: { ...end, residual }, iterations: end.step, residual };
  };
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const end = await inBlocks(run, start, { ...driver, tol, maxIter, block: 50 });
  const { lambda } = conditions(fixed, end.state);
  const plan = (): Tensor => planOf(fixed, end.state, lambda, costMatrix(cost));
  const converged = end.residual <= tol;
  return {
    plan,
    cost: await plan().mul(costMatrix(cost)).sum().item(),
    regularizedCost: await dualOf(fixed, end.state, entropy).item(),
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations: end.iterations,
    residual: end.residual,
    history: end.history,
  };
}
