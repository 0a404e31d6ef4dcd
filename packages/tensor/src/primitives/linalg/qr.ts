/** QR factorisation. */

import { inBatches } from "../../cpu/batches.js";
import { qr } from "../../cpu/linalg/qr.js";
import { tril } from "../../create.js";
import { TracingError } from "../../errors.js";
import { matmul } from "../../ops/dot.js";
import { concat } from "../../ops/movement.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { bind, bind1 } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { columns, leading, Matrices, matrixSize, Outputs, t } from "./matrices.js";
import { triangularSolvePrimitive } from "./triangular-solve.js";

/** qr(A) → [Q, R], diag R ≥ 0: thin, or complete (Q square). */
export const qrPrimitive: Primitive<{ complete: boolean }> = /* @__PURE__ */ definePrimitive<{ complete: boolean }>({
  name: "qr",
  shape: ([a], { complete }) => {
    const [m, n] = matrixSize(a);
    const k = complete ? m : Math.min(m, n);
    return [aval([...leading(a), m, k], a.dtype), aval([...leading(a), k, n], a.dtype)];
  },
  jvp: (_primals, [da], { complete }, [q, r]) => {
    const [m, k] = matrixSize(q);
    const [, n] = matrixSize(r);
    if (complete && m > n)
      throw new TracingError(
        "qr: the complete factorisation has no derivative: Q's last columns are arbitrary. Use the thin one.",
      );
    const r1 = columns(r, 0, k);
    const scaled = rightSolve(columns(da!, 0, k), r1); // Ȧ₁ R₁⁻¹
    const c = matmul(t(q), scaled);
    const strict = tril(c, -1);
    const omega = strict.sub(t(strict));
    const upper = c.sub(omega);
    const dq = scaled.sub(matmul(q, upper));
    const dr1 = matmul(upper, r1);
    if (n === k) return [dq, dr1];
    const dr2 = matmul(t(q), columns(da!, k, n)).sub(matmul(omega, columns(r, k, n)));
    return [dq, concat([dr1, dr2], -1)];
  },
  batch: (inputs, _batched, params) => bind(qrPrimitive, inputs, params),
  lower: /* @__PURE__ */ inBatches("qr", ([a], { complete }, outs) => {
    const [m, n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) {
      const [q, r] = [out.zeros(0), out.zeros(1)];
      qr(matrices.read(i), m, n, q, r, complete);
      out.set(i, [q, r]);
    }
    return out.arrays;
  }),
});

/** B R⁻¹ for upper triangular R. */
function rightSolve(b: Tensor, r: Tensor): Tensor {
  return t(bind1(triangularSolvePrimitive, [r, t(b)], { lower: false, transpose: true, unit: false }));
}
