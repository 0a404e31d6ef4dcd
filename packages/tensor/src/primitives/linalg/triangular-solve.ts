/** Triangular systems. */

import { inBatches } from "../../cpu/batches.js";
import { triangularSolve } from "../../cpu/linalg/triangular-solve.js";
import { tril, triu } from "../../create.js";
import { matmul } from "../../ops/dot.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { batchAll } from "../../transform/graph-transforms.js";
import { bind, bind1 } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { leading, Matrices, matrixSize, Outputs, t } from "./matrices.js";

export interface TriangularSolveParams {
  /** Which triangle of A counts. */
  readonly lower: boolean;
  /** Solve with Aᵀ. */
  readonly transpose: boolean;
  /** The diagonal counts as ones. */
  readonly unit: boolean;
}

/** The part of a matrix that the solve reads. */
function triangle(x: Tensor, { lower, unit }: TriangularSolveParams): Tensor {
  return lower ? tril(x, unit ? -1 : 0) : triu(x, unit ? 1 : 0);
}

/** triangularSolve(A, B) → X with op(A) X = B. A and B have the same leading axes. Linear in B. */
export const triangularSolvePrimitive: Primitive<TriangularSolveParams> =
  /* @__PURE__ */ definePrimitive<TriangularSolveParams>({
    name: "triangularSolve",
    shape: ([, b]) => [aval(b.shape, b.dtype)],
    // op(A) Ẋ = Ḃ − op(Ȧ) X
    jvp: ([a], [da, db], params, [x]) => {
      let rhs = db;
      if (da !== null) {
        const part = triangle(da, params);
        const moved = matmul(params.transpose ? t(part) : part, x);
        rhs = db === null ? moved.neg() : db.sub(moved);
      }
      return [bind1(triangularSolvePrimitive, [a, rhs!], params)];
    },
    transpose: ([ct], [a], _linear, params) => [
      null,
      bind1(triangularSolvePrimitive, [a, ct!], { ...params, transpose: !params.transpose }),
    ],
    batch: (inputs, batched, params, size) => bind(triangularSolvePrimitive, batchAll(inputs, batched, size), params),
    lower: /* @__PURE__ */ inBatches("triangularSolve", ([a, b], params, outs) => {
      const [n, columns] = matrixSize(b);
      const count = sizeOf(leading(b));
      const out = new Outputs(outs, count);
      const [triangles, right] = [new Matrices(a), new Matrices(b)];
      for (let i = 0; i < count; i++) {
        const x = right.at(i);
        triangularSolve(triangles.at(i), n, x, columns, params);
        out.set(i, [x]);
      }
      return out.arrays;
    }),
  });
