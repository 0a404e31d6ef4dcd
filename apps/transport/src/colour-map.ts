/** Maps of colours from plans between two palettes. */

import {
  barycentricProjection,
  costMatrix,
  emd,
  entropicMap,
  sinkhorn,
  type EmdProgress,
  type SinkhornProgress,
} from "@curv/ot";
import { eye, jit, softmax, tensor, type Tensor } from "@curv/tensor";
import { breathe } from "app-frame";
import type { Colours } from "./colours.js";

/** Exact; with entropy; with entropy and marginals that need not be met. */
export type PlanKind = "exact" | "entropic" | "unbalanced";

export const planKinds: readonly PlanKind[] = ["exact", "entropic", "unbalanced"];

export interface ColourMapOptions {
  readonly kind: PlanKind;
  /** ε as a share of the mean squared distance between the two palettes' colours. */
  readonly epsilon: number;
  /** ρ, the price of a marginal's deviation, as a share of the same. */
  readonly rho: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: EmdProgress | SinkhornProgress) => void;
}

export interface ColourMap {
  readonly kind: PlanKind;
  /** Where the source's palette goes, [n, 3]. */
  readonly moved: Tensor;
  /** Where any colours [k, 3] go. Traceable. */
  readonly apply: (points: Tensor) => Tensor;
  /** ⟨C, P⟩, squared distances of Oklab. */
  readonly cost: number;
  /** Mass of the plan; 1 unless unbalanced. */
  readonly mass: number;
  /** ε and ρ in squared distances of Oklab; 0 and Infinity where the plan has none. */
  readonly epsilon: number;
  readonly rho: number;
  readonly converged: boolean;
  /** Pivots of the simplex, or sweeps. */
  readonly iterations: number;
  readonly residual: number;
}

/** Palette colours as tensors, float64 [n, 3] and [n]. */
export function asTensors({ count, points, weights }: Colours): { points: Tensor; weights: Tensor } {
  return { points: tensor(points, { shape: [count, 3] }), weights: tensor(weights) };
}

/**
 * Solves the transport between two palettes with squared distances and makes a map of all colours from it.
 *
 * Exact plans send each palette colour to the mean of where its mass goes (barycentric projection); other colours move by a mean of what the
 * palette colours near them move by, weighted by a Gaussian as wide as palette colours are apart. Entropic plans have a map of their own,
 * smooth everywhere, from the potential g.
 *
 * Source: Ferradans et al., Regularized discrete optimal transport (2014); Pooladian & Niles-Weed (2021); unbalanced: Chizat et al. (2018).
 */
export async function colourMap(source: Colours, target: Colours, options: ColourMapOptions): Promise<ColourMap> {
  const { kind, signal, onProgress } = options;
  const { points: x, weights: a } = asTensors(source);
  const { points: y, weights: b } = asTensors(target);
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  if (kind === "exact") {
    const { plan, cost, converged, iterations, residual } = await emd(a, b, { x, y }, driver);
    const moved = barycentricProjection(plan(), y);
    const numbers = { cost, mass: 1, epsilon: 0, rho: Infinity, converged, iterations, residual };
    return { kind, moved, apply: smoothed(x, a, moved.sub(x)), ...numbers };
  }
  const scale = costMatrix({ x, y }).mul(a.expandDims(1)).mul(b).sum().itemSync();
  // Palettes that are one and the same colour have no scale.
  const unit = scale > 0 ? scale : 1;
  const epsilon = options.epsilon * unit;
  const rho = kind === "unbalanced" ? options.rho * unit : Infinity;
  const settings = { epsilon, rho, initialEpsilon: unit, tol: 1e-7, maxIter: 20_000, ...driver };
  const { plan, g, cost, converged, iterations, residual } = await sinkhorn(a, b, { x, y }, settings);
  const apply = (points: Tensor): Tensor => entropicMap(points, y, g, { epsilon, b });
  const mass = plan().sum().itemSync();
  return { kind, moved: apply(x), apply, cost: cost(), mass, epsilon, rho, converged, iterations, residual };
}

/** Moves by the mean of the displacements of the points x, weighted by their masses and a Gaussian (Nadaraya & Watson, 1964). */
function smoothed(x: Tensor, a: Tensor, displacements: Tensor): (points: Tensor) => Tensor {
  const n = x.shape[0];
  const apart = costMatrix({ x, y: x })
    .add(eye(n, n, { dtype: "float64" }).mul(1e3))
    .min(1);
  const width = apart.mul(a).sum().itemSync();
  return (points) => {
    const weights = softmax(costMatrix({ x: points, y: x }).div(-2 * width).add(a.log()), 1); // prettier-ignore
    return points.add(weights.matmul(displacements));
  };
}

const tile = 4096;

/** Applies a map to many colours, tile by tile. */
export async function mapColours(
  { apply }: Pick<ColourMap, "apply">,
  points: Float64Array,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: (fraction: number) => void } = {},
): Promise<Float64Array> {
  const count = points.length / 3;
  const out = new Float64Array(points.length);
  const compiled = jit(apply);
  for (let start = 0; start < count; start += tile) {
    const end = Math.min(start + tile, count);
    // The last tile is filled up, so that one compiled program does them all.
    const part = new Float64Array(3 * tile);
    part.set(points.subarray(3 * start, 3 * end));
    const moved = await compiled(tensor(part, { shape: [tile, 3] })).data();
    out.set((moved as Float64Array).subarray(0, 3 * (end - start)), 3 * start);
    onProgress?.(end / count);
    await breathe(signal);
  }
  return out;
}
