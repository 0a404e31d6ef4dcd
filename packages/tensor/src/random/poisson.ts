/** The Poisson distribution. */

import { lgamma64, log64 } from "../cpu/math/index.js";
import type { FloatDType } from "../dtype.js";
import { allocate } from "../memory.js";
import { broadcastTo } from "../ops/movement.js";
import { aval, definePrimitive, type Primitive } from "../primitives/primitive.js";
import { sizeOf } from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { batchAll } from "../transform/graph-transforms.js";
import { bind, bind1 } from "../transform/trace.js";
import type { ShapeOption } from "./bits.js";
import { RoundKeys } from "./draws.js";
import type { Key } from "./key.js";
import { readParameters, type Domain } from "./parameters.js";

const limit = 2 ** 30;
const rates: Domain = { wants: "0 <= rate < 2^30", contains: (v) => v >= 0 && v < limit };

/**
 * Poisson counts, int32: P(X = x) = e^(−λ) λ^x/x!.
 *
 * Below λ = 10 factors of uniform variables are counted (Knuth), from there on by transformed rejection (Hörmann's PTRS), in uniform
 * variables of the dtype of the rate. Each round of the array has a key of its own, and element i takes the first value that it accepts, so
 * it depends on (key, i, λᵢ) alone. (In JAX later rounds overwrite it as long as any element of the array is waiting.)
 *
 * @param rate - λ in [0, 2³⁰); broadcasts to the shape.
 *
 * Source: Hörmann (1993), The transformed rejection method for generating Poisson random variables.
 */
export function poisson(k: Key, rate: TensorLike, options: ShapeOption = {}): Tensor {
  const { shape, values } = readParameters("poisson", k, options, { rate: [rate, rates] });
  return bind1(poissonPrimitive, [k, broadcastTo(values.rate, shape)], null);
}

/** poisson(keys [..., 2], λ [..., shape]) → int32 [..., shape]; −1 for λ outside [0, 2³⁰). @internal */
export const poissonPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "poisson",
  shape: ([, rate]) => [aval(rate.shape, "int32")],
  batch: (inputs, batched, _params, size) => bind(poissonPrimitive, batchAll(inputs, batched, size), null),
  lower: ([keys, rate]) => {
    const out = allocate("int32", rate.buffer.length);
    const lanes = sizeOf(keys.shape) / 2;
    const perLane = out.length / lanes;
    const dtype = rate.dtype as FloatDType;
    for (let lane = 0; lane < lanes; lane++) {
      const k0 = keys.buffer[2 * lane];
      const k1 = keys.buffer[2 * lane + 1];
      const factors = new RoundKeys(k0, k1, [1], 0);
      const pairs = new RoundKeys(k0, k1, [1, 2], 0);
      for (let i = 0; i < perLane; i++) {
        const lambda = rate.buffer[lane * perLane + i];
        let count = -1;
        if (lambda >= 0 && lambda < 10) count = countFactors(factors, i, lambda, dtype);
        else if (lambda >= 10 && lambda < limit) count = reject(pairs, i, lambda, dtype);
        out[lane * perLane + i] = count;
      }
    }
    return [out];
  },
});

/** How many uniform factors keep their product above e^(−λ). */
function countFactors(keys: RoundKeys, index: number, lambda: number, dtype: FloatDType): number {
  let count = 0;
  if (lambda === 0) return 0;
  for (let log = log64(keys.uniform(0, 0, index, dtype)); log > -lambda; count++) {
    log += log64(keys.uniform(count + 1, 0, index, dtype));
  }
  return count;
}

/** PTRS: a table mountain hat over the transformed density, with a squeeze that accepts nine in ten at once. */
function reject(keys: RoundKeys, index: number, lambda: number, dtype: FloatDType): number {
  const b = 0.931 + 2.53 * Math.sqrt(lambda);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const vr = 0.9277 - 3.6224 / (b - 2);
  for (let round = 0; ; round++) {
    const u = keys.uniform(round, 0, index, dtype) - 0.5;
    const v = keys.uniform(round, 1, index, dtype);
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + lambda + 0.43);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const height = log64((v * inverseAlpha) / (a / (us * us) + b));
    if (height <= k * log64(lambda) - lambda - lgamma64(k + 1)) return k;
  }
}
