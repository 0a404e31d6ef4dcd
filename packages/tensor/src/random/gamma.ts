/** The gamma distribution. */

import { log1p64, log64, pow64 } from "../cpu/math/index.js";
import { smallestNormal, type FloatDType } from "../dtype.js";
import { allocate } from "../memory.js";
import { log } from "../ops/elementwise.js";
import { broadcastTo } from "../ops/movement.js";
import { castTo } from "../ops/operands.js";
import { where } from "../ops/select.js";
import { aval, definePrimitive, type Primitive } from "../primitives/primitive.js";
import { hash, threefry2x32 } from "../primitives/threefry.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { batchAll } from "../transform/graph-transforms.js";
import { bind, bind1 } from "../transform/trace.js";
import { normalAt, uniformAt } from "./draws.js";
import { gammaCdfDerivative } from "./gamma-cdf.js";
import { words, type Key } from "./key.js";
import { positive, readParameters, type SampleOptions } from "./parameters.js";

/**
 * Gamma of scale 1: density x^(a−1) e^(−x)/Γ(a). For another scale multiply.
 *
 * Element i draws with its own key, hash(key, i). Differentiable in the concentration, to any order, by implicit reparameterisation: the
 * sample moves so that its quantile stays, dx/da = −∂ₐP(a, x)/p(x; a). Values below 1e-308 (1e-38 in float32), which are common for
 * concentrations under 0.01, become 0; {@link logGamma} keeps them.
 *
 * @param concentration - a > 0; broadcasts to the shape.
 * @throws DomainError for a concentration that is not positive.
 *
 * Source: Marsaglia & Tsang (2000), A simple method for generating gamma variables; derivative: Figurnov, Mohamed & Mnih (2018), Implicit
 * reparameterization gradients.
 */
export function gamma(k: Key, concentration: TensorLike, options: SampleOptions = {}): Tensor {
  return drawGamma("gamma", k, concentration, options).sample;
}

/** Logarithm of a {@link gamma} variable, of the same draws, finite however small the concentration is. */
export function logGamma(k: Key, concentration: TensorLike, options: SampleOptions = {}): Tensor {
  return drawGamma("logGamma", k, concentration, options).log;
}

function drawGamma(
  caller: string,
  k: Key,
  concentration: TensorLike,
  options: SampleOptions,
): { readonly sample: Tensor; readonly log: Tensor } {
  const { shape, values } = readParameters(caller, k, options, { concentration: [concentration, positive] });
  const [sample, log] = bind(gammaPrimitive, [...words(k, shape), broadcastTo(values.concentration, shape)], null);
  return { sample, log };
}

/** gamma(k0, k1, a) → [x, log x], all of one shape: element i under its own key (k0ᵢ, k1ᵢ). NaN unless a > 0. @internal */
export const gammaPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "gamma",
  shape: ([, , a]) => [aval(a.shape, a.dtype), aval(a.shape, a.dtype)],
  jvp: ([, , a], [, , da], _params, [x, logX]) => {
    const dLog = logSlope(a, x, logX).mul(da!);
    return [x.mul(dLog), dLog];
  },
  batch: (inputs, batched, _params, size) => bind(gammaPrimitive, batchAll(inputs, batched, size), null),
  lower: ([k0, k1, a]) => {
    const n = a.buffer.length;
    const x = allocate(a.dtype, n);
    const logX = allocate(a.dtype, n);
    for (let i = 0; i < n; i++) {
      drawOne(k0.buffer[i], k1.buffer[i], a.buffer[i], a.dtype as FloatDType);
      x[i] = drawn.x;
      logX[i] = drawn.log;
    }
    return [x, logX];
  },
});

/** d log x/da at a fixed quantile, computed in float64: log x − ψ(a) cancels. */
function logSlope(a: Tensor, x: Tensor, logX: Tensor): Tensor {
  // log x of the sample itself is the sharper one, until the sample underflows.
  const normal = x.greater(smallestNormal(a.dtype as FloatDType));
  const w = where(normal, log(castTo(where(normal, x, 1), "float64")), castTo(logX, "float64"));
  return castTo(bind1(gammaCdfDerivative, [castTo(a, "float64"), w], { n: 1 }).neg(), a.dtype);
}

/** Result of the last {@link drawOne}. */
const drawn = { x: 0, log: 0 };

/** For a < 1: Gamma(a) = Gamma(a + 1)·U^(1/a). */
function drawOne(k0: number, k1: number, a: number, dtype: FloatDType): void {
  if (!(a > 0)) {
    drawn.x = drawn.log = NaN;
    return;
  }
  threefry2x32(k0, k1, 0, 1);
  const boost0 = hash[0];
  const boost1 = hash[1];
  threefry2x32(k0, k1, 0, 0);
  let s0 = hash[0];
  let s1 = hash[1];
  const d = (a < 1 ? a + 1 : a) - 1 / 3;
  const c = 1 / 3 / Math.sqrt(d);
  for (;;) {
    threefry2x32(s0, s1, 0, 2);
    const u = uniformAt(hash[0], hash[1], 0, dtype);
    threefry2x32(s0, s1, 0, 1);
    let x0 = hash[0];
    let x1 = hash[1];
    threefry2x32(s0, s1, 0, 0);
    s0 = hash[0];
    s1 = hash[1];
    let x: number;
    let v: number;
    do {
      threefry2x32(x0, x1, 0, 1);
      x = normalAt(hash[0], hash[1], dtype);
      v = 1 + x * c;
      threefry2x32(x0, x1, 0, 0);
      x0 = hash[0];
      x1 = hash[1];
    } while (v <= 0);
    const X = x * x;
    const V = v * v * v;
    if (u < 1 - 0.0331 * X * X || log64(u) < X / 2 + d * (1 - V + log64(V))) {
      drawn.x = d * V;
      drawn.log = log64(d) + log64(V);
      break;
    }
  }
  if (a < 1) {
    const u = uniformAt(boost0, boost1, 0, dtype);
    drawn.x *= pow64(1 - u, 1 / a);
    drawn.log += log1p64(-u) / a;
  }
}
