/** Values that no operand is needed for. */

import { coerceElement, type DType } from "../dtype.js";
import { allocate } from "../memory.js";
import { sizeOf, type Shape } from "../shape.js";
import { aval, definePrimitive, type Primitive } from "./primitive.js";

export interface FullParams {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly value: number;
}

export const fullPrimitive: Primitive<FullParams> = /* @__PURE__ */ definePrimitive<FullParams>({
  name: "full",
  loop: "full",
  shape: (_inputs, { shape, dtype }) => [aval(shape, dtype)],
  lower: (_inputs, { shape, dtype, value }) => {
    const out = allocate(dtype, sizeOf(shape));
    const element = coerceElement(value, dtype);
    if (element !== 0 || Object.is(element, -0)) out.fill(element);
    return [out];
  },
});

export interface IotaParams {
  readonly length: number;
  readonly dtype: DType;
}

/** 0, 1, …, length − 1. */
export const iotaPrimitive: Primitive<IotaParams> = /* @__PURE__ */ definePrimitive<IotaParams>({
  name: "iota",
  shape: (_inputs, { length, dtype }) => [aval([length], dtype)],
  lower: (_inputs, { length, dtype }) => {
    const out = allocate(dtype, length);
    for (let i = 0; i < length; i++) out[i] = i;
    return [out];
  },
});
