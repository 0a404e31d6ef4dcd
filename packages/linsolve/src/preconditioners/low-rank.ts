/** The inverse of a diagonal plus a matrix of low rank, as a preconditioner. */

import { check, DomainError, eye, isTensor, matmul, ShapeError, stopGradient, tensor, type Tensor } from "@curv/tensor";
import { cholesky, choleskySolve } from "@curv/tensor/linalg";
import { expectArguments } from "../arguments.js";
import { fromVectors, type LinearOperator } from "../linear-operator.js";
import { floatOf } from "../operators/dense.js";
import { refuseNotFinite } from "../system.js";
import { vectors } from "../vector-space.js";

/**
 * (D + U diag(d) Uᵀ)⁻¹ by the Woodbury formula: for a matrix that is nearly a diagonal and a few directions, such as the `values` and
 * `vectors` of `eigsh` or `lobpcg` beside a shift. With V = U diag(√d) it is
 *
 *   D⁻¹ − D⁻¹V (I + VᵀD⁻¹V)⁻¹ VᵀD⁻¹.
 *
 * O(n k²) to build, O(n k) a product. It computes in float64 and keeps U in it; products have the dtype of U. Traceable, and differentiable in
 * U, in d > 0 and in the diagonal.
 *
 * @param u - U [n, k].
 * @param d - Weights ≥ 0 of the directions [k].
 * @param diagonal - Of D: a number > 0 for all of it, or positive numbers [n].
 * @throws ShapeError for shapes that do not fit; DTypeError for a U of integers; DomainError for a diagonal that is not positive, a negative
 * weight, NaN and infinities, naming the first.
 * Source: Woodbury, Inverting modified matrices (1950).
 *
 * @example
 * const { values, vectors } = await eigsh(a, { k: 10 });
 * const { x } = await cg(shiftOperator(a, 1e-3), b, { preconditioner: lowRankPreconditioner(vectors, values, 1e-3) });
 */
export function lowRankPreconditioner(u: Tensor, d: Tensor, diagonal: number | Tensor): LinearOperator {
  const caller = "lowRankPreconditioner";
  expectArguments(caller, { u: [u, "tensor"], d: [d, "tensor"] });
  if (!isTensor(diagonal)) expectArguments(caller, { diagonal: [diagonal, "number"] });
  const dtype = floatOf(u, caller, "u");
  if (u.rank !== 2 || d.rank !== 1 || u.shape[1] !== d.shape[0]) {
    throw new ShapeError(
      `${caller}: u and d have shapes [${u.shape.join(", ")}] and [${d.shape.join(", ")}]; wants [n, k] and [k].`,
    );
  }
  const [n, k] = u.shape;
  const big = isTensor(diagonal) ? diagonal : tensor([diagonal], { dtype: "float64" });
  if (isTensor(diagonal) && (diagonal.rank !== 1 || diagonal.shape[0] !== n)) {
    throw new ShapeError(`${caller}: diagonal has shape [${diagonal.shape.join(", ")}]; wants a number or [${n}].`);
  }
  refuseNotFinite(u.reshape([-1]), caller, "u, row after row,");
  refuse(d, caller, "d", "finite numbers >= 0", (weight) => weight >= 0);
  refuse(big, caller, "diagonal", "positive numbers", (x) => x > 0);

  const v = u.cast("float64").mul(d.cast("float64").sqrt());
  const across = big.cast("float64").expandDims(1); // D as a column
  const over = v.div(across);
  const factor = cholesky(matmul(v.transpose(), over).add(eye(k, k, { dtype: "float64" })));
  /** For the columns of X [n, m]. */
  const matmat = (x: Tensor): Tensor => {
    const wide = x.cast("float64");
    return wide
      .div(across)
      .sub(matmul(over, choleskySolve(factor, matmul(over.transpose(), wide))))
      .cast(dtype);
  };
  const matvec = (x: Tensor): Tensor => matmat(x.expandDims(1)).squeeze(1);
  const space = vectors(n, dtype);
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite: true,
    matvec,
    rmatvec: matvec,
    matmat,
    rmatmat: matmat,
  });
}

/** Also inside of a compiled function, when it runs. */
function refuse(x: Tensor, caller: string, name: string, wanted: string, fits: (value: number) => boolean): void {
  check([stopGradient(x)], [1], (values) => {
    const at = values.findIndex((value) => !(Number.isFinite(value) && fits(value)));
    return at < 0 ? null : new DomainError(`${caller}: ${name}[${at}] is ${values[at]}; wants ${wanted}.`);
  });
}
