/** Loads and stores of vectors, and of the last few lanes of a row. */

import { itemSize, type DType } from "../../dtype.js";
import { node, simd, type Expression } from "./expression.js";
import type { LaneCount } from "./elementwise.js";
import type { FunctionBody } from "./module.js";

/** An array that a loop walks: a local holds the address of the current element. */
export interface Stream {
  readonly dtype: DType;
  pointer: number;
}

/** The next elements; `step` 0 gives the current one in all lanes, 1 its successors in memory. */
export function load(stream: Stream, step: 0 | 1, lanes: LaneCount, offset = 0): Expression {
  const { dtype } = stream;
  const at = (code: number): Expression => node([], (body) => body.get(stream.pointer).vectorAccess(code, offset));
  if (dtype === "bool") {
    if (step === 0) {
      const bytes = at(0x07);
      return lanes === 4 ? widenBool(bytes, 4) : widenBool(bytes, 2);
    }
    return widenBool(at(lanes === 4 ? 0x5c : 0x08), lanes);
  }
  if (dtype === "float64") return at(step === 0 ? 0x0a : 0x00);
  if (step === 0) return at(0x09);
  return at(lanes === 4 ? 0x00 : 0x5d);
}

/** Bytes 0 or 1 in the lowest lanes, as a mask. */
function widenBool(bytes: Expression, lanes: LaneCount): Expression {
  const words = simd(0xa9, simd(0x89, bytes));
  return lanes === 4 ? simd(0xa1, words) : simd(0xc1, simd(0xc9, words));
}

/** The expression that stands in memory for a value: bools become bytes. */
function stored(x: Expression, dtype: DType, lanes: LaneCount): Expression {
  if (dtype !== "bool") return x;
  // The lowest byte of each lane to the front, 1 for true.
  const width = 16 / lanes;
  const order = Array.from({ length: 16 }, (_, i) => (i < lanes ? i * width : 16));
  const bytes = node([x], (body) => body.simd(0x0c, ...new Array<number>(16).fill(0)).simd(0x0d, ...order));
  return simd(0x61, bytes);
}

/** What to write, and with which instruction, for whole vectors. */
export function storeVector(
  stream: Stream,
  x: Expression,
  lanes: LaneCount,
): { value: Expression; write: (body: FunctionBody, value: () => void) => void } {
  const { dtype } = stream;
  const value = stored(x, dtype, lanes);
  const size = itemSize(dtype) * lanes;
  return {
    value,
    write: (body, put) => {
      body.get(stream.pointer);
      put();
      if (size === 16) body.vectorAccess(0x0b);
      else body.vectorAccess(size === 8 ? 0x5b : size === 4 ? 0x5a : 0x59, 0, 0);
    },
  };
}

/** Writes lane `lane` alone. */
export function storeLane(stream: Stream, lane: number): (body: FunctionBody, value: () => void) => void {
  const size = itemSize(stream.dtype);
  const code = size === 8 ? 0x5b : size === 4 ? 0x5a : 0x58;
  return (body, put) => {
    body.get(stream.pointer);
    put();
    body.vectorAccess(code, lane * size, lane);
  };
}
