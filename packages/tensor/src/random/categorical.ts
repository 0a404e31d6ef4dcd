/** The categorical distribution. */

import type { FloatDType } from "../dtype.js";
import { DomainError } from "../errors.js";
import { asFloat } from "../ops/operands.js";
import { argMax } from "../ops/reduce.js";
import { normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { ShapeOption } from "./bits.js";
import { gumbel } from "./gumbel.js";
import { checkKey, type Key } from "./key.js";
import { checkDomain, notNaN, sampleShape } from "./parameters.js";

export interface CategoricalOptions extends ShapeOption {
  /** Axis of the categories. Default −1. */
  readonly axis?: number;
}

/**
 * Index of a category, int32, with probability softmax(logits): the argument of the maximum of logits + Gumbel noise.
 *
 * @param logits - Unnormalised log-probabilities, −Infinity for a category that never occurs. `log` of weights will do.
 * @param options - `shape`: of the result, which ends with the shape of `logits` without `axis`; default that shape. Leading axes are
 * further independent draws.
 * @throws DomainError for NaN.
 *
 * @example
 * random.categorical(key, tensor([0.1, 0.2, 0.7]).log(), { shape: [1000] });
 */
export function categorical(k: Key, logits: Tensor, { axis = -1, shape }: CategoricalOptions = {}): Tensor {
  checkKey(k, "categorical");
  const x = asFloat(logits, "categorical");
  const at = normalizeAxis(axis, x.rank, "categorical");
  if (x.shape[at] === 0) throw new DomainError(`categorical: axis ${at} of logits has length 0; wants categories.`);
  checkDomain("categorical", "logits", x, notNaN);
  const own = x.shape.filter((_, i) => i !== at);
  const wanted = sampleShape("categorical", shape, { "logits without its categories": { shape: own } });
  // The noise has the categories where the logits have them.
  const place = wanted.length - own.length + at;
  const noisy = wanted.toSpliced(place, 0, x.shape[at]);
  return argMax(gumbel(k, { shape: noisy, dtype: x.dtype as FloatDType }).add(x), place);
}
