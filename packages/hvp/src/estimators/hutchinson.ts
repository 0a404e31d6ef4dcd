/** Hutchinson's estimators: trace, diagonal and Frobenius norm as means over random probes. */

import { DomainError, type Tensor } from "@curv/tensor";
import { expectArguments, type AnyOperator, type LinearOperator } from "@curv/linsolve";
import type { Key } from "@curv/tensor/random";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import {
  checkProbing,
  checkCount,
  meanAndStandardError,
  productsOf,
  probedSize,
  type ProductOptions,
} from "./products.js";

export interface HutchinsonOptions extends ProductOptions {
  /** Probes, each one product. Default 32. */
  readonly probes?: number;
  /** Default "rademacher". */
  readonly distribution?: ProbeDistribution;
}

export interface TraceOptions extends HutchinsonOptions {
  /** Stop, from 10 probes on, when the standard error is below this fraction of the estimate. Default 0: use all the probes. */
  readonly tol?: number;
  /** An earlier estimate of the same operator and key, to go on from. Default none. */
  readonly resume?: TraceEstimate;
}

export interface TraceEstimate {
  readonly trace: number;
  /** Standard error of `trace`; NaN for a single probe. */
  readonly standardError: number;
  /** Products with the operator that the estimate is made of. */
  readonly products: number;
  /** Whether the standard error is below `tol`; true if no `tol` was asked for. */
  readonly converged: boolean;
  /** zᵀAz of each probe, which `resume` goes on from. */
  readonly samples: readonly number[];
}

/**
 * tr(A) = E[zᵀAz]. Unbiased; with Rademacher probes the variance of a sample is 2(‖A‖² − Σ Aᵢᵢ²) for symmetric A. For a decaying spectrum
 * `hutchPlusPlus` and `xTrace` have smaller errors for the same number of products; for a flat one they have not.
 *
 * @param key - Same key, same probes, however many are taken at once.
 * @throws ShapeError if A is not square; DomainError for options out of range, or a product with NaN.
 * Source: Hutchinson (1990); the variance: Avron & Toledo (2011), lemma 9.
 *
 * @example
 * const { trace, standardError } = await hutchinsonTrace(hessianOperator(loss, params, batch), random.key(0), { probes: 64 });
 */
export async function hutchinsonTrace(a: AnyOperator, key: Key, options: TraceOptions = {}): Promise<TraceEstimate> {
  const caller = "hutchinsonTrace";
  const n = probedSize(a, key, options, caller);
  const { probes = 32, distribution = "rademacher", tol = 0, resume } = options;
  checkCount(probes, caller, "probes");
  if (!(tol >= 0)) throw new DomainError(`${caller}: tol is ${tol}; wants a number >= 0.`);
  const samples = [...(resume?.samples ?? [])];
  const products = productsOf(a, caller, probes, options, samples.length);
  const precise = (): boolean => {
    if (tol === 0 || samples.length < 10) return false;
    const { mean, standardError } = meanAndStandardError(samples);
    return standardError < tol * Math.abs(mean);
  };
  while (samples.length < probes && !precise()) {
    const to = Math.min(probes, samples.length + products.atOnce);
    const z = drawProbes(distribution, key, n, a.dtype, [samples.length, to]);
    const quadratic = z.mul(await products.with(z)).sum(0);
    samples.push(...(await quadratic.data()));
  }
  const { mean, standardError } = meanAndStandardError(samples);
  return { trace: mean, standardError, products: samples.length, converged: tol === 0 || precise(), samples };
}

export interface DiagonalEstimate<X> {
  /** The diagonal, a tree like the operator's domain. */
  readonly diagonal: X;
  /** Standard error of each element; NaN for a single probe. */
  readonly standardError: X;
  readonly products: number;
}

export interface HutchinsonDiagonal<X> extends DiagonalEstimate<X> {
  /** The sums of z ∘ Az and of its squares over the probes, which `resume` goes on from. */
  readonly sums: { readonly samples: X; readonly squares: X };
}

export interface HutchinsonDiagonalOptions<X> extends HutchinsonOptions {
  /** An earlier estimate of the same operator and key, to go on from. Default none. */
  readonly resume?: HutchinsonDiagonal<X>;
}

/**
 * diag(A) = E[z ∘ Az], for probes with independent components: exact with one Rademacher probe if A is diagonal, else with a variance of
 * ‖row‖² less the squared diagonal element.
 *
 * @throws As {@link hutchinsonTrace}.
 * Source: Bekas, Kokiopoulou & Saad (2007), with weights that are 1 for Rademacher probes.
 */
export async function hutchinsonDiagonal<X>(
  a: LinearOperator<X>,
  key: Key,
  options: HutchinsonDiagonalOptions<X> = {},
): Promise<HutchinsonDiagonal<X>> {
  const caller = "hutchinsonDiagonal";
  const n = probedSize(a, key, options, caller);
  const { probes = 32, distribution = "rademacher" } = options;
  checkCount(probes, caller, "probes");
  const { resume } = options;
  let taken = resume?.products ?? 0;
  const products = productsOf(a, caller, probes, options, taken);
  let [sum, squares]: [Tensor | null, Tensor | null] = [null, null];
  if (resume !== undefined) {
    expectArguments(caller, { "resume.sums": [resume.sums, "object"] });
    checkCount(taken, caller, "resume.products");
    sum = a.domain.ravel(resume.sums.samples, caller, "resume.sums.samples");
    squares = a.domain.ravel(resume.sums.squares, caller, "resume.sums.squares");
  }
  while (taken < probes) {
    const to = Math.min(probes, taken + products.atOnce);
    const z = drawProbes(distribution, key, n, a.dtype, [taken, to]);
    const samples = z.mul(await products.with(z));
    const [s, q] = [samples.sum(1), samples.square().sum(1)];
    sum = sum === null ? s : sum.add(s);
    squares = squares === null ? q : squares.add(q);
    taken = to;
  }
  const mean = sum!.div(taken);
  const variance = squares!.div(taken).sub(mean.square()).relu();
  return {
    diagonal: a.domain.unravel(mean),
    standardError: a.domain.unravel(variance.div(taken - 1).sqrt()),
    products: taken,
    sums: { samples: a.domain.unravel(sum!), squares: a.domain.unravel(squares!) },
  };
}

export interface FrobeniusEstimate {
  /** ‖A‖, the root of the sum of all squared elements. */
  readonly norm: number;
  /** Standard error of `norm`, to first order from that of its square; NaN for a single probe. */
  readonly standardError: number;
  readonly products: number;
  /** ‖Az‖² of each probe, which `resume` goes on from. */
  readonly samples: readonly number[];
}

export interface FrobeniusOptions extends HutchinsonOptions {
  /** An earlier estimate of the same operator and key, to go on from. Default none. */
  readonly resume?: FrobeniusEstimate;
}

/**
 * ‖A‖² = E[‖Az‖²], for an operator of any shape.
 *
 * @throws DomainError for options out of range, or a product with NaN.
 */
export async function frobeniusNorm(
  a: AnyOperator,
  key: Key,
  options: FrobeniusOptions = {},
): Promise<FrobeniusEstimate> {
  const caller = "frobeniusNorm";
  expectArguments(caller, { a: [a, "operator"] });
  checkProbing(key, options, caller);
  const { probes = 32, distribution = "rademacher" } = options;
  checkCount(probes, caller, "probes");
  const samples = [...(options.resume?.samples ?? [])];
  const products = productsOf(a, caller, probes, options, samples.length);
  while (samples.length < probes) {
    const to = Math.min(probes, samples.length + products.atOnce);
    const z = drawProbes(distribution, key, a.shape[1], a.dtype, [samples.length, to]);
    samples.push(...(await (await products.with(z)).square().sum(0).data()));
  }
  const { mean, standardError } = meanAndStandardError(samples);
  const norm = Math.sqrt(mean);
  return { norm, standardError: standardError / (2 * norm), products: samples.length, samples };
}
