/** Operands of the conformance suite: shapes with reproducible values that every float dtype holds exactly. */

import { fromTypedArray } from "../create.js";
import { coerceElement, isFloat, type DType } from "../dtype.js";
import { own } from "../memory.js";
import { hash, threefry2x32 } from "../primitives/threefry.js";
import { sizeOf, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Uniform numbers in [0, 1), multiples of 2⁻²⁴. */
export type Uniform = () => number;

/** One operand of an example. */
export interface Operand {
  readonly shape: Shape;
  /** Default: the dtype under test. */
  readonly dtype?: DType;
  /** `count` elements; rounded to float32, so that float32 and float64 compute with the same numbers. */
  draw(uniform: Uniform, count: number): ArrayLike<number>;
}

function eachDrawn(shape: Shape, element: (uniform: Uniform) => number): Operand {
  return { shape, draw: (uniform, count) => Array.from({ length: count }, () => element(uniform)) };
}

/** Numbers in [from, to). */
export function real(shape: Shape, from = -2, to = 2): Operand {
  return eachDrawn(shape, (uniform) => from + (to - from) * uniform());
}

/** Numbers of both signs with 0.4 ≤ |x| < 2: away from what happens at 0. */
export function awayFromZero(shape: Shape): Operand {
  return eachDrawn(shape, (uniform) => {
    const v = 3.2 * (uniform() - 0.5);
    return v < 0 ? v - 0.4 : v + 0.4;
  });
}

/** Numbers at least ¼ from every integer and half-integer step of `floor`, `round`: k + 0.3 ± 0.05. */
export function betweenSteps(shape: Shape): Operand {
  return eachDrawn(shape, (uniform) => Math.floor(6 * uniform()) - 3 + 0.25 + 0.1 * uniform());
}

/** Numbers of which no two are closer than 0.1: an order that small steps do not change. */
export function distinct(shape: Shape): Operand {
  return {
    shape,
    draw: (uniform, count) => {
      const keys = Array.from({ length: count }, uniform);
      const ranks = Array.from(keys.keys()).sort((i, j) => keys[i] - keys[j]);
      const values = new Float64Array(count);
      ranks.forEach((i, rank) => (values[i] = (rank - count / 2) * 0.125 + 0.02 * uniform()));
      return values;
    },
  };
}

/** The given numbers, over and over. */
export function cycle(shape: Shape, values: readonly number[]): Operand {
  return { shape, draw: (_uniform, count) => Array.from({ length: count }, (_, i) => values[i % values.length]) };
}

/** int32 numbers in from…to − 1. */
export function index(shape: Shape, to: number, from = 0): Operand {
  return { ...eachDrawn(shape, (uniform) => from + Math.floor((to - from) * uniform())), dtype: "int32" };
}

/** Bools. */
export function flag(shape: Shape): Operand {
  return { ...eachDrawn(shape, (uniform) => (uniform() < 0.5 ? 0 : 1)), dtype: "bool" };
}

/** Any bits at all. */
export function word(shape: Shape): Operand {
  return { ...eachDrawn(shape, (uniform) => Math.floor(uniform() * 2 ** 32)), dtype: "uint32" };
}

/** A stream of uniform numbers of its own for each text. */
export function uniformOf(text: string): Uniform {
  let seed = 0;
  for (let i = 0; i < text.length; i++) seed = (Math.imul(seed, 31) + text.charCodeAt(i)) | 0;
  let counter = 0;
  return () => {
    threefry2x32(seed, 0, 0, counter++);
    return (hash[0] >>> 8) / 2 ** 24;
  };
}

/** The operand's values as a tensor; integers are eighths of the real numbers that were drawn. */
export function make(operand: Operand, dtype: DType, uniform: Uniform): Tensor {
  const type = operand.dtype ?? dtype;
  const drawn = operand.draw(uniform, sizeOf(operand.shape));
  const elements = own(type, drawn.length);
  for (let i = 0; i < drawn.length; i++) {
    const v = operand.dtype === undefined && !isFloat(type) && type !== "bool" ? Math.round(8 * drawn[i]) : drawn[i];
    elements[i] = isFloat(type)
      ? Math.fround(v)
      : coerceElement(type === "bool" && operand.dtype === undefined ? +(v > 0) : v, type);
  }
  return fromTypedArray(elements, operand.shape, type);
}
