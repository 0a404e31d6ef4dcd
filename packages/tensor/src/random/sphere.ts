/** Points on a sphere and in a ball. */

import { DomainError } from "../errors.js";
import { expandDims } from "../ops/movement.js";
import type { Tensor } from "../tensor.js";
import { exponential } from "./exponential.js";
import { split, type Key } from "./key.js";
import { normal } from "./normal.js";
import { readParameters, type SampleOptions } from "./parameters.js";

function checkDimension(dimension: number, caller: string): void {
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new DomainError(`${caller}: dimension is ${String(dimension)}; wants an integer >= 1.`);
  }
}

/**
 * Uniform on the unit sphere of ℝⁿ: a normal vector over its norm. [...shape, dimension].
 *
 * @param dimension - n ≥ 1.
 *
 * @example
 * random.sphere(key, 3, { shape: [100] }); // 100 directions
 */
export function sphere(k: Key, dimension: number, options: SampleOptions = {}): Tensor {
  checkDimension(dimension, "sphere");
  const { shape, dtype } = readParameters("sphere", k, options, {});
  const z = normal(k, { shape: [...shape, dimension], dtype });
  return z.div(z.square().sum(-1, { keepDims: true }).sqrt());
}

/**
 * Uniform in the unit ball of ℝⁿ: z/√(‖z‖² + 2e) with z a normal vector and e exponential. [...shape, dimension].
 *
 * @param dimension - n ≥ 1.
 *
 * Source: Barthe, Guédon, Mendelson & Naor (2005), A probabilistic approach to the geometry of the ℓₚⁿ-ball, theorem 1.
 */
export function ball(k: Key, dimension: number, options: SampleOptions = {}): Tensor {
  checkDimension(dimension, "ball");
  const { shape, dtype } = readParameters("ball", k, options, {});
  const [normalKey, exponentialKey] = split(k);
  const z = normal(normalKey, { shape: [...shape, dimension], dtype });
  const e = exponential(exponentialKey, { shape, dtype });
  return z.div(expandDims(z.square().sum(-1).add(e.mul(2)).sqrt(), -1));
}
