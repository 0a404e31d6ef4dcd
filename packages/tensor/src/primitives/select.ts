/** Choosing, converting, and cutting the derivative. */

import { broadcastRuns } from "../cpu/strided.js";
import { cast as castKernels } from "../cpu/kernels/cast.js";
import { select as selectKernels } from "../cpu/kernels/copy.js";
import { isFloat, itemSize, type DType, type TypedArray } from "../dtype.js";
import { allocate } from "../memory.js";
import { broadcastTo } from "../ops/movement.js";
import { sumTo } from "../ops/reduce.js";
import { where } from "../ops/select.js";
import { broadcastShapes, sameShape, sizeOf } from "../shape.js";
import { bind, bind1 } from "../transform/trace.js";
import { alignRanks } from "./elementwise.js";
import { aval, definePrimitive, type Primitive } from "./primitive.js";

/** select(c, x, y): x where c, else y; c, x and y broadcast. Linear in x and y. */
export const selectPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "select",
  loop: "select",
  shape: ([c, x, y]) => [
    aval(broadcastShapes(c.shape, broadcastShapes(x.shape, y.shape, "where"), "where"), x.dtype, x.weak && y.weak),
  ],
  jvp: ([c], [, dx, dy], _params, [z]) => [broadcastTo(where(c, dx ?? 0, dy ?? 0), z.shape)],
  transpose: ([ct], [c, x, y], [, xLinear, yLinear]) => [
    null,
    xLinear ? sumTo(where(c, ct!, 0), x.shape) : null,
    yLinear ? sumTo(where(c, 0, ct!), y.shape) : null,
  ],
  batch: (inputs, batched) => bind(selectPrimitive, alignRanks(inputs, batched), null),
  lower: ([c, x, y], _params, [out]) => {
    const kernel = selectKernels[x.dtype]!;
    const z = allocate(x.dtype, sizeOf(out.shape));
    const mask = c.buffer as Uint8Array;
    if (sameShape(c.shape, out.shape)) {
      broadcastRuns(x.shape, y.shape, out.shape, (xo, xs, yo, ys, oo, n) =>
        kernel(mask, oo, 1, x.buffer, xo, xs, y.buffer, yo, ys, z, oo, n),
      );
    } else {
      // x and y are few elements or whole arrays; the condition is made whole so that two broadcast operands remain.
      const whole = new Uint8Array(z.length);
      broadcastRuns(c.shape, out.shape, out.shape, (co, cs, _yo, _ys, oo, n) => {
        for (let i = 0; i < n; i++, co += cs) whole[oo + i] = mask[co];
      });
      broadcastRuns(x.shape, y.shape, out.shape, (xo, xs, yo, ys, oo, n) =>
        kernel(whole, oo, 1, x.buffer, xo, xs, y.buffer, yo, ys, z, oo, n),
      );
    }
    return [z];
  },
});

/** Conversion of dtype: linear between floats, else with zero derivative. Floats to integers truncate and saturate. */
export const castPrimitive: Primitive<{ dtype: DType }> = /* @__PURE__ */ definePrimitive<{ dtype: DType }>({
  name: "cast",
  loop: "cast",
  shape: ([x], { dtype }) => [aval(x.shape, dtype)],
  jvp: (_primals, [dx], { dtype }) => [isFloat(dtype) ? bind1(castPrimitive, [dx!], { dtype }) : null],
  transpose: ([ct], [x]) => [bind1(castPrimitive, [ct!], { dtype: x.dtype })],
  batch: (inputs, _batched, params) => bind(castPrimitive, inputs, params),
  lower: ([x], { dtype }) => {
    if (x.dtype === dtype) return [x.buffer];
    const out = allocate(dtype, x.buffer.length);
    castKernels[x.dtype][dtype](x.buffer, out, out.length);
    return [out];
  },
});

/** The same bits read as another dtype of the same size. */
export const bitcastPrimitive: Primitive<{ dtype: DType }> = /* @__PURE__ */ definePrimitive<{ dtype: DType }>({
  name: "bitcast",
  shape: ([x], { dtype }) => [aval(x.shape, dtype)],
  batch: (inputs, _batched, params) => bind(bitcastPrimitive, inputs, params),
  lower: ([x], { dtype }) => {
    const out: TypedArray = allocate(dtype, x.buffer.length);
    const bytes = x.buffer.length * itemSize(dtype);
    new Uint8Array(out.buffer, out.byteOffset, bytes).set(new Uint8Array(x.buffer.buffer, x.buffer.byteOffset, bytes));
    return [out];
  },
});

/** The identity with derivative zero. */
export const stopGradientPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "stopGradient",
  loop: "identity",
  shape: ([x]) => [x],
  jvp: () => [null],
  batch: (inputs) => bind(stopGradientPrimitive, inputs, null),
  lower: ([x]) => [x.buffer],
});
