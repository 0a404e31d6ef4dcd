/** The general contraction. */

import { multiplyMatrices, type Matrices } from "../cpu/matrix-product.js";
import { permute } from "../cpu/strided.js";
import { moveAxis, transpose } from "../ops/movement.js";
import { invertPermutation, range, sizeAlong, stridesOf, type Shape } from "../shape.js";
import { bind, bind1 } from "../transform/trace.js";
import type { Tensor } from "../tensor.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

/** Axes of the left and of the right operand, paired by position. */
export interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

function freeAxes(rank: number, contract: readonly number[], batch: readonly number[]): number[] {
  const free: number[] = [];
  for (let axis = 0; axis < rank; axis++) if (!contract.includes(axis) && !batch.includes(axis)) free.push(axis);
  return free;
}

/** dot(x, y): sums of products over the contracted pairs; result axes are batch ++ x's free ++ y's free. Bilinear. */
export const dotPrimitive: Primitive<DotParams> = /* @__PURE__ */ definePrimitive<DotParams>({
  name: "dot",
  loop: "dot",
  shape: ([x, y], { contract: [xc, yc], batch: [xb, yb] }) => {
    const shape: number[] = [];
    for (const axis of xb) shape.push(x.shape[axis]);
    for (const axis of freeAxes(x.shape.length, xc, xb)) shape.push(x.shape[axis]);
    for (const axis of freeAxes(y.shape.length, yc, yb)) shape.push(y.shape[axis]);
    return [aval(shape, x.dtype)];
  },
  jvp: ([x, y], [dx, dy], params) => {
    const fromX = dx === null ? null : bind1(dotPrimitive, [dx, y], params);
    const fromY = dy === null ? null : bind1(dotPrimitive, [x, dy], params);
    return [fromX === null ? fromY : fromY === null ? fromX : fromX.add(fromY)];
  },
  transpose: ([ct], [x, y], [xLinear], { contract: [xc, yc], batch: [xb, yb] }) => {
    const xFree = freeAxes(x.shape.length, xc, xb);
    const yFree = freeAxes(y.shape.length, yc, yb);
    const nb = xb.length;
    const ctX = range(xFree.length).map((i) => nb + i);
    const ctY = range(yFree.length).map((i) => nb + xFree.length + i);
    // x̄ = ȳ · y over y's free axes, and ȳ · x over x's free axes for y.
    return xLinear
      ? [contractBack(ct!, ctY, y, yFree, yb, xb, xFree, sortedBy(xc, yc)), null]
      : [null, contractBack(ct!, ctX, x, xFree, xb, yb, yFree, sortedBy(yc, xc))];
  },
  batch: ([x, y], [xBatched, yBatched], { contract: [xc, yc], batch: [xb, yb] }) => {
    const up = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);
    if (xBatched && yBatched) {
      return bind(dotPrimitive, [x, y], {
        contract: [up(xc), up(yc)],
        batch: [
          [0, ...up(xb)],
          [0, ...up(yb)],
        ],
      });
    }
    // One operand is batched: its batch axis is one more free axis, and moves to the front of the result.
    if (xBatched) {
      const out = bind1(dotPrimitive, [x, y], { contract: [up(xc), yc], batch: [up(xb), yb] });
      return [moveAxis(out, xb.length, 0)];
    }
    const out = bind1(dotPrimitive, [x, y], { contract: [xc, up(yc)], batch: [xb, up(yb)] });
    return [moveAxis(out, xb.length + freeAxes(x.rank, xc, xb).length, 0)];
  },
  lower: ([x, y], { contract: [xc, yc], batch: [xb, yb] }) => {
    const a = asMatrices(x, xb, freeAxes(x.shape.length, xc, xb), xc);
    const b = asMatrices(y, yb, yc, freeAxes(y.shape.length, yc, yb));
    return [multiplyMatrices(x.dtype, sizeAlong(x.shape, xb), a, b)];
  },
});

/**
 * The cotangent of one operand: the result's contracted with the other operand over that one's free axes. Batch axes come out first, then
 * the free axes of whichever stands on the left: the side is chosen so that nothing need be transposed, if one of them does.
 *
 * @param batch, free, contracted - The operand's own axes, the last in the order of their partners in `other`.
 */
function contractBack(
  ct: Tensor,
  ctAxes: readonly number[],
  other: Tensor,
  otherFree: readonly number[],
  otherBatch: readonly number[],
  batch: readonly number[],
  free: readonly number[],
  contracted: readonly number[],
): Tensor {
  const ctBatch = range(batch.length);
  if ([...batch, ...contracted, ...free].every((axis, i) => axis === i)) {
    return bind1(dotPrimitive, [other, ct], { contract: [otherFree, ctAxes], batch: [otherBatch, ctBatch] });
  }
  const bar = bind1(dotPrimitive, [ct, other], { contract: [ctAxes, otherFree], batch: [ctBatch, otherBatch] });
  return transpose(bar, invertPermutation([...batch, ...free, ...contracted]));
}

/** `axes` in the order in which their partners ascend. */
function sortedBy(axes: readonly number[], partners: readonly number[]): number[] {
  return range(axes.length)
    .sort((i, j) => partners[i] - partners[j])
    .map((i) => axes[i]);
}

/** The operand as a batch of matrices, read in place where its axes allow, else permuted first. */
function asMatrices(
  x: HostArray,
  batch: readonly number[],
  rowAxes: readonly number[],
  columnAxes: readonly number[],
): Matrices {
  const strides = stridesOf(x.shape);
  const rows = sizeAlong(x.shape, rowAxes);
  const columns = sizeAlong(x.shape, columnAxes);
  const step = singleStride(x.shape, strides, batch);
  const rowStride = singleStride(x.shape, strides, rowAxes);
  const columnStride = singleStride(x.shape, strides, columnAxes);
  if (step !== null && rowStride !== null && columnStride !== null) {
    return { data: x.buffer, rows, columns, step, rowStride, columnStride };
  }
  const data = permute(x.dtype, x.buffer, x.shape, [...batch, ...rowAxes, ...columnAxes]);
  return { data, rows, columns, step: rows * columns, rowStride: columns, columnStride: 1 };
}

/** The stride with which a group of axes is walked as one, or null if there is none. */
function singleStride(shape: Shape, strides: readonly number[], axes: readonly number[]): number | null {
  let inner = 0;
  let outer = 0;
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i];
    if (shape[axis] === 1) continue;
    if (inner === 0) inner = strides[axis];
    else if (strides[axis] !== outer) return null;
    outer = strides[axis] * shape[axis];
  }
  return inner;
}
