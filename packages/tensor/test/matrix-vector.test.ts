/** Products with a vector have kernels of their own: their sums run over the terms in order, like those of products of matrices. */

import { jit, matmul, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";

/** Rows and terms: single ones, less than a vector, edges of eight, more terms than a block has. */
const shapes = [
  [1, 1],
  [3, 5],
  [8, 8],
  [17, 33],
  [64, 300],
  [100, 1],
  [129, 700],
  [5, 0],
  [200, 200],
] as const;

test.each((["float32", "float64"] as const).flatMap((dtype) => shapes.map(([m, k]) => [dtype, m, k] as const)))(
  "%s, [%i, %i]",
  (dtype, m, k) => {
    const a = random.normal(random.key(1), { shape: [m, k], dtype });
    const v = random.normal(random.key(2), { shape: [k], dtype });
    const [elements, factors] = [a.dataSync(), v.dataSync()];
    const round = dtype === "float32" ? Math.fround : (x: number): number => x;
    const wanted = Array.from({ length: m }, (_, i) => {
      let sum = 0;
      for (let p = 0; p < k; p++) sum = round(sum + round(elements[i * k + p] * factors[p]));
      return sum;
    });
    // The same matrix with its columns in memory order.
    const columns = tensor(Array.from(a.transpose().dataSync()), { shape: [k, m], dtype });
    const results: Record<string, Tensor> = {
      "A v": matmul(a, v),
      "vᵀ Aᵀ": matmul(v, a.transpose()),
      "A v, columns in order": matmul(columns.transpose(), v),
      "vᵀ B": matmul(v, columns),
      "A v, jit": jit((x: Tensor, y: Tensor) => matmul(x, y))(a, v),
      "vᵀ B, jit": jit((x: Tensor, y: Tensor) => matmul(y, x))(columns, v),
      "A v in a strided column": jit((x: Tensor, y: Tensor) => matmul(x, y).slice(null, 0))(
        a,
        v.expandDims(1).broadcastTo([k, 1]),
      ),
    };
    for (const [name, result] of Object.entries(results)) expect(Array.from(result.dataSync()), name).toEqual(wanted);
  },
);
