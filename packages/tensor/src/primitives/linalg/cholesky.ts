/** Cholesky factorisation. */

import { inBatches } from "../../cpu/batches.js";
import { cholesky } from "../../cpu/linalg/cholesky.js";
import { matmul } from "../../ops/dot.js";
import { sizeOf } from "../../shape.js";
import { bind, bind1 } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { leading, lowerHalf, Matrices, matrixSize, Outputs, t } from "./matrices.js";
import { triangularSolvePrimitive } from "./triangular-solve.js";

/** cholesky(A) → [L, info]: A = L Lᵀ from the lower triangle of A. info is 1 + the first pivot that is not positive, else 0. */
export const choleskyPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "cholesky",
  shape: ([a]) => [aval(a.shape, a.dtype), aval(leading(a), "int32")],
  // L̇ = L Φ(L⁻¹ Ȧ L⁻ᵀ), Ȧ symmetrised
  jvp: (_primals, [da], _params, [l]) => {
    const symmetric = da!.add(t(da!)).mul(0.5);
    const solve = { lower: true, transpose: false, unit: false };
    const half = bind1(triangularSolvePrimitive, [l, symmetric], solve);
    const inner = t(bind1(triangularSolvePrimitive, [l, t(half)], solve));
    return [matmul(l, lowerHalf(inner)), null];
  },
  batch: (inputs) => bind(choleskyPrimitive, inputs, null),
  lower: /* @__PURE__ */ inBatches("cholesky", ([a], _params, outs) => {
    const [n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) {
      const l = matrices.at(i);
      const { info } = cholesky(l, n);
      out.set(i, [l, [info]]);
    }
    return out.arrays;
  }),
});
