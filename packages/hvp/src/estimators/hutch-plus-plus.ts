/** Hutch++: the trace of what a few products see, exactly, and Hutchinson's estimator for the rest. */

import { concat, DomainError, matmul, ShapeError, zeros, type Tensor } from "@curv/tensor";
import { expectArguments, type AnyOperator } from "@curv/linsolve";
import { foldIn, type Key } from "@curv/tensor/random";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import { checkCount, meanAndStandardError, productsOf, probedSize, type ProductOptions } from "./products.js";
import { sketchIn, growSketch, type RangeSketch } from "./range-sketch.js";

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

export interface HutchPlusPlusSketch extends RangeSketch {
  /** A G [n, k], for the probes G of the rest. */
  readonly rest: Tensor;
}

export interface HutchPlusPlusTrace extends LowRankTrace {
  /** All the products, which `resume` goes on from. */
  readonly sketch: HutchPlusPlusSketch;
}

export interface HutchPlusPlusOptions extends LowRankTraceOptions {
  /**
   * An earlier estimate of the same operator, key and distribution, with fewer products, to go on from: the same numbers as without a stop, bit
   * for bit where it stopped after a whole number of blocks (3·atOnce products). Default none.
   */
  readonly resume?: HutchPlusPlusTrace;
}

/**
 * With Q an orthonormal basis of the range of A S, tr(A) = tr(QᵀAQ) + tr((I − QQᵀ)A(I − QQᵀ)): the first exactly, the second by Hutchinson's
 * estimator with probes G. A third of the products each for A S, A Q and A G; A(I − QQᵀ)G = A G − (A Q) QᵀG takes no more.
 *
 * Unbiased; for positive semi-definite A the variance falls like 1/products², instead of 1/products.
 *
 * @throws ShapeError if A is not square, or `resume` is of another operator; DomainError for products that are no multiple of 3, or too many,
 * or with NaN.
 * Source: Meyer, Musco, Musco & Woodruff, Hutch++: optimal stochastic trace estimation (2021), algorithm 1.
 */
export async function hutchPlusPlus(
  a: AnyOperator,
  key: Key,
  options: HutchPlusPlusOptions = {},
): Promise<HutchPlusPlusTrace> {
  const caller = "hutchPlusPlus";
  const n = probedSize(a, key, options, caller);
  const { products: count = 30, distribution = "rademacher", resume } = options;
  checkCount(count, caller, "products", { least: 3, most: 3 * n });
  if (count % 3 !== 0) {
    throw new DomainError(
      `${caller}: products is ${count}; wants a multiple of 3, as ${count - (count % 3)}: a third each for the sketch, its image and the rest.`,
    );
  }
  const before = sketchIn(resume, n, caller);
  if (resume !== undefined) expectArguments(caller, { "resume.sketch.rest": [resume.sketch.rest, "tensor"] });
  let rest = resume?.sketch.rest ?? zeros([n, 0], { dtype: a.dtype });
  if (resume !== undefined && rest.shape.join() !== resume.sketch.basis.shape.join()) {
    throw new ShapeError(
      `${caller}: resume.sketch.rest has shape [${rest.shape.join(", ")}]; wants [${resume.sketch.basis.shape.join(", ")}].`,
    );
  }
  const products = productsOf(a, caller, count, options, resume?.products ?? 0);
  const restKey = foldIn(key, 1);
  const seen = await growSketch(a, before, count / 3, {
    key: foldIn(key, 0),
    distribution,
    products,
    also: async (from, to) => {
      rest = concat([rest, await products.with(drawProbes(distribution, restKey, n, a.dtype, [from, to]))], 1);
    },
  });
  const { basis: q, images: z } = seen;
  const g = drawProbes(distribution, restKey, n, a.dtype, [0, q.shape[1]]);
  const along = matmul(q.transpose(), g);
  const samples = g
    .sub(matmul(q, along))
    .mul(rest.sub(matmul(z, along)))
    .sum(0);
  const { mean, standardError } = meanAndStandardError([...(await samples.data())]);
  const exact = await q.mul(z).sum().item();
  return { trace: exact + mean, standardError, products: 3 * q.shape[1], sketch: { ...seen, rest } };
}
