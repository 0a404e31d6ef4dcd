/** The binomial distribution. */

import { lgamma64, log1p64, log64 } from "../cpu/math/index.js";
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
import { probability, readParameter, readParameters, sampleShape, type Domain } from "./parameters.js";

const counts: Domain = {
  wants: "an integer in 0..2147483647",
  contains: (v) => Number.isInteger(v) && v >= 0 && v < 2 ** 31,
};

/**
 * Successes in n independent trials, int32: P(X = x) = C(n, x) p^x (1 − p)^(n−x).
 *
 * While n·min(p, 1 − p) ≤ 10 the gaps between the rarer outcomes are drawn, else transformed rejection (Hörmann's BTRS), in uniform
 * variables of the dtype of p. Rounds and keys as in {@link poisson}: element i depends on (key, i, nᵢ, pᵢ) alone.
 *
 * @param trials - n, an integer ≥ 0, or a tensor of such numbers (int32, uint32 or float); broadcasts to the shape.
 * @param p - Probability of success, in [0, 1]; broadcasts to the shape.
 *
 * Source: Hörmann (1993), The generation of binomial random variates.
 */
export function binomial(k: Key, trials: TensorLike, p: TensorLike, options: ShapeOption = {}): Tensor {
  const { values } = readParameters("binomial", k, {}, { p: [p, probability] });
  const n = readParameter("binomial", "trials", trials, counts, "int32");
  const shape = sampleShape("binomial", options.shape, { trials: n, p: values.p });
  return bind1(binomialPrimitive, [k, broadcastTo(n, shape), broadcastTo(values.p, shape)], null);
}

/** binomial(keys [..., 2], n [..., shape], p [..., shape]) → int32 [..., shape]; −1 for parameters out of range. @internal */
export const binomialPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "binomial",
  shape: ([, n]) => [aval(n.shape, "int32")],
  batch: (inputs, batched, _params, size) => bind(binomialPrimitive, batchAll(inputs, batched, size), null),
  lower: ([keys, trials, probabilities]) => {
    const out = allocate("int32", trials.buffer.length);
    const lanes = sizeOf(keys.shape) / 2;
    const perLane = out.length / lanes;
    const dtype = probabilities.dtype as FloatDType;
    for (let lane = 0; lane < lanes; lane++) {
      const k0 = keys.buffer[2 * lane];
      const k1 = keys.buffer[2 * lane + 1];
      const gaps = new RoundKeys(k0, k1, [0], 1);
      const pairs = new RoundKeys(k0, k1, [1, 2], 0);
      for (let i = 0; i < perLane; i++) {
        const n = trials.buffer[lane * perLane + i];
        const p = probabilities.buffer[lane * perLane + i];
        const rarer = p < 0.5 ? p : 1 - p;
        let count = -1;
        if (n >= 0 && p >= 0 && p <= 1) {
          const found = n * rarer <= 10 ? countGaps(gaps, i, n, rarer, dtype) : reject(pairs, i, n, rarer, dtype);
          count = p < 0.5 ? found : n - found;
        }
        out[lane * perLane + i] = count;
      }
    }
    return [out];
  },
});

/** How many geometric gaps fit into n trials. */
function countGaps(keys: RoundKeys, index: number, n: number, p: number, dtype: FloatDType): number {
  const logFailure = log1p64(-p);
  for (let count = 0, trials = 0; ; count++) {
    trials += Math.ceil(log64(keys.uniform(count, 0, index, dtype)) / logFailure);
    if (!(trials <= n)) return count;
  }
}

/** BTRS: a table mountain hat over the transformed density, with a squeeze. */
function reject(keys: RoundKeys, index: number, n: number, p: number, dtype: FloatDType): number {
  const sigma = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * sigma;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const c = n * p + 0.5;
  const vr = 0.92 - 4.2 / b;
  for (let round = 0; ; round++) {
    const u = keys.uniform(round, 0, index, dtype) - 0.5;
    const v = keys.uniform(round, 1, index, dtype);
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + c);
    if (us >= 0.07 && v <= vr) return k;
    if (!(k >= 0 && k <= n)) continue;
    const alpha = (2.83 + 5.1 / b) * sigma;
    const height = log64((v * alpha) / (a / (us * us) + b));
    if (height <= logRatio(n, p, k)) return k;
  }
}

/** log P(k)/P(m) for the mode m. */
function logRatio(n: number, p: number, k: number): number {
  const m = Math.floor((n + 1) * p);
  const mode = lgamma64(m + 1) + lgamma64(n - m + 1);
  return mode - lgamma64(k + 1) - lgamma64(n - k + 1) + (k - m) * log64(p / (1 - p));
}
