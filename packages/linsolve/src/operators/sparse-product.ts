/** The product of a sparse matrix with the columns of a dense one, as a primitive: one pass over the entries. */

import {
  bind,
  definePrimitive,
  moveAxis,
  stack,
  take,
  tensor,
  unstack,
  type Primitive,
  type Tensor,
} from "@curv/tensor";

/** Where the entries of a matrix stand. */
export interface Sparsity {
  readonly rows: number;
  readonly columns: number;
  readonly rowStarts: Int32Array;
  readonly columnIndices: Int32Array;
  /** The row of each entry. */
  readonly rowIndices: Int32Array;
}

interface Params {
  readonly sparsity: Sparsity;
  /** Multiply with Aᵀ. */
  readonly transposed: boolean;
}

/** sparseProduct(entries, V) → op(A) V. Linear in each of the two. */
const sparseProductPrimitive: Primitive<Params> = /* @__PURE__ */ definePrimitive<Params>({
  name: "sparseProduct",
  shape: ([, v], { sparsity: { rows, columns }, transposed }) => [
    { shape: [transposed ? columns : rows, v.shape[1]], dtype: v.dtype, weak: false },
  ],
  jvp: ([entries, v], [dEntries, dv], params) => {
    const first = dEntries === null ? null : sparseProduct(dEntries, v, params);
    const second = dv === null ? null : sparseProduct(entries, dv, params);
    return [first === null ? second : second === null ? first : first.add(second)];
  },
  transpose: ([bar], [entries, v], [entriesLinear], { sparsity, transposed }) => {
    if (!entriesLinear) return [null, sparseProduct(entries, bar!, { sparsity, transposed: !transposed })];
    const [from, to] = [sparsity.columnIndices, sparsity.rowIndices].map((x) => tensor(x));
    const [there, here] = transposed ? [to, from] : [from, to];
    return [
      take(v, there, 0)
        .mul(take(bar!, here, 0))
        .sum(1),
      null,
    ];
  },
  batch: ([entries, v], [entriesBatched, vBatched], params, size) => {
    if (entriesBatched) {
      const each = unstack(entries, 0).map((e, i) => sparseProduct(e, vBatched ? v.slice(i) : v, params));
      return [stack(each, 0)];
    }
    // The batch as more columns.
    const [, n, k] = v.shape;
    const wide = moveAxis(v, 0, 1).reshape([n, size * k]);
    const product = sparseProduct(entries, wide, params);
    return [moveAxis(product.reshape([product.shape[0], size, k]), 1, 0)];
  },
  lower: ([entries, v], { sparsity, transposed }, [out]) => {
    const { rows, rowStarts, columnIndices } = sparsity;
    const k = v.shape[1];
    const [a, x] = [entries.buffer, v.buffer];
    // Sums in float64; rounded once.
    const y = new Float64Array(out.shape[0] * k);
    if (k === 1 && !transposed) {
      for (let i = 0; i < rows; i++) {
        let sum = 0;
        for (let p = rowStarts[i], end = rowStarts[i + 1]; p < end; p++) sum += a[p] * x[columnIndices[p]];
        y[i] = sum;
      }
    } else {
      for (let i = 0; i < rows; i++) {
        for (let p = rowStarts[i], end = rowStarts[i + 1]; p < end; p++) {
          const j = columnIndices[p];
          const entry = a[p];
          const [to, from] = transposed ? [j * k, i * k] : [i * k, j * k];
          for (let c = 0; c < k; c++) y[to + c] += entry * x[from + c];
        }
      }
    }
    return [out.dtype === "float64" ? y : Float32Array.from(y)];
  },
});

/** op(A) V for the entries [count] of A and V [n, k]. */
export function sparseProduct(entries: Tensor, v: Tensor, params: Params): Tensor {
  return bind(sparseProductPrimitive, [entries, v], params)[0];
}
