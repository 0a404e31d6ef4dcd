/** The tail of the normal distribution over its density. */

import { allocate } from "../memory.js";
import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { bind, bind1 } from "../transform/trace.js";

/**
 * Mills' ratio R(x) = Q(x)/φ(x) with Q(x) = P(Z > x), for x ≥ 1; 0 at infinity. R′ = x R − 1.
 *
 * Source: Laplace's continued fraction, 1/(x + 1/(x + 2/(x + 3/(x + …)))).
 */
export function millsRatio(x: Tensor): Tensor {
  return bind1(millsPrimitive, [x], null);
}

/** @internal */
export const millsPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "millsRatio",
  shape: ([x]) => [x],
  jvp: ([x], [dx], _params, [r]) => [x.mul(r).sub(1).mul(dx!)],
  batch: (inputs) => bind(millsPrimitive, inputs, null),
  lower: ([x]) => {
    const out = allocate(x.dtype, x.buffer.length);
    for (let i = 0; i < out.length; i++) out[i] = continuedFraction(x.buffer[i]);
    return [out];
  },
});

/** To 1e-16; the number of terms was found by experiment for 1 ≤ x ≤ 30. */
function continuedFraction(x: number): number {
  if (!(x >= 1)) return NaN;
  let tail = x;
  for (let k = Math.ceil(380 / (x * x)) + 9; k >= 1; k--) tail = x + k / tail;
  return 1 / tail;
}
