/** Contractions: products of matrices that lie as they lie, by the library or by an own kernel. */

import type { DType, Equation } from "@curv/tensor";
import { printProduct, productThreads, productTile, type Along, type Micro } from "../codegen/product.js";
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

/** A contraction as a batch of products of matrices. */
export interface Matrices {
  /** [batch, m, k] and [batch, k, n], seen by strides. */
  readonly a: View;
  readonly b: View;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly label: string;
}

export function matricesOf(planner: Planner, equation: Equation): Matrices {
  const { contract, batch } = paramsOf<DotParams>(equation);
  const [a, b] = equation.inputs.map((x, side) => {
    const free = x.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
    const order = side === 0 ? [batch[0], free, contract[0]] : [batch[1], contract[1], free];
    return asMatrices(planner, planner.view(x), order);
  });
  const [count, m, k] = a.shape;
  const n = b.shape[2];
  return { a, b, batch: count, m, n, k, label: `dot ${count} × [${m}, ${k}] [${k}, ${n}]` };
}

export const dot: Lower = (planner, equation) => multiply(planner, equation, matricesOf(planner, equation));

/** The product, by the library or by an own kernel. */
export function multiply(planner: Planner, equation: Equation, matrices: Matrices): void {
  const { a, b, batch: count, m, n, k, label } = matrices;
  const [out] = equation.outputs;
  const array = planner.newArray(out.dtype, sizeOf(out.shape));
  planner.set(out, wholeView(array, out.dtype, out.shape));
  const { dtype } = out;
  if (planner.options.library && (dtype === "float32" || dtype === "float64")) {
    const [left, right] = [a, b].map((x) => asStored(x) ?? copied(planner, x));
    planner.steps.push({ kind: "product", dtype, m, n, k, batch: count, a: left, b: right, out: array, epilogue: null, label }); // prettier-ignore
    return;
  }
  const micro = microFor(dtype, matrices, planner.options.multiprocessors);
  const tile = productTile(micro);
  const along = (terms: number, lines: number): Along => (Math.abs(terms) < Math.abs(lines) ? "terms" : "lines");
  const source = printProduct(dtype, micro, along(a.strides[2], a.strides[1]), along(b.strides[1], b.strides[2]));
  // The second and third number of a grid are limited.
  const most = 65535;
  const rows = Math.ceil(m / tile);
  for (let firstBatch = 0; firstBatch < count; firstBatch += most) {
    for (let firstRow = 0; firstRow < rows; firstRow += most) {
      planner.launch({
        source,
        name: "curv_product",
        grid: {
          x: Math.ceil(n / tile),
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
}

/** The larger the tile, the less is read; but tiles should be full, and so many that no multiprocessor waits. The bits are the same. */
function microFor(dtype: DType, { m, n, batch }: Matrices, multiprocessors: number): Micro {
  const fits = (micro: Micro, blocks: number): boolean => {
    const tile = productTile(micro);
    return Math.min(m, n) > tile / 2 && Math.ceil(m / tile) * Math.ceil(n / tile) * batch >= blocks;
  };
  if (dtype !== "float64" && fits(8, multiprocessors)) return 8;
  return fits(4, multiprocessors / 4) ? 4 : 1;
}

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

/** What the library takes as it lies: one of the last two axes has stride 1, the other a leading dimension. Null: it must be copied. */
export function asStored(x: View): MatrixOperand | null {
  const [, rows, columns] = x.shape;
  const [step, rowStride, columnStride] = x.strides;
  if ((columns === 1 || columnStride === 1) && (rows === 1 || rowStride >= columns)) {
    return { address: addressOf(x), transposed: false, leading: rows === 1 ? columns : rowStride, step };
  }
  if ((rows === 1 || rowStride === 1) && (columns === 1 || columnStride >= rows)) {
    return { address: addressOf(x), transposed: true, leading: columns === 1 ? rows : columnStride, step };
  }
  return null;
}

function copied(planner: Planner, x: View): MatrixOperand {
  const [, rows, columns] = x.shape;
  const whole = planner.contiguous(isContiguous(x) ? { ...x, strides: stridesOf(x.shape) } : x);
  return { address: addressOf(whole), transposed: false, leading: columns, step: rows * columns };
}
