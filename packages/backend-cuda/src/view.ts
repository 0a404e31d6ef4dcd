/** Strided views of arrays on the card: most of what moves elements moves only numbers here. */

import type { DType, Shape } from "@curv/tensor";
import { stridesOf } from "@curv/tensor/backend";

export { sizeOf, stridesOf } from "@curv/tensor/backend";

/** Elements of an array: those at `offset` + Σ index·stride. */
export interface View {
  /** Which array of the plan. */
  readonly array: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** All of an array, row-major. */
export function wholeView(array: number, dtype: DType, shape: Shape): View {
  return { array, dtype, shape, offset: 0, strides: stridesOf(shape) };
}

/** Whether the elements lie row-major, one beside the other. */
export function isContiguous({ shape, strides }: View): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return false;
    step *= shape[i];
  }
  return true;
}

/** Axis i of x becomes axis axes[i] of the result. */
export function broadcastView(x: View, shape: Shape, axes: readonly number[]): View {
  const strides = new Array<number>(shape.length).fill(0);
  axes.forEach((axis, i) => (strides[axis] = x.shape[i] === 1 ? 0 : x.strides[i]));
  return { ...x, shape, strides };
}

/** As operands meet in elementwise operations: aligned at their last axes. */
export function broadcastTo(x: View, shape: Shape): View {
  const first = shape.length - x.shape.length;
  return broadcastView(
    x,
    shape,
    x.shape.map((_, i) => first + i),
  );
}

export function transposeView(x: View, permutation: readonly number[]): View {
  return {
    ...x,
    shape: permutation.map((axis) => x.shape[axis]),
    strides: permutation.map((axis) => x.strides[axis]),
  };
}

export function sliceView(x: View, start: readonly number[], shape: Shape, step: readonly number[]): View {
  return {
    ...x,
    shape,
    offset: x.offset + start.reduce((sum, s, i) => sum + s * x.strides[i], 0),
    strides: x.strides.map((s, i) => s * step[i]),
  };
}

export function flipView(x: View, axes: readonly number[]): View {
  return {
    ...x,
    offset: x.offset + axes.reduce((sum, axis) => sum + Math.max(0, x.shape[axis] - 1) * x.strides[axis], 0),
    strides: x.strides.map((s, i) => (axes.includes(i) ? -s : s)),
  };
}

/** The same elements in the same order under another shape; null if no strides express that. */
export function reshapeView(x: View, shape: Shape): View | null {
  const strides = new Array<number>(shape.length).fill(0);
  const from = mergeDimensions(x.shape, [x.strides]);
  // Every merged axis of x must be filled by whole axes of the new shape.
  let axis = shape.length - 1;
  for (let i = from.shape.length - 1; i >= 0; i--) {
    let left = from.shape[i];
    let step = from.strides[0][i];
    while (left > 1 || (axis >= 0 && shape[axis] === 1)) {
      if (axis < 0 || left % shape[axis] !== 0) return null;
      strides[axis] = shape[axis] === 1 ? 0 : step;
      step *= shape[axis];
      left /= shape[axis];
      axis--;
    }
  }
  return { ...x, shape, strides };
}

export interface Merged {
  readonly shape: number[];
  /** Of each operand. */
  readonly strides: number[][];
}

/** Fewer axes: those of length 1 go, and neighbours that all operands walk as one become one. */
export function mergeDimensions(shape: Shape, operands: readonly (readonly number[])[]): Merged {
  const merged: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && operands.every((s, k) => strides[k][last] === s[i] * shape[i])) {
      merged[last] *= shape[i];
      operands.forEach((s, k) => (strides[k][last] = s[i]));
    } else {
      merged.push(shape[i]);
      operands.forEach((s, k) => strides[k].push(s[i]));
    }
  }
  return { shape: merged, strides };
}
