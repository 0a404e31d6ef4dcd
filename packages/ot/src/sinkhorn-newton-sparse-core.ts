/** Sinkhorn-Newton-Sparse as a traceable function: it compiles, batches, and has implicit derivatives of every order. */

import { bind, broadcastTo, definePrimitive, stopGradient, type Primitive, type Tensor } from "@curv/tensor";
import { checkWeights } from "./arguments.js";
import { costMatrix, type Cost } from "./cost.js";
import { checkProblem, sinkhornCore, type SinkhornCore } from "./sinkhorn-core.js";
import { etaOf, newtonSparse, snsSettings, type SnsOptions, type SnsSettings } from "./sinkhorn-newton-sparse.js";

export interface SnsCoreOptions extends Pick<
  SnsOptions,
  "epsilon" | "eta" | "warmup" | "maxNewton" | "mask" | "tol" | "cgMaxIter"
> {
  /** What `value` is, see {@link sinkhornCore}. Default `"shannon"`. */
  readonly entropy?: "shannon" | "kl";
}

interface Params {
  readonly eta: number;
  readonly settings: SnsSettings;
}

/** (a, b, C) ↦ potentials x [n], y [m], and iterations of both kinds together. */
const snsPrimitive: Primitive<Params> = /* @__PURE__ */ definePrimitive<Params>({
  name: "sinkhornNewtonSparse",
  shape: ([a, b, C]) => {
    const lanes = C.shape.slice(0, -2);
    return [
      { shape: [...lanes, a.shape[a.shape.length - 1]], dtype: C.dtype, weak: false },
      { shape: [...lanes, b.shape[b.shape.length - 1]], dtype: C.dtype, weak: false },
      { shape: lanes, dtype: "int32", weak: false },
    ];
  },
  batch: (inputs, batched, params, size) =>
    bind(
      snsPrimitive,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      params,
    ),
  lower: ([a, b, C], { eta, settings }) => {
    const n = a.shape[a.shape.length - 1];
    const m = b.shape[b.shape.length - 1];
    const lanes = C.buffer.length / (n * m);
    const floats = (length: number): Float32Array | Float64Array =>
      C.dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
    const [x, y, iterations] = [floats(lanes * n), floats(lanes * m), new Int32Array(lanes)];
    for (let lane = 0; lane < lanes; lane++) {
      const part = (from: ArrayLike<number>, length: number): Float64Array =>
        Float64Array.from({ length }, (_, i) => from[lane * length + i]);
      const problem = { r: part(a.buffer, n), c: part(b.buffer, m), C: part(C.buffer, n * m), eta };
      const steps = newtonSparse(problem, { x: new Float64Array(n), y: new Float64Array(m) }, settings);
      let step = steps.next();
      while (step.done !== true) step = steps.next();
      const { now, counts } = step.value;
      x.set(now.x, lane * n);
      y.set(now.y, lane * m);
      iterations[lane] = counts.sinkhorn + counts.newton;
    }
    return [x, y, iterations];
  },
});

/**
 * The traceable core of {@link sinkhornNewtonSparse}, in float64 on the host. Its result is {@link sinkhornCore}'s, with its derivatives: of
 * the value by the envelope theorem, of the potentials by the implicit function theorem, with the whole Hessian at the solution.
 *
 * `residual` and `converged` are of the potentials that are returned: in float32 these round, and large η times the costs want float64.
 *
 * @param a - Weights > 0, [n].
 * @param b - Weights > 0 of the same sum, [m].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, weights of 0, both or neither of ε and η.
 * Source: Tang et al. (ICLR 2024); derivatives: Peyré & Cuturi (2019), §4.5 and 9.1.
 *
 * @example
 * const gradient = grad((C: Tensor) => sinkhornNewtonSparseCore(a, b, C, { eta: 1200 }).value)(C);
 */
export function sinkhornNewtonSparseCore(a: Tensor, b: Tensor, cost: Cost, options: SnsCoreOptions): SinkhornCore {
  const name = "sinkhornNewtonSparseCore";
  checkProblem(a, b, cost, true, name);
  checkWeights(a, a.shape[0], name, "a", true);
  checkWeights(b, b.shape[0], name, "b", true);
  const eta = etaOf(options, name);
  const settings = snsSettings(options, a, b, name);
  const [r, c] = [stopGradient(a), stopGradient(b)];
  const [x, y, iterations] = bind(snsPrimitive, [r, c, stopGradient(costMatrix(cost))], { eta, settings });
  const scaled = (potential: Tensor, weights: Tensor): Tensor => potential.sub(weights.log().add(0.5).div(eta));
  const { entropy } = options;
  const core = sinkhornCore(a, b, cost, {
    epsilon: 1 / eta,
    tol: settings.tol,
    maxIter: 0,
    init: { f: scaled(x, r), g: scaled(y, c) },
    ...(entropy === undefined ? {} : { entropy }),
  });
  return { ...core, iterations };
}
