/** The discrete Fourier transform of pairs (re, im) along the last axis. */

import { fft } from "../cpu/fft/index.js";
import { allocate } from "../memory.js";
import { broadcastTo } from "../ops/movement.js";
import { zeros } from "../create.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { aval, definePrimitive, type Primitive, type Tangent } from "./primitive.js";

const orZero = (x: Tangent, like: Tensor): Tensor => x ?? zeros(like.shape, { dtype: like.dtype });

/** fft(re, im) → [re, im], unscaled in both directions. A real-linear map of pairs whose transpose is the conjugate transform. */
export const fftPrimitive: Primitive<{ inverse: boolean }> = /* @__PURE__ */ definePrimitive<{ inverse: boolean }>({
  name: "fft",
  shape: ([re, im]) => [aval(re.shape, re.dtype), aval(im.shape, im.dtype)],
  jvp: ([re, im], [dre, dim], params) => bind(fftPrimitive, [orZero(dre, re), orZero(dim, im)], params),
  // With F = C − iS on (re, im): [[C, S], [−S, C]], whose transpose is that of the other direction.
  transpose: ([ctRe, ctIm], [re, im], [reLinear, imLinear], { inverse }) => {
    const [barRe, barIm] = bind(fftPrimitive, [orZero(ctRe, re), orZero(ctIm, im)], { inverse: !inverse });
    return [reLinear ? barRe : null, imLinear ? barIm : null];
  },
  batch: (inputs, batched, params, size) =>
    bind(
      fftPrimitive,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      params,
    ),
  lower: ([re, im], { inverse }, [out]) => {
    const n = re.shape[re.shape.length - 1];
    const a = Float64Array.from(re.buffer);
    const b = Float64Array.from(im.buffer);
    if (n > 1) fft(a, b, n, a.length / n, inverse);
    if (out.dtype === "float64") return [a, b];
    const size = sizeOf(out.shape);
    const [x, y] = [allocate(out.dtype, size), allocate(out.dtype, size)];
    x.set(a);
    y.set(b);
    return [x, y];
  },
});
