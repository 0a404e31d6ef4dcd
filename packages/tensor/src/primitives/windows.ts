/** Sliding windows over the trailing axes: sums, and the index of the largest element, on which pooling stands. */

import { mod } from "../ops/elementwise.js";
import { pad } from "../ops/movement.js";
import { range, sizeOf, stridesOf, type Shape } from "../shape.js";
import { allocate } from "../memory.js";
import { bind, bind1 } from "../transform/trace.js";
import { dilated } from "./conv.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

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
    eachWindow(x, params, out.shape, (o, inside) => {
      let total = 0;
      for (let i = 0; i < inside.length; i++) total += x.buffer[inside.at[i]];
      y[o] = total;
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
    eachWindow(x, params, out.shape, (o, inside) => {
      let best = inside.length === 0 ? -1 : inside.at[0];
      for (let i = 1; i < inside.length; i++) {
        const v = x.buffer[inside.at[i]];
        const b = x.buffer[best];
        if (b === b && (v > b || v !== v)) best = inside.at[i];
      }
      y[o] = best;
    });
    return [y];
  },
});

interface Inside {
  /** Flat positions of the window's elements that are not padding, row-major; the first `length` count. */
  readonly at: Int32Array;
  length: number;
}

/** Visits the windows in row-major order. */
function eachWindow(
  x: HostArray,
  { window, stride, padding, dilation }: WindowParams,
  outShape: Shape,
  visit: (o: number, inside: Inside) => void,
): void {
  const rank = x.shape.length;
  const strides = stridesOf(x.shape);
  const count = sizeOf(window);
  const inside: Inside = { at: new Int32Array(count), length: 0 };
  const offsets = windowOffsets(window, dilation, strides);
  const start = new Array<number>(rank).fill(0);
  const collect = (axis: number, offset: number): void => {
    if (axis === rank) {
      inside.at[inside.length++] = offset;
      return;
    }
    for (let k = 0, p = start[axis]; k < window[axis]; k++, p += dilation[axis]) {
      if (p >= 0 && p < x.shape[axis]) collect(axis + 1, offset + p * strides[axis]);
    }
  };
  let o = 0;
  // `whole`: no element of the window is padding, so far; then its positions are fixed offsets from the first.
  const place = (axis: number, base: number, whole: boolean): void => {
    if (axis === rank) {
      inside.length = 0;
      if (whole) {
        for (let i = 0; i < count; i++) inside.at[i] = base + offsets[i];
        inside.length = count;
      } else collect(0, 0);
      visit(o++, inside);
      return;
    }
    const reach = dilated(window[axis], dilation[axis]);
    for (let j = 0, p = -padding[axis][0]; j < outShape[axis]; j++, p += stride[axis]) {
      start[axis] = p;
      place(axis + 1, base + p * strides[axis], whole && p >= 0 && p + reach <= x.shape[axis]);
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
