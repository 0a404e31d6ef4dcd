/** Matrices by what they do. */

import { DomainError, eye, linearTranspose, ShapeError, stack, unstack, vmap, zeros, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions } from "./arguments.js";
import { spaceLike, type FloatDType, type VectorSpace } from "./vector-space.js";

/**
 * A linear map from X to Y, which are vectors [n] or trees of tensors that are read as vectors.
 *
 * `apply` is for users, with trees in and out; solvers work with vectors (`matvec`) and with several of them at once, as the columns of a
 * matrix (`matmat`). All are traceable, unless the operator says `eager`.
 */
export interface LinearOperator<X = Tensor, Y = X> {
  readonly shape: readonly [rows: number, columns: number];
  readonly dtype: FloatDType;
  readonly domain: VectorSpace<X>;
  readonly range: VectorSpace<Y>;
  /** Aᵀ = A. */
  readonly symmetric: boolean;
  /** xᵀAx ≥ 0, and symmetric. */
  readonly positiveSemidefinite: boolean;
  /** Its products cannot be traced: they read values, or data from elsewhere. Solvers then take their steps one by one. */
  readonly eager: boolean;
  /**
   * Its product is a compiled function already: methods that go step by step call it as it is, instead of compiling one of their own with
   * all the memory that it takes.
   */
  readonly compiled: boolean;
  /** A x. */
  readonly apply: (x: X) => Y;
  /** Aᵀ y. */
  readonly applyTranspose: (y: Y) => X;
  /** A v for v [columns]. */
  readonly matvec: (v: Tensor) => Tensor;
  /** Aᵀ u for u [rows]. */
  readonly rmatvec: (u: Tensor) => Tensor;
  /** A V for V [columns, k]. */
  readonly matmat: (v: Tensor) => Tensor;
  /** Aᵀ U for U [rows, k]. */
  readonly rmatmat: (u: Tensor) => Tensor;
}

/** An operator, whatever it takes and gives. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- both sides are only passed on; unknown would not accept any operator.
export type AnyOperator = LinearOperator<any, any>;

/** What is known of a matrix. */
export interface Structure {
  /** Default: whether it is said to be positive semi-definite. */
  readonly symmetric?: boolean;
  /** Implies `symmetric`. Default false. */
  readonly positiveSemidefinite?: boolean;
}

export interface LinearOperatorOptions<X, Y> extends Structure {
  /** x ↦ A x. Must be linear. */
  readonly matvec: (x: X) => Y;
  /** A tree like those that A takes; only shapes and dtypes count. */
  readonly domain: X;
  /** A tree like those that A gives. Default: `domain`. */
  readonly range?: Y;
  /** y ↦ Aᵀ y. Default: `matvec` if symmetric, else its transpose by differentiation. */
  readonly rmatvec?: (y: Y) => X;
  /** Columns of V [columns, k] to A V [rows, k], at once. Default: `matvec`, vectorised; one by one if `eager`. */
  readonly matmat?: (v: Tensor) => Tensor;
  /** Default false. */
  readonly eager?: boolean;
  /** `matvec` is a function that `jit` returned. Default false. */
  readonly compiled?: boolean;
}

/**
 * An operator from the function that applies it.
 *
 * @throws DomainError without a `matvec`, or for structure that contradicts itself; ShapeError for a symmetric one that is not square.
 *
 * @example
 * const hessian = linearOperator({ matvec: (v) => hvp(loss, params, v), domain: params, symmetric: true });
 */
export function linearOperator<X, Y = X>(options: LinearOperatorOptions<X, Y>): LinearOperator<X, Y> {
  expectOptions("linearOperator", options, { rmatvec: "function", matmat: "function" });
  const { matvec, domain: like, range: rangeLike, positiveSemidefinite = false, eager = false } = options;
  if (typeof matvec !== "function") {
    throw new DomainError(
      `linearOperator: matvec is ${typeof matvec}; wants the function that multiplies by the matrix.`,
    );
  }
  const symmetric = options.symmetric ?? positiveSemidefinite;
  if (positiveSemidefinite && !symmetric) {
    throw new DomainError("linearOperator: positiveSemidefinite without symmetric; wants both, or neither.");
  }
  const domain = spaceLike(like, "linearOperator", "domain");
  const range =
    rangeLike === undefined
      ? (domain as unknown as VectorSpace<Y>)
      : spaceLike<Y>(rangeLike, "linearOperator", "range");
  if (symmetric && domain.size !== range.size) {
    throw new ShapeError(
      `linearOperator: symmetric, but it maps ${domain.size} numbers to ${range.size}; wants a square matrix.`,
    );
  }
  const flat = (v: Tensor): Tensor => range.ravel(matvec(domain.unravel(v)), "linearOperator", "the result of matvec");
  const transposed = (): ((u: Tensor) => Tensor) => {
    const given = options.rmatvec;
    if (given !== undefined) {
      return (u) => domain.ravel(given(range.unravel(u)), "linearOperator", "the result of rmatvec");
    }
    if (symmetric) return flat;
    if (eager) {
      return () => {
        throw new DomainError("linearOperator: an eager operator has no transpose by itself; give rmatvec.");
      };
    }
    return (u) => linearTranspose(flat, zeros([domain.size], { dtype: domain.dtype }))(u)[0];
  };
  return fromVectors({
    domain,
    range,
    symmetric,
    positiveSemidefinite,
    eager,
    compiled: options.compiled ?? false,
    matvec: flat,
    rmatvec: transposed(),
    ...(options.matmat && { matmat: options.matmat }),
    ...(symmetric && options.matmat && { rmatmat: options.matmat }),
  });
}

/** What is left to say when products of vectors are known. */
export interface VectorProducts<X, Y> {
  readonly domain: VectorSpace<X>;
  readonly range: VectorSpace<Y>;
  readonly symmetric: boolean;
  readonly positiveSemidefinite: boolean;
  readonly eager?: boolean;
  readonly compiled?: boolean;
  readonly matvec: (v: Tensor) => Tensor;
  readonly rmatvec: (u: Tensor) => Tensor;
  readonly matmat?: (v: Tensor) => Tensor;
  readonly rmatmat?: (u: Tensor) => Tensor;
}

/** An operator from its products with vectors. */
export function fromVectors<X, Y>(products: VectorProducts<X, Y>): LinearOperator<X, Y> {
  const { domain, range, symmetric, positiveSemidefinite, eager = false, compiled = false } = products;
  const { matvec, rmatvec } = products;
  return {
    shape: [range.size, domain.size],
    dtype: domain.dtype,
    domain,
    range,
    symmetric,
    positiveSemidefinite,
    eager,
    compiled,
    apply: (x) => range.unravel(matvec(domain.ravel(x, "apply", "x"))),
    applyTranspose: (y) => domain.unravel(rmatvec(range.ravel(y, "applyTranspose", "y"))),
    matvec: (v) => matvec(checked(v, [domain.size], "matvec")),
    rmatvec: (u) => rmatvec(checked(u, [range.size], "rmatvec")),
    matmat: (v) => (products.matmat ?? byColumns(matvec, eager))(checked(v, [domain.size, null], "matmat")),
    rmatmat: (u) => (products.rmatmat ?? byColumns(rmatvec, eager))(checked(u, [range.size, null], "rmatmat")),
  };
}

function checked(v: Tensor, shape: readonly (number | null)[], caller: string): Tensor {
  if (v.rank !== shape.length || shape.some((n, i) => n !== null && n !== v.shape[i])) {
    const wanted = shape.map((n) => n ?? "k").join(", ");
    throw new ShapeError(`${caller}: the operand has shape [${v.shape.join(", ")}]; wants [${wanted}].`);
  }
  return v;
}

/** A function of vectors, for the columns of a matrix. */
function byColumns(f: (v: Tensor) => Tensor, eager: boolean): (v: Tensor) => Tensor {
  if (!eager) return (v) => vmap(f, { inAxes: 1, outAxes: 1 })(v);
  return (v) => stack(unstack(v, 1).map(f), 1);
}

/** The matrix itself, by its products with the columns of I: for small operators and for tests. */
export function toDense(a: AnyOperator, options: { readonly limit?: number } = {}): Tensor {
  expectArguments("toDense", { a: [a, "operator"] });
  expectOptions("toDense", options, { limit: "number" });
  const { limit = 4096 } = options;
  const [rows, columns] = a.shape;
  if (Math.max(rows, columns) > limit) {
    throw new DomainError(`toDense: the operator is ${rows} × ${columns}; wants at most ${limit}, or a larger limit.`);
  }
  return a.matmat(eye(columns, columns, { dtype: a.dtype }));
}
