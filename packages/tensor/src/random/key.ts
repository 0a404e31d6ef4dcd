/** Keys, and the bits that they stand for. Everything random is a function of a key; the same key gives the same numbers everywhere. */

import { arange, fromTypedArray } from "../create.js";
import { DTypeError, DomainError, ShapeError } from "../errors.js";
import { castTo } from "../ops/operands.js";
import { bitwiseXor } from "../ops/elementwise.js";
import { reshape, stack } from "../ops/movement.js";
import { threefryPrimitive } from "../primitives/threefry.js";
import { checkShape, formatShape, sizeOf, type Shape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";

/** Two uint32 words: a tensor of shape [2]. Batches of keys have leading axes; vmap over them. */
export type Key = Tensor;

/**
 * The key of a seed, as JAX's `jax.random.key` with partitionable threefry.
 *
 * @param seed - A safe integer; negative ones are two's complement.
 */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed)) throw new DomainError(`key: seed ${seed} is not a safe integer.`);
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return fromTypedArray(Uint32Array.of(high, low), [2]);
}

/** Refuses what is no key. @internal */
export function checkKey(k: Key, caller: string): void {
  if (!isTensor(k)) throw new DTypeError(`${caller}: key is ${typeof k}; wants a key (random.key(0)).`);
  if (k.dtype !== "uint32") throw new DTypeError(`${caller}: key is ${k.dtype}; wants uint32 of shape [2] (random.key(0)).`);
  if (k.rank !== 1 || k.shape[0] !== 2) {
    throw new ShapeError(`${caller}: key has shape ${formatShape(k.shape)}; wants [2]. Use vmap for several keys.`);
  }
}

/** The hash of counters (high, low) under the key: two words for each counter. @internal */
export function hashCounters(k: Key, high: Tensor, low: Tensor): readonly [Tensor, Tensor] {
  return bind(threefryPrimitive, [k.slice(0), k.slice(1), high, low], null) as unknown as readonly [Tensor, Tensor];
}

/** The words of counters 0 … n−1. @internal */
export function words(k: Key, shape: Shape): readonly [Tensor, Tensor] {
  const zero = fromTypedArray(Uint32Array.of(0), []);
  const low = reshape(arange(sizeOf(shape), { dtype: "uint32" }), shape);
  return hashCounters(k, zero, low);
}

/** `count` new keys, independent of each other and of the key, which should not be used again. */
export function split(k: Key, count = 2): Key[] {
  checkKey(k, "split");
  if (!Number.isInteger(count) || count < 1) throw new DomainError(`split: count is ${count}; wants an integer >= 1.`);
  const [high, low] = words(k, [count]);
  const keys = stack([high, low], 1);
  return Array.from({ length: count }, (_, i) => keys.slice(i));
}

/** `count` new keys as one tensor of shape [count, 2], to vmap over. */
export function splitKeys(k: Key, count: number): Tensor {
  checkKey(k, "splitKeys");
  if (!Number.isInteger(count) || count < 0) throw new DomainError(`splitKeys: count is ${count}; wants an integer >= 0.`);
  return stack([...words(k, [count])], 1);
}

/** The key of a key and a number: the step of a loop, the index of a worker. */
export function foldIn(k: Key, data: number | Tensor): Key {
  checkKey(k, "foldIn");
  if (!isTensor(data) && (!Number.isInteger(data) || data < -(2 ** 31) || data >= 2 ** 32)) {
    throw new DomainError(`foldIn: data is ${data}; wants an integer of 32 bits.`);
  }
  const low = isTensor(data) ? castTo(data, "uint32") : fromTypedArray(Uint32Array.of(data >>> 0), []);
  const [a, b] = hashCounters(k, fromTypedArray(Uint32Array.of(0), []), low);
  return stack([a, b]);
}

/** Uniform 32-bit words, uint32. */
export function bits(k: Key, { shape = [] }: { readonly shape?: Shape } = {}): Tensor {
  checkKey(k, "bits");
  checkShape(shape, "bits");
  const [a, b] = words(k, shape);
  return bitwiseXor(a, b);
}
