/** How least-squares methods are run: what they solve, when they stop, and what is reported. */

import {
  concat,
  customLinearSolve,
  DomainError,
  logicalAnd,
  logicalNot,
  logicalOr,
  stopGradient,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import {
  driveIteration,
  readStatus,
  runIteration,
  statusCode,
  type DriverOptions,
  type Iteration,
  type IterationState,
  type SolveStatus,
} from "./iteration.js";
import { expectArguments, expectOptions } from "./arguments.js";
import { cgCore } from "./cg.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import { asVectors, gramOperator, shiftOperator } from "./operators/algebra.js";
import { checkStatus, norm, refuseNotFinite } from "./system.js";

export interface LeastSquaresOptions<X = Tensor> {
  /** Minimise ‖b − A x‖² + damping² ‖x‖². Default 0. */
  readonly damping?: number;
  /** Consistent systems are solved when ‖b − A x‖ ≤ rtol (‖A‖_F ‖x‖ + ‖b‖). Default 1e-10 in float64, 1e-5 in float32. */
  readonly rtol?: number;
  /** Others when ‖Aᵀ(b − A x)‖ ≤ atol ‖A‖_F ‖b − A x‖. Default as `rtol`. */
  readonly atol?: number;
  /** Most steps. Default 10 times the smaller side of A. */
  readonly maxIter?: number;
  /** Where to start. Default 0. */
  readonly x0?: X;
}

export interface LeastSquaresReport {
  /** Whether x solves the system, or its least-squares problem, to the tolerance. */
  readonly converged: boolean;
  /** `converged` for a solution, `leastSquares` for a least-squares solution with a residual. */
  readonly status: SolveStatus;
  readonly iterations: number;
  /** ‖b − A x‖ (with damping, ‖(b − A x, damping·x)‖), computed anew at the end. */
  readonly residual: number;
  /** ‖Aᵀ(b − A x) − damping² x‖, computed anew at the end: the gradient. */
  readonly normalResidual: number;
}

export interface LeastSquaresResult<X = Tensor> extends LeastSquaresReport {
  readonly x: X;
  /** Norms of the residual after each step. */
  readonly history: readonly number[];
}

/** Results of a traceable least-squares solver. */
export interface LeastSquaresCoreResult<X = Tensor> {
  readonly x: X;
  /** bool. */
  readonly converged: Tensor;
  /** int32. */
  readonly iterations: Tensor;
  readonly residual: Tensor;
  readonly normalResidual: Tensor;
  /** int32: 1 + the place in `statuses`. */
  readonly status: Tensor;
}

/** Golub–Kahan bidiagonalisation of (A, b), which LSQR and LSMR stand on: A V = U B. */
export interface Bidiagonalisation {
  readonly u: Tensor;
  readonly v: Tensor;
  readonly alpha: Tensor;
  readonly beta: Tensor;
}

/** A vector and its norm; a zero vector stays. */
function normalised(x: Tensor): { readonly direction: Tensor; readonly length: Tensor } {
  const length = norm(x);
  return { direction: x.div(where(length.equal(0), 1, length)), length };
}

export function startBidiagonalisation({ rmatvec }: Products, r: Tensor): Bidiagonalisation {
  const left = normalised(r);
  const right = normalised(rmatvec(left.direction));
  return { u: left.direction, beta: left.length, v: right.direction, alpha: right.length };
}

/** The next column of U and V. */
export function bidiagonalise({ matvec, rmatvec }: Products, { u, v, alpha }: Bidiagonalisation): Bidiagonalisation {
  const left = normalised(matvec(v).sub(u.mul(alpha)));
  const right = normalised(rmatvec(left.direction).sub(v.mul(left.length)));
  return { u: left.direction, beta: left.length, v: right.direction, alpha: right.length };
}

export interface Products {
  readonly matvec: (v: Tensor) => Tensor;
  readonly rmatvec: (u: Tensor) => Tensor;
}

/** What a method carries; norms are its estimates. */
export interface LeastSquaresState {
  readonly x: Tensor;
  readonly residual: Tensor;
  readonly normalResidual: Tensor;
  /** ‖A‖_F² as far as it has been seen. */
  readonly size2: Tensor;
}

export interface LeastSquaresMethod<S extends LeastSquaresState> {
  readonly name: string;
  start(products: Products, x: Tensor, r: Tensor, damping: number): S;
  step(products: Products, state: S, damping: number): S;
}

interface RunState<S> extends IterationState {
  readonly x: Tensor;
  readonly inner: S;
  readonly normalResidual: Tensor;
}

interface Limits {
  readonly damping: number;
  readonly rtol: number;
  readonly atol: number;
  readonly maxIter: number;
}

function iterationOf<S extends LeastSquaresState>(
  method: LeastSquaresMethod<S>,
  products: Products,
  b: Tensor,
  columns: number,
  x0: Tensor | null,
  { damping, rtol, atol, maxIter }: Limits,
): Iteration<RunState<S>> {
  const { matvec, rmatvec } = products;
  const none = zeros([], { dtype: "int32" });
  const x = x0 ?? zeros([columns], { dtype: b.dtype });
  const r = x0 === null ? b : b.sub(matvec(x0));
  const size = norm(b);
  const inner = method.start(products, x, r, damping);
  const solved = (s: LeastSquaresState): Tensor =>
    s.residual.lessEqual(s.size2.sqrt().mul(norm(s.x)).add(size).mul(rtol));
  const stationary = (s: LeastSquaresState): Tensor =>
    s.normalResidual.lessEqual(s.size2.sqrt().mul(s.residual).mul(atol));
  return {
    name: method.name,
    start: {
      x,
      inner,
      iterations: none,
      residual: inner.residual,
      normalResidual: inner.normalResidual,
      status: where(norm(r).equal(0), statusCode("converged"), 0).cast("int32"),
    },
    goesOn: ({ inner: s, iterations }) =>
      logicalAnd(
        logicalAnd(iterations.less(maxIter), s.residual.sub(s.residual).equal(0)), // NaN ends it
        logicalNot(logicalOr(solved(s), stationary(s))),
      ),
    step: (state) => {
      const next = method.step(products, state.inner, damping);
      return { ...state, inner: next, residual: next.residual, iterations: state.iterations.add(1) };
    },
    conclude: ({ inner: s, iterations }) => {
      const left = b.sub(matvec(s.x));
      const residual = norm(concat([left, s.x.mul(damping)], 0));
      const normalResidual = norm(rmatvec(left).sub(s.x.mul(damping ** 2)));
      // Estimates may be a little optimistic: the true norms may be ten times what is wanted.
      const now = { ...s, residual: residual.div(10), normalResidual: normalResidual.div(10) };
      let status: Tensor = where(iterations.greaterEqual(maxIter), statusCode("maxIter"), statusCode("precision"));
      status = where(stationary(now), statusCode("leastSquares"), status);
      status = where(solved(now), statusCode("converged"), status);
      status = where(residual.sub(residual).equal(0), status, statusCode("notFinite"));
      return { x: s.x, inner: s, iterations, residual, normalResidual, status: status.cast("int32") };
    },
  };
}

/**
 * The traceable solver of a method. The least-squares problem is the symmetric system (I, A; Aᵀ, −damping²)(r, x) = (b, 0), by which x
 * differentiates; there the right-hand side has a second part c, for which x loses (AᵀA + damping²)⁻¹ c, by CG.
 */
export function leastSquaresCore<X, Y, S extends LeastSquaresState>(
  method: LeastSquaresMethod<S>,
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X>,
): LeastSquaresCoreResult<X> {
  const { name } = method;
  const limits = limitsOf(a, options, name);
  const { right, x0 } = vectorsOf(a, b, options, name);
  const { dtype } = right;
  const square = limits.damping ** 2;
  const normal = shiftOperator(gramOperator(asVectors(a)), square);
  interface Solution {
    readonly r: Tensor;
    readonly x: Tensor;
    /** What is known of the run, as if it were part of a system with the matrix I. */
    readonly info: Tensor;
  }
  const { x, info } = customLinearSolve<Solution>(
    {
      matvec: (s) => ({ r: s.r.add(a.matvec(s.x)), x: a.rmatvec(s.r).sub(s.x.mul(square)), info: s.info }),
      solve: (rhs) => {
        const end = runIteration(iterationOf(method, a, rhs.r, a.shape[1], x0, limits));
        const solution = end.x.sub(cgCore(normal, rhs.x, { rtol: 1e-13 }).x);
        const parts = [end.iterations, end.residual, end.normalResidual, end.status];
        const known = parts.map((v) => v.cast(dtype).reshape([1]));
        return { x: solution, r: rhs.r.sub(a.matvec(solution)), info: concat(known, 0) };
      },
      symmetric: true,
    },
    { r: right, x: zeros([a.shape[1]], { dtype }), info: zeros([4], { dtype }) },
  );
  const known = stopGradient(info);
  const status = known.slice(3).cast("int32");
  const iterations = known.slice(0).cast("int32");
  checkStatus(status, iterations, name);
  return {
    x: a.domain.unravel(x),
    converged: succeeded(status),
    iterations,
    residual: known.slice(1),
    normalResidual: known.slice(2),
    status,
  };
}

function succeeded(status: Tensor): Tensor {
  return logicalOr(status.equal(statusCode("converged")), status.equal(statusCode("leastSquares")));
}

/** The driver of a method. */
export async function leastSquares<X, Y, S extends LeastSquaresState>(
  method: LeastSquaresMethod<S>,
  a: LinearOperator<X, Y>,
  b: Y,
  options: LeastSquaresOptions<X> & DriverOptions,
): Promise<LeastSquaresResult<X>> {
  const { name } = method;
  const limits = limitsOf(a, options, name);
  const vectors = vectorsOf(a, b, options, name);
  const make = (data: { readonly right: Tensor; readonly x0: Tensor | null }): Iteration<RunState<S>> =>
    iterationOf(method, a, data.right, a.shape[1], data.x0, limits);
  const { state, history } = await driveIteration(make, vectors, a.eager, options);
  const iterations = await state.iterations.item();
  const status = readStatus(await state.status.item(), iterations, name);
  return {
    x: a.domain.unravel(state.x),
    converged: status === "converged" || status === "leastSquares",
    status,
    iterations,
    residual: await state.residual.item(),
    normalResidual: await state.normalResidual.item(),
    history,
  };
}

function vectorsOf<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  { x0 }: LeastSquaresOptions<X>,
  caller: string,
): { readonly right: Tensor; readonly x0: Tensor | null } {
  const right = a.range.ravel(b, caller, "b");
  const start = x0 === undefined ? null : a.domain.ravel(x0, caller, "x0");
  refuseNotFinite(right, caller, "b");
  if (start !== null) refuseNotFinite(start, caller, "x0");
  return { right, x0: start };
}

function limitsOf(a: AnyOperator, options: LeastSquaresOptions<unknown>, caller: string): Limits {
  expectArguments(caller, { a: [a, "operator"] });
  expectOptions(caller, options, { damping: "number", rtol: "number", atol: "number", maxIter: "number" });
  const tolerance = a.dtype === "float64" ? 1e-10 : 1e-5;
  const { damping = 0, rtol = tolerance, atol = tolerance, maxIter = 10 * Math.min(...a.shape) } = options;
  for (const [argument, value] of Object.entries({ damping, rtol, atol })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new DomainError(`${caller}: ${argument} is ${value}; wants a finite number >= 0.`);
    }
  }
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new DomainError(`${caller}: maxIter is ${maxIter}; wants an integer >= 0.`);
  }
  return { damping, rtol, atol, maxIter };
}
