/** The general contraction. */

import { matmul } from "../cpu/kernels/matmul.js";
import { permute } from "../cpu/strided.js";
import { allocate } from "../memory.js";
import { moveAxis, transpose } from "../ops/movement.js";
import { invertPermutation, range, sizeOf, stridesOf, type Shape } from "../shape.js";
import { bind, bind1 } from "../transform/trace.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";

/** Axes of the left and of the right operand, paired by position. */
export interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

const freeAxes = (rank: number, contract: readonly number[], batch: readonly number[]): number[] =>
  range(rank).filter((axis) => !contract.includes(axis) && !batch.includes(axis));

/** dot(x, y): sums of products over the contracted pairs; result axes are batch ++ x's free ++ y's free. Bilinear. */
export const dotPrimitive: Primitive<DotParams> = /* @__PURE__ */ definePrimitive<DotParams>({
  name: "dot",
  shape: ([x, y], { contract: [xc, yc], batch: [xb, yb] }) => [
    aval(
      [
        ...xb.map((axis) => x.shape[axis]),
        ...freeAxes(x.shape.length, xc, xb).map((axis) => x.shape[axis]),
        ...freeAxes(y.shape.length, yc, yb).map((axis) => y.shape[axis]),
      ],
      x.dtype,
    ),
  ],
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
    if (xLinear) {
      // x̄ = ȳ · y over y's free axes: axes come as batch, x's free, and x's contracted in the order of y's axes.
      const bar = bind1(dotPrimitive, [ct!, y], { contract: [ctY, yFree], batch: [range(nb), yb] });
      const order = [...xb, ...xFree, ...sortedBy(xc, yc)];
      return [transpose(bar, invertPermutation(order)), null];
    }
    const bar = bind1(dotPrimitive, [ct!, x], { contract: [ctX, xFree], batch: [range(nb), xb] });
    const order = [...yb, ...yFree, ...sortedBy(yc, xc)];
    return [null, transpose(bar, invertPermutation(order))];
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
  lower: ([x, y], { contract: [xc, yc], batch: [xb, yb] }, [out]) => {
    const a = asMatrices(x, xb, freeAxes(x.shape.length, xc, xb), xc);
    const b = asMatrices(y, yb, yc, freeAxes(y.shape.length, yc, yb));
    const c = allocate(out.dtype, sizeOf(out.shape));
    if (c.length === 0) return [c];
    const kernel = matmul[x.dtype]!;
    const count = sizeOf(xb.map((axis) => x.shape[axis]));
    for (let i = 0; i < count; i++) {
      kernel(
        a.rows, b.columns, a.columns,
        a.data, i * a.step, a.rowStride, a.columnStride,
        b.data, i * b.step, b.rowStride, b.columnStride,
        c, i * a.rows * b.columns,
      ); // prettier-ignore
    }
    return [c];
  },
});

/** `axes` in the order in which their partners ascend. */
function sortedBy(axes: readonly number[], partners: readonly number[]): number[] {
  return range(axes.length)
    .sort((i, j) => partners[i] - partners[j])
    .map((i) => axes[i]);
}

interface Matrices {
  readonly data: HostArray["buffer"];
  readonly rows: number;
  readonly columns: number;
  /** From one matrix of the batch to the next. */
  readonly step: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The operand as a batch of matrices, read in place where its axes allow, else permuted first. */
function asMatrices(
  x: HostArray,
  batch: readonly number[],
  rowAxes: readonly number[],
  columnAxes: readonly number[],
): Matrices {
  const strides = stridesOf(x.shape);
  const rows = sizeOf(rowAxes.map((axis) => x.shape[axis]));
  const columns = sizeOf(columnAxes.map((axis) => x.shape[axis]));
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
  const long = axes.filter((axis) => shape[axis] !== 1);
  if (long.length === 0) return 0;
  for (let i = 1; i < long.length; i++) {
    if (strides[long[i - 1]] !== strides[long[i]] * shape[long[i]]) return null;
  }
  return strides[long[long.length - 1]];
}
