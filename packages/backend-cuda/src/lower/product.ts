/** Contractions: products of matrices that lie as they lie, by the library or by an own kernel. */

import { printProduct, productThreads, productTile } from "../codegen/product.js";
import { addressOf, type MatrixOperand } from "../plan.js";
import { indexArguments, type Planner } from "../planner.js";
import {
  isContiguous,
  mergeDimensions,
  reshapeView,
  sizeOf,
  stridesOf,
  transposeView,
  wholeView,
  type View,
} from "../view.js";
import { paramsOf, type Lower } from "./lowering.js";

interface DotParams {
  readonly contract: readonly [readonly number[], readonly number[]];
  readonly batch: readonly [readonly number[], readonly number[]];
}

export const dot: Lower = (planner, equation) => {
  const { contract, batch } = paramsOf<DotParams>(equation);
  const [out] = equation.outputs;
  const operands = equation.inputs.map((x, side) => {
    const free = x.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
    const order = side === 0 ? [batch[0], free, contract[0]] : [batch[1], contract[1], free];
    return asMatrices(planner, planner.view(x), order);
  });
  const [a, b] = operands;
  const [count, m, k] = a.shape;
  const n = b.shape[2];
  const array = planner.newArray(out.dtype, sizeOf(out.shape));
  planner.set(out, wholeView(array, out.dtype, out.shape));
  const label = `dot ${count} × [${m}, ${k}] [${k}, ${n}]`;
  const { dtype } = out;
  if (planner.options.library && (dtype === "float32" || dtype === "float64")) {
    const [left, right] = [libraryOperand(planner, a), libraryOperand(planner, b)];
    planner.steps.push({ kind: "product", dtype, m, n, k, batch: count, a: left, b: right, out: array, label });
    return;
  }
  const source = printProduct(dtype);
  // The second and third number of a grid are limited.
  const most = 65535;
  const rows = Math.ceil(m / productTile);
  for (let firstBatch = 0; firstBatch < count; firstBatch += most) {
    for (let firstRow = 0; firstRow < rows; firstRow += most) {
      planner.launch({
        source,
        name: "curv_product",
        grid: {
          x: Math.ceil(n / productTile),
          y: Math.min(most, rows - firstRow),
          z: Math.min(most, count - firstBatch),
        },
        threads: productThreads,
        args: [
          addressOf(a),
          addressOf(b),
          { array, offset: 0 },
          ...indexArguments(true, [m, n, k, ...a.strides, ...b.strides, firstRow, firstBatch]),
        ],
        label,
      });
    }
  }
};

/** The operand as [batch, rows, columns], seen by three strides if its axes allow, else copied. */
function asMatrices(planner: Planner, x: View, groups: readonly (readonly number[])[]): View {
  const moved = transposeView(x, groups.flat());
  const shape = groups.map((axes) => sizeOf(axes.map((i) => x.shape[i])));
  const strides: number[] = [];
  for (const axes of groups) {
    const merged = mergeDimensions(
      axes.map((i) => x.shape[i]),
      [axes.map((i) => x.strides[i])],
    );
    if (merged.shape.length > 1) return reshapeView(planner.contiguous(moved), shape)!;
    strides.push(merged.strides[0][0] ?? 0);
  }
  return { ...x, shape, strides };
}

/** What the library takes: one of the last two axes has stride 1, the other a leading dimension. */
function libraryOperand(planner: Planner, x: View): MatrixOperand {
  const [, rows, columns] = x.shape;
  const [step, rowStride, columnStride] = x.strides;
  if ((columns === 1 || columnStride === 1) && (rows === 1 || rowStride >= columns)) {
    return { address: addressOf(x), transposed: false, leading: rows === 1 ? columns : rowStride, step };
  }
  if ((rows === 1 || rowStride === 1) && (columns === 1 || columnStride >= rows)) {
    return { address: addressOf(x), transposed: true, leading: columns === 1 ? rows : columnStride, step };
  }
  const whole = planner.contiguous(isContiguous(x) ? { ...x, strides: stridesOf(x.shape) } : x);
  return { address: addressOf(whole), transposed: false, leading: columns, step: rows * columns };
}
