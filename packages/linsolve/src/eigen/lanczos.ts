/** The Lanczos process with full reorthogonalisation. */

import {
  check,
  DomainError,
  dynamicUpdateSlice,
  jit,
  logicalAnd,
  matmul,
  maximum,
  ShapeError,
  stack,
  stopGradient,
  tensor,
  where,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { expectArguments, expectOptions } from "../arguments.js";
import type { DriverOptions } from "../iteration.js";
import type { AnyOperator, LinearOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { finite, norm, productError, refuseAsymmetric, refuseStart, symmetryTolerance } from "../system.js";
import { eighTridiagonal } from "./symmetric-eigen.js";

export interface LanczosResult {
  /** Diagonal of T [steps]; zeros from `taken` on. */
  readonly alpha: Tensor;
  /** Beside the diagonal [steps]: entry j is T[j, j + 1]; the last one is the norm of what is left after the last step. */
  readonly beta: Tensor;
  /** Orthonormal rows [steps, n], V A Vᵀ = T; zero from `taken` on. */
  readonly basis: Tensor;
  /** int32: steps that were taken, fewer than asked for where the space was exhausted. */
  readonly taken: Tensor;
}

/**
 * `steps` steps of the Lanczos process for symmetric A, traceable. Each new vector is orthogonalised against all before it, twice: without
 * that, eigenvalues come again as ghosts.
 *
 * T has the spectrum of A as seen from `start`: its quadrature is exact for polynomials up to degree 2·steps − 1.
 *
 * @param start - [n], of any length but zero.
 * @throws DomainError for a zero start, more steps than there are unknowns, a product with NaN, naming its number, or an operator that its
 * own basis shows not to be symmetric.
 * Source: Lanczos (1950); Golub & Meurant, Matrices, Moments and Quadrature (2010).
 */
export function lanczosCore(a: LinearOperator, start: Tensor, options: { readonly steps: number }): LanczosResult {
  const n = checkRun(a, start, options, "lanczosCore");
  const { steps } = options;
  const { dtype } = a;
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const places = tensor(Int32Array.from({ length: steps }, (_, i) => i));
  interface State {
    readonly basis: Tensor;
    readonly alpha: Tensor;
    readonly beta: Tensor;
    readonly next: Tensor;
    /** ‖T‖ so far. */
    readonly size: Tensor;
    /** Largest entry of V A Vᵀ − T so far. */
    readonly skew: Tensor;
    readonly j: Tensor;
    readonly more: Tensor;
  }
  const first = start.div(norm(start));
  const end = whileLoop(
    ({ j, more }: State) => logicalAnd(j.less(steps), more.greater(0)),
    ({ basis, alpha, beta, next, size, skew, j }: State): State => {
      const vectors = dynamicUpdateSlice(basis, next.expandDims(0), [j, 0]);
      const image = a.matvec(next);
      const { rest, along } = orthogonalise(image, vectors);
      const here = places.equal(j).cast(dtype);
      const before = places.equal(j.sub(1)).cast(dtype);
      const off = along.mul(here.neg().add(1)).sub(beta.mul(before)).abs().max();
      const length = norm(rest);
      const grown = where(length.greater(size), length, size);
      const seen = where(along.mul(here).sum().abs().greater(grown), along.mul(here).sum().abs(), grown);
      // What is left is rounding: the space is invariant.
      const exhausted = length.lessEqual(seen.mul(epsilon * 10));
      return {
        basis: vectors,
        alpha: alpha.add(along.mul(here)),
        beta: beta.add(where(exhausted, 0, length).mul(here)),
        next: rest.div(where(length.equal(0), 1, length)),
        size: seen,
        skew: maximum(skew, off),
        j: j.add(1),
        more: logicalAnd(finite(length), exhausted.equal(0)).cast("int32"),
      };
    },
    {
      basis: zeros([steps, n], { dtype }),
      alpha: zeros([steps], { dtype }),
      beta: zeros([steps], { dtype }),
      next: first,
      size: zeros([], { dtype }),
      skew: zeros([], { dtype }),
      j: zeros([], { dtype: "int32" }),
      more: zeros([], { dtype: "int32" }).add(1),
    },
  );
  // It ends with the first product that is not finite.
  check([stopGradient(norm(end.next)), end.j], [0, 0], ([length], [product]) =>
    Number.isFinite(length) ? null : productError(product, "lanczosCore"),
  );
  check([stopGradient(end.skew), stopGradient(end.size)], [0, 0], ([skew], [size]) =>
    skew > symmetryTolerance(a) * size ? notSymmetric(skew, size, "lanczosCore") : null,
  );
  return { alpha: end.alpha, beta: end.beta, basis: end.basis, taken: end.j };
}

export interface LanczosOptions extends Omit<DriverOptions, "onProgress"> {
  /** At most as many as there are unknowns. */
  readonly steps: number;
  /**
   * What keeps the basis orthogonal.
   * - `full` (default): each new vector is orthogonalised against all before it, twice: orthogonal to rounding, 8·n·j flops in step j.
   * - `selective`: only against Ritz vectors that have converged, in whose directions orthogonality is lost: to about √ε, which leaves the
   *   eigenvalues of T right to rounding. Less work where few converge.
   * - `none`: three terms. Converged eigenvalues come again, as ghosts.
   */
  readonly reorthogonalise?: "full" | "selective" | "none";
  /** Refuse an operator that is not symmetric: by the basis itself if `full`, else by two products before the run. Default true. */
  readonly check?: boolean;
  /** Called after each step. */
  readonly onProgress?: (progress: { readonly steps: number }) => void;
}

export interface LanczosRun {
  /** Diagonal of T. */
  readonly alpha: readonly number[];
  /** Beside the diagonal: entry j is T[j, j + 1]; the last one is the norm of what is left after the last step. */
  readonly beta: readonly number[];
  /** Orthonormal rows [alpha.length, n], V A Vᵀ = T. */
  readonly basis: Tensor;
}

/**
 * {@link lanczosCore} step by step: for operators that cannot be traced, and for long runs, which can be watched and stopped.
 *
 * It ends before `steps` where the space is exhausted.
 *
 * @throws As `lanczosCore`.
 */
export async function lanczos(a: AnyOperator, start: Tensor, options: LanczosOptions): Promise<LanczosRun> {
  const n = checkRun(a, start, options, "lanczos");
  const { steps, reorthogonalise = "full", signal, onProgress } = options;
  const epsilon = a.dtype === "float64" ? 2 ** -52 : 2 ** -23;
  if (!["full", "selective", "none"].includes(reorthogonalise)) {
    throw new DomainError(
      `lanczos: reorthogonalise is ${JSON.stringify(reorthogonalise)}; wants "full", "selective" or "none".`,
    );
  }
  const checked = options.check !== false;
  if (checked && reorthogonalise !== "full") await refuseAsymmetric(a, "lanczos");
  const step = stepOf(a);
  let basis = zeros([steps, n], { dtype: a.dtype });
  let next = start.div(norm(start));
  let previous = next.mul(0);
  const none = zeros([0, n], { dtype: a.dtype });
  let good = none;
  const [alpha, beta]: [number[], number[]] = [[], []];
  let size = 0;
  for (let j = 0; j < steps; j++) {
    basis = dynamicUpdateSlice(basis, next.expandDims(0), [j, 0]);
    const result = step(
      next,
      previous,
      tensor(beta[j - 1] ?? 0, { dtype: a.dtype }),
      reorthogonalise === "full" ? basis : good,
    );
    const [here, length, skew] = await result.known.data();
    if (!Number.isFinite(length)) throw productError(j + 1, "lanczos");
    [previous, next] = [next, result.next];
    size = Math.max(size, Math.abs(here), length);
    if (checked && reorthogonalise === "full" && skew > symmetryTolerance(a) * size) {
      throw notSymmetric(skew, size, "lanczos");
    }
    // What is left is rounding: the space is invariant.
    const exhausted = length <= 10 * epsilon * size;
    alpha.push(here);
    beta.push(exhausted ? 0 : length);
    onProgress?.({ steps: j + 1 });
    if (exhausted) break;
    if (reorthogonalise === "selective") {
      good = goodRitzVectors(alpha, beta, basis, Math.sqrt(epsilon) * size) ?? none;
    }
    if (j % 8 === 7) await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  return { alpha, beta, basis: alpha.length === steps ? basis : basis.slice([0, alpha.length]) };
}

/** One step from a vector v, the one before it and T's entry between them: what comes next, of length 1, and T's two new entries. */
type Step = (v: Tensor, previous: Tensor, between: Tensor, rows: Tensor) => Expansion;

interface Expansion {
  readonly next: Tensor;
  /** [3]: T's entry on the diagonal, the one beside it, and how much of A v lies along the rows where T has zeros. */
  readonly known: Tensor;
}

const compiledSteps = /* @__PURE__ */ new WeakMap<AnyOperator, Step>();

/** A step with A, compiled once for all runs; without the product where that is compiled already. */
function stepOf(a: AnyOperator): Step {
  let step = compiledSteps.get(a);
  if (step === undefined) {
    const whole: Step = (v, previous, between, rows) => expansion(a.matvec(v), v, previous, between, rows);
    if (a.eager) step = whole;
    else if (!a.compiled) step = jit(whole as never) as unknown as Step;
    else {
      const expand = jit(expansion as never) as unknown as typeof expansion;
      step = (v, previous, between, rows) => expand(a.matvec(v), v, previous, between, rows);
    }
    compiledSteps.set(a, step);
  }
  return step;
}

/** What is left of A v beside v, the vector before it, and orthonormal rows. */
function expansion(image: Tensor, v: Tensor, previous: Tensor, between: Tensor, rows: Tensor): Expansion {
  const free = image.sub(previous.mul(between));
  const along = free.mul(v).sum();
  const beside = free.sub(v.mul(along));
  const { rest, along: more } = rows.shape[0] === 0 ? { rest: beside, along: null } : orthogonalise(beside, rows);
  const length = norm(rest);
  const skew = more === null ? along.mul(0) : more.abs().max();
  return { next: rest.div(where(length.equal(0), 1, length)), known: stack([along, length, skew], 0) };
}

/**
 * Ritz vectors whose residuals are below a bound, as rows; null if there are none. Their number is rounded up to a multiple of 8 by rows of
 * zeros, so that a step is compiled for few shapes.
 *
 * Source: Parlett & Scott, The Lanczos algorithm with selective orthogonalization (1979).
 */
function goodRitzVectors(
  alpha: readonly number[],
  beta: readonly number[],
  basis: Tensor,
  bound: number,
): Tensor | null {
  const m = alpha.length;
  const good = eighTridiagonal(alpha, beta).vectors.filter((y) => beta[m - 1] * Math.abs(y[m - 1]) <= bound);
  if (good.length === 0) return null;
  while (good.length % 8 !== 0) good.push(new Float64Array(m));
  const ritz = combinations(good, basis);
  const lengths = ritz.square().sum(1, { keepDims: true }).sqrt();
  return ritz.div(where(lengths.equal(0), 1, lengths));
}

/** Sums of the first rows of a basis, each with its own numbers. */
export function combinations(numbers: readonly Float64Array[], basis: Tensor): Tensor {
  const m = numbers[0].length;
  const rows = new Float64Array(numbers.length * m);
  numbers.forEach((row, i) => rows.set(row, i * m));
  return matmul(tensor(rows, { shape: [numbers.length, m], dtype: basis.dtype }), basis.slice([0, m]));
}

/** The error of an operator that its own basis shows not to be symmetric. */
export function notSymmetric(skew: number, size: number, caller: string): DomainError {
  return new DomainError(
    `${caller}: the operator is not symmetric: A v has ${skew} along earlier vectors, where a symmetric one of size ${size} has nothing; use arnoldiCore, or AᵀA.`,
  );
}

/** Refuses what cannot be run. */
function checkRun(a: AnyOperator, start: Tensor, options: { readonly steps: number }, caller: string): number {
  square(a, caller);
  expectArguments(caller, { start: [start, "tensor"] });
  expectOptions(caller, options, { steps: "number", reorthogonalise: "text" });
  const { steps } = options;
  const n = a.shape[1];
  if (!Number.isInteger(steps) || steps < 1 || steps > n) {
    throw new DomainError(`${caller}: steps is ${steps}; wants an integer from 1 to ${n}.`);
  }
  if (start.rank !== 1 || start.shape[0] !== n) {
    throw new ShapeError(`${caller}: start has shape [${start.shape.join(", ")}]; wants [${n}].`);
  }
  refuseStart(start, caller);
  return n;
}

/** What is left of w beside orthonormal rows (zero ones do not count), and its parts along them: Gram–Schmidt, twice. */
export function orthogonalise(w: Tensor, rows: Tensor): { readonly rest: Tensor; readonly along: Tensor } {
  const h1 = matmul(rows, w);
  const once = w.sub(matmul(h1, rows));
  const h2 = matmul(rows, once);
  return { rest: once.sub(matmul(h2, rows)), along: h1.add(h2) };
}
