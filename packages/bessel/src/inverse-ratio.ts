/** The inverse of the Bessel ratio, of numbers and of tensors. */

import { bind, broadcastTo, definePrimitive, DomainError, type Primitive, type Tensor } from "@curv/tensor";
import { apply } from "./modified-bessel-primitive.js";
import { broadcastOperands } from "./operands.js";
import { inverseRatioOfI } from "./scalar/inverse-ratio.js";

/** inverseBesselRatio(v, r) → x, all of one shape and dtype. */
const inverseRatioPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "inverseBesselRatio",
  shape: ([, r]) => [{ shape: r.shape, dtype: r.dtype, weak: false }],
  // r = R(v, x): dr = R_v dv + R_x dx.
  jvp: ([v], [dv, dr], _params, [x]) => {
    const slope = apply({ name: "slopeI", n: 0 }, v, x);
    const fromV = dv === null ? null : apply({ name: "besselRatioI", n: 1 }, v, x).mul(dv).neg();
    const sum = fromV === null ? dr! : dr === null ? fromV : dr.add(fromV);
    return [sum.div(slope)];
  },
  batch: (inputs, batched, params, size) => {
    const shape = [size, ...inputs[batched[0] ? 0 : 1].shape.slice(1)];
    return bind(
      inverseRatioPrimitive,
      inputs.map((input, i) => (batched[i] ? input : broadcastTo(input.expandDims(0), shape))),
      params,
    );
  },
  lower: ([v, r], _params, [out]) => {
    const n = r.buffer.length;
    const x = out.dtype === "float64" ? new Float64Array(n) : new Float32Array(n);
    for (let i = 0; i < n; i++) x[i] = inverseRatioOfI(v.buffer[i], r.buffer[i]).x;
    return [x];
  },
});

/**
 * x ≥ 0 with I_{v+1}(x)/I_v(x) = r, for v ≥ 0 and 0 ≤ r ≤ 1 (r = 1 gives Infinity). Differentiable in both to any order.
 *
 * With v = p/2 − 1 this is the concentration κ of a von Mises–Fisher distribution in ℝᵖ whose mean has length r. The ratio at the result
 * is r to a few ulp; x itself is as uncertain as 1 − r is, for r near 1.
 *
 * Tensors broadcast; an element outside the domain gives NaN.
 *
 * @throws DomainError for numbers outside the domain.
 */
export function inverseBesselRatioI(v: number, r: number): number;
export function inverseBesselRatioI(v: number | Tensor, r: number | Tensor): Tensor;
export function inverseBesselRatioI(v: number | Tensor, r: number | Tensor): number | Tensor {
  if (typeof v === "number" && typeof r === "number") {
    if (!(v >= 0)) throw new DomainError(`inverseBesselRatioI: v is ${v}; wants a number >= 0.`);
    if (!(r >= 0 && r <= 1)) throw new DomainError(`inverseBesselRatioI: r is ${r}; wants 0 <= r <= 1.`);
    return inverseRatioOfI(v, r).x;
  }
  return bind(inverseRatioPrimitive, broadcastOperands("inverseBesselRatioI", { v, r }), null)[0];
}
