/** Sinkhorn's iteration in the log domain, traceable: it compiles, batches, and differentiates by the implicit function theorem. */

import { customRoot, DomainError, isTensor, stopGradient, tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkEqualMass, checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { conjugateGradient } from "./conjugate-gradient.js";
import { checkCost, reducer, type Cost } from "./cost.js";
import {
  dualResidual,
  dualValue,
  envelope,
  isBalanced,
  negativeEntropy,
  type Potentials,
  type Problem,
} from "./dual.js";
import { heldAt, type Penalty, type Price } from "./penalty.js";
import { sweeps, sweepStart, type Settings } from "./sweeps.js";

export interface SinkhornCoreOptions {
  /** Strength ε > 0 of the entropy, in the units of the cost; as in POT (`reg`) and OTT. A tensor may be traced. */
  readonly epsilon: number | Tensor;
  /** Allowed L1 error of the two marginals together. Default 1e-9 in float64, 1e-5 in float32. */
  readonly tol?: number;
  /** Default 10,000. */
  readonly maxIter?: number;
  /**
   * Price ρ of a marginal's deviation (see `penalty`): one for both, or one each; Infinity (default) keeps a marginal. `[ρ, Infinity]` is the
   * semi-relaxed problem.
   */
  readonly rho?: number | readonly [number, number];
  /**
   * What ρ is the price of: `"kl"` (default) ρ KL(P1 | a), generalised, `"tv"` ρ Σ |P1 − a|, or `"l2"` ½ ρ Σ (P1 − a)², which depends on how
   * many points share the mass.
   */
  readonly penalty?: Penalty;
  /**
   * `"log"` (default) computes every sweep in the log domain; `"stabilized"` multiplies by a kernel [n, m] (8 n m bytes) that absorbs the
   * potentials: the same iterates many times faster, with the same small ε. It has no relaxation, momentum or Anderson acceleration.
   */
  readonly method?: "log" | "stabilized";
  /** ε starts at so large a value and falls by `scaling` with every sweep. Default: no scaling. */
  readonly initialEpsilon?: number;
  /** Factor in (0, 1) of ε-scaling. Default 0.7. */
  readonly scaling?: number;
  /**
   * Over-relaxation ω in [1, 2): potentials go ω times as far, once the marginals are off by less than 10 %; `"auto"` finds the best ω from
   * how the error falls. Default 1.
   */
  readonly relaxation?: number | "auto";
  /** Heavy-ball momentum β in [0, 1): g goes on by β times its last step, once the marginals are off by less than 10 %. Default 0. */
  readonly momentum?: number;
  /** Anderson acceleration by the last so many sweeps; 5 is usual. Default 0: none. */
  readonly anderson?: number;
  /** Potentials to start from, [n] and [m]. Default zeros. */
  readonly init?: Potentials;
  /**
   * What `value` is: `"shannon"` (default, POT's) ⟨C, P⟩ + ε Σ P log P, or `"kl"` (OTT's, GeomLoss's) ⟨C, P⟩ + ε KL(P | a bᵀ). The plan is the
   * same. With finite `rho` it is always `"kl"`, and the price of the marginals is in it.
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

/** Checks options and fills in the defaults. */
export function settingsOf(options: Omit<SinkhornCoreOptions, "init">, dtype: string, caller: string): Settings {
  const { epsilon, tol = dtype === "float32" ? 1e-5 : 1e-9, maxIter = 10_000 } = options;
  const { initialEpsilon = 0, scaling = 0.7, relaxation = 1, momentum = 0, anderson = 0, method = "log" } = options;
  if (!isTensor(epsilon)) checkNumber(epsilon, caller, "epsilon", { low: 0 });
  checkNumber(tol, caller, "tol", { low: 0, closed: true });
  checkCount(maxIter, caller, "maxIter");
  checkNumber(initialEpsilon, caller, "initialEpsilon", { low: 0, closed: true });
  checkNumber(scaling, caller, "scaling", { low: 0, high: 0.99 });
  if (relaxation !== "auto") checkNumber(relaxation, caller, "relaxation", { low: 1, high: 1.99, closed: true });
  checkNumber(momentum, caller, "momentum", { low: 0, high: 0.99, closed: true });
  checkCount(anderson, caller, "anderson");
  if (method !== "log" && method !== "stabilized") {
    throw new DomainError(`${caller}: method is ${String(method)}; wants "log" or "stabilized".`);
  }
  if (method === "stabilized" && (relaxation !== 1 || momentum !== 0 || anderson !== 0)) {
    throw new DomainError(
      `${caller}: method is "stabilized" with relaxation, momentum or anderson; wants none of them, or method "log".`,
    );
  }
  const prices = pricesOf(options, caller);
  return { tol, maxIter, prices, method, initialEpsilon, scaling, relaxation, momentum, anderson };
}

function pricesOf(
  { rho = Infinity, penalty = "kl" }: Pick<SinkhornCoreOptions, "rho" | "penalty">,
  caller: string,
): readonly [Price, Price] {
  const pair = typeof rho === "number" ? ([rho, rho] as const) : rho;
  pair.forEach((r) => checkNumber(r, caller, "rho", { low: 0, high: Infinity }));
  if (!["kl", "tv", "l2"].includes(penalty)) {
    throw new DomainError(`${caller}: penalty is ${String(penalty)}; wants "kl", "tv" or "l2".`);
  }
  return [
    { penalty, rho: pair[0] },
    { penalty, rho: pair[1] },
  ];
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
  const { prices, tol, maxIter } = settings;
  const balanced = isBalanced(settings);
  checkProblem(a, b, cost, balanced, "sinkhornCore");
  const epsilon = isTensor(options.epsilon) ? options.epsilon : tensor(options.epsilon, { dtype: a.dtype });
  const theta: Parameters = { a, b, epsilon, cost: isTensor(cost) ? cost : { x: cost.x, y: cost.y } };
  const problemOf = (p: Parameters): Problem => ({
    a: p.a,
    b: p.b,
    epsilon: p.epsilon,
    prices,
    costs: reducer(isTensor(p.cost) ? p.cost : { ...(cost as object), ...p.cost }),
  });
  const problem = problemOf(theta);
  const fixed = problemOf(detached(theta));
  const start = options.init ?? { f: a.mul(0), g: b.mul(0) };
  const init = { f: stopGradient(start.f), g: stopGradient(start.g) };
  const found = sweeps(fixed, sweepStart(fixed, init, settings), settings, { tol, limit: maxIter });
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

/** The same plan with Σ a f = Σ b g (balanced problems only: elsewhere the potentials are unique, or as good as). */
function centred(problem: Problem, { f, g }: Potentials): Potentials {
  if (!isBalanced(problem)) return { f, g };
  const { a, b } = problem;
  const shift = a.mul(f).sum().sub(b.mul(g).sum()).div(a.sum().add(b.sum()));
  return { f: f.sub(shift), g: g.add(shift) };
}

/** The potentials as a root of the dual's gradient, which knows how they move with what the problem is made of. */
function differentiable(problem: Problem, z: Potentials): Potentials {
  const { a, b, epsilon, prices } = problem;
  const mass = a.sum().mul(epsilon);
  const [rows, columns] = [heldAt(prices[0], z.f), heldAt(prices[1], z.g)];
  const residual = (at: Potentials): Potentials => {
    // A potential that is held stays out of the equations of the others, and its own says that it stays.
    const free = { f: rows?.where(z.f, at.f) ?? at.f, g: columns?.where(z.g, at.g) ?? at.g };
    const miss = dualResidual(problem, free);
    if (isBalanced(problem)) {
      // f + t, g − t give the same plan: one more equation picks Σ a f = Σ b g, in a way that keeps the Jacobian symmetric.
      const gauge = a.mul(at.f).sum().sub(b.mul(at.g).sum()).div(mass);
      return { f: miss.f.add(a.mul(gauge)), g: miss.g.sub(b.mul(gauge)) };
    }
    return {
      f: rows?.where(at.f.sub(z.f).mul(p).div(eps), miss.f) ?? miss.f,
      g: columns?.where(at.g.sub(z.g).mul(q).div(eps), miss.g) ?? miss.g,
    };
  };
  const [p, q, eps] = [stopGradient(a), stopGradient(b), stopGradient(epsilon)];
  // Where a weight is 0 its equation is 0 = 0, and the potential keeps its value.
  const inverse = (w: Tensor, { penalty, rho }: Price): Tensor => {
    const diagonal = penalty === "l2" ? w.div(eps).add(1 / rho) : w.div(eps);
    return diagonal.greater(0).where(diagonal.greater(0).where(diagonal, 1).reciprocal(), 0);
  };
  const scale = { f: inverse(p, prices[0]), g: inverse(q, prices[1]) };
  const tol = a.dtype === "float32" ? 1e-6 : 1e-13;
  const limit = 4 * (a.shape[0] + b.shape[0]) + 50;
  const tangentSolve = (linear: (dz: Potentials) => Potentials, dz: Potentials): Potentials =>
    conjugateGradient(linear, dz, scale, tol, limit);
  return customRoot(residual, z, { solve: (_f, start) => start, tangentSolve });
}
