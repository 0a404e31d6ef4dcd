/** Singular value decomposition. */

import { inBatches } from "../../cpu/batches.js";
import { svd } from "../../cpu/linalg/svd.js";
import { epsilon, type FloatDType } from "../../dtype.js";
import { matmul } from "../../ops/dot.js";
import { diagonal } from "../../ops/diagonal.js";
import { stopGradient } from "../../ops/elementwise.js";
import { concat, expandDims } from "../../ops/movement.js";
import { where } from "../../ops/select.js";
import { sizeOf } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { bind } from "../../transform/trace.js";
import { aval, definePrimitive, type Primitive } from "../primitive.js";
import { columns, leading, Matrices, matrixSize, Outputs, product, t } from "./matrices.js";

export interface SvdParams {
  readonly vectors: boolean;
  /** Square U and Vᵀ. */
  readonly full: boolean;
  /** Relative accuracy of small singular values, by Jacobi rotations. */
  readonly accurate: boolean;
}

/** svd(A) → [s descending, U, Vᵀ, info], or [s, info] without vectors. */
export const svdPrimitive: Primitive<SvdParams> = /* @__PURE__ */ definePrimitive<SvdParams>({
  name: "svd",
  shape: ([a], { vectors, full }) => {
    const [m, n] = matrixSize(a);
    const k = Math.min(m, n);
    const s = aval([...leading(a), k], a.dtype);
    const info = aval(leading(a), "int32");
    if (!vectors) return [s, info];
    return [s, aval([...leading(a), m, full ? m : k], a.dtype), aval([...leading(a), full ? n : k, n], a.dtype), info];
  },
  jvp: ([a], [da], params, outs) => {
    if (!params.vectors) {
      const [, u, vt] = bind(svdPrimitive, [a], { ...params, vectors: true, full: false });
      return [diagonal(product(t(u), da!, t(vt))), null];
    }
    const [m, n] = matrixSize(a);
    const k = Math.min(m, n);
    const [s, fullU, fullVt] = outs;
    const u = columns(fullU, 0, k);
    const v = columns(t(fullVt), 0, k);
    // P = Uᵀ Ȧ V; ṡ = diag P; U̇ = U (E ⊙ (P S + S Pᵀ)) + (Ȧ V − U P) S⁻¹, V̇ likewise
    const dav = matmul(da!, v);
    const p = matmul(t(u), dav);
    const dau = matmul(t(da!), u);
    const { gaps, inverse } = masked(s, Math.max(m, n));
    const scale = expandDims(s, -2);
    const inverted = expandDims(inverse, -2);
    const ps = p.mul(scale);
    const sp = p.mul(expandDims(s, -1));
    const du = matmul(u, gaps.mul(ps.add(t(ps)))).add(dav.sub(matmul(u, p)).mul(inverted));
    const dv = matmul(v, gaps.mul(sp.add(t(sp)))).add(dau.sub(matmul(v, t(p))).mul(inverted));
    return [diagonal(p), complete(du, fullU, k), t(complete(dv, t(fullVt), k)), null];
  },
  batch: (inputs, _batched, params) => bind(svdPrimitive, inputs, params),
  lower: /* @__PURE__ */ inBatches("svd", ([a], { vectors, full, accurate }, outs) => {
    const [m, n] = matrixSize(a);
    const count = sizeOf(leading(a));
    const [matrices, out] = [new Matrices(a), new Outputs(outs, count)];
    for (let i = 0; i < count; i++) {
      const s = out.zeros(0);
      const u = vectors ? out.zeros(1) : null;
      const vt = vectors ? out.zeros(2) : null;
      const info = svd(matrices.read(i), m, n, s, u, vt, { full, accurate });
      out.set(i, u === null || vt === null ? [s, [info]] : [s, u, vt, [info]]);
    }
    return out.arrays;
  }),
});

/** The tangent of the null-space columns in the gauge that does not rotate them among themselves: U̇⊥ = −U (U̇ᵀ U⊥). */
function complete(du: Tensor, whole: Tensor, k: number): Tensor {
  const size = whole.shape[whole.rank - 1];
  if (size === k) return du;
  const null_ = columns(whole, k, size);
  const rotated = matmul(columns(whole, 0, k), matmul(t(du), null_)).neg();
  return concat([du, rotated], -1);
}

/** E_ij = 1/((s_j − s_i)(s_j + s_i)) and 1/s, with 0 where a gap or a value is within max(m, n)·ε·s₁ of zero. */
function masked(s: Tensor, n: number): { gaps: Tensor; inverse: Tensor } {
  if (s.shape[s.rank - 1] === 0) return { gaps: expandDims(s, -1).mul(expandDims(s, -2)), inverse: s };
  const near = stopGradient(s)
    .max(-1, { keepDims: true })
    .mul(n * epsilon(s.dtype as FloatDType));
  const difference = expandDims(s, -2).sub(expandDims(s, -1));
  const sum = expandDims(s, -2).add(expandDims(s, -1));
  const close = stopGradient(difference).abs().lessEqual(expandDims(near, -1));
  // Two reciprocals, not one of the product, which overflows.
  const gaps = where(
    close,
    0,
    where(close, 1, difference)
      .reciprocal()
      .mul(where(close, 1, sum).reciprocal()),
  );
  const tiny = stopGradient(s).lessEqual(near);
  return { gaps, inverse: where(tiny, 0, where(tiny, 1, s).reciprocal()) };
}
