/** Eigenvalues and eigenvectors of general real matrices. */

import type { Complex } from "../../complex.js";
import { inBatches } from "../../cpu/batches.js";
import { eig } from "../../cpu/linalg/eig.js";
import { expandDims } from "../../ops/movement.js";
import { where } from "../../ops/select.js";
import { sizeOf } from "../../shape.js";
import { diagonal } from "../../ops/diagonal.js";
import { bind } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { leading, Matrices, matrixSize, Outputs } from "./matrices.js";
import { complexMatmul, complexMultiply, complexReciprocal, complexSolve } from "./complex.js";
import { eye, zeros } from "../../create.js";
import { sum } from "../../ops/reduce.js";

/** eig(A) → [Re w, Im w, Re V, Im V, info], or [Re w, Im w, info] without vectors. */
export const eigPrimitive: Primitive<{ vectors: boolean }> = /* @__PURE__ */ definePrimitive<{ vectors: boolean }>({
  name: "eig",
  shape: ([a], { vectors }) => {
    const w = aval(a.shape.slice(0, -1), a.dtype);
    const v = aval(a.shape, a.dtype);
    const info = aval(leading(a), "int32");
    return vectors ? [w, w, v, v, info] : [w, w, info];
  },
  jvp: ([a], [da], { vectors }, outs) => {
    const [wr, wi, vr, vi] = vectors ? outs : bind(eigPrimitive, [a], { vectors: true });
    const v: Complex = { re: vr, im: vi };
    const n = a.shape[a.rank - 1];
    // Ġ = V⁻¹ Ȧ V
    const dav = complexMatmul({ re: da!, im: zeros(da!.shape, { dtype: da!.dtype }) }, v);
    const g = complexSolve(v, dav);
    const dw = { re: diagonal(g.re), im: diagonal(g.im) };
    if (!vectors) return [dw.re, dw.im, null];
    // V̇ = V (F ⊙ Ġ), F_ij = 1/(w_j − w_i); then the phase gauge v̇_j −= v_j (v_jᴴ v̇_j)
    const same = eye(n, n, { dtype: a.dtype }).equal(1);
    const gap = {
      re: where(same, 1, expandDims(wr, -2).sub(expandDims(wr, -1))),
      im: where(same, 0, expandDims(wi, -2).sub(expandDims(wi, -1))),
    };
    const f = complexReciprocal(gap);
    const fg = complexMultiply({ re: where(same, 0, f.re), im: where(same, 0, f.im) }, g);
    const dv = complexMatmul(v, fg);
    const along = complexMultiply({ re: vr, im: vi.neg() }, dv);
    const shift = complexMultiply(v, {
      re: sum(along.re, -2, { keepDims: true }),
      im: sum(along.im, -2, { keepDims: true }),
    });
    return [dw.re, dw.im, dv.re.sub(shift.re), dv.im.sub(shift.im), null];
  },
  batch: (inputs, _batched, params) => bind(eigPrimitive, inputs, params),
  lower: /* @__PURE__ */ inBatches("eig", ([a], { vectors }, outs) => {
    const [n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) {
      const [wr, wi] = [out.zeros(0), out.zeros(1)];
      const vr = vectors ? out.zeros(2) : null;
      const vi = vectors ? out.zeros(3) : null;
      const info = eig(matrices.read(i), n, wr, wi, vr, vi);
      out.set(i, vr === null || vi === null ? [wr, wi, [info]] : [wr, wi, vr, vi, [info]]);
    }
    return out.arrays;
  }),
});
