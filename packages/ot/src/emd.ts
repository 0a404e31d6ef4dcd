/** Exact optimal transport: the earth mover's distance. */

import { DomainError, isTensor, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { checkCount } from "./arguments.js";
import { costMatrix, type Cost } from "./cost.js";
import { networkSimplex, type Arcs } from "./network-simplex.js";
import { checkProblem } from "./sinkhorn-core.js";
import { breathe, type Driver } from "./driver.js";

export interface EmdProgress {
  readonly iterations: number;
}

export interface EmdOptions extends Driver<EmdProgress> {
  /** Largest number of pivots. Default 100 (n + m) + 100,000. */
  readonly maxIter?: number;
  /** Potentials g [m] of a similar problem, to start near its plan. */
  readonly warmStart?: { readonly g: Tensor };
}

export interface EmdResult {
  /** The optimal plan [n, m]; at most n + m − 1 elements are not 0. */
  plan(): Tensor;
  /** The same, element by element: `mass[k]` goes from `rows[k]` to `columns[k]`. */
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly mass: Float64Array;
  /** Dual potentials: f_i + g_j ≤ C_ij, equal where mass flows, Σ a f = Σ b g. A subgradient of the cost in a and b (up to constants). */
  readonly f: Tensor;
  readonly g: Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  /** Σ a f + Σ b g: equals `cost` at the optimum. */
  readonly dual: number;
  readonly status: "converged" | "max-iterations";
  readonly converged: boolean;
  /** Pivots. */
  readonly iterations: number;
  /** |cost − dual|. */
  readonly residual: number;
  /** Numbers of pivots when progress was reported. */
  readonly history: readonly EmdProgress[];
}

/** Costs of some pairs only; all others are forbidden. */
export interface SparseCost extends Arcs {
  /** Cost of each pair. */
  readonly cost: Float64Array;
}

const blockOfPivots = 5000;

/**
 * Exact optimal transport by the network simplex: min ⟨C, P⟩ over P ≥ 0 with P1 = a, Pᵀ1 = b. Always computed in float64.
 *
 * The same as POT's `ot.emd`. Memory: the costs, once more. Time grows about as n² to n³ log n.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0 of the same sum, [m].
 * @param cost - [n, m], points, or the costs of some pairs.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, different masses, and pairs that cannot carry
 * the mass.
 * Source: Bonneel et al., Displacement interpolation using Lagrangian mass transport (2011), for the method; see `networkSimplex`.
 *
 * @example
 * const { cost, plan } = await emd(a, b, { x, y, cost: "euclidean" });
 */
export async function emd(a: Tensor, b: Tensor, cost: Cost | SparseCost, options: EmdOptions = {}): Promise<EmdResult> {
  const [n, m] = [a.shape[0], b.shape[0]];
  let arcs: Arcs | undefined;
  let costs: Float64Array;
  if (!isTensor(cost) && "from" in cost) {
    checkProblem(a, b, tensor(new Float64Array(n * m), { shape: [n, m] }).cast(a.dtype), true, "emd");
    checkArcs(cost, n, m);
    arcs = cost;
    costs = cost.cost;
  } else {
    checkProblem(a, b, cost, true, "emd");
    costs = Float64Array.from(await costMatrix(cost).data());
  }
  const supply = Float64Array.from(await a.data());
  const demand = Float64Array.from(await b.data());
  const sum = (w: Float64Array): number => w.reduce((s, x) => s + x, 0);
  // Masses that differ by rounding are made equal.
  const ratio = sum(supply) / sum(demand);
  for (let j = 0; j < m; j++) demand[j] *= ratio;
  const limit = options.maxIter ?? 100 * (n + m) + 100_000;
  checkCount(limit, "emd", "maxIter");
  const warm = options.warmStart === undefined ? undefined : Float64Array.from(await options.warmStart.g.data());
  if (warm !== undefined && warm.length !== m) {
    throw new ShapeError(`emd: warmStart.g has length ${warm.length}; wants ${m}.`);
  }
  const simplex = networkSimplex({ supply, demand, cost: costs, ...(arcs === undefined ? {} : { arcs }) }, warm);
  const history: EmdProgress[] = [];
  for (let done = 0; done < limit; done += blockOfPivots) {
    if (simplex.pivot(Math.min(blockOfPivots, limit - done))) break;
    history.push({ iterations: simplex.result().pivots });
    await breathe(options, history[history.length - 1]);
  }
  const { alpha, beta, arc, flow, pivots, status } = simplex.result();
  if (status === "infeasible") throw new DomainError("emd: the pairs of cost cannot carry the mass from a to b.");
  const rows = arc.map((k) => (arcs === undefined ? Math.floor(k / m) : arcs.from[k]));
  const columns = arc.map((k, i) => (arcs === undefined ? k - rows[i] * m : arcs.to[k]));
  let value = 0;
  for (let k = 0; k < arc.length; k++) value += flow[k] * costs[arc[k]];
  const inner = (w: Float64Array, z: Float64Array): number => w.reduce((s, x, i) => s + x * z[i], 0);
  const shift = (inner(supply, alpha) - inner(demand, beta)) / (sum(supply) + sum(demand));
  const f = alpha.map((x) => x - shift);
  const g = beta.map((x) => x + shift);
  const dual = inner(supply, f) + inner(demand, g);
  return {
    plan() {
      const P = new Float64Array(n * m);
      for (let k = 0; k < flow.length; k++) P[rows[k] * m + columns[k]] = flow[k];
      return tensor(P, { shape: [n, m] }).cast(a.dtype);
    },
    rows,
    columns,
    mass: flow,
    f: tensor(f).cast(a.dtype),
    g: tensor(g).cast(a.dtype),
    cost: value,
    dual,
    status: status === "optimal" ? "converged" : "max-iterations",
    converged: status === "optimal",
    iterations: pivots,
    residual: Math.abs(value - dual),
    history,
  };
}

function checkArcs({ from, to, cost }: SparseCost, n: number, m: number): void {
  if (from.length !== cost.length || to.length !== cost.length || cost.length === 0) {
    throw new ShapeError(
      `emd: cost has ${from.length} from, ${to.length} to, ${cost.length} cost; wants equal lengths >= 1.`,
    );
  }
  for (let k = 0; k < cost.length; k++) {
    if (from[k] >= 0 && from[k] < n && to[k] >= 0 && to[k] < m && Number.isFinite(cost[k])) continue;
    throw new DomainError(
      `emd: pair ${k} is (${from[k]}, ${to[k]}) with cost ${cost[k]}; wants indices below ${n} and ${m}, and a finite cost.`,
    );
  }
}
