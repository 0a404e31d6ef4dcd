/** Entropic optimal transport, driven from the host: progress, cancellation, history. */

import { isTensor, jit, tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkInit } from "./arguments.js";
import { costMatrix, reducer, type Cost, type PointCost } from "./cost.js";
import { breathe, type Driver } from "./driver.js";
import { isBalanced, type Potentials } from "./dual.js";
import { checkProblem, settingsOf, sinkhornCore, type SinkhornCoreOptions } from "./sinkhorn-core.js";
import { sweeps, sweepStart, type Schedule, type SweepState } from "./sweeps.js";

export interface SinkhornProgress {
  readonly iterations: number;
  /** L1 error of the marginals before the last sweep. */
  readonly residual: number;
}

export interface SinkhornOptions extends Omit<SinkhornCoreOptions, "epsilon">, Driver<SinkhornProgress> {
  /** Strength ε > 0 of the entropy, in the units of the cost; as in POT (`reg`) and OTT. */
  readonly epsilon: number;
  /** Sweeps between two reports. Default 50, of the stabilised method 500. */
  readonly block?: number;
}

export interface SinkhornResult extends Potentials {
  /** P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε), [n, m]. */
  plan(): Tensor;
  /** ⟨C, P⟩, from P (computed when asked for, with the plan). */
  cost(): number;
  /** The optimal value with its entropy (see `entropy`), by the dual: reliable at convergence only. */
  readonly regularizedCost: number;
  readonly status: "converged" | "max-iterations";
  readonly converged: boolean;
  readonly iterations: number;
  /** L1 error of both marginals of the plan that is returned. */
  readonly residual: number;
  readonly history: readonly SinkhornProgress[];
}

type Leaves = Tensor | { readonly x: Tensor; readonly y: Tensor };

const withLeaves = (kind: PointCost["cost"], tile: number | undefined, leaves: Leaves): Cost =>
  isTensor(leaves)
    ? leaves
    : { ...leaves, ...(kind === undefined ? {} : { cost: kind }), ...(tile === undefined ? {} : { tile }) };

/** Settings as text, which a compiled program can be kept for: infinities are no JSON. */
const written = (settings: object): string =>
  JSON.stringify(settings, (_, value: unknown) => (value === Infinity ? "Infinity" : value));
const read = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => (value === "Infinity" ? Infinity : value));

const sweepBlock = /* @__PURE__ */ jit(
  (
    a: Tensor,
    b: Tensor,
    leaves: Leaves,
    epsilon: Tensor,
    state: SweepState,
    until: { readonly tol: Tensor; readonly limit: Tensor },
    kind: PointCost["cost"],
    tile: number | undefined,
    text: string,
  ) => {
    const schedule = read(text) as Schedule;
    const costs = reducer(withLeaves(kind, tile, leaves));
    return sweeps({ a, b, epsilon, prices: schedule.prices, costs }, state, schedule, until);
  },
  { staticArgs: [6, 7, 8] },
);

const measure = /* @__PURE__ */ jit(
  (
    a: Tensor,
    b: Tensor,
    leaves: Leaves,
    epsilon: Tensor,
    init: Potentials,
    kind: PointCost["cost"],
    tile: number | undefined,
    text: string,
  ) => {
    const options = { ...(read(text) as Pick<SinkhornCoreOptions, "rho" | "penalty" | "entropy">), epsilon, init };
    const { f, g, value, residual } = sinkhornCore(a, b, withLeaves(kind, tile, leaves), { ...options, maxIter: 0 });
    return { f, g, value, residual };
  },
  { staticArgs: [5, 6, 7] },
);

/**
 * Entropic optimal transport by Sinkhorn's sweeps in the log domain, in blocks between which the event loop runs.
 *
 * Equals POT's `ot.sinkhorn(…, method="sinkhorn_log")`; `status` comes from the marginals of the plan that is returned. For derivatives,
 * batches and compiled programs use {@link sinkhornCore}.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Cuturi (2013); Peyré & Cuturi (2019), §4.4.
 *
 * @example
 * const { plan, converged } = await sinkhorn(a, b, C, { epsilon: 0.05 });
 */
export async function sinkhorn(a: Tensor, b: Tensor, cost: Cost, options: SinkhornOptions): Promise<SinkhornResult> {
  const { epsilon, init, entropy, rho, penalty } = options;
  const settings = settingsOf(options, a.dtype, "sinkhorn");
  const { maxIter, tol } = settings;
  const { block = settings.method === "log" ? 50 : 500 } = options;
  checkCount(block, "sinkhorn", "block", 1);
  checkProblem(a, b, cost, isBalanced(settings), "sinkhorn");
  checkInit(init as Record<string, Tensor> | undefined, { f: a.shape[0], g: b.shape[0] }, "sinkhorn");
  const leaves: Leaves = isTensor(cost) ? cost : { x: cost.x, y: cost.y };
  const [kind, tile] = isTensor(cost) ? [undefined, undefined] : [cost.cost, cost.tile];
  const eps = tensor(epsilon, { dtype: a.dtype });
  const { tol: _tol, maxIter: _maxIter, ...schedule } = settings;
  const problem = written({ rho, penalty, entropy });
  const text = written(schedule);
  const allowed = tensor(tol, { dtype: a.dtype });
  const history: SinkhornProgress[] = [];
  let state = sweepStart({ b, epsilon: eps }, init ?? { f: a.mul(0), g: b.mul(0) }, settings);
  let iterations = 0;
  let end = measure(a, b, leaves, eps, { f: state.f, g: state.g }, kind, tile, problem);
  let residual = await end.residual.item();
  while (iterations < maxIter && (iterations === 0 || residual > tol)) {
    const limit = tensor(Math.min(iterations + block, maxIter), { dtype: "int32" });
    state = sweepBlock(a, b, leaves, eps, state, { tol: allowed, limit }, kind, tile, text);
    iterations = await state.step.item();
    residual = await state.error.item();
    if (!(residual > tol) || iterations >= maxIter) {
      end = measure(a, b, leaves, eps, { f: state.f, g: state.g }, kind, tile, problem);
      residual = await end.residual.item();
      // What the sweeps held for an error within `tol` was not: they go on.
      if (residual > tol) state = { ...state, error: eps.mul(0).add(Infinity) };
    }
    history.push({ iterations, residual });
    await breathe(options, history[history.length - 1]);
  }
  const plan = (): Tensor =>
    end.f.expandDims(1).add(end.g).sub(costMatrix(cost)).div(epsilon).exp().mul(a.expandDims(1)).mul(b);
  return {
    f: end.f,
    g: end.g,
    plan,
    cost: () => plan().mul(costMatrix(cost)).sum().itemSync(),
    regularizedCost: await end.value.item(),
    converged: residual <= tol,
    status: residual <= tol ? "converged" : "max-iterations",
    iterations,
    residual,
    history,
  };
}
