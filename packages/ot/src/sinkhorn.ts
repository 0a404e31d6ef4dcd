/** Entropic optimal transport, driven from the host: progress, cancellation, history. */

import { isTensor, jit, tensor, type Tensor } from "@curv/tensor";
import { checkCount } from "./arguments.js";
import { costMatrix, reducer, type Cost, type PointCost } from "./cost.js";
import { breathe, type Driver } from "./driver.js";
import type { Potentials } from "./dual.js";
import {
  checkProblem,
  settingsOf,
  sinkhornCore,
  sweeps,
  type Settings,
  type SinkhornCoreOptions,
} from "./sinkhorn-core.js";

export interface SinkhornProgress {
  readonly iterations: number;
  /** L1 error of the marginals before the last sweep. */
  readonly residual: number;
}

export interface SinkhornOptions extends Omit<SinkhornCoreOptions, "epsilon">, Driver<SinkhornProgress> {
  /** Strength ε > 0 of the entropy, in the units of the cost; as in POT (`reg`) and OTT. */
  readonly epsilon: number;
  /** Sweeps between two reports. Default 50. */
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

const sweepBlock = /* @__PURE__ */ jit(
  (
    a: Tensor,
    b: Tensor,
    leaves: Leaves,
    epsilon: Tensor,
    z: Potentials,
    kind: PointCost["cost"],
    tile: number | undefined,
    settings: string,
  ) => {
    const { rho, ...rest } = JSON.parse(settings) as Omit<Settings, "rho"> & { rho: [number | null, number | null] };
    const penalties = [rho[0] ?? Infinity, rho[1] ?? Infinity] as const;
    const problem = { a, b, epsilon, rho: penalties, costs: reducer(withLeaves(kind, tile, leaves)) };
    const { f, g, error, step } = sweeps(problem, z, { ...rest, rho: penalties });
    return { f, g, error, step };
  },
  { staticArgs: [5, 6, 7] },
);

const measure = /* @__PURE__ */ jit(
  (
    a: Tensor,
    b: Tensor,
    leaves: Leaves,
    z: Potentials,
    kind: PointCost["cost"],
    tile: number | undefined,
    options: SinkhornCoreOptions,
  ) => {
    const { f, g, value, residual } = sinkhornCore(a, b, withLeaves(kind, tile, leaves), { ...options, init: z });
    return { f, g, value, residual };
  },
  { staticArgs: [4, 5, 6] },
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
  const { epsilon, block = 50, init, entropy } = options;
  const settings = settingsOf(options, a.dtype, "sinkhorn");
  checkCount(block, "sinkhorn", "block", 1);
  checkProblem(
    a,
    b,
    cost,
    settings.rho.every((r) => r === Infinity),
    "sinkhorn",
  );
  const leaves: Leaves = isTensor(cost) ? cost : { x: cost.x, y: cost.y };
  const [kind, tile] = isTensor(cost) ? [undefined, undefined] : [cost.cost, cost.tile];
  const eps = tensor(epsilon, { dtype: a.dtype });
  let z: Potentials = init ?? { f: a.mul(0), g: b.mul(0) };
  const final: SinkhornCoreOptions = {
    epsilon,
    maxIter: 0,
    rho: settings.rho,
    ...(entropy === undefined ? {} : { entropy }),
  };
  // The sweeps with a falling ε are one block.
  const { initialEpsilon, scaling, maxIter, tol } = settings;
  let falling = initialEpsilon > epsilon ? Math.ceil(Math.log(epsilon / initialEpsilon) / Math.log(scaling)) + 2 : 0;
  const history: SinkhornProgress[] = [];
  let iterations = 0;
  let end = measure(a, b, leaves, z, kind, tile, final);
  let residual = await end.residual.item();
  while (iterations < maxIter && (iterations === 0 || residual > tol)) {
    const length = Math.min(falling > 0 ? falling : block, maxIter - iterations);
    const text = JSON.stringify({ ...settings, maxIter: length, initialEpsilon: falling > 0 ? initialEpsilon : 0 });
    falling = 0;
    const { f, g, error, step } = sweepBlock(a, b, leaves, eps, z, kind, tile, text);
    z = { f, g };
    iterations += await step.item();
    residual = await error.item();
    if (residual <= tol || iterations >= maxIter) {
      end = measure(a, b, leaves, z, kind, tile, final);
      residual = await end.residual.item();
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
