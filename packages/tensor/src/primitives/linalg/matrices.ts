/** What all factorisations share: they work on the last two axes, in float64, one matrix after the other. */

import { resultArray } from "../../cpu/wasm/resident.js";
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

/** The matrices of an input, one after the other, as float64. */
export class Matrices {
  private copy: Float64Array | null = null;
  private readonly entries: number;

  constructor(private readonly x: HostArray) {
    const [m, n] = matrixSize(x);
    this.entries = m * n;
  }

  /** Matrix i, in the place of the one before; the kernel may overwrite it. */
  at(i: number): Float64Array {
    const { buffer } = this.x;
    const copy = (this.copy ??= new Float64Array(this.entries));
    // Not by views of the input: to make one takes as long as to copy a small matrix.
    for (let k = 0, from = i * copy.length; k < copy.length; k++, from++) copy[k] = buffer[from];
    return copy;
  }

  /** Matrix i for a kernel that does not change it: a single one is not copied. */
  read(i: number): Float64Array {
    const { buffer } = this.x;
    return buffer instanceof Float64Array && buffer.length === this.entries ? buffer : this.at(i);
  }
}

/** Output arrays for `outs`, rounded to their dtypes once, at the end of each matrix. */
export class Outputs {
  readonly arrays: TypedArray[];
  private readonly results: (Float64Array | undefined)[] = [];

  constructor(
    private readonly outs: readonly Aval[],
    private readonly count: number,
  ) {
    this.arrays = count === 1 ? [] : outs.map((y) => allocate(y.dtype, sizeOf(y.shape)));
  }

  /** Zeros for result k of one matrix. */
  zeros(k: number): Float64Array {
    const again = this.results[k];
    if (again !== undefined) return again.fill(0);
    const length = sizeOf(this.outs[k].shape) / this.count;
    const isOutput = this.count === 1 && this.outs[k].dtype === "float64";
    const array = isOutput ? (resultArray("float64", length) as Float64Array) : new Float64Array(length);
    return (this.results[k] = array.fill(0));
  }

  /** Takes the results for matrix i. The array of a single one in float64 becomes the output itself. */
  set(i: number, results: readonly ArrayLike<number>[]): void {
    results.forEach((r, k) => {
      const { dtype, shape } = this.outs[k];
      const size = sizeOf(shape) / this.count;
      if (this.count > 1) {
        const to = this.arrays[k];
        for (let at = 0; at < size; at++) to[i * size + at] = r[at];
      } else if (dtype === "float64" && r instanceof Float64Array && r.length === size) this.arrays[k] = r;
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
