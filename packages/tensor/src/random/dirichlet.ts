/** The Dirichlet distribution. */

import { ShapeError } from "../errors.js";
import { softmax } from "../ops/reduce.js";
import type { Tensor } from "../tensor.js";
import { logGamma } from "./gamma.js";
import type { Key } from "./key.js";
import { positive, readParameters, sampleShape, type SampleOptions } from "./parameters.js";

/**
 * Dirichlet: points of the simplex, gamma variables over their sum, computed from their logarithms. Differentiable like {@link gamma}.
 *
 * @param concentration - > 0, [..., n]; the last axis is that of a point.
 * @param options - `shape`: without that axis; default the other axes of `concentration`.
 */
export function dirichlet(k: Key, concentration: Tensor, options: SampleOptions = {}): Tensor {
  const { shape, ...rest } = options;
  const { dtype, values } = readParameters("dirichlet", k, rest, { concentration: [concentration, positive] });
  const a = values.concentration;
  if (a.rank === 0)
    throw new ShapeError("dirichlet: concentration is a scalar; wants a last axis with one number a component.");
  const lead = sampleShape("dirichlet", shape, {
    "concentration without its last axis": { shape: a.shape.slice(0, -1) },
  });
  return softmax(logGamma(k, a, { shape: [...lead, a.shape[a.rank - 1]], dtype }), -1);
}
