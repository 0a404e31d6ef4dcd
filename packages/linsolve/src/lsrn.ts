/** Least squares with a random preconditioner. */

import { DomainError, matmul, where, type Tensor } from "@curv/tensor";
import { svd } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "./arguments.js";
import type { DriverOptions } from "./iteration.js";
import {
  leastSquares,
  leastSquaresCore,
  type LeastSquaresCoreResult,
  type LeastSquaresOptions,
  type LeastSquaresResult,
} from "./least-squares.js";
import type { LinearOperator } from "./linear-operator.js";
import { lsqrMethod } from "./lsqr.js";
import { asVectors, composeOperators } from "./operators/algebra.js";
import { denseOperator } from "./operators/dense.js";
import { refuseProducts } from "./system.js";

export interface LsrnOptions extends Omit<LeastSquaresOptions<never>, "x0" | "damping"> {
  readonly key: random.Key;
  /** Rows of the sketch per column of A. Default 2. */
  readonly oversampling?: number;
  /** Singular values of the sketch below this share of the largest count as zero. Default 1e-12 in float64, 1e-5 in float32. */
  readonly rcond?: number;
}

/** LSQR under the name by which it was called. */
const methodOf = (name: string): typeof lsqrMethod => ({ ...lsqrMethod, name });

/** A well-conditioned system, and the solution of the old one from that of the new one. */
interface Whitened<X> {
  readonly operator: LinearOperator;
  readonly right: Tensor;
  readonly back: (y: Tensor) => X;
}

function whitened<X, Y>(a: LinearOperator<X, Y>, b: Y, options: LsrnOptions, caller: string): Whitened<X> {
  expectArguments(caller, { a: [a, "operator"] });
  expectOptions(caller, options, { oversampling: "number", rcond: "number" });
  const { key, oversampling = 2, rcond = a.dtype === "float64" ? 1e-12 : 1e-5 } = options;
  expectArguments(caller, { "options.key": [key, "key"] });
  if (!(oversampling > 1 && oversampling < Infinity)) {
    throw new DomainError(`${caller}: oversampling is ${oversampling}; wants a number > 1.`);
  }
  const plain = asVectors(a);
  const [m, n] = a.shape;
  const right = a.range.ravel(b, caller, "b");
  const tall = m >= n;
  const sketchSize = Math.ceil(oversampling * Math.min(m, n));
  const g = random.normal(key, { shape: [tall ? m : n, sketchSize], dtype: a.dtype });
  // (G A)ᵀ of a tall matrix; A G of a wide one.
  const sketch = tall ? plain.rmatmat(g) : plain.matmat(g);
  refuseProducts(sketch, caller);
  const { u, s } = svd(sketch);
  const zero = s.lessEqual(s.max().mul(rcond));
  const whitening = u.mul(where(zero, 0, where(zero, 1, s).reciprocal()));
  if (tall) {
    const operator = composeOperators(plain, denseOperator(whitening));
    return { operator, right, back: (y) => a.domain.unravel(matmul(whitening, y)) };
  }
  const left = denseOperator(whitening.transpose());
  return { operator: composeOperators(left, plain), right: left.matvec(right), back: a.domain.unravel };
}

/**
 * The least-squares solution of least norm for a very tall or very wide A: the singular vectors of a Gaussian sketch G A make a matrix
 * with a condition of about (√s + 1)/(√s − 1), s = `oversampling`, whatever that of A, so that LSQR takes a fixed number of steps. The
 * sketch costs s·n products with Aᵀ, at once, and O(n³).
 *
 * @throws DomainError for an oversampling that is not above 1, or a product with NaN.
 * Source: Meng, Saunders & Mahoney, LSRN: a parallel iterative solver for strongly over- or underdetermined systems (2014).
 */
export async function lsrn<X, Y>(
  a: LinearOperator<X, Y>,
  b: Y,
  options: LsrnOptions & DriverOptions,
): Promise<LeastSquaresResult<X>> {
  const { operator, right, back } = whitened(a, b, options, "lsrn");
  const result = await leastSquares(methodOf("lsrn"), operator, right, limitsOf(options));
  return { ...result, x: back(result.x) };
}

/**
 * {@link lsrn} as a traceable function. Derivatives of x in A and b go through the sketch as well: they need singular values of it that differ
 * from each other, and A of full rank.
 */
export function lsrnCore<X, Y>(a: LinearOperator<X, Y>, b: Y, options: LsrnOptions): LeastSquaresCoreResult<X> {
  const { operator, right, back } = whitened(a, b, options, "lsrnCore");
  const result = leastSquaresCore(methodOf("lsrnCore"), operator, right, limitsOf(options));
  return { ...result, x: back(result.x) };
}

/** The options of LSQR among those of LSRN. */
function limitsOf({
  key: _,
  oversampling: __,
  rcond: ___,
  ...options
}: LsrnOptions & DriverOptions): LeastSquaresOptions & DriverOptions {
  return options;
}
