/** Keys, and the words that they stand for. Everything random is a function of a key; the same key gives the same numbers everywhere. */

import { arange, fromTypedArray } from "../create.js";
import { DTypeError, DomainError, ShapeError } from "../errors.js";
import { reshape, stack } from "../ops/movement.js";
import { castTo, scalar } from "../ops/operands.js";
import { threefryPrimitive } from "../primitives/threefry.js";
import { formatShape, sizeOf, type Shape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";

/** Two uint32 words: a tensor of shape [2]. Several keys are a tensor of shape [n, 2] ({@link splitKeys}); vmap over them. */
export type Key = Tensor;

/**
 * The key of a seed. All samplers agree with `jax.random` (JAX ≥ 0.5, threefry, partitionable): same seed, same numbers.
 *
 * @param seed - A safe integer; negative ones are two's complement of 64 bits.
 * @throws DomainError for anything else.
 *
 * @example
 * const [weightsKey, noiseKey] = random.split(random.key(0));
 */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed)) throw new DomainError(`key: seed ${seed} is not a safe integer.`);
  return fromTypedArray(Uint32Array.of(Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0), [2]);
}

/** Refuses what is no key. @internal */
export function checkKey(k: Key, caller: string): void {
  if (!isTensor(k)) throw new DTypeError(`${caller}: key is ${typeof k}; wants a key (random.key(0)).`);
  if (k.dtype !== "uint32") {
    throw new DTypeError(`${caller}: key is ${k.dtype}; wants uint32 of shape [2] (random.key(0)).`);
  }
  if (k.rank !== 1 || k.shape[0] !== 2) {
    throw new ShapeError(`${caller}: key has shape ${formatShape(k.shape)}; wants [2]. Use vmap for several keys.`);
  }
}

/** The hash of counters (high, low) under the key: two words for each counter. */
function hashCounters(k: Key, high: Tensor, low: Tensor): readonly [Tensor, Tensor] {
  return bind(threefryPrimitive, [k.slice(0), k.slice(1), high, low], null) as unknown as readonly [Tensor, Tensor];
}

/**
 * The two words of each of the counters `first`, `first` + 1, … in row-major order of `shape`. Counter i depends on (key, i) alone, so any
 * part of an array can be drawn by itself. @internal
 */
export function words(k: Key, shape: Shape, first = 0): readonly [high: Tensor, low: Tensor] {
  const counters = arange(first, first + sizeOf(shape), { dtype: "uint32" });
  return hashCounters(k, scalar(0, "uint32"), reshape(counters, shape));
}

/**
 * `count` new keys, independent of each other and of the key, which should not be used again.
 *
 * @param count - Default 2.
 */
export function split(k: Key, count = 2): Key[] {
  checkKey(k, "split");
  if (!Number.isInteger(count) || count < 1) throw new DomainError(`split: count is ${count}; wants an integer >= 1.`);
  const keys = stack([...words(k, [count])], 1);
  return Array.from({ length: count }, (_, i) => keys.slice(i));
}

/**
 * `count` new keys as one tensor of shape [count, 2]: row i is `split(k, count)[i]`.
 *
 * @example
 * vmap((k: Key) => random.normal(k, { shape: [3] }))(random.splitKeys(key, 100)); // [100, 3]
 */
export function splitKeys(k: Key, count: number): Tensor {
  checkKey(k, "splitKeys");
  if (!Number.isInteger(count) || count < 0) {
    throw new DomainError(`splitKeys: count is ${count}; wants an integer >= 0.`);
  }
  return stack([...words(k, [count])], 1);
}

/**
 * The key of a key and a number: the step of a loop, the index of a worker. `foldIn(k, i)` is `split(k, n)[i]`.
 *
 * @param data - A safe integer ≥ 0, or an int32 or uint32 scalar.
 */
export function foldIn(k: Key, data: number | Tensor): Key {
  checkKey(k, "foldIn");
  if (isTensor(data)) {
    if (data.dtype !== "int32" && data.dtype !== "uint32") {
      throw new DTypeError(`foldIn: data is ${data.dtype}; wants int32 or uint32.`);
    }
    if (data.rank !== 0) throw new ShapeError(`foldIn: data has shape ${formatShape(data.shape)}; wants a scalar.`);
    return stack([...hashCounters(k, scalar(0, "uint32"), castTo(data, "uint32"))]);
  }
  if (!Number.isSafeInteger(data) || data < 0) {
    throw new DomainError(`foldIn: data is ${data}; wants a safe integer >= 0.`);
  }
  const high = scalar(Math.floor(data / 2 ** 32), "uint32");
  return stack([...hashCounters(k, high, scalar(data >>> 0, "uint32"))]);
}
