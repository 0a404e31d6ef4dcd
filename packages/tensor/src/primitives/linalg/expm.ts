/** The matrix exponential and its Fréchet derivative, closed under differentiation. */

import { inBatches } from "../../cpu/batches.js";
import { expm } from "../../cpu/linalg/expm.js";
import { zeros } from "../../create.js";
import { concat } from "../../ops/movement.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { batchAll } from "../../transform/graph-transforms.js";
import { bind, bind1 } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { columns, leading, Matrices, matrixSize, Outputs, rows, t } from "./matrices.js";

export const expmPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "expm",
  shape: ([a]) => [aval(a.shape, a.dtype)],
  jvp: ([a], [da]) => [bind1(expmDerivativePrimitive, [a, da!], null)],
  batch: (inputs) => bind(expmPrimitive, inputs, null),
  lower: /* @__PURE__ */ inBatches("expm", ([a], _params, outs) => {
    const [n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) out.set(i, [expm(matrices.read(i), n)]);
    return out.arrays;
  }),
});

/** L(A, E), the derivative of expm at A along E: the upper right block of expm([[A, E], [0, A]]). Linear in E, adjoint L(Aᵀ, ·). */
export const expmDerivativePrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "expmDerivative",
  shape: ([, e]) => [aval(e.shape, e.dtype)],
  jvp: ([a, e], [da, de]) => {
    const n = a.shape[a.rank - 1];
    const direct = de === null ? null : bind1(expmDerivativePrimitive, [a, de], null);
    if (da === null) return [direct];
    // Along Ȧ: the same block of the derivative at the doubled matrix.
    const zero = zeros(a.shape, { dtype: a.dtype });
    const doubled = bind1(expmDerivativePrimitive, [block(a, e, zero), block(da, zero, zero)], null);
    const moved = columns(rows(doubled, 0, n), n, 2 * n);
    return [direct === null ? moved : direct.add(moved)];
  },
  transpose: ([ct], [a]) => [null, bind1(expmDerivativePrimitive, [t(a), ct!], null)],
  batch: (inputs, batched, _params, size) => bind(expmDerivativePrimitive, batchAll(inputs, batched, size), null),
  lower: /* @__PURE__ */ inBatches("expmDerivative", ([a, e], _params, outs) => {
    const [n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const out = new Outputs(outs, count);
    const [points, directions] = [new Matrices(a), new Matrices(e)];
    for (let i = 0; i < count; i++) {
      const own = points.at(i);
      const direction = directions.at(i);
      const doubled = new Float64Array(4 * n * n);
      for (let r = 0; r < n; r++) {
        for (let c = 0; c < n; c++) {
          doubled[r * 2 * n + c] = own[r * n + c];
          doubled[(n + r) * 2 * n + n + c] = own[r * n + c];
          doubled[r * 2 * n + n + c] = direction[r * n + c];
        }
      }
      const result = expm(doubled, 2 * n);
      const corner = new Float64Array(n * n);
      for (let r = 0; r < n; r++) corner.set(result.subarray(r * 2 * n + n, r * 2 * n + 2 * n), r * n);
      out.set(i, [corner]);
    }
    return out.arrays;
  }),
});

/** [[A, E], [Z, A]]. */
function block(a: Tensor, e: Tensor, z: Tensor): Tensor {
  return concat([concat([a, e], -1), concat([z, a], -1)], -2);
}
