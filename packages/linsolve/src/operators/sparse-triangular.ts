/** Substitution with the lower or the upper triangle of a sparse matrix, as a primitive: one pass over the entries. */

import { bind, definePrimitive, moveAxis, stack, tensor, unstack, type Primitive, type Tensor } from "@curv/tensor";
import { sparseProduct, type Sparsity } from "./sparse-product.js";

/** Which system: that of a triangle with the diagonal, or of its transpose. */
interface Params {
  readonly sparsity: Sparsity;
  readonly triangle: "lower" | "upper";
  readonly transposed: boolean;
}

/** sparseTriangularSolve(entries, B) → op(T)⁻¹ B, for the triangle T of A. Linear in B. */
const sparseTriangularPrimitive: Primitive<Params> = /* @__PURE__ */ definePrimitive<Params>({
  name: "sparseTriangularSolve",
  shape: ([, b]) => [{ shape: b.shape, dtype: b.dtype, weak: false }],
  // d(T⁻¹ b) = T⁻¹ (db − dT T⁻¹ b).
  jvp: ([entries, b], [dEntries, db], params) => {
    const { sparsity, triangle, transposed } = params;
    if (dEntries === null) return [db === null ? null : sparseTriangularSolve(entries, db, params)];
    const inside = Float64Array.from(sparsity.columnIndices, (j, p) => {
      const i = sparsity.rowIndices[p];
      return j === i || j < i === (triangle === "lower") ? 1 : 0;
    });
    const dTriangle = dEntries.mul(tensor(inside, { dtype: b.dtype as "float32" | "float64" }));
    const moved = sparseProduct(dTriangle, sparseTriangularSolve(entries, b, params), { sparsity, transposed });
    return [sparseTriangularSolve(entries, db === null ? moved.neg() : db.sub(moved), params)];
  },
  transpose: ([bar], [entries], _linear, params) => [
    null,
    sparseTriangularSolve(entries, bar!, { ...params, transposed: !params.transposed }),
  ],
  batch: ([entries, b], [entriesBatched, bBatched], params, size) => {
    if (entriesBatched) {
      const each = unstack(entries, 0).map((e, i) => sparseTriangularSolve(e, bBatched ? b.slice(i) : b, params));
      return [stack(each, 0)];
    }
    // The batch as more columns.
    const [, n, k] = b.shape;
    const wide = moveAxis(b, 0, 1).reshape([n, size * k]);
    return [moveAxis(sparseTriangularSolve(entries, wide, params).reshape([n, size, k]), 1, 0)];
  },
  lower: ([entries, b], { sparsity, triangle, transposed }, [out]) => {
    const { rows: n, rowStarts, columnIndices } = sparsity;
    const k = b.shape[1];
    const a = entries.buffer;
    const isLower = triangle === "lower";
    // Sums in float64; rounded once.
    const x = Float64Array.from(b.buffer);
    // T's rows in their order, one after the other; those of its transpose are T's columns, from the other end.
    const forwards = isLower !== transposed;
    for (let step = 0; step < n; step++) {
      const i = forwards ? step : n - 1 - step;
      const [start, end] = [rowStarts[i], rowStarts[i + 1]];
      let diagonal = 0;
      for (let p = start; p < end; p++) if (columnIndices[p] === i) diagonal = a[p];
      for (let c = 0; c < k; c++) {
        let value = x[i * k + c];
        if (!transposed) {
          for (let p = start; p < end; p++) {
            const j = columnIndices[p];
            if (j !== i && j < i === isLower) value -= a[p] * x[j * k + c];
          }
        }
        x[i * k + c] = value /= diagonal;
        if (transposed) {
          for (let p = start; p < end; p++) {
            const j = columnIndices[p];
            if (j !== i && j < i === isLower) x[j * k + c] -= a[p] * value;
          }
        }
      }
    }
    return [out.dtype === "float64" ? x : Float32Array.from(x)];
  },
});

/** op(T)⁻¹ B for the entries [count] of A and B [n, k]; the diagonal must be there, and not zero. */
export function sparseTriangularSolve(entries: Tensor, b: Tensor, params: Params): Tensor {
  return bind(sparseTriangularPrimitive, [entries, b], params)[0];
}
