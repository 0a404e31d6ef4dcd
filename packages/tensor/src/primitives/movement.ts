/** Movement: the same elements in another arrangement. All linear. */

import { copy, gatherStrided, permute } from "../cpu/strided.js";
import { allocate } from "../memory.js";
import { sum } from "../ops/reduce.js";
import { zeros } from "../create.js";
import { broadcastTo, concat, pad, reshape, slice, transpose } from "../ops/movement.js";
import { dynamicUpdateSlice, dynamicSlice } from "../ops/dynamic.js";
import { coerceElement } from "../dtype.js";
import { invertPermutation, range, sizeOf, stridesOf, type Shape } from "../shape.js";
import { bind, bind1 } from "../transform/trace.js";
import { batchedDynamicSlice, batchedDynamicUpdateSlice } from "../ops/dynamic.js";
import { linear } from "./elementwise.js";
import { aval, definePrimitive, type Primitive } from "./primitive.js";

export const reshapePrimitive: Primitive<{ shape: Shape }> = /* @__PURE__ */ definePrimitive<{ shape: Shape }>({
  name: "reshape",
  loop: "reshape",
  shape: ([x], { shape }) => [aval(shape, x.dtype, x.weak)],
  jvp: /* @__PURE__ */ linear(() => reshapePrimitive),
  transpose: ([ct], [x]) => [reshape(ct!, x.shape)],
  batch: ([x], _batched, { shape }, size) => [reshape(x, [size, ...shape])],
  lower: ([x]) => [x.buffer],
});

/** Axis i of the result is axis permutation[i] of x. */
export const transposePrimitive: Primitive<{ permutation: readonly number[] }> = /* @__PURE__ */ definePrimitive<{
  permutation: readonly number[];
}>({
  name: "transpose",
  loop: "transpose",
  shape: ([x], { permutation }) => [
    aval(
      permutation.map((axis) => x.shape[axis]),
      x.dtype,
    ),
  ],
  jvp: /* @__PURE__ */ linear(() => transposePrimitive),
  transpose: ([ct], _inputs, _linear, { permutation }) => [transpose(ct!, invertPermutation(permutation))],
  batch: ([x], _batched, { permutation }) => [transpose(x, [0, ...permutation.map((axis) => axis + 1)])],
  lower: ([x], { permutation }) => [permute(x.dtype, x.buffer, x.shape, permutation)],
});

/** Axis i of x becomes axis axes[i] of the result, repeated where x has length 1; other axes are new. */
export const broadcastPrimitive: Primitive<{ shape: Shape; axes: readonly number[] }> =
  /* @__PURE__ */ definePrimitive<{ shape: Shape; axes: readonly number[] }>({
    name: "broadcast",
    loop: "broadcast",
    shape: ([x], { shape }) => [aval(shape, x.dtype, x.weak)],
    jvp: /* @__PURE__ */ linear(() => broadcastPrimitive),
    transpose: ([ct], [x], _linear, { shape, axes }) => {
      const repeated = range(shape.length).filter((axis) => {
        const own = axes.indexOf(axis);
        return own < 0 || x.shape[own] !== shape[axis];
      });
      return [reshape(sum(ct!, repeated), x.shape)];
    },
    batch: ([x], _batched, { shape, axes }, size) =>
      bind(broadcastPrimitive, [x], { shape: [size, ...shape], axes: [0, ...axes.map((axis) => axis + 1)] }),
    lower: ([x], { shape, axes }) => {
      const own = stridesOf(x.shape);
      const strides = new Array<number>(shape.length).fill(0);
      axes.forEach((axis, i) => (strides[axis] = x.shape[i] === 1 ? 0 : own[i]));
      return [gatherStrided(x.dtype, x.buffer, 0, strides, shape)];
    },
  });

export interface SliceParams {
  readonly start: readonly number[];
  /** Exclusive; start ≤ stop. */
  readonly stop: readonly number[];
  /** ≥ 1. */
  readonly step: readonly number[];
}

export const slicePrimitive: Primitive<SliceParams> = /* @__PURE__ */ definePrimitive<SliceParams>({
  name: "slice",
  loop: "slice",
  shape: ([x], { start, stop, step }) => [
    aval(
      start.map((s, i) => Math.ceil((stop[i] - s) / step[i])),
      x.dtype,
    ),
  ],
  jvp: /* @__PURE__ */ linear(() => slicePrimitive),
  // Interior padding puts zeros back between the elements that a step skipped.
  transpose: ([ct], [x], _linear, { start, step }) => [
    pad(
      ct!,
      start.map((s, i) => {
        const n = ct!.shape[i];
        const span = n === 0 ? 0 : (n - 1) * step[i] + 1;
        return [s, x.shape[i] - s - span, step[i] - 1] as const;
      }),
    ),
  ],
  batch: ([x], _batched, { start, stop, step }, size) => [slice(x, [0, ...start], [size, ...stop], [1, ...step])],
  lower: ([x], { start, step }, [out]) => {
    const strides = stridesOf(x.shape);
    const offset = start.reduce((sum, s, i) => sum + s * strides[i], 0);
    return [
      gatherStrided(
        x.dtype,
        x.buffer,
        offset,
        strides.map((s, i) => s * step[i]),
        out.shape,
      ),
    ];
  },
});

export interface PadParams {
  /** Elements before; negative crops. */
  readonly low: readonly number[];
  /** Elements after; negative crops. */
  readonly high: readonly number[];
  /** Elements between neighbours, ≥ 0. */
  readonly interior: readonly number[];
}

/** pad(x, fill): the second operand is the scalar to fill with. */
export const padPrimitive: Primitive<PadParams> = /* @__PURE__ */ definePrimitive<PadParams>({
  name: "pad",
  loop: "pad",
  shape: ([x], { low, high, interior }) => [
    aval(
      x.shape.map((n, i) => Math.max(0, n + Math.max(0, n - 1) * interior[i] + low[i] + high[i])),
      x.dtype,
    ),
  ],
  jvp: ([x], [dx, dFill], params) => [
    bind1(padPrimitive, [dx ?? zeros(x.shape, { dtype: x.dtype }), dFill ?? zeros([], { dtype: x.dtype })], params),
  ],
  transpose: ([ct], [x, fill], [xLinear, fillLinear], { low, high, interior }) => {
    const n = x.shape;
    // Undo the outer padding, then keep every (interior + 1)-th element. Of an x that is empty, or cropped away whole, nothing comes back.
    const nothing = sizeOf(n) === 0 || ct!.size === 0;
    const inner = nothing
      ? null
      : pad(
          ct!,
          low.map((l, i) => [-l, -high[i], 0] as const),
        );
    const own =
      inner === null
        ? zeros(n, { dtype: x.dtype })
        : slice(
            inner,
            n.map(() => 0),
            inner.shape,
            interior.map((i) => i + 1),
          );
    return [xLinear ? own : null, fillLinear ? sum(ct!).sub(sum(own)).reshape(fill.shape) : null];
  },
  batch: ([x, fill], [xBatched, fillBatched], { low, high, interior }, size) => {
    const params = { low: [0, ...low], high: [0, ...high], interior: [0, ...interior] };
    const whole = xBatched ? x : broadcastTo(x, [size, ...x.shape]);
    if (!fillBatched) return bind(padPrimitive, [whole, fill], params);
    // A fill for each row: pad values and a mask of where they are.
    const mask = bind1(
      padPrimitive,
      [zeros(whole.shape, { dtype: "bool" }), zeros([], { dtype: "bool" }).equal(false)],
      params,
    );
    const padded = bind1(padPrimitive, [whole, zeros([], { dtype: x.dtype })], params);
    return [mask.where(fill.reshape([size, ...new Array<number>(padded.rank - 1).fill(1)]), padded)];
  },
  lower: ([x, fill], { low, interior }, [out]) => {
    const y = allocate(x.dtype, sizeOf(out.shape));
    if (fill.buffer[0] !== 0) y.fill(coerceElement(fill.buffer[0], x.dtype));
    if (y.length === 0 || x.buffer.length === 0) return [y];
    const source = stridesOf(x.shape);
    const target = stridesOf(out.shape);
    let from = 0;
    let to = 0;
    const count: number[] = [];
    for (let i = 0; i < x.shape.length; i++) {
      // Element j lands at low + j (interior + 1): those with 0 ≤ place < length survive.
      const step = interior[i] + 1;
      const first = Math.max(0, Math.ceil(-low[i] / step));
      const last = Math.min(x.shape[i] - 1, Math.floor((out.shape[i] - 1 - low[i]) / step));
      if (last < first) return [y];
      count.push(last - first + 1);
      from += first * source[i];
      to += (low[i] + first * step) * target[i];
    }
    copy(
      x.dtype,
      x.buffer,
      from,
      source,
      y,
      to,
      target.map((s, i) => s * (interior[i] + 1)),
      count,
    );
    return [y];
  },
});

export const concatPrimitive: Primitive<{ axis: number }> = /* @__PURE__ */ definePrimitive<{ axis: number }>({
  name: "concat",
  loop: "concat",
  shape: (inputs, { axis }) => {
    const shape = [...inputs[0].shape];
    shape[axis] = inputs.reduce((sum, x) => sum + x.shape[axis], 0);
    return [aval(shape, inputs[0].dtype)];
  },
  jvp: (primals, tangents, { axis }) => [
    concat(
      tangents.map((dx, i) => dx ?? zeros(primals[i].shape, { dtype: primals[i].dtype })),
      axis,
    ),
  ],
  transpose: ([ct], inputs, linearInputs, { axis }) => {
    let at = 0;
    return inputs.map((x, i) => {
      const start = new Array<number>(x.shape.length).fill(0);
      start[axis] = at;
      at += x.shape[axis];
      return linearInputs[i]
        ? slice(
            ct!,
            start,
            x.shape.map((n, k) => start[k] + n),
          )
        : null;
    });
  },
  batch: (inputs, batched, { axis }, size) => [
    concat(
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      axis + 1,
    ),
  ],
  lower: (inputs, { axis }, [out]) => {
    const y = allocate(out.dtype, sizeOf(out.shape));
    const strides = stridesOf(out.shape);
    let at = 0;
    for (const x of inputs) {
      copy(x.dtype, x.buffer, 0, stridesOf(x.shape), y, at * strides[axis], strides, x.shape);
      at += x.shape[axis];
    }
    return [y];
  },
});

export const flipPrimitive: Primitive<{ axes: readonly number[] }> = /* @__PURE__ */ definePrimitive<{
  axes: readonly number[];
}>({
  name: "flip",
  loop: "flip",
  shape: ([x]) => [aval(x.shape, x.dtype)],
  jvp: /* @__PURE__ */ linear(() => flipPrimitive),
  transpose: ([ct], _inputs, _linear, params) => bind(flipPrimitive, [ct!], params),
  batch: ([x], _batched, { axes }) => bind(flipPrimitive, [x], { axes: axes.map((axis) => axis + 1) }),
  lower: ([x], { axes }) => {
    const strides = stridesOf(x.shape);
    let offset = 0;
    for (const axis of axes) {
      offset += Math.max(0, x.shape[axis] - 1) * strides[axis];
      strides[axis] = -strides[axis];
    }
    return [gatherStrided(x.dtype, x.buffer, offset, strides, x.shape)];
  },
});

/** Starts, clamped so that the window of `sizes` fits into `shape`. */
function clampStarts(starts: ArrayLike<number>, shape: Shape, sizes: Shape): number[] {
  return shape.map((n, i) => Math.min(Math.max(starts[i], 0), n - sizes[i]));
}

/** dynamicSlice(x, starts): a window of static size at int32 starts that clamp to fit. */
export const dynamicSlicePrimitive: Primitive<{ sizes: Shape }> = /* @__PURE__ */ definePrimitive<{ sizes: Shape }>({
  name: "dynamicSlice",
  shape: ([x], { sizes }) => [aval(sizes, x.dtype)],
  jvp: ([, starts], [dx], params) => (dx === null ? [null] : bind(dynamicSlicePrimitive, [dx, starts], params)),
  transpose: ([ct], [x, starts]) => [dynamicUpdateSlice(zeros(x.shape, { dtype: x.dtype }), ct!, starts), null],
  batch: ([x, starts], [xBatched, startsBatched], { sizes }, size) => [
    startsBatched
      ? batchedDynamicSlice(xBatched ? x : broadcastTo(x, [size, ...x.shape]), starts, sizes)
      : dynamicSlice(x, concat([zeros([1], { dtype: "int32" }), starts], 0), [size, ...sizes]),
  ],
  lower: ([x, starts], { sizes }) => {
    const strides = stridesOf(x.shape);
    const offset = clampStarts(starts.buffer, x.shape, sizes).reduce((sum, s, i) => sum + s * strides[i], 0);
    return [gatherStrided(x.dtype, x.buffer, offset, strides, sizes)];
  },
});

/** dynamicUpdateSlice(x, u, starts): x with u written at int32 starts that clamp to fit. Linear in x and u. */
export const dynamicUpdateSlicePrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "dynamicUpdateSlice",
  shape: ([x]) => [aval(x.shape, x.dtype)],
  jvp: ([x, u, starts], [dx, du]) => [
    dynamicUpdateSlice(dx ?? zeros(x.shape, { dtype: x.dtype }), du ?? zeros(u.shape, { dtype: u.dtype }), starts),
  ],
  transpose: ([ct], [, u, starts], [xLinear, uLinear]) => [
    xLinear ? dynamicUpdateSlice(ct!, zeros(u.shape, { dtype: u.dtype }), starts) : null,
    uLinear ? dynamicSlice(ct!, starts, u.shape) : null,
    null,
  ],
  batch: ([x, u, starts], [xBatched, uBatched, startsBatched], _params, size) => {
    const wholeX = xBatched ? x : broadcastTo(x, [size, ...x.shape]);
    const wholeU = uBatched ? u : broadcastTo(u, [size, ...u.shape]);
    return [
      startsBatched
        ? batchedDynamicUpdateSlice(wholeX, wholeU, starts)
        : dynamicUpdateSlice(wholeX, wholeU, concat([zeros([1], { dtype: "int32" }), starts], 0)),
    ];
  },
  lower: ([x, u, starts]) => {
    const y = allocate(x.dtype, x.buffer.length);
    y.set(x.buffer);
    const strides = stridesOf(x.shape);
    const offset = clampStarts(starts.buffer, x.shape, u.shape).reduce((sum, s, i) => sum + s * strides[i], 0);
    copy(x.dtype, u.buffer, 0, stridesOf(u.shape), y, offset, strides, u.shape);
    return [y];
  },
});
