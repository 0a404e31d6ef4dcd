/** XTrace and XDiag: Hutch++ in which every probe serves for both parts, by leaving out one at a time. */

import { DomainError, eye, matmul, type Tensor } from "@curv/tensor";
import type { AnyOperator, LinearOperator } from "@curv/linsolve";
import { triangularSolve } from "@curv/tensor/linalg";
import type { Key } from "@curv/tensor/random";
import type { LowRankTrace, LowRankTraceOptions } from "./hutch-plus-plus.js";
import type { DiagonalEstimate } from "./hutchinson.js";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import { checkCount, meanAndStandardError, productsOf, probedSize } from "./products.js";
import { sketchIn, growSketch, type RangeSketch } from "./range-sketch.js";

export interface XTraceEstimate extends LowRankTrace {
  /** All the products, which `resume` goes on from. */
  readonly sketch: RangeSketch;
}

export interface XTraceOptions extends LowRankTraceOptions {
  /**
   * Scale each left-over probe to the length of a uniform one in the space that is left. Takes probes whose direction is uniform, "normal" or
   * "sphere"; default true for those.
   */
  readonly resphere?: boolean;
  /**
   * An earlier estimate of the same operator, key and distribution, with fewer products, to go on from: the same numbers as without a stop, bit
   * for bit where it stopped after a whole number of blocks (2·atOnce products). Default none.
   */
  readonly resume?: XTraceEstimate;
}

/**
 * tr(A) from k = products/2 probes W: with Qᵢ an orthonormal basis of the range of A W without its column i, the mean over i of
 * tr(QᵢᵀAQᵢ) + uᵢᵀAuᵢ, uᵢ = (I − QᵢQᵢᵀ)wᵢ. One QR factorisation gives all the Qᵢ. Exact if the rank of A is less than k.
 *
 * @throws ShapeError if A is not square, or `resume` is of another operator; DomainError for products that are odd or too many, or with NaN, or
 * `resphere` with Rademacher probes.
 * Source: Epperly, Tropp & Webber, XTrace: making the most of every sample in stochastic trace estimation (2024), section 2.
 */
export async function xTrace(a: AnyOperator, key: Key, options: XTraceOptions = {}): Promise<XTraceEstimate> {
  const caller = "xTrace";
  probedSize(a, key, options, caller);
  const { distribution = "rademacher", resphere = distribution !== "rademacher", resume } = options;
  if (resphere && distribution === "rademacher") {
    throw new DomainError(`${caller}: resphere with distribution "rademacher"; wants "normal" or "sphere".`);
  }
  const { n, k, w, sketch } = await sketchOf(a, key, options, resume, { distribution, caller });
  const { basis: q, triangle: r, images: z } = sketch;
  const h = matmul(q.transpose(), z);
  const whole = h.mul(eye(k, k, { dtype: a.dtype })).sum();
  if (await isDeficient(r)) return { trace: await whole.item(), standardError: 0, products: 2 * k, sketch };
  const s = leftOut(r);
  const x = matmul(q.transpose(), w);
  // QᵢᵀQ wᵢ: without the direction sᵢ that only column i brought.
  const kept = x.sub(s.mul(dots(s, x)));
  const traces = whole.sub(dots(s, matmul(h, s)));
  // uᵢᵀAuᵢ with uᵢ = wᵢ − Q xᵢ, from A wᵢ = Q rᵢ and A Q = Z.
  const rest = dots(x, r)
    .sub(dots(matmul(z.transpose(), w), kept))
    .sub(dots(kept, r))
    .add(dots(kept, matmul(h, kept)));
  const lengths = dots(w, w).sub(dots(x, kept).mul(2)).add(dots(kept, kept));
  const estimates = traces.add(resphere ? rest.mul(n - k + 1).div(lengths) : rest);
  const { mean, standardError } = meanAndStandardError([...(await estimates.data())]);
  return { trace: mean, standardError, products: 2 * k, sketch };
}

export interface XDiagonalEstimate<X> extends DiagonalEstimate<X> {
  /** All the products, which `resume` goes on from. */
  readonly sketch: RangeSketch;
}

export interface XDiagonalOptions<X> extends Omit<LowRankTraceOptions, "distribution"> {
  /** As `resume` of {@link xTrace}. */
  readonly resume?: XDiagonalEstimate<X>;
}

/**
 * diag(A) from k = products/2 Rademacher probes: the mean over i of diag(QᵢQᵢᵀA) + wᵢ ∘ (I − QᵢQᵢᵀ)A wᵢ. Takes k products with A and k with
 * its transpose. Exact if the rank of A is less than k.
 *
 * @throws ShapeError if A is not square, or `resume` is of another operator; DomainError for products that are odd or too many, or with NaN.
 * Source: Epperly, Tropp & Webber (2024), section 2.4.
 */
export async function xDiagonal<X>(
  a: LinearOperator<X>,
  key: Key,
  options: XDiagonalOptions<X> = {},
): Promise<XDiagonalEstimate<X>> {
  probedSize(a, key, options, "xDiagonal");
  const { k, w, sketch } = await sketchOf(a, key, options, options.resume, {
    distribution: "rademacher",
    caller: "xDiagonal",
    transposed: true,
  });
  const { basis: q, triangle: r, images: z } = sketch;
  const whole = q.mul(z).sum(1);
  const { unravel } = a.domain;
  if (await isDeficient(r)) {
    return { diagonal: unravel(whole), standardError: unravel(whole.mul(0)), products: 2 * k, sketch };
  }
  const s = leftOut(r);
  const [qs, zs] = [matmul(q, s), matmul(z, s)];
  // A wᵢ is in the range of Q; what Qᵢ lacks of it is its part along Q sᵢ.
  const rest = w.mul(qs.mul(dots(s, r)));
  const samples = whole.expandDims(1).sub(qs.mul(zs)).add(rest);
  const mean = samples.mean(1);
  const variance = samples
    .sub(mean.expandDims(1))
    .square()
    .sum(1)
    .div(k - 1);
  return { diagonal: unravel(mean), standardError: unravel(variance.div(k).sqrt()), products: 2 * k, sketch };
}

interface Sketched {
  readonly n: number;
  readonly k: number;
  /** Probes [n, k]. */
  readonly w: Tensor;
  readonly sketch: RangeSketch;
}

async function sketchOf(
  a: AnyOperator,
  key: Key,
  options: LowRankTraceOptions,
  resume: { readonly sketch: RangeSketch } | undefined,
  how: { readonly distribution: ProbeDistribution; readonly caller: string; readonly transposed?: boolean },
): Promise<Sketched> {
  const { distribution, caller, transposed = false } = how;
  const n = a.shape[1];
  const { products: count = 30 } = options;
  checkCount(count, caller, "products", { least: 4, most: 2 * n });
  if (count % 2 !== 0) {
    throw new DomainError(
      `${caller}: products is ${count}; wants an even number, as ${count - 1}: half for each part.`,
    );
  }
  const before = sketchIn(resume, n, caller);
  const products = productsOf(a, caller, count, options, 2 * (before?.basis.shape[1] ?? 0));
  const sketch = await growSketch(a, before, count / 2, { key, distribution, products, transposed });
  const k = sketch.basis.shape[1];
  return { n, k, w: drawProbes(distribution, key, n, a.dtype, [0, k]), sketch };
}

/** Whether the products span fewer dimensions than there are probes: then QQᵀA = A. */
async function isDeficient(r: Tensor): Promise<boolean> {
  const diagonal = r
    .mul(eye(r.shape[0], r.shape[0], { dtype: r.dtype }))
    .sum(1)
    .abs();
  const [least, most] = await Promise.all([diagonal.min().item(), diagonal.max().item()]);
  return least <= (r.dtype === "float64" ? 1e-12 : 1e-5) * most;
}

/** Columns sᵢ of length 1 with QᵢQᵢᵀ = Q(I − sᵢsᵢᵀ)Qᵀ: those of R⁻ᵀ. */
function leftOut(r: Tensor): Tensor {
  const size = r.shape[0];
  const inverse = triangularSolve(r, eye(size, size, { dtype: r.dtype }), { lower: false, transpose: true });
  return inverse.div(dots(inverse, inverse).sqrt());
}

/** Inner products of columns. */
function dots(x: Tensor, y: Tensor): Tensor {
  return x.mul(y).sum(0);
}
