/** Exact transport as a traceable function: it compiles, batches, and has exact derivatives of every order. */

import { bind, broadcastTo, definePrimitive, stopGradient, type Primitive, type Tensor } from "@curv/tensor";
import { checkCount } from "./arguments.js";
import { costMatrix, type Cost } from "./cost.js";
import type { Potentials } from "./dual.js";
import { forestFlow, forestPotential } from "./forest.js";
import { networkSimplex } from "./network-simplex.js";
import { checkProblem } from "./sinkhorn-core.js";

export interface EmdCoreOptions {
  /** Largest number of pivots. Default 100 (n + m) + 100,000. */
  readonly maxIter?: number;
}

export interface EmdCore extends Potentials {
  /** ⟨C, P⟩, scalar. */
  readonly value: Tensor;
  /** The optimal plan [n, m]. Elements that are 0 may be so up to rounding of the weights, of either sign. */
  readonly plan: Tensor;
  /** Scalar bool: no pivot was left that could lower the cost. */
  readonly converged: Tensor;
  /** Scalar int32: pivots. */
  readonly iterations: Tensor;
  /** Scalar: |⟨C, P⟩ − Σ a f − Σ b g|. */
  readonly residual: Tensor;
}

interface BasisParams {
  readonly limit: number;
}

/** (a, b, C) ↦ parent, order, potentials of the tops, whether optimal, pivots: piecewise constant but for the tops, which stay as they are. */
const basisPrimitive: Primitive<BasisParams> = /* @__PURE__ */ definePrimitive<BasisParams>({
  name: "transportBasis",
  shape: ([a, b, C]) => {
    const lanes = C.shape.slice(0, -2);
    const nodes = [...lanes, a.shape[a.shape.length - 1] + b.shape[b.shape.length - 1]];
    return [
      { shape: nodes, dtype: "int32", weak: false },
      { shape: nodes, dtype: "int32", weak: false },
      { shape: nodes, dtype: C.dtype, weak: false },
      { shape: lanes, dtype: "bool", weak: false },
      { shape: lanes, dtype: "int32", weak: false },
    ];
  },
  batch: (inputs, batched, params, size) =>
    bind(
      basisPrimitive,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      params,
    ),
  lower: ([a, b, C], { limit }) => {
    const n = a.shape[a.shape.length - 1];
    const m = b.shape[b.shape.length - 1];
    const lanes = C.buffer.length / (n * m);
    const [parent, order] = [new Int32Array(lanes * (n + m)), new Int32Array(lanes * (n + m))];
    const top = C.dtype === "float32" ? new Float32Array(lanes * (n + m)) : new Float64Array(lanes * (n + m));
    const [optimal, pivots] = [new Uint8Array(lanes), new Int32Array(lanes)];
    for (let lane = 0; lane < lanes; lane++) {
      const part = (x: ArrayLike<number>, length: number): Float64Array =>
        Float64Array.from({ length }, (_, i) => x[lane * length + i]);
      const [supply, demand] = [part(a.buffer, n), part(b.buffer, m)];
      // Masses that differ by rounding are made equal.
      const ratio = supply.reduce((s, x) => s + x, 0) / demand.reduce((s, x) => s + x, 0);
      const simplex = networkSimplex({ supply, demand: demand.map((x) => x * ratio), cost: part(C.buffer, n * m) });
      optimal[lane] = simplex.pivot(limit) ? 1 : 0;
      const forest = simplex.forest();
      pivots[lane] = simplex.result().pivots;
      parent.set(forest.parent, lane * (n + m));
      order.set(forest.order, lane * (n + m));
      top.set(forest.top, lane * (n + m));
    }
    return [parent, order, top, optimal, pivots];
  },
});

/**
 * The traceable core of {@link emd}: min ⟨C, P⟩ over P ≥ 0 with P1 = a, Pᵀ1 = b, computed in float64 on the host by the network simplex.
 *
 * At a fixed basis P is linear in the weights and the potentials are linear in the costs: `value`, `plan`, `f` and `g` differentiate so, to
 * every order. d`value`/dC = P; d`value`/da = f and d`value`/db = g up to a constant. Where the optimum changes its basis these are
 * one-sided (a subgradient). f and g are those with Σ a f = Σ b g.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0 of the same sum, [m].
 * @param cost - [n, m], or points (their matrix is made).
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities and different masses.
 * Source: Ahuja, Magnanti & Orlin, Network Flows (1993), ch. 11; sensitivity: Bertsimas & Tsitsiklis (1997), §5.
 *
 * @example
 * const gradient = grad((x: Tensor) => emdCore(a, b, { x, y }).value)(x);
 */
export function emdCore(a: Tensor, b: Tensor, cost: Cost, options: EmdCoreOptions = {}): EmdCore {
  checkProblem(a, b, cost, true, "emdCore");
  const [n, m] = [a.shape[0], b.shape[0]];
  const limit = options.maxIter ?? 100 * (n + m) + 100_000;
  checkCount(limit, "emdCore", "maxIter");
  const C = costMatrix(cost);
  const [parent, order, top, converged, iterations] = bind(
    basisPrimitive,
    [stopGradient(a), stopGradient(b), stopGradient(C)],
    { limit },
  );
  const plan = forestFlow(parent, order, a, b);
  const value = plan.mul(C).sum();
  const [f, g] = forestPotential(parent, order, top, C);
  const shift = a.mul(f).sum().sub(b.mul(g).sum()).div(a.sum().add(b.sum()));
  const [f0, g0] = [f.sub(shift), g.add(shift)];
  const dual = a.mul(f0).sum().add(b.mul(g0).sum());
  return { value, plan, f: f0, g: g0, converged, iterations, residual: value.sub(dual).abs() };
}
