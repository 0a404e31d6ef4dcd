/** What all factorisations share: they work on the last two axes, in float64, one matrix after the other. */

import type { TypedArray } from "../../dtype.js";
import { eye, tril } from "../../create.js";
import { allocate } from "../../memory.js";
import { matmul } from "../../ops/dot.js";
import { matrixTranspose } from "../../ops/movement.js";
import { sizeOf, type Shape } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import type { Aval, HostArray } from "../primitive.js";

/** Rows and columns of the matrices. */
export function matrixSize(x: { readonly shape: Shape }): readonly [rows: number, columns: number] {
  return [x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]];
}

/** The leading axes. */
export function leading(x: { readonly shape: Shape }): readonly number[] {
  return x.shape.slice(0, -2);
}

/** Elements i·size … (i + 1)·size as float64: a copy that the kernel may overwrite. */
export function matrixAt(x: HostArray, i: number, size: number): Float64Array {
  return new Float64Array(x.buffer.subarray(i * size, (i + 1) * size));
}

/** Output arrays for `outs`, rounded to their dtypes once, at the end of each matrix. */
export class Outputs {
  readonly arrays: TypedArray[];

  constructor(
    private readonly outs: readonly Aval[],
    private readonly count: number,
  ) {
    this.arrays = count === 1 ? [] : outs.map((y) => allocate(y.dtype, sizeOf(y.shape)));
  }
  /** Takes the results for matrix i. The array of a single one in float64 becomes the output itself. */
  set(i: number, results: readonly ArrayLike<number>[]): void {
    results.forEach((r, k) => {
      const { dtype, shape } = this.outs[k];
      const size = sizeOf(shape) / this.count;
      if (this.count > 1) this.arrays[k].set(r, i * size);
      else if (dtype === "float64" && r instanceof Float64Array && r.length === size) this.arrays[k] = r;
      else (this.arrays[k] = allocate(dtype, size)).set(r);
    });
  }
}

/** Xᵀ of matrices. */
export function t(x: Tensor): Tensor {
  return matrixTranspose(x);
}

/** Product of three matrices. */
export function product(a: Tensor, b: Tensor, c: Tensor): Tensor {
  return matmul(matmul(a, b), c);
}

/** Φ(X): the strict lower triangle and half of the diagonal. */
export function lowerHalf(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  return tril(x).mul(eye(n, n, { dtype: x.dtype }).mul(-0.5).add(1));
}

/** Rows `from` … `to` − 1, or columns, of matrices. */
export function rows(x: Tensor, from: number, to: number): Tensor {
  return x.slice("...", [from, to], null);
}
export function columns(x: Tensor, from: number, to: number): Tensor {
  return x.slice("...", [from, to]);
}
