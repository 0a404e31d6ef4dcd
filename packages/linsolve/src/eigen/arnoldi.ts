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
  zeros,
  type Tensor,
} from "@curv/tensor";
import { expectArguments, expectOptions } from "../arguments.js";
import {
  driveIteration,
  runIteration,
  statusCode,
  type DriverOptions,
  type Iteration,
  type IterationState,
} from "../iteration.js";
import type { AnyOperator, LinearOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { finite, norm, productError, refuseStart } from "../system.js";
import { orthogonalise } from "./lanczos.js";

/** Results of the traceable function. */
export interface ArnoldiResult {
  /** Upper Hessenberg H [steps + 1, steps]: A V = V' H for the rows of the basis as columns; zero from `taken` on. */
  readonly hessenberg: Tensor;
  /** Orthonormal rows [steps + 1, n]; the last is zero where the space is invariant. */
  readonly basis: Tensor;
  /** int32: steps that were taken, fewer than asked for where the space was exhausted. */
  readonly taken: Tensor;
}

export interface ArnoldiOptions extends DriverOptions {
  /** At most as many as there are unknowns. */
  readonly steps: number;
}

export interface ArnoldiRun {
  /** Upper Hessenberg H [iterations + 1, iterations]: A V = V' H for the rows of the basis as columns. */
  readonly hessenberg: Tensor;
  /** Orthonormal rows [iterations + 1, n]; the last is zero where the space is invariant. */
  readonly basis: Tensor;
  /** Whether the space is invariant: the eigenvalues of the square part of H are some of A's. */
  readonly converged: boolean;
  /** `maxIter` where all steps were taken, and more would find more. */
  readonly status: "converged" | "maxIter";
  /** Steps that were taken, fewer than asked for where the space was exhausted. */
  readonly iterations: number;
  /** Products with A: one a step. */
  readonly products: number;
  /** What is left of A V beside V, H[iterations, iterations − 1]: times the last entry of an eigenvector of H, the residual of its pair. */
  readonly residual: number;
  /** The same after each step: the entries of H below its diagonal. */
  readonly history: readonly number[];
}

interface State extends IterationState {
  readonly hessenberg: Tensor;
  readonly basis: Tensor;
  readonly current: Tensor;
}

function iterationOf(a: AnyOperator, start: Tensor, steps: number): Iteration<State> {
  const { dtype } = a;
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const unit = (at: Tensor, length: number): Tensor =>
    tensor(Int32Array.from({ length }, (_, i) => i))
      .equal(at)
      .cast(dtype);
  const none = zeros([], { dtype: "int32" });
  const first = start.div(norm(start));
  return {
    name: "arnoldi",
    start: {
      hessenberg: zeros([steps + 1, steps], { dtype }),
      basis: dynamicUpdateSlice(zeros([steps + 1, a.shape[1]], { dtype }), first.expandDims(0), [0, 0]),
      current: first,
      residual: zeros([], { dtype }).add(1),
      iterations: none,
      status: none,
    },
    // It ends with the first product that is not finite.
    goesOn: ({ iterations, residual }) =>
      logicalAnd(iterations.less(steps), logicalAnd(finite(residual), residual.greater(0))),
    step: ({ hessenberg, basis, current, iterations: j, status }) => {
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
        residual: left,
        iterations: j.add(1),
        status,
      };
    },
    conclude: (state) => {
      const status = where(state.residual.equal(0), statusCode("converged"), statusCode("maxIter"));
      return { ...state, status: where(finite(state.residual), status, statusCode("notFinite")).cast("int32") };
    },
  };
}

/** Refuses what cannot be run. */
function checkRun(a: AnyOperator, start: Tensor, options: { readonly steps: number }, caller: string): number {
  square(a, caller);
  expectArguments(caller, { start: [start, "tensor"] });
  expectOptions(caller, options, { steps: "number" });
  const { steps } = options;
  const n = a.shape[1];
  if (!Number.isInteger(steps) || steps < 1 || steps > n) {
    throw new DomainError(`${caller}: steps is ${steps}; wants an integer from 1 to ${n}.`);
  }
  if (start.rank !== 1 || start.shape[0] !== n) {
    throw new ShapeError(`${caller}: start has shape [${start.shape.join(", ")}]; wants [${n}].`);
  }
  refuseStart(start, caller);
  return steps;
}

/**
 * `steps` steps of the Arnoldi process for any square A: an orthonormal basis of the Krylov space of `start`, with Gram–Schmidt done
 * twice. The eigenvalues of the square part of H approximate those of A, the outer ones first. It ends before where the space is exhausted.
 *
 * @param start - [n], of any length but zero.
 * @throws DomainError for a zero start, more steps than there are unknowns, or a product with NaN, naming its number; the signal's reason.
 * Source: Arnoldi (1951); Saad, Numerical methods for large eigenvalue problems (2011), algorithm 6.2.
 *
 * @example
 * const { hessenberg, iterations: m } = await arnoldi(operator, start, { steps: 30 });
 * const ritz = eigvals(hessenberg.slice([0, m]));
 */
export async function arnoldi(a: AnyOperator, start: Tensor, options: ArnoldiOptions): Promise<ArnoldiRun> {
  const steps = checkRun(a, start, options, "arnoldi");
  const make = (data: { readonly start: Tensor }): Iteration<State> => iterationOf(a, data.start, steps);
  const { state, history } = await driveIteration(make, { start }, a.eager, options, false);
  const taken = await state.iterations.item();
  const status = await state.status.item();
  if (status === statusCode("notFinite")) throw productError(taken, "arnoldi");
  const converged = status === statusCode("converged");
  return {
    hessenberg: state.hessenberg.slice([0, taken + 1], [0, taken]),
    basis: state.basis.slice([0, taken + 1]),
    converged,
    status: converged ? "converged" : "maxIter",
    iterations: taken,
    products: taken,
    residual: await state.residual.item(),
    history,
  };
}

/** {@link arnoldi} as a traceable function: shapes are those of all steps, whether they were taken or not. */
export function arnoldiCore(a: LinearOperator, start: Tensor, options: { readonly steps: number }): ArnoldiResult {
  const steps = checkRun(a, start, options, "arnoldiCore");
  const end = runIteration(iterationOf(a, start, steps));
  check([stopGradient(end.residual), end.iterations], [0, 0], ([residual], [product]) =>
    Number.isFinite(residual) ? null : productError(product, "arnoldiCore"),
  );
  return { hessenberg: end.hessenberg, basis: end.basis, taken: end.iterations };
}
