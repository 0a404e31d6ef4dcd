/** Displacement interpolation: the mass of a plan travels along straight lines. */

import { emd, type EmdProgress } from "@curv/ot";
import type { Tensor } from "@curv/tensor";

/** Mass that goes from one place to another; a particle for each element of the plan that is not 0. */
export interface Particles {
  readonly count: number;
  /** Starts and ends, [count · 2]. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly mass: Float64Array;
  /** Σ mass |to − from|², the squared Wasserstein-2 distance. */
  readonly cost: number;
  readonly converged: boolean;
  /** Pivots of the simplex. */
  readonly iterations: number;
}

export interface ParticleOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: EmdProgress) => void;
}

/**
 * The particles of the exact plan between two measures in the plane, with squared distances.
 *
 * @param a - Weights [n].
 * @param x - Points [n, 2].
 * @param b - Weights [m].
 * @param y - Points [m, 2].
 * Source: McCann, A convexity principle for interacting gases (1997).
 */
export async function particlesOf(
  a: Tensor,
  x: Tensor,
  b: Tensor,
  y: Tensor,
  { signal, onProgress }: ParticleOptions = {},
): Promise<Particles> {
  const driver = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const { rows, columns, mass, cost, converged, iterations } = await emd(a, b, { x, y }, driver);
  const [starts, ends] = [x.dataSync(), y.dataSync()];
  // A vertex of the polytope may have elements of the basis without mass.
  const kept = Array.from(mass.keys()).filter((k) => mass[k] > 0);
  const places = (all: ArrayLike<number>, index: Int32Array): Float64Array =>
    Float64Array.from(kept.flatMap((k) => [all[2 * index[k]], all[2 * index[k] + 1]]));
  return {
    count: kept.length,
    from: places(starts, rows),
    to: places(ends, columns),
    mass: Float64Array.from(kept, (k) => mass[k]),
    cost,
    converged,
    iterations,
  };
}

/** Where the particles are at time t in [0, 1], [count · 2]: (1 − t) x + t y. */
export function at({ from, to }: Particles, t: number): Float64Array {
  return from.map((start, k) => (1 - t) * start + t * to[k]);
}
