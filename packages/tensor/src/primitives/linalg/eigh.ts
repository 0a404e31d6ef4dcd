/** Symmetric eigenproblems. */

import { inBatches } from "../../cpu/batches.js";
import { eigh } from "../../cpu/linalg/eigh.js";
import { epsilon, type FloatDType } from "../../dtype.js";
import { matmul } from "../../ops/dot.js";
import { diagonal } from "../../ops/diagonal.js";
import { stopGradient } from "../../ops/elementwise.js";
import { expandDims } from "../../ops/movement.js";
import { where } from "../../ops/select.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { bind } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { leading, Matrices, matrixSize, Outputs, product, t } from "./matrices.js";

/**
 * eigh(A) → [w ascending, V, info] from the lower triangle of A, or [w, info] without vectors. info is not 0 if the iteration failed.
 */
export const eighPrimitive: Primitive<{ vectors: boolean }> = /* @__PURE__ */ definePrimitive<{ vectors: boolean }>({
  name: "eigh",
  shape: ([a], { vectors }) => {
    const w = aval(a.shape.slice(0, -1), a.dtype);
    const info = aval(leading(a), "int32");
    return vectors ? [w, aval(a.shape, a.dtype), info] : [w, info];
  },
  jvp: ([a], [da], { vectors }, outs) => {
    const symmetric = da!.add(t(da!)).mul(0.5);
    const v = vectors ? outs[1] : bind(eighPrimitive, [a], { vectors: true })[1];
    const g = product(t(v), symmetric, v);
    const dw = diagonal(g);
    if (!vectors) return [dw, null];
    return [dw, matmul(v, inverseGaps(outs[0]).mul(g)), null];
  },
  batch: (inputs, _batched, params) => bind(eighPrimitive, inputs, params),
  lower: /* @__PURE__ */ inBatches("eigh", ([a], { vectors }, outs) => {
    const [n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) {
      const w = out.zeros(0);
      const v = vectors ? out.zeros(1) : null;
      const info = eigh(matrices.read(i), n, w, v);
      out.set(i, v === null ? [w, [info]] : [w, v, [info]]);
    }
    return out.arrays;
  }),
});

/**
 * F_ij = 1/(w_j − w_i), 0 on the diagonal and inside clusters, |w_i − w_j| ≤ 4nε max|w|. The mask makes derivatives finite; they are right
 * for functions that are constant on a cluster.
 */
function inverseGaps(w: Tensor): Tensor {
  const gap = expandDims(w, -2).sub(expandDims(w, -1));
  const n = w.shape[w.rank - 1];
  if (n === 0) return gap;
  const size = stopGradient(w).abs().max(-1, { keepDims: true });
  const near = expandDims(size.mul(4 * n * epsilon(w.dtype as FloatDType)), -1);
  const close = stopGradient(gap).abs().lessEqual(near);
  return where(close, 0, where(close, 1, gap).reciprocal());
}
