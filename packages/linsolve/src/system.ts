/** What is solved: A x = b on plain vectors, when it is solved, and what its solvers report. */

import {
  check,
  concat,
  customLinearSolve,
  DomainError,
  isTensor,
  logicalAnd,
  logicalOr,
  maximum,
  ShapeError,
  stopGradient,
  vmap,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expectOptions } from "./arguments.js";
import { square } from "./operators/algebra.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import {
  driveIteration,
  notFiniteError,
  readStatus,
  runIteration,
  statusCode,
  type DriverOptions,
  type Iteration,
  type IterationState,
  type SolveStatus,
} from "./iteration.js";

export interface SolveOptions<X = Tensor> {
  /** Solved when ‖b − A x‖ ≤ max(rtol ‖b‖, atol). Default 1e-8 in float64, 1e-5 in float32. */
  readonly rtol?: number;
  /** Default 0. */
  readonly atol?: number;
  /** Most steps. Default 10 times the number of unknowns. */
  readonly maxIter?: number;
  /** Where to start. Default 0. */
  readonly x0?: X;
  /** An operator near A⁻¹, on the same vectors. Default none. */
  readonly preconditioner?: AnyOperator;
}

/** Results of a traceable solver; for right-hand sides [n, k], one each for the k columns. */
export interface SolveCoreResult<X = Tensor> {
  readonly x: X;
  /** bool. */
  readonly converged: Tensor;
  /** int32. */
  readonly iterations: Tensor;
  /** ‖b − A x‖, computed anew at the end. */
  readonly residual: Tensor;
  /** int32: 1 + the place in `statuses`. */
  readonly status: Tensor;
}

/** How one right-hand side came out. */
export interface SolveReport {
  readonly converged: boolean;
  readonly status: SolveStatus;
  readonly iterations: number;
  /** ‖b − A x‖, computed anew at the end. */
  readonly residual: number;
}

export interface SolveResult<X = Tensor> extends SolveReport {
  readonly x: X;
  /** Norms of the residual after each step. */
  readonly history: readonly number[];
}

/** A system on vectors, as methods see it. */
export interface System {
  readonly b: Tensor;
  readonly matvec: (v: Tensor) => Tensor;
  /** Near A⁻¹ v; v itself without a preconditioner. */
  readonly precondition: (v: Tensor) => Tensor;
  /** The norm of the residual that is wanted. */
  readonly target: Tensor;
  readonly maxIter: number;
  /** Machine precision of the dtype. */
  readonly epsilon: number;
}

/** What a method carries from step to step. */
export interface MethodState {
  /** The solution so far; where a method only builds it at the end, the start. */
  readonly x: Tensor;
  /** Estimated norm of the residual. */
  readonly residual: Tensor;
  /** int32: 0 goes on, −1 wants a restart, else the number of a status. */
  readonly flag: Tensor;
}

/** A Krylov method: how to start from x with residual r, and what a step does. */
export interface Method<S extends MethodState> {
  readonly name: string;
  /** Needs Aᵀ = A, and a symmetric preconditioner. */
  readonly symmetric: boolean;
  /** A restart that leaves more than this of the residual has stalled. Default 0.5. */
  readonly stall?: number;
  start(system: System, x: Tensor, r: Tensor): S;
  step(system: System, state: S): S;
  /** The solution. Default `state.x`. */
  finish?(system: System, state: S): Tensor;
}

interface SystemState<S> extends IterationState {
  readonly x: Tensor;
  readonly inner: S;
  /** b − A x of `x`, when it was last computed, and its norm. */
  readonly r: Tensor;
  readonly known: Tensor;
}

/**
 * The method as an iteration. When its own estimate says that it has arrived, the residual is computed anew; if that is not small enough,
 * the method starts again from there, until a restart brings no more.
 */
function iterationOf<S extends MethodState>(
  method: Method<S>,
  system: System,
  x0: Tensor | null,
): Iteration<SystemState<S>> {
  const { b, matvec, target, maxIter } = system;
  const code = (status: SolveStatus, otherwise: Tensor, when: Tensor): Tensor =>
    where(when, statusCode(status), otherwise).cast("int32");
  const x = x0 ?? zeros(b.shape, { dtype: b.dtype });
  const r = x0 === null ? b : b.sub(matvec(x0));
  const size = norm(r);
  const start: SystemState<S> = {
    x,
    inner: method.start(system, x, r),
    r,
    known: size,
    residual: size,
    iterations: zeros([], { dtype: "int32" }),
    status: code(
      "notFinite",
      code("converged", zeros([], { dtype: "int32" }), size.lessEqual(target)),
      finite(size).equal(0),
    ),
  };
  return {
    name: method.name,
    start,
    goesOn: ({ inner, iterations }) =>
      logicalAnd(logicalAnd(inner.flag.equal(0), inner.residual.greater(target)), iterations.less(maxIter)),
    step: (state) => {
      const inner = method.step(system, state.inner);
      return { ...state, inner, residual: inner.residual, iterations: state.iterations.add(1) };
    },
    conclude: ({ x: before, r: leftBefore, inner, known, iterations }) => {
      const candidate = method.finish?.(system, inner) ?? inner.x;
      const left = b.sub(matvec(candidate));
      const now = norm(left);
      const better = now.less(known);
      const best = where(better, candidate, before);
      const r = where(better, left, leftBefore);
      const residual = where(better, now, known);
      const stalled = now.greater(known.mul(method.stall ?? 0.5));
      const { flag } = inner;
      // What is written later counts more.
      let status: Tensor = zeros([], { dtype: "int32" });
      status = code("precision", status, stalled);
      status = where(stalled, where(flag.greater(0), flag, status), status);
      status = code("maxIter", status, iterations.greaterEqual(maxIter));
      status = where(flag.equal(statusCode("indefinite")), flag, status);
      status = where(flag.equal(statusCode("leastSquares")), flag, status);
      status = where(flag.equal(statusCode("diverged")), flag, status);
      status = code("converged", status, residual.lessEqual(target));
      status = code("notFinite", status, logicalOr(finite(now).equal(0), flag.equal(statusCode("notFinite"))));
      return { x: best, r, inner: method.start(system, best, r), known: residual, residual, iterations, status };
    },
  };
}

/** Euclidean norm. */
export function norm(x: Tensor): Tensor {
  return x.square().sum().sqrt();
}

/** bool: no NaN, no infinity. */
export function finite(x: Tensor): Tensor {
  return x.sub(x).equal(0);
}

/** The traceable solver of a method: x differentiates by the implicit function theorem, to any order. */
export function solveCore<X, S extends MethodState>(
  method: Method<S>,
  a: LinearOperator<X>,
  b: X,
  options: SolveOptions<X>,
): SolveCoreResult<X> {
  const { name } = method;
  square(a, name);
  const limits = limitsOf(a, options, name);
  if (isTensor(b) && b.rank === 2 && a.domain.plain) {
    return forColumns(method, a, b, options) as unknown as SolveCoreResult<X>;
  }
  const right = a.range.ravel(b, name, "b");
  const x0 = options.x0 === undefined ? null : a.domain.ravel(options.x0, name, "x0");
  refuseNotFinite(right, name, "b");
  if (x0 !== null) refuseNotFinite(x0, name, "x0");
  const m = options.preconditioner;
  type Solution = { readonly x: Tensor; readonly info: Tensor };
  const solver =
    (matvec: (v: Tensor) => Tensor, precondition: (v: Tensor) => Tensor) =>
    ({ x: rhs }: Solution): Solution => {
      const target = maximum(norm(rhs).mul(limits.rtol), limits.atol);
      const system: System = { b: rhs, matvec, precondition, target, ...limits };
      const { x, iterations, residual, status } = runIteration(iterationOf(method, system, x0));
      return { x, info: stackInfo(iterations, residual, status) };
    };
  const identity = (v: Tensor): Tensor => v;
  const { x, info } = customLinearSolve<Solution>(
    {
      // What is known of the run stands beside x, as if it were part of a system with the matrix I.
      matvec: (u) => ({ x: a.matvec(u.x), info: u.info }),
      solve: solver(a.matvec, m?.matvec ?? identity),
      ...(a.symmetric || method.symmetric
        ? { symmetric: true }
        : { transposeSolve: solver(a.rmatvec, m?.rmatvec ?? identity) }),
    },
    { x: right, info: zeros([3], { dtype: right.dtype }) },
  );
  const known = stopGradient(info);
  const status = known.slice(2).cast("int32");
  const iterations = known.slice(0).cast("int32");
  checkStatus(status, iterations, name);
  return {
    x: a.domain.unravel(x),
    converged: status.equal(statusCode("converged")),
    iterations,
    residual: known.slice(1),
    status,
  };
}

/** Throws if a product had NaN, when the status is known. */
export function checkStatus(status: Tensor, iterations: Tensor, caller: string): void {
  check([status, iterations], [0, 0], ([code], [steps]) =>
    code === statusCode("notFinite") ? notFiniteError(steps, caller) : null,
  );
}

function stackInfo(iterations: Tensor, residual: Tensor, status: Tensor): Tensor {
  const parts = [iterations, residual, status].map((v) => v.cast(residual.dtype).reshape([1]));
  return concat(parts, 0);
}

function forColumns<X, S extends MethodState>(
  method: Method<S>,
  a: LinearOperator<X>,
  b: Tensor,
  options: SolveOptions<X>,
): SolveCoreResult {
  const { x0, ...rest } = options;
  const columns = (x: unknown, argument: string): void => {
    if (isTensor(x) && x.rank === 2 && x.shape[0] === a.shape[0] && x.shape[1] === b.shape[1]) return;
    const got = isTensor(x) ? `has shape [${x.shape.join(", ")}]` : `is ${describe(x)}`;
    throw new ShapeError(
      `${method.name}: ${argument} ${got}; wants ${argument === "b" ? `a vector [${a.shape[0]}], or` : "as b has,"} columns [${a.shape[0]}, ${b.shape[1]}].`,
    );
  };
  columns(b, "b");
  if (x0 !== undefined) columns(x0, "x0");
  const one = (rhs: Tensor, start: Tensor | null): SolveCoreResult =>
    solveCore(
      method,
      a as unknown as LinearOperator,
      rhs,
      start === null ? (rest as SolveOptions) : ({ ...rest, x0: start } as SolveOptions),
    );
  const outAxes = { x: 1, converged: 0, iterations: 0, residual: 0, status: 0 } as const;
  return x0 === undefined
    ? vmap((rhs: Tensor) => one(rhs, null), { inAxes: 1, outAxes: outAxes as never })(b)
    : vmap((rhs: Tensor, start: Tensor) => one(rhs, start), { inAxes: [1, 1], outAxes: outAxes as never })(
        b,
        x0 as unknown as Tensor,
      );
}

/** The driver of a method. */
export async function solve<X, S extends MethodState>(
  method: Method<S>,
  a: LinearOperator<X>,
  b: X,
  options: SolveOptions<X> & DriverOptions & { readonly check?: boolean },
): Promise<SolveResult<X>> {
  const { name } = method;
  square(a, name);
  const limits = limitsOf(a, options, name);
  const right = a.range.ravel(b, name, "b");
  refuseNotFinite(right, name, "b");
  const x0 = options.x0 === undefined ? null : a.domain.ravel(options.x0, name, "x0");
  if (x0 !== null) refuseNotFinite(x0, name, "x0");
  if (method.symmetric && options.check !== false) await refuseAsymmetric(a, name);
  const precondition = options.preconditioner?.matvec ?? ((v: Tensor): Tensor => v);
  const make = (data: { readonly b: Tensor; readonly x0: Tensor | null }): Iteration<SystemState<S>> => {
    const target = maximum(norm(data.b).mul(limits.rtol), limits.atol);
    return iterationOf(method, { b: data.b, matvec: a.matvec, precondition, target, ...limits }, data.x0);
  };
  const eager = a.eager || options.preconditioner?.eager === true;
  const { state, history } = await driveIteration(make, { b: right, x0 }, eager, options);
  const iterations = await state.iterations.item();
  const status = readStatus(await state.status.item(), iterations, name);
  return {
    x: a.domain.unravel(state.x),
    converged: status === "converged",
    status,
    iterations,
    residual: await state.residual.item(),
    history,
  };
}

interface Limits {
  readonly rtol: number;
  readonly atol: number;
  readonly maxIter: number;
  readonly epsilon: number;
}

function limitsOf(a: AnyOperator, options: SolveOptions<unknown>, caller: string): Limits {
  expectOptions(caller, options, { rtol: "number", atol: "number", maxIter: "number", preconditioner: "operator" });
  const float64 = a.dtype === "float64";
  const { rtol = float64 ? 1e-8 : 1e-5, atol = 0, maxIter = 10 * a.shape[1], preconditioner } = options;
  if (!(rtol >= 0) || !(atol >= 0)) {
    throw new DomainError(`${caller}: rtol is ${rtol}, atol is ${atol}; wants numbers >= 0.`);
  }
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new DomainError(`${caller}: maxIter is ${maxIter}; wants an integer >= 0.`);
  }
  if (preconditioner !== undefined && preconditioner.shape.join() !== a.shape.join()) {
    throw new ShapeError(
      `${caller}: the preconditioner is ${preconditioner.shape.join(" × ")}; wants ${a.shape.join(" × ")}, as A is.`,
    );
  }
  return { rtol, atol, maxIter, epsilon: float64 ? 2 ** -52 : 2 ** -23 };
}

/** Throws if a vector holds NaN or an infinity, naming the first. */
export function refuseNotFinite(v: Tensor, caller: string, argument: string): void {
  check([stopGradient(v)], [1], (values) => {
    const at = values.findIndex((x) => !Number.isFinite(x));
    return at < 0
      ? null
      : new DomainError(`${caller}: ${argument} has ${values[at]} at [${at}]; wants finite numbers.`);
  });
}

/** Throws for a start that no direction comes from: one that is not finite, or zero. */
export function refuseStart(start: Tensor, caller: string): void {
  refuseNotFinite(start, caller, "start");
  check([stopGradient(start)], [1], (values) =>
    values.every((x) => x === 0) ? new DomainError(`${caller}: start is zero; wants a vector with a direction.`) : null,
  );
}

/**
 * Throws if products [n, k] are not all finite, naming the first.
 *
 * @param before - How many products there were before these.
 */
export function refuseProducts(images: Tensor, caller: string, before: number = 0): void {
  // x − x is 0, or NaN for what is not finite.
  check([stopGradient(images.sub(images).sum(0))], [1], (values) => {
    const at = values.findIndex((x) => x !== 0);
    return at < 0 ? null : productError(before + at + 1, caller);
  });
}

export function productError(product: number, caller: string): DomainError {
  return new DomainError(`${caller}: product ${product} of the operator has NaN or an infinity.`);
}

/**
 * Two products tell an operator that is not symmetric, almost surely: uᵀAv = vᵀAu. One that is said to be positive semi-definite must have
 * uᵀAu ≥ 0 there, too, which is less than being it.
 */
export async function refuseAsymmetric(a: AnyOperator, caller: string): Promise<void> {
  const [u, v] = [7, 11].map((seed) => random.normal(random.key(seed), { shape: [a.shape[1]], dtype: a.dtype }));
  const [au, av] = [a.matvec(u), a.matvec(v)];
  const [left, right, size, own, ownSize] = await Promise.all([
    u.mul(av).sum().item(),
    v.mul(au).sum().item(),
    norm(u)
      .mul(norm(av))
      .add(norm(v).mul(norm(au)))
      .item(),
    u.mul(au).sum().item(),
    norm(u).mul(norm(au)).item(),
  ]);
  if (!Number.isFinite(size)) {
    throw new DomainError(`${caller}: a product of the operator has NaN or an infinity, before the first step.`);
  }
  if (Math.abs(left - right) > symmetryTolerance(a) * size) {
    throw new DomainError(
      `${caller}: the operator is not symmetric: uᵀAv = ${left}, vᵀAu = ${right} for random u, v; use gmres, bicgstab or lsqr.`,
    );
  }
  if (a.positiveSemidefinite && own < -symmetryTolerance(a) * ownSize) {
    throw new DomainError(
      `${caller}: the operator is said to be positive semi-definite, but uᵀAu = ${own} for a random u; use minres, or say only that it is symmetric.`,
    );
  }
}

/** How far from Aᵀ an A may be by rounding, as a share of its size. */
export function symmetryTolerance({ dtype }: AnyOperator): number {
  return dtype === "float64" ? 1e-6 : 1e-3;
}
