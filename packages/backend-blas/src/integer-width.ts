/** Whether a BLAS takes 32-bit or 64-bit integers: its file does not say, so it is asked. */

import type { LoadedLibrary } from "./find-library.js";

/**
 * The index of the largest |xᵢ| of x = (1, 5), where n is passed as the 64-bit number whose low half is 2 and whose high half is −1. As 32
 * bits that is 2, and the index 1; as 64 bits it is negative, and the index 0.
 */
export function integerBits({ handle, symbol }: LoadedLibrary): 32 | 64 {
  const indexOfLargest = handle.func(symbol("cblas_idamax"), "size_t", ["int64_t", "void *", "int64_t"]);
  const n = (-1n << 32n) | 2n;
  return Number(indexOfLargest(n, new Float64Array([1, 5]), 1)) === 1 ? 32 : 64;
}
