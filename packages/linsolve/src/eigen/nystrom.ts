/** Randomised approximations of low rank. */

import { check, DomainError, eye, matmul, maximum, stopGradient, type Tensor } from "@curv/tensor";
import { cholesky, qr, svd, triangularSolve } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "../arguments.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { refuseProducts, symmetryTolerance } from "../system.js";

export interface RandomisedOptions {
  /** Rank of the approximation. */
  readonly rank: number;
  readonly key: random.Key;
}

export interface NystromResult {
  /** Eigenvalues of the approximation, descending and ≥ 0 [rank]. */
  readonly values: Tensor;
  /** Orthonormal columns [n, rank]. */
  readonly vectors: Tensor;
  /** Products with A: the rank. */
  readonly products: number;
}

/**
 * The randomised Nyström approximation of a positive semi-definite A, A ≈ U diag(λ) Uᵀ, from one product with each of `rank` random vectors.
 *
 * Source: Tropp, Yurtsever, Udell & Cevher, Fixed-rank approximation of a positive-semidefinite matrix from streaming data (2017), in the
 * stable form of Frangella, Tropp & Udell (2023), algorithm 2.1.
 *
 * @throws DomainError for a rank that does not fit, a product with NaN, naming its number, or an operator that its products show not to be
 * symmetric, or not positive semi-definite.
 */
export function nystrom(a: AnyOperator, options: RandomisedOptions): NystromResult {
  return nystromOf(a, options, "nystrom");
}

/** The same under the name by which it was called. */
export function nystromOf(a: AnyOperator, options: RandomisedOptions, caller: string): NystromResult {
  square(a, caller);
  expectOptions(caller, options, { rank: "number" });
  const { rank, key } = options;
  expectArguments(caller, { "options.key": [key, "key"] });
  const n = a.shape[1];
  checkRank(rank, n, caller);
  const omega = qr(random.normal(key, { shape: [n, rank], dtype: a.dtype })).q;
  const y = a.matmat(omega);
  refuseProducts(y, caller);
  // A shift keeps the Cholesky factorisation alive; it is taken off again.
  const epsilon = a.dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const nu = y
    .square()
    .sum()
    .sqrt()
    .mul(epsilon * Math.sqrt(n))
    .add(a.dtype === "float64" ? 1e-300 : 1e-36);
  const shifted = y.add(omega.mul(nu));
  const gram = matmul(omega.transpose(), shifted);
  refuseClaim(a, gram, nu, caller);
  const l = cholesky(gram.add(gram.transpose()).div(2));
  const b = triangularSolve(l, shifted.transpose()).transpose();
  const { u, s } = svd(b);
  return { values: maximum(s.square().sub(nu), 0), vectors: u, products: rank };
}

/** ΩᵀAΩ + ν I must be symmetric with a diagonal that is not negative; anything else comes from an A that is not what it must be. */
function refuseClaim(a: AnyOperator, gram: Tensor, nu: Tensor, caller: string): void {
  const [k] = gram.shape;
  const diagonal = gram.mul(eye(k, k, { dtype: a.dtype })).sum(1);
  const known = [gram.sub(gram.transpose()).abs().max(), diagonal.sub(nu).min(), gram.abs().max()].map(stopGradient);
  check(known, [0, 0, 0], ([skew], [least], [size]) => {
    if (skew > symmetryTolerance(a) * size) {
      return new DomainError(
        `${caller}: the operator is not symmetric: ΩᵀAΩ differs from its transpose by ${skew} of ${size}; use randomizedSvd.`,
      );
    }
    if (least < -symmetryTolerance(a) * size) {
      return new DomainError(
        `${caller}: the operator is not positive semi-definite: vᵀAv = ${least} for one of the directions; use eigsh or randomizedSvd.`,
      );
    }
    return null;
  });
}

export interface RandomizedSvdOptions extends RandomisedOptions {
  /** Columns beyond the rank that are computed and dropped. Default 10. */
  readonly oversampling?: number;
  /** Each takes 2(rank + oversampling) more products, and makes what decays slowly decay faster. Default 2. */
  readonly powerIterations?: number;
}

/**
 * A ≈ U diag(s) Vᵀ of a rank, for any shape of A: the range from random vectors, refined by subspace iteration.
 *
 * Source: Halko, Martinsson & Tropp, Finding structure with randomness (2011), algorithms 4.4 and 5.1.
 *
 * @throws DomainError for a rank that does not fit, or a product with NaN, naming its number.
 */
export function randomizedSvd(
  a: AnyOperator,
  options: RandomizedSvdOptions,
): { readonly u: Tensor; readonly s: Tensor; readonly vt: Tensor; readonly products: number } {
  expectArguments("randomizedSvd", { a: [a, "operator"] });
  expectOptions("randomizedSvd", options, { rank: "number", oversampling: "number", powerIterations: "number" });
  const { rank, key, oversampling = 10, powerIterations = 2 } = options;
  expectArguments("randomizedSvd", { "options.key": [key, "key"] });
  const [m, n] = a.shape;
  checkRank(rank, Math.min(m, n), "randomizedSvd");
  for (const [argument, value] of Object.entries({ oversampling, powerIterations })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new DomainError(`randomizedSvd: ${argument} is ${value}; wants an integer >= 0.`);
    }
  }
  const width = Math.min(rank + oversampling, m, n);
  let products = 0;
  const counted = (images: Tensor): Tensor => {
    refuseProducts(images, "randomizedSvd", products);
    products += width;
    return images;
  };
  let q = qr(counted(a.matmat(random.normal(key, { shape: [n, width], dtype: a.dtype })))).q;
  for (let i = 0; i < powerIterations; i++) q = qr(counted(a.matmat(qr(counted(a.rmatmat(q))).q))).q;
  const { u, s, vt } = svd(counted(a.rmatmat(q)).transpose());
  return {
    u: matmul(q, u.slice(null, [0, rank])),
    s: s.slice([0, rank]),
    vt: vt.slice([0, rank]),
    products,
  };
}

function checkRank(rank: number, most: number, caller: string): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > most) {
    throw new DomainError(`${caller}: rank is ${rank}; wants an integer from 1 to ${most}.`);
  }
}
