/** Sliding windows over the trailing axes: sums, and the index of the largest element, on which pooling stands. */

import { mod } from "../ops/elementwise.js";
import { pad } from "../ops/movement.js";
import { range, sizeOf, stridesOf, type Shape } from "../shape.js";
import { allocate } from "../memory.js";
import { bind, bind1 } from "../transform/trace.js";
import { dilated } from "./conv.js";
import { aval, definePrimitive, type Primitive } from "./primitive.js";

/** One number per axis of the operand; axes that are not pooled have window 1. */
export interface WindowParams {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [low: number, high: number])[];
  readonly dilation: readonly number[];
}

export function windowedShape(shape: Shape, { window, stride, padding, dilation }: WindowParams): number[] {
  return shape.map((n, i) => {
    const room = n + padding[i][0] + padding[i][1] - dilated(window[i], dilation[i]);
    return Math.max(0, Math.floor(room / stride[i]) + 1);
  });
}

function batched({ window, stride, padding, dilation }: WindowParams): WindowParams {
  return { window: [1, ...window], stride: [1, ...stride], padding: [[0, 0], ...padding], dilation: [1, ...dilation] };
}

/** Sum over each window; padding counts as 0. Linear. */
export const windowSumPrimitive: Primitive<WindowParams> = /* @__PURE__ */ definePrimitive<WindowParams>({
  name: "windowSum",
  shape: ([x], params) => [aval(windowedShape(x.shape, params), x.dtype)],
  jvp: (_primals, [dx], params) => [bind1(windowSumPrimitive, [dx!], params)],
  // Put back the zeros that strides skipped, pad so that every window that saw an element sees its cotangent, and sum with stride 1.
  transpose: ([ct], [x], _linear, { window, stride, padding, dilation }) => {
    const spread = pad(
      ct!,
      range(x.rank).map((i) => {
        const reach = dilated(window[i], dilation[i]);
        const [low] = padding[i];
        return [reach - 1 - low, x.shape[i] + low - dilated(ct!.shape[i], stride[i]), stride[i] - 1] as const;
      }),
    );
    return bind(windowSumPrimitive, [spread], {
      window,
      stride: window.map(() => 1),
      padding: window.map(() => [0, 0] as const),
      dilation,
    });
  },
  batch: ([x], _batched, params) => bind(windowSumPrimitive, [x], batched(params)),
  lower: ([x], params, [out]) => {
    const y = allocate(x.dtype, sizeOf(out.shape));
    const data = x.buffer;
    eachWindow(x.shape, params, out.shape, {
      whole: (o, base, count, step, offsets) => {
        for (let j = 0; j < count; j++) {
          let total = 0;
          for (let i = 0; i < offsets.length; i++) total += data[base + j * step + offsets[i]];
          y[o + j] = total;
        }
      },
      partial: (o, at) => {
        let total = 0;
        for (const position of at) total += data[position];
        y[o] = total;
      },
    });
    return [y];
  },
});

/** Flat index into x of the largest element of each window: the first in row-major order, NaN the largest of all. −1 if all is padding. */
export const windowArgMaxPrimitive: Primitive<WindowParams> = /* @__PURE__ */ definePrimitive<WindowParams>({
  name: "windowArgMax",
  shape: ([x], params) => [aval(windowedShape(x.shape, params), "int32")],
  batch: ([x], _batched, params) => {
    // Indices are flat in one example; those of the whole batch are taken back by its offset.
    const [whole] = bind(windowArgMaxPrimitive, [x], batched(params));
    const size = sizeOf(x.shape.slice(1));
    return [size === 0 ? whole : whole.equal(-1).where(-1, mod(whole, size))];
  },
  lower: ([x], params, [out]) => {
    const y = allocate("int32", sizeOf(out.shape));
    const data = x.buffer;
    eachWindow(x.shape, params, out.shape, {
      whole: (o, base, count, step, offsets) => {
        for (let j = 0; j < count; j++) {
          const first = base + j * step;
          let best = first;
          let largest = data[first];
          for (let i = 1; i < offsets.length; i++) {
            const v = data[first + offsets[i]];
            if (v > largest || (v !== v && largest === largest)) {
              best = first + offsets[i];
              largest = v;
            }
          }
          y[o + j] = best;
        }
      },
      partial: (o, at) => {
        let best = at[0] ?? -1;
        for (const position of at) {
          const [v, largest] = [data[position], data[best]];
          if (v > largest || (v !== v && largest === largest)) best = position;
        }
        y[o] = best;
      },
    });
    return [y];
  },
});

/** What is done with windows; `o` counts them in row-major order. */
interface Visitor {
  /** `count` windows without padding that follow each other along the last axis, `step` elements apart; offsets are from the first. */
  readonly whole: (o: number, base: number, count: number, step: number, offsets: Int32Array) => void;
  /** One that reaches into the padding: the flat positions of its other elements, row-major. */
  readonly partial: (o: number, at: readonly number[]) => void;
}

/** Visits the windows in row-major order. Those without padding come in runs, whose loops compilers can make fast. */
function eachWindow(
  shape: Shape,
  { window, stride, padding, dilation }: WindowParams,
  outShape: Shape,
  { whole, partial }: Visitor,
): void {
  if (outShape.includes(0)) return;
  const last = shape.length - 1;
  const strides = stridesOf(shape);
  const offsets = windowOffsets(window, dilation, strides);
  if (shape.length === 0) {
    whole(0, 0, 1, 0, offsets);
    return;
  }
  const reach = window.map((k, axis) => dilated(k, dilation[axis]));
  // Windows first … end − 1 of an axis have no padding along it.
  const runs = shape.map((n, axis) => {
    const first = Math.min(outShape[axis], Math.ceil(padding[axis][0] / stride[axis]));
    const end = Math.min(outShape[axis], Math.floor((n + padding[axis][0] - reach[axis]) / stride[axis]) + 1);
    return { first: Math.max(0, first), end: Math.max(0, first, end) };
  });
  const start = new Array<number>(shape.length).fill(0);
  const collect = (axis: number, offset: number, at: number[]): number[] => {
    if (axis > last) at.push(offset);
    else {
      for (let k = 0, p = start[axis]; k < window[axis]; k++, p += dilation[axis]) {
        if (p >= 0 && p < shape[axis]) collect(axis + 1, offset + p * strides[axis], at);
      }
    }
    return at;
  };
  let o = 0;
  const place = (axis: number, base: number, inside: boolean): void => {
    const { first, end } = runs[axis];
    const low = padding[axis][0];
    for (let j = 0; j < outShape[axis]; j++) {
      start[axis] = j * stride[axis] - low;
      const from = base + start[axis] * strides[axis];
      const unpadded = inside && j >= first && j < end;
      if (axis < last) place(axis + 1, from, unpadded);
      else if (unpadded) {
        whole(o, from, end - j, stride[axis], offsets);
        o += end - j;
        j = end - 1;
      } else partial(o++, collect(0, 0, []));
    }
  };
  place(0, 0, true);
}

/** Flat offsets of a window's elements from its first, row-major. */
function windowOffsets(window: readonly number[], dilation: readonly number[], strides: readonly number[]): Int32Array {
  let offsets = [0];
  window.forEach((n, axis) => {
    offsets = offsets.flatMap((o) => range(n).map((k) => o + k * dilation[axis] * strides[axis]));
  });
  return Int32Array.from(offsets);
}
