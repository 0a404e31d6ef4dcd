/** Numbers that look drawn, and are the same in every run. */

import { tensor, type Tensor } from "@curv/tensor";

export type Float = "float32" | "float64";
export const floats = ["float32", "float64"] as const;

/** Numbers between −2 and 2; other ones for another `seed`. */
export function numbers(shape: readonly number[], dtype: Float, seed = 1): Tensor {
  const length = shape.reduce((n, m) => n * m, 1);
  const all = Float64Array.from({ length }, (_, i) => Math.sin(seed * 1000 + i * 1.7) + Math.cos(i * i * 0.37 + seed));
  return tensor(all, { dtype: "float64" })
    .cast(dtype)
    .reshape([...shape]);
}
