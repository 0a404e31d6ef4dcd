/** A problem whose Hessian fits into a matrix, for the tests. */

import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { softmaxCrossEntropy } from "@curv/loss";
import type { LinearOperator } from "./hessian-operator.js";

/** The loss of a network 3 → 4 tanh → 3 on 20 points, in float64, and a point that is no minimum: its Hessian is indefinite. */
export function smallLoss(key: random.Key): { f: (p: Tensor) => Tensor; x: Tensor } {
  const [inputKey, labelKey, pointKey] = random.split(key, 3);
  const inputs = random.normal(inputKey, { shape: [20, 3], dtype: "float64" });
  const labels = random.randint(labelKey, 0, 3, { shape: [20] });
  return {
    f: (p) => {
      const hidden = inputs
        .matmul(p.slice([0, 12]).reshape(3, 4))
        .add(p.slice([12, 16]))
        .tanh();
      return softmaxCrossEntropy(hidden.matmul(p.slice([16, 28]).reshape(4, 3)).add(p.slice([28, 31])), labels);
    },
    x: random.normal(pointKey, { shape: [31], dtype: "float64" }),
  };
}

/** A matrix as an operator. */
export function matrixOperator(rows: readonly (readonly number[])[]): LinearOperator {
  const A = tensor(rows, { dtype: "float64" });
  return { size: rows.length, dtype: "float64", matvec: (v) => A.matmul(v) };
}

export function diagonalOperator(entries: readonly number[]): LinearOperator {
  const d = tensor(entries, { dtype: "float64" });
  return { size: entries.length, dtype: "float64", matvec: (v) => d.mul(v) };
}
