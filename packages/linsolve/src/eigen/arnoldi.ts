/** The Arnoldi process. */

import {
  check,
  DomainError,
  dynamicUpdateSlice,
  logicalAnd,
  outer,
  ShapeError,
  stopGradient,
  tensor,
  where,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { expectArguments, expectOptions } from "../arguments.js";
import type { LinearOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { finite, norm, productError, refuseStart } from "../system.js";
import { orthogonalise } from "./lanczos.js";

export interface ArnoldiResult {
  /** Upper Hessenberg H [steps + 1, steps]: A V = V' H for the rows of the basis as columns; zero from `taken` on. */
  readonly hessenberg: Tensor;
  /** Orthonormal rows [steps + 1, n]; the last is zero where the space is invariant. */
  readonly basis: Tensor;
  /** int32: steps that were taken, fewer than asked for where the space was exhausted. */
  readonly taken: Tensor;
}

/**
 * `steps` steps of the Arnoldi process for any square A, traceable: an orthonormal basis of the Krylov space of `start`, with Gram–Schmidt done
 * twice. The eigenvalues of the square part of H approximate those of A, the outer ones first.
 *
 * @param start - [n], of any length but zero.
 * @throws DomainError for a zero start, more steps than there are unknowns, or a product with NaN, naming its number.
 * Source: Arnoldi (1951); Saad, Numerical methods for large eigenvalue problems (2011), algorithm 6.2.
 */
export function arnoldiCore(a: LinearOperator, start: Tensor, options: { readonly steps: number }): ArnoldiResult {
  square(a, "arnoldiCore");
  expectArguments("arnoldiCore", { start: [start, "tensor"] });
  expectOptions("arnoldiCore", options, { steps: "number" });
  const { steps } = options;
  const n = a.shape[1];
  if (!Number.isInteger(steps) || steps < 1 || steps > n) {
    throw new DomainError(`arnoldiCore: steps is ${steps}; wants an integer from 1 to ${n}.`);
  }
  if (start.rank !== 1 || start.shape[0] !== n) {
    throw new ShapeError(`arnoldiCore: start has shape [${start.shape.join(", ")}]; wants [${n}].`);
  }
  refuseStart(start, "arnoldiCore");
  const { dtype } = a;
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const unit = (at: Tensor, length: number): Tensor =>
    tensor(Int32Array.from({ length }, (_, i) => i))
      .equal(at)
      .cast(dtype);
  interface State {
    readonly hessenberg: Tensor;
    readonly basis: Tensor;
    readonly current: Tensor;
    readonly j: Tensor;
    readonly more: Tensor;
  }
  const first = start.div(norm(start));
  const end = whileLoop(
    ({ j, more }: State) => logicalAnd(j.less(steps), more.greater(0)),
    ({ hessenberg, basis, current, j }: State): State => {
      const image = a.matvec(current);
      const { rest, along } = orthogonalise(image, basis);
      const length = norm(rest);
      const exhausted = length.lessEqual(norm(image).mul(10 * epsilon));
      const left = where(exhausted, 0, length);
      const next = where(exhausted, 0, rest.div(where(length.equal(0), 1, length)));
      const column = along.add(unit(j.add(1), steps + 1).mul(left));
      return {
        hessenberg: hessenberg.add(outer(column, unit(j, steps))),
        basis: dynamicUpdateSlice(basis, next.expandDims(0), [j.add(1), 0]),
        current: next,
        j: j.add(1),
        more: logicalAnd(finite(length), exhausted.equal(0)).cast("int32"),
      };
    },
    {
      hessenberg: zeros([steps + 1, steps], { dtype }),
      basis: dynamicUpdateSlice(zeros([steps + 1, n], { dtype }), first.expandDims(0), [0, 0]),
      current: first,
      j: zeros([], { dtype: "int32" }),
      more: zeros([], { dtype: "int32" }).add(1),
    },
  );
  // It ends with the first product that is not finite.
  check([stopGradient(norm(end.current)), end.j], [0, 0], ([length], [product]) =>
    Number.isFinite(length) ? null : productError(product, "arnoldiCore"),
  );
  return { hessenberg: end.hessenberg, basis: end.basis, taken: end.j };
}
