/** Reductions over static axes, without the axes they reduce. */

import * as kernels from "../cpu/kernels/reduce.js";
import { axesLast, permute } from "../cpu/strided.js";
import { allocate } from "../memory.js";
import type { TypedArray } from "../dtype.js";
import { productsOfOthers } from "../ops/cumulative.js";
import { broadcastInAxes, expandAxes } from "../ops/movement.js";
import { sum } from "../ops/reduce.js";
import { sizeOf, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind, bind1 } from "../transform/trace.js";
import { aval, definePrimitive, type HostArray, type Primitive, type PrimitiveRecord } from "./primitive.js";

export interface ReduceParams {
  /** Ascending. */
  readonly axes: readonly number[];
}

export function reducedShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Runs a row kernel: adjacent reduced axes are read in place, others are moved to the end first. */
function reduceRows(kernel: kernels.ReduceKernel, x: HostArray, axes: readonly number[], out: TypedArray): TypedArray {
  if (out.length === 0) return out;
  let data = x.buffer;
  let shape: Shape = x.shape;
  let first = axes.length === 0 ? shape.length : axes[0];
  if (axes.some((axis, i) => axis !== first + i)) {
    const order = axesLast(shape.length, axes);
    data = permute(x.dtype, data, shape, order);
    shape = order.map((axis) => x.shape[axis]);
    first = shape.length - axes.length;
  }
  const rows = sizeOf(shape.slice(first, first + axes.length));
  const columns = sizeOf(shape.slice(first + axes.length));
  for (let o = 0, at = 0; o < out.length; o += columns, at += rows * columns) kernel(data, at, rows, columns, out, o);
  return out;
}

function reduction(
  name: string,
  kernel: typeof kernels.sum,
  rules: Pick<PrimitiveRecord<ReduceParams>, "jvp" | "transpose">,
  index = false,
): Primitive<ReduceParams> {
  const primitive: Primitive<ReduceParams> = definePrimitive<ReduceParams>({
    name,
    loop: "reduce",
    shape: ([x], { axes }) => [aval(reducedShape(x.shape, axes), index ? "int32" : x.dtype)],
    ...rules,
    batch: ([x], _batched, { axes }) => bind(primitive, [x], { axes: axes.map((axis) => axis + 1) }),
    lower: ([x], { axes }, [out]) => [reduceRows(kernel[x.dtype]!, x, axes, allocate(out.dtype, sizeOf(out.shape)))],
  });
  return primitive;
}

export const sumPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("sum", kernels.sum, {
  jvp: (_primals, [dx], params) => [bind1(sumPrimitive, [dx!], params)],
  transpose: ([ct], [x], _linear, { axes }) => [broadcastInAxes(ct!, x.shape, axes)],
});

/** ẏ = Σ ẋᵢ Π_{j≠i} xⱼ, from exclusive products of both sides: exact with any number of zeros, to any order. */
export const prodPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("prod", kernels.prod, {
  jvp: ([x], [dx], { axes }) => {
    const order = axesLast(x.rank, axes);
    const kept = reducedShape(x.shape, axes);
    const rows = (y: Tensor): Tensor => y.transpose(order).reshape([...kept, -1]);
    if (x.size === 0) return [sum(dx!, axes)];
    return [sum(rows(dx!).mul(productsOfOthers(rows(x))), -1)];
  },
});

/** Elements that attain the extreme share its tangent equally. */
const shareOfAttained: NonNullable<PrimitiveRecord<ReduceParams>["jvp"]> = ([x], [dx], { axes }, [y]) => {
  const attained = x.equal(expandAxes(y, axes)).cast(dx!.dtype);
  return [sum(attained.mul(dx!), axes).div(sum(attained, axes))];
};

export const maxPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("max", kernels.max, {
  jvp: shareOfAttained,
});
export const minPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("min", kernels.min, {
  jvp: shareOfAttained,
});

/** One axis; the first NaN wins, else the first extreme. */
export const argMaxPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("argMax", kernels.argMax, {}, true);
export const argMinPrimitive: Primitive<ReduceParams> = /* @__PURE__ */ reduction("argMin", kernels.argMin, {}, true);
