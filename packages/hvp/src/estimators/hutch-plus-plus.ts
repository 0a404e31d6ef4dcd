/** Hutch++: the trace of what a few products see, exactly, and Hutchinson's estimator for the rest. */

import { DomainError, matmul } from "@curv/tensor";
import type { AnyOperator } from "@curv/linsolve";
import { qr } from "@curv/tensor/linalg";
import { foldIn, type Key } from "@curv/tensor/random";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import { checkCount, meanAndStandardError, productsOf, squareSize, type ProductOptions } from "./products.js";

export interface LowRankTraceOptions extends ProductOptions {
  /** Products with the operator. Default 30. */
  readonly products?: number;
  /** Default "rademacher". */
  readonly distribution?: ProbeDistribution;
}

export interface LowRankTrace {
  readonly trace: number;
  /** An estimate of the error, from the spread of the samples; NaN for a single one. */
  readonly standardError: number;
  readonly products: number;
}

/**
 * With Q an orthonormal basis of the range of A S, tr(A) = tr(QᵀAQ) + tr((I − QQᵀ)A(I − QQᵀ)): the first exactly, the second by Hutchinson's
 * estimator. A third of the products each for S, Q and the estimator.
 *
 * Unbiased; for positive semi-definite A the variance falls like 1/products², instead of 1/products.
 *
 * @throws ShapeError if A is not square; DomainError for products that are no multiple of 3, or too many, or with NaN.
 * Source: Meyer, Musco, Musco & Woodruff, Hutch++: optimal stochastic trace estimation (2021), algorithm 1.
 */
export async function hutchPlusPlus(
  a: AnyOperator,
  key: Key,
  options: LowRankTraceOptions = {},
): Promise<LowRankTrace> {
  const caller = "hutchPlusPlus";
  const n = squareSize(a, caller);
  const { products: count = 30, distribution = "rademacher" } = options;
  checkCount(count, caller, "products", { least: 3, most: 3 * n });
  if (count % 3 !== 0) {
    throw new DomainError(
      `${caller}: products is ${count}; wants a multiple of 3, as ${count - (count % 3)}: a third each for the sketch, its image and the rest.`,
    );
  }
  const k = count / 3;
  const products = productsOf(a, caller, count, options);
  const s = drawProbes(distribution, foldIn(key, 0), n, a.dtype, [0, k]);
  const { q } = qr(await products.with(s));
  const seen = q.mul(await products.with(q)).sum();
  const g = drawProbes(distribution, foldIn(key, 1), n, a.dtype, [0, k]);
  const rest = g.sub(matmul(q, matmul(q.transpose(), g)));
  const samples = await rest
    .mul(await products.with(rest))
    .sum(0)
    .data();
  const { mean, standardError } = meanAndStandardError([...samples]);
  return { trace: (await seen.item()) + mean, standardError, products: count };
}
