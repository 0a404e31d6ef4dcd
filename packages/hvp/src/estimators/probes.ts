/** Random vectors z with E[z zᵀ] = I. */

import { DomainError, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/**
 * - `rademacher`: ±1. The smallest variance of zᵀAz: 2(‖A‖² − Σ Aᵢᵢ²), zero for diagonal A.
 * - `normal`: standard normal, 2‖A‖².
 * - `sphere`: uniform on the sphere of radius √n.
 */
export type ProbeDistribution = "rademacher" | "normal" | "sphere";

/** Refuses a distribution that there is not. */
export function checkDistribution(distribution: ProbeDistribution | undefined, caller: string): void {
  if (distribution === undefined || Object.hasOwn(draws, distribution)) return;
  throw new DomainError(
    `${caller}: distribution is ${JSON.stringify(distribution)}; wants ${Object.keys(draws).join(", ")}.`,
  );
}

/** Probes `from` to `to` of a key, as columns [n, to − from]: probe i is the same however many are drawn at once. */
export function drawProbes(
  distribution: ProbeDistribution,
  key: random.Key,
  n: number,
  dtype: "float32" | "float64",
  [from, to]: readonly [from: number, to: number],
): Tensor {
  const draw: Draw = draws[distribution];
  const keys = random.splitKeys(key, to).slice([from, to]);
  return vmap((k: random.Key) => draw(k, n, dtype), { outAxes: 1 })(keys);
}

type Draw = (key: random.Key, n: number, dtype: "float32" | "float64") => Tensor;

const draws = {
  rademacher: (key, n, dtype) => random.rademacher(key, { shape: [n], dtype }),
  normal: (key, n, dtype) => random.normal(key, { shape: [n], dtype }),
  sphere: (key, n, dtype) => random.sphere(key, n, { dtype }).mul(Math.sqrt(n)),
} satisfies Record<ProbeDistribution, Draw>;
