/** Sinkhorn's iteration in the log domain, traceable: it compiles, batches, and differentiates by the implicit function theorem. */

import {
  customJvp,
  customRoot,
  isTensor,
  jvp,
  logicalAnd,
  stopGradient,
  tensor,
  whileLoop,
  type Tensor,
} from "@curv/tensor";
import { andersonStep, emptyHistory, type AndersonHistory } from "./anderson.js";
import { checkCount, checkEqualMass, checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { conjugateGradient } from "./conjugate-gradient.js";
import { checkCost, reducer, type Cost } from "./cost.js";
import {
  dualResidual,
  dualValue,
  negativeEntropy,
  softMinColumns,
  softMinRows,
  type Potentials,
  type Problem,
} from "./dual.js";

export interface SinkhornCoreOptions {
  /** Strength ε > 0 of the entropy, in the units of the cost; as in POT (`reg`) and OTT. A tensor may be traced. */
  readonly epsilon: number | Tensor;
  /** Allowed L1 error of the two marginals together. Default 1e-9 in float64, 1e-5 in float32. */
  readonly tol?: number;
  /** Default 10,000. */
  readonly maxIter?: number;
  /**
   * Penalty ρ of a marginal's deviation, ρ KL(P1 | a): one for both, or one each; Infinity (default) keeps a marginal. `[ρ, Infinity]` is the
   * semi-relaxed problem.
   */
  readonly rho?: number | readonly [number, number];
  /** ε starts at so large a value and falls by `scaling` with every sweep. Default: no scaling. */
  readonly initialEpsilon?: number;
  /** Factor in (0, 1) of ε-scaling. Default 0.7. */
  readonly scaling?: number;
  /** Over-relaxation ω in [1, 2): potentials go ω times as far, once the marginals are off by less than 10 %. Default 1. */
  readonly relaxation?: number;
  /** Anderson acceleration by the last so many sweeps; 5 is usual. Default 0: none. */
  readonly anderson?: number;
  /** Potentials to start from, [n] and [m]. Default zeros. */
  readonly init?: Potentials;
  /**
   * What `value` is: `"shannon"` (default, POT's) ⟨C, P⟩ + ε Σ P log P, or `"kl"` (OTT's, GeomLoss's) ⟨C, P⟩ + ε KL(P | a bᵀ). The plan is the
   * same. With finite `rho` it is always `"kl"`.
   */
  readonly entropy?: "shannon" | "kl";
}

export interface SinkhornCore extends Potentials {
  /** The regularised cost (see `entropy`), scalar; derivatives of every order by the envelope theorem. */
  readonly value: Tensor;
  /** Scalar bool: `residual` ≤ `tol`. */
  readonly converged: Tensor;
  /** Scalar int32: sweeps over rows and columns. */
  readonly iterations: Tensor;
  /** Scalar: L1 error of both marginals (unbalanced: of the optimality conditions), of the potentials that are returned. */
  readonly residual: Tensor;
}

interface State extends Potentials {
  readonly epsilon: Tensor;
  readonly error: Tensor;
  /** What the columns of this state's plan miss. */
  readonly beside: Tensor;
  readonly step: Tensor;
  /** Of Anderson acceleration; empty without it. */
  readonly past: AndersonHistory;
}

/** Options with their defaults. */
export interface Settings {
  readonly tol: number;
  readonly maxIter: number;
  readonly rho: readonly [number, number];
  readonly initialEpsilon: number;
  readonly scaling: number;
  readonly relaxation: number;
  readonly anderson: number;
}

/** Checks options and fills in the defaults. */
export function settingsOf(options: Omit<SinkhornCoreOptions, "init">, dtype: string, caller: string): Settings {
  const { epsilon, rho = Infinity, tol = dtype === "float32" ? 1e-5 : 1e-9, maxIter = 10_000 } = options;
  const { initialEpsilon = 0, scaling = 0.7, relaxation = 1, anderson = 0 } = options;
  if (!isTensor(epsilon)) checkNumber(epsilon, caller, "epsilon", { low: 0 });
  const pair = typeof rho === "number" ? ([rho, rho] as const) : rho;
  pair.forEach((r) => checkNumber(r, caller, "rho", { low: 0, high: Infinity }));
  checkNumber(tol, caller, "tol", { low: 0, closed: true });
  checkCount(maxIter, caller, "maxIter");
  checkNumber(initialEpsilon, caller, "initialEpsilon", { low: 0, closed: true });
  checkNumber(scaling, caller, "scaling", { low: 0, high: 0.99 });
  checkNumber(relaxation, caller, "relaxation", { low: 1, high: 1.99, closed: true });
  checkCount(anderson, caller, "anderson");
  return { tol, maxIter, rho: pair, initialEpsilon, scaling, relaxation, anderson };
}

/** Checks a problem: shapes, dtypes, weights, masses. */
export function checkProblem(a: Tensor, b: Tensor, cost: Cost, balanced: boolean, caller: string): void {
  const { n, m, leaf } = checkCost(cost, caller);
  checkWeights(a, n, caller, "a");
  checkWeights(b, m, caller, "b");
  checkSameDType([leaf, a, b], caller);
  if (balanced) checkEqualMass(a, b, caller);
}

/**
 * Entropic optimal transport between weights a and b: the potentials of the plan P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε), and the value.
 *
 * Everything that is returned differentiates in a, b, the cost (or its points) and ε, to any order, without unrolling: `value` by the envelope
 * theorem, `f` and `g` by the implicit function theorem (a linear system, solved by conjugate gradients). Both hold at convergence: look at
 * `converged`. f and g of a balanced problem are those with Σ a f = Σ b g. Weights may be 0.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0, [m], of the same sum unless `rho` is finite.
 * @param cost - [n, m], or points: then no array [n, m] exists when it would be large.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Cuturi (2013); log domain: Peyré & Cuturi, Computational Optimal Transport (2019), §4.4; unbalanced: Chizat et al. (2018).
 *
 * @example
 * const loss = (x: Tensor) => sinkhornCore(a, b, { x, y }, { epsilon: 0.1 }).value;
 * const gradient = jit(grad(loss))(x);
 */
export function sinkhornCore(a: Tensor, b: Tensor, cost: Cost, options: SinkhornCoreOptions): SinkhornCore {
  const settings = settingsOf(options, a.dtype, "sinkhornCore");
  const { rho, tol } = settings;
  const balanced = rho[0] === Infinity && rho[1] === Infinity;
  checkProblem(a, b, cost, balanced, "sinkhornCore");
  const epsilon = isTensor(options.epsilon) ? options.epsilon : tensor(options.epsilon, { dtype: a.dtype });
  const theta: Parameters = { a, b, epsilon, cost: isTensor(cost) ? cost : { x: cost.x, y: cost.y } };
  const problemOf = (p: Parameters): Problem => ({
    a: p.a,
    b: p.b,
    epsilon: p.epsilon,
    rho,
    costs: reducer(isTensor(p.cost) ? p.cost : { ...(cost as object), ...p.cost }),
  });
  const problem = problemOf(theta);
  const fixed = problemOf(detached(theta));
  const start = options.init ?? { f: a.mul(0), g: b.mul(0) };
  const found = sweeps(fixed, { f: stopGradient(start.f), g: stopGradient(start.g) }, settings);
  const z = differentiable(problem, centred(fixed, found));
  const miss = dualResidual(fixed, { f: stopGradient(z.f), g: stopGradient(z.g) });
  const residual = miss.f.abs().sum().add(miss.g.abs().sum());
  let value = envelope((p: Parameters, at: Potentials) => dualValue(problemOf(p), at))(theta, z);
  if (balanced && options.entropy !== "kl") {
    const mass = a.sum();
    value = value.add(epsilon.mul(negativeEntropy(a).mul(b.sum()).add(negativeEntropy(b).mul(mass))));
  }
  return { ...z, value, residual, converged: residual.lessEqual(tol), iterations: found.step };
}

interface Parameters {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly epsilon: Tensor;
  readonly cost: Tensor | { readonly x: Tensor; readonly y: Tensor };
}

function detached({ a, b, epsilon, cost }: Parameters): Parameters {
  return {
    a: stopGradient(a),
    b: stopGradient(b),
    epsilon: stopGradient(epsilon),
    cost: isTensor(cost) ? stopGradient(cost) : { x: stopGradient(cost.x), y: stopGradient(cost.y) },
  };
}

/** Sinkhorn's sweeps until the marginals fit or `maxIter`: rows, then columns. */
export function sweeps(problem: Problem, init: Potentials, settings: Settings): State {
  const { a, b, epsilon, rho } = problem;
  const { tol, maxIter, initialEpsilon, scaling, relaxation, anderson } = settings;
  const isPlain = relaxation === 1 && anderson === 0;
  const zero = epsilon.mul(0);
  const damp = (eps: Tensor, r: number): Tensor | number => (r === Infinity ? 1 : eps.div(r).add(1).reciprocal());
  return whileLoop(
    (s: State) => logicalAnd(s.error.greater(tol), s.step.less(maxIter)),
    (s: State): State => {
      const now: Problem = initialEpsilon === 0 ? problem : { ...problem, epsilon: s.epsilon };
      const rows = softMinRows(now, s.g);
      // What the rows of the plan with the potentials of this moment miss; the columns fit since the last sweep, up to relaxation.
      const fit = s.f.sub(rows).div(now.epsilon).exp();
      const wanted = rho[0] === Infinity ? 1 : s.f.div(-rho[0]).exp();
      const off = a.mul(fit.sub(wanted)).abs().sum();
      const omega = relaxation === 1 ? 1 : off.less(a.sum().mul(0.1)).where(zero.add(relaxation), 1);
      const step = (old: Tensor, fresh: Tensor, r: number): Tensor => {
        const damped = fresh.mul(damp(now.epsilon, r));
        return relaxation === 1 ? damped : old.add(damped.sub(old).mul(omega));
      };
      const f = step(s.f, rows, rho[0]);
      const columns = softMinColumns(now, f);
      const fresh = step(s.g, columns, rho[1]);
      const isFinal = initialEpsilon === 0 ? null : s.epsilon.lessEqual(epsilon);
      // While ε falls, the map changes from step to step: nothing to learn from the past.
      const { mixed, history } =
        anderson === 0
          ? { mixed: fresh, history: s.past }
          : andersonStep(s.past, fresh, fresh.sub(s.g), isFinal === null ? s.step : isFinal.where(s.step, 0));
      const g = isFinal === null || anderson === 0 ? mixed : isFinal.where(mixed, fresh);
      // After ε changed, nothing is known about the error.
      const known = (error: Tensor): Tensor => (isFinal === null ? error : isFinal.where(error, Infinity));
      const rest = (error: Tensor, missed: Tensor): Omit<State, "f" | "g"> => ({
        error,
        beside: missed,
        epsilon: s.epsilon.mul(scaling).maximum(epsilon),
        step: s.step.add(1),
        past: history,
      });
      if (isPlain) return { f, g, ...rest(known(off), zero) };
      // Columns that were relaxed or mixed do not fit: what they miss counts, too. So the error is known of where this step began, which
      // is kept if it will do.
      const fits = rho[1] === Infinity ? 1 : g.div(-rho[1]).exp();
      const beside = b.mul(g.sub(columns).div(now.epsilon).exp().sub(fits)).abs().sum();
      const error = known(off.add(s.beside));
      const isDone = error.lessEqual(tol);
      return { f: isDone.where(s.f, f), g: isDone.where(s.g, g), ...rest(error, beside) };
    },
    {
      f: init.f,
      g: init.g,
      epsilon: epsilon.maximum(initialEpsilon),
      error: zero.add(Infinity),
      beside: isPlain ? zero : zero.add(Infinity),
      step: zero.cast("int32"),
      past: emptyHistory(anderson, b),
    },
  );
}

/** The same plan with Σ a f = Σ b g (balanced problems only: elsewhere the potentials are unique). */
function centred({ a, b, rho }: Problem, { f, g }: Potentials): Potentials {
  if (rho[0] !== Infinity || rho[1] !== Infinity) return { f, g };
  const shift = a.mul(f).sum().sub(b.mul(g).sum()).div(a.sum().add(b.sum()));
  return { f: f.sub(shift), g: g.add(shift) };
}

/** The potentials as a root of the dual's gradient, which knows how they move with what the problem is made of. */
function differentiable(problem: Problem, z: Potentials): Potentials {
  const { a, b, epsilon, rho } = problem;
  const isBalanced = rho[0] === Infinity && rho[1] === Infinity;
  const mass = a.sum().mul(epsilon);
  const residual = (at: Potentials): Potentials => {
    const miss = dualResidual(problem, at);
    if (!isBalanced) return miss;
    // f + t, g − t give the same plan: one more equation picks Σ a f = Σ b g, in a way that keeps the Jacobian symmetric.
    const gauge = a.mul(at.f).sum().sub(b.mul(at.g).sum()).div(mass);
    return { f: miss.f.add(a.mul(gauge)), g: miss.g.sub(b.mul(gauge)) };
  };
  const [p, q, eps] = [stopGradient(a), stopGradient(b), stopGradient(epsilon)];
  // Where a weight is 0 its equation is 0 = 0, and the potential keeps its value.
  const inverse = (w: Tensor): Tensor => w.greater(0).where(eps.div(w.greater(0).where(w, 1)), 0);
  const scale = { f: inverse(p), g: inverse(q) };
  const tol = a.dtype === "float32" ? 1e-6 : 1e-13;
  const limit = 4 * (a.shape[0] + b.shape[0]) + 50;
  const tangentSolve = (linear: (dz: Potentials) => Potentials, dz: Potentials): Potentials =>
    conjugateGradient(linear, dz, scale, tol, limit);
  return customRoot(residual, z, { solve: (_f, start) => start, tangentSolve });
}

/** F(θ, z) at a stationary point in z: its derivative is that in θ alone, and, since z moves with θ, so are all others right. */
function envelope<P>(F: (theta: P, z: Potentials) => Tensor): (theta: P, z: Potentials) => Tensor {
  const value: (theta: P, z: Potentials) => Tensor = customJvp(
    (theta: P, z: Potentials): Tensor => F(theta, z),
    ([theta, z], [dtheta]) => ({
      value: value(theta, z),
      tangent: jvp((t: P) => F(t, z), [theta] as const, [dtheta] as const).tangent,
    }),
  );
  return value;
}
