/** Cumulative operations along one axis. */

import * as kernels from "../cpu/kernels/cumulative.js";
import { allocate } from "../memory.js";
import { shiftAlong } from "../ops/cumulative.js";
import { broadcastTo } from "../ops/movement.js";
import { sizeOf } from "../shape.js";
import { bind, bind1 } from "../transform/trace.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

export interface CumulativeParams {
  readonly axis: number;
  /** From the last element to the first. */
  readonly reverse: boolean;
}

/** Calls `line(offset, step)` for every line along the axis. */
function eachLine(
  x: HostArray,
  { axis, reverse }: CumulativeParams,
  line: (o: number, s: number, n: number) => void,
): void {
  const n = x.shape[axis];
  const step = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  if (n === 0) return;
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < step; b++) {
      const o = a * n * step + b;
      if (reverse) line(o + (n - 1) * step, -step, n);
      else line(o, step, n);
    }
  }
}

const batched = ({ axis, reverse }: CumulativeParams): CumulativeParams => ({ axis: axis + 1, reverse });

export const cumsumPrimitive: Primitive<CumulativeParams> = /* @__PURE__ */ definePrimitive<CumulativeParams>({
  name: "cumsum",
  shape: ([x]) => [aval(x.shape, x.dtype)],
  jvp: (_primals, [dx], params) => [bind1(cumsumPrimitive, [dx!], params)],
  transpose: ([ct], _inputs, _linear, { axis, reverse }) => [
    bind1(cumsumPrimitive, [ct!], { axis, reverse: !reverse }),
  ],
  batch: ([x], _batched, params) => bind(cumsumPrimitive, [x], batched(params)),
  lower: ([x], params) => {
    const out = allocate(x.dtype, x.buffer.length);
    eachLine(x, params, (o, s, n) => kernels.cumsum[x.dtype]!(x.buffer, o, s, n, out));
    return [out];
  },
});

/**
 * linearRecurrence(a, b): z_i = a_i z_(i−1) + b_i, z_(−1) = 0. Linear in b; its transpose is itself in the other direction with a moved by
 * one. cumprod, discounted returns, moving averages and IIR filters stand on it, and no rule divides.
 */
export const linearRecurrencePrimitive: Primitive<CumulativeParams> = /* @__PURE__ */ definePrimitive<CumulativeParams>(
  {
    name: "linearRecurrence",
    shape: ([a]) => [aval(a.shape, a.dtype)],
    jvp: ([a], [da, db], params, [z]) => {
      // ż_i = a_i ż_(i−1) + (ȧ_i z_(i−1) + ḃ_i)
      const fromA = da === null ? null : da.mul(shiftAlong(z, params, 0));
      const forcing = fromA === null ? db! : db === null ? fromA : fromA.add(db);
      return bind(linearRecurrencePrimitive, [a, forcing], params);
    },
    transpose: ([ct], [a], _linear, { axis, reverse }) => {
      // b̄_i = z̄_i + a_(i+1) b̄_(i+1)
      const next = shiftAlong(a, { axis, reverse: !reverse }, 0);
      return [null, bind1(linearRecurrencePrimitive, [next, ct!], { axis, reverse: !reverse })];
    },
    batch: ([a, b], [aBatched, bBatched], params, size) =>
      bind(
        linearRecurrencePrimitive,
        [aBatched ? a : broadcastTo(a, [size, ...a.shape]), bBatched ? b : broadcastTo(b, [size, ...b.shape])],
        batched(params),
      ),
    lower: ([a, b], params) => {
      const out = allocate(a.dtype, a.buffer.length);
      eachLine(a, params, (o, s, n) => kernels.linearRecurrence[a.dtype]!(a.buffer, b.buffer, o, s, n, out));
      return [out];
    },
  },
);

/** Index along the axis of the first element, in scan order, that attains the running maximum; NaN counts as the maximum. */
export const cumArgMaxPrimitive: Primitive<CumulativeParams> = /* @__PURE__ */ definePrimitive<CumulativeParams>({
  name: "cumArgMax",
  shape: ([x]) => [aval(x.shape, "int32")],
  batch: ([x], _batched, params) => bind(cumArgMaxPrimitive, [x], batched(params)),
  lower: ([x], params) => {
    const out = allocate("int32", x.buffer.length);
    eachLine(x, params, (o, s, n) => kernels.cumArgMax[x.dtype]!(x.buffer, o, s, n, out));
    return [out];
  },
});
