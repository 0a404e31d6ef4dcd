/** The geometric distribution. */

import { log1p } from "../ops/elementwise.js";
import { castTo } from "../ops/operands.js";
import { where } from "../ops/select.js";
import { floor } from "../ops/elementwise.js";
import type { Tensor, TensorLike } from "../tensor.js";
import type { ShapeOption } from "./bits.js";
import type { Key } from "./key.js";
import { positiveProbability, readParameters } from "./parameters.js";
import { unitUniform } from "./uniform.js";

/**
 * Number of trials up to the first success, int32: 1, 2, … with P(X = x) = p (1 − p)^(x−1), as ⌊log u / log(1 − p)⌋ + 1. Beyond 2³¹ − 1
 * it saturates.
 *
 * @param p - Probability of success, in (0, 1].
 */
export function geometric(k: Key, p: TensorLike, options: ShapeOption = {}): Tensor {
  const { shape, dtype, values } = readParameters("geometric", k, options, { p: [p, positiveProbability] });
  const u = unitUniform(k, shape, dtype);
  const log = where(u.equal(0), 1, u).log(); // the place of 0 is taken by 1, which u never is
  return castTo(floor(log.div(log1p(values.p.neg()))).add(1), "int32");
}
