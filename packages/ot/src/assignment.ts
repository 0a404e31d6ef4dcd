/** The linear assignment problem as a traceable function. */

import { arange, bind, definePrimitive, stopGradient, take, type Primitive, type Tensor } from "@curv/tensor";
import { checkFloats } from "./arguments.js";
import { jonkerVolgenant } from "./jonker-volgenant.js";

export interface Assignment {
  /** Column of each row, int32 [n]; −1 for rows that stay free (n > m). */
  readonly columns: Tensor;
  /** Row of each column, int32 [m]; −1 for columns that stay free (n < m). */
  readonly rows: Tensor;
  /** Σ C over the pairs, scalar; its gradient in C is the assignment as a matrix of zeros and ones. */
  readonly value: Tensor;
  /** Dual potentials [n] and [m]: f_i + g_j ≤ C_ij, equal for pairs; of who stays free 0. Constants for derivatives. */
  readonly f: Tensor;
  readonly g: Tensor;
}

const float = (like: string, length: number): Float32Array | Float64Array =>
  like === "float32" ? new Float32Array(length) : new Float64Array(length);

/** C [n, m] ↦ columns, rows, f, g; further axes may stand in front. */
const assignmentPrimitive: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "assignment",
  shape: ([{ shape, dtype }]) => {
    const lanes = shape.slice(0, -2);
    const [n, m] = shape.slice(-2);
    return [n, m, n, m].map((length, k) => ({
      shape: [...lanes, length],
      dtype: k < 2 ? "int32" : dtype,
      weak: false,
    }));
  },
  batch: ([C]) => bind(assignmentPrimitive, [C], null),
  lower: ([{ buffer, shape, dtype }]) => {
    const [n, m] = shape.slice(-2);
    const lanes = buffer.length / (n * m);
    const columns = new Int32Array(lanes * n).fill(-1);
    const rows = new Int32Array(lanes * m).fill(-1);
    const [f, g] = [float(dtype, lanes * n), float(dtype, lanes * m)];
    const isWide = n <= m;
    const [few, many] = isWide ? [n, m] : [m, n];
    for (let lane = 0; lane < lanes; lane++) {
      const at = lane * n * m;
      const C = Float64Array.from({ length: n * m }, (_, k) =>
        isWide ? buffer[at + k] : buffer[at + (k % n) * m + Math.floor(k / n)],
      );
      const { column, u, v } = jonkerVolgenant(C, few, many);
      (isWide ? f : g).set(u, lane * few);
      (isWide ? g : f).set(v, lane * many);
      column.forEach((j, i) => {
        (isWide ? columns : rows)[lane * few + i] = j;
        (isWide ? rows : columns)[lane * many + j] = i;
      });
    }
    return [columns, rows, f, g];
  },
});

/**
 * The pairs of rows and columns, min(n, m) of them, of least total cost. Traceable; computed in float64 on the host in O(n m min(n, m)).
 *
 * Equals SciPy's `linear_sum_assignment`, with dual potentials. With even weights on n = m points, `value` / n is the cost of {@link emd},
 * usually faster.
 *
 * @param cost - [n, m].
 * @throws ShapeError, DTypeError, DomainError for a cost that is no matrix of finite floats.
 * Source: Jonker & Volgenant (1987); Crouse (2016).
 *
 * @example
 * const { columns, value } = assignment(C);
 */
export function assignment(cost: Tensor): Assignment {
  checkFloats(cost, 2, "assignment", "cost");
  const [n, m] = cost.shape;
  const [columns, rows, f, g] = bind(assignmentPrimitive, [stopGradient(cost)], null);
  // Along the shorter side everyone has a partner.
  const partners = n <= m ? columns : rows;
  const index = arange(Math.min(n, m), { dtype: "int32" });
  const flat = n <= m ? index.mul(m).add(partners) : partners.mul(m).add(index);
  return { columns, rows, value: take(cost.reshape([-1]), flat, 0).sum(), f, g };
}
