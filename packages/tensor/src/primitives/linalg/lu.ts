/** LU factorisation with partial pivoting. */

import { inBatches } from "../../cpu/batches.js";
import { lu } from "../../cpu/linalg/lu.js";
import { eye, tril, triu, zeros } from "../../create.js";
import { matmul } from "../../ops/dot.js";
import { takeAlong } from "../../ops/gather.js";
import { broadcastTo, concat, expandDims } from "../../ops/movement.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { bind, bind1 } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { columns, leading, Matrices, matrixSize, Outputs, rows, t } from "./matrices.js";
import { triangularSolvePrimitive } from "./triangular-solve.js";

/**
 * lu(A) → [packed, permutation, info] for A of [m, n]: A[permutation] = L U with L unit lower in the strict lower triangle of packed and U
 * in the upper. info is 1 + the first pivot that is exactly zero, else 0.
 */
export const luPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "lu",
  shape: ([a]) => {
    const [m] = matrixSize(a);
    return [aval(a.shape, a.dtype), aval([...leading(a), m], "int32"), aval(leading(a), "int32")];
  },
  jvp: (_primals, [da], _params, [packed, permutation]) => {
    const [m, n] = matrixSize(packed);
    const k = Math.min(m, n);
    const dpa = permuteRows(da!, permutation);
    const square = columns(rows(packed, 0, k), 0, k);
    // F = L₁⁻¹ (P Ȧ)₁₁ U₁⁻¹; L̇₁ = L₁ tril(F, −1), U̇₁ = triu(F) U₁
    const left = solveLower(square, columns(rows(dpa, 0, k), 0, k));
    const f = t(bind1(triangularSolvePrimitive, [square, t(left)], { lower: false, transpose: true, unit: false }));
    const l1 = tril(square, -1).add(eye(k, k, { dtype: packed.dtype }));
    const u1 = triu(square);
    const dl = matmul(l1, tril(f, -1));
    const du = matmul(triu(f), u1);
    let result = dl.add(du);
    if (m > k) {
      // L̇₂ = ((P Ȧ)₂ − L₂ U̇) U⁻¹
      const rhs = rows(dpa, k, m).sub(matmul(rows(packed, k, m), du));
      const dl2 = t(bind1(triangularSolvePrimitive, [square, t(rhs)], { lower: false, transpose: true, unit: false }));
      result = concat([result, dl2], -2);
    } else if (n > k) {
      // U̇₂ = L⁻¹ ((P Ȧ)₂ − L̇ U₂)
      const rhs = columns(dpa, k, n).sub(matmul(dl, columns(packed, k, n)));
      result = concat([result, solveLower(square, rhs)], -1);
    }
    return [result, null, null];
  },
  batch: (inputs) => bind(luPrimitive, inputs, null),
  lower: /* @__PURE__ */ inBatches("lu", ([a], _params, outs) => {
    const [m, n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    const permutation = new Int32Array(m);
    for (let i = 0; i < count; i++) {
      const packed = matrices.at(i);
      const info = lu(packed, m, n, permutation);
      out.set(i, [packed, permutation, [info]]);
    }
    return out.arrays;
  }),
});

function solveLower(packed: Tensor, b: Tensor): Tensor {
  return bind1(triangularSolvePrimitive, [packed, b], { lower: true, transpose: false, unit: true });
}

/** The rows of matrices in the order of a permutation. */
export function permuteRows(x: Tensor, permutation: Tensor): Tensor {
  const [m, n] = matrixSize(x);
  if (m === 0 || n === 0) return zeros(x.shape, { dtype: x.dtype });
  const index = broadcastTo(expandDims(permutation, -1), [...permutation.shape, n]);
  return takeAlong(x, index, -2, { mode: "clip" });
}
