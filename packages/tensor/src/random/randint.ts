/** Uniform integers. */

import { isInteger } from "../dtype.js";
import { DTypeError, DomainError } from "../errors.js";
import { mod } from "../ops/elementwise.js";
import { broadcastTo } from "../ops/movement.js";
import { asTensor, castTo, scalar } from "../ops/operands.js";
import { where } from "../ops/select.js";
import { check } from "../primitives/check.js";
import type { Shape } from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { bitsFrom, type ShapeOption } from "./bits.js";
import { checkKey, split, type Key } from "./key.js";
import { sampleShape } from "./parameters.js";

export interface RandintOptions extends ShapeOption {
  /** Default int32. */
  readonly dtype?: "int32" | "uint32";
}

/**
 * Uniform integers in low … high − 1. The same on every backend.
 *
 * For a span s = high − low ≤ 2¹⁶ two words make each number, and probabilities are right to s·2⁻⁶⁴; for larger spans one word, and to
 * s·2⁻³².
 *
 * @param low - Inclusive. An integer or an integer tensor; broadcasts to the shape.
 * @param high - Exclusive. As a number up to 2³¹ (int32) or 2³² (uint32), so that every integer of the dtype can be drawn.
 * @throws DomainError unless low < high.
 *
 * @example
 * random.randint(key, 1, 7, { shape: [10] }); // ten throws of a die
 */
export function randint(k: Key, low: TensorLike, high: TensorLike, options: RandintOptions = {}): Tensor {
  const { dtype = "int32" } = options;
  checkKey(k, "randint");
  if (dtype !== "int32" && dtype !== "uint32") {
    throw new DTypeError(`randint: dtype ${String(dtype)}; wants int32 or uint32 (see uniform).`);
  }
  const [least, most] = dtype === "int32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  const l = readBound("low", low, least, most, dtype);
  const h = readBound("high", high, least, most + 1, dtype);
  checkBounds(l, h, sampleShape("randint", undefined, { low: l.value, high: h.value }));
  const shape = sampleShape("randint", options.shape, { low: l.value, high: h.value });

  const [b1, b2] = split(k).map((subkey) => bitsFrom(subkey, shape, 0));
  const from = castTo(l.value, "uint32");
  const span = castTo(h.value, "uint32").sub(from);
  // b₁·2³² + b₂ mod s, where the square wraps to 0 for s > 2¹⁶. A span of 2³² reads as 0 and takes every word as it is.
  const half = mod(scalar(2 ** 16, "uint32"), span);
  const offset = mod(
    mod(b1, span)
      .mul(mod(half.mul(half), span))
      .add(mod(b2, span)),
    span,
  );
  return castTo(where(span.equal(0), b2, offset).add(from), dtype);
}

interface Bound {
  readonly value: Tensor;
  /** Set if it was a plain number: `high` may be one more than the dtype holds, and then the tensor has wrapped. */
  readonly number: number | null;
}

function readBound(name: string, x: TensorLike, least: number, most: number, dtype: "int32" | "uint32"): Bound {
  if (typeof x === "number") {
    if (!Number.isInteger(x) || x < least || x > most) {
      throw new DomainError(`randint: ${name} is ${x}; wants an integer in ${least}..${most} for ${dtype}.`);
    }
    return { value: scalar(x >>> 0, "uint32"), number: x };
  }
  const value = asTensor(x, "randint", name);
  if (!isInteger(value.dtype)) throw new DTypeError(`randint: ${name} is ${value.dtype}; wants int32 or uint32.`);
  return { value: castTo(value, dtype), number: null };
}

function checkBounds(low: Bound, high: Bound, shape: Shape): void {
  const refuse = (l: number, h: number): DomainError | null =>
    h > l ? null : new DomainError(`randint: high ${h} must exceed low ${l}.`);
  if (low.number !== null && high.number !== null) {
    const error = refuse(low.number, high.number);
    if (error !== null) throw error;
    return;
  }
  const tensors = [low, high].filter((bound) => bound.number === null);
  check(
    tensors.map((bound) => broadcastTo(bound.value, shape)),
    tensors.map(() => shape.length),
    (...elements) => {
      for (let i = 0; i < elements[0].length; i++) {
        const l = low.number ?? elements[0][i];
        const h = high.number ?? elements[elements.length - 1][i];
        const error = refuse(l, h);
        if (error !== null) return error;
      }
      return null;
    },
  );
}
