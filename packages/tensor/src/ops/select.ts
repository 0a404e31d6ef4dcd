/** Choosing between two values, elementwise. */

import { DTypeError } from "../errors.js";
import { selectPrimitive } from "../primitives/select.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { asTensor, promote } from "./operands.js";

/**
 * x where `condition`, else y; all three broadcast.
 *
 * Both are computed: if the derivative of the one not chosen is infinite or NaN, so is the result's (0·∞). Choose a safe argument first,
 * `where(c, f(where(c, x, 1)), …)`, or use `cond`.
 *
 * @throws DTypeError unless the condition is bool.
 */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor {
  const c = asTensor(condition, "where", "condition");
  if (c.dtype !== "bool") throw new DTypeError(`where: condition is ${c.dtype}; wants bool (x.notEqual(0)).`);
  return bind1(selectPrimitive, [c, ...promote(x, y, "where")], null);
}
