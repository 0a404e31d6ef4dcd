/** Matrix products by a library from outside, such as a system BLAS: who offers them, and since when. */

import type { TypedArray } from "../dtype.js";

/** A matrix inside an array: the element (i, j) is `data[i·row + j·column]`. */
export interface StridedMatrix {
  /** Begins with the first element; may be shared memory. */
  readonly data: TypedArray;
  readonly row: number;
  readonly column: number;
}

/** What a package such as `@curv/backend-blas` gives the CPU backend. */
export interface ExternalProducts {
  /** For error messages and `describe`. */
  readonly name: string;
  /**
   * C = A·B with A of [m, k], B of [k, n] and row-major C of [m, n], all of `dtype`. Returns false, with C untouched, for strides or
   * sizes that it does not do: then Curv's own kernels do it.
   */
  multiply(
    dtype: "float32" | "float64",
    m: number,
    n: number,
    k: number,
    a: StridedMatrix,
    b: StridedMatrix,
    c: TypedArray,
  ): boolean;
}

let current: ExternalProducts | null = null;
let generation = 0;

/**
 * Lets `products` do the matrix products of the CPU backend, eager and compiled, from here on; null goes back to Curv's own. Results then
 * repeat only for the same library, thread count and shape.
 */
export function useExternalProducts(products: ExternalProducts | null): void {
  if (products === current) return;
  current = products;
  generation++;
}

/** Who does the products now. */
export function externalProducts(): ExternalProducts | null {
  return current;
}

/** Changes whenever {@link externalProducts} does: programs are compiled for one of them. */
export function productsGeneration(): number {
  return generation;
}
