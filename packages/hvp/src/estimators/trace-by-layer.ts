/** The trace of every diagonal block of an operator on a tree, from the products for the trace of the whole. */

import type { LinearOperator } from "@curv/linsolve";
import { leavesWithPath } from "@curv/tensor/tree";
import { DomainError, zeros } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import type { HutchinsonOptions } from "./hutchinson.js";
import { drawProbes } from "./probes.js";
import { checkCount, meanAndStandardError, productsOf, probedSize } from "./products.js";

export interface BlockTrace {
  /** Number of parameters. */
  readonly size: number;
  readonly trace: number;
  /** NaN for a single probe. */
  readonly standardError: number;
  /** zᵀAz of each probe, over the block. */
  readonly samples: readonly number[];
}

export interface TraceByLayer {
  /** Of the whole. */
  readonly total: BlockTrace;
  /** Of each top-level entry of the tree, in its order. */
  readonly layers: ReadonlyMap<string, BlockTrace>;
  readonly products: number;
}

export interface TraceByLayerOptions extends HutchinsonOptions {
  /** An earlier estimate of the same operator and key, to go on from. Default none. */
  readonly resume?: TraceByLayer;
}

/**
 * tr(A) and tr(A_ll) of each layer l, by Hutchinson's estimator: Σ zᵢ(Az)ᵢ over a layer's elements has that mean, as the components of z are
 * independent. No more products than for the trace of the whole.
 *
 * @throws As `hutchinsonTrace`; DomainError where `resume` has other layers.
 */
export async function traceByLayer<X>(
  a: LinearOperator<X>,
  key: Key,
  options: TraceByLayerOptions = {},
): Promise<TraceByLayer> {
  const caller = "traceByLayer";
  const n = probedSize(a, key, options, caller);
  const { probes = 32, distribution = "rademacher", resume } = options;
  checkCount(probes, caller, "probes");
  const ranges = layerRanges(a.domain.unravel(zeros([n], { dtype: a.dtype })));
  if (resume !== undefined && !(resume.layers instanceof Map)) {
    throw new DomainError(
      `${caller}: resume.layers is ${typeof resume.layers}; wants a Map of layers, of an earlier estimate.`,
    );
  }
  if (resume !== undefined && [...resume.layers.keys()].join() !== [...ranges.keys()].join()) {
    throw new DomainError(
      `${caller}: resume has the layers ${[...resume.layers.keys()].join(", ")}; wants ${[...ranges.keys()].join(", ")}.`,
    );
  }
  const samples = new Map([...ranges.keys()].map((name) => [name, [...(resume?.layers.get(name)?.samples ?? [])]]));
  const totals = [...(resume?.total.samples ?? [])];
  const products = productsOf(a, caller, probes, options, totals.length);
  while (totals.length < probes) {
    const to = Math.min(probes, totals.length + products.atOnce);
    const z = drawProbes(distribution, key, n, a.dtype, [totals.length, to]);
    const terms = z.mul(await products.with(z));
    totals.push(...(await terms.sum(0).data()));
    for (const [name, [start, end]] of ranges) {
      samples.get(name)!.push(...(await terms.slice([start, end]).sum(0).data()));
    }
  }
  const summary = (values: readonly number[], size: number): BlockTrace => {
    const { mean, standardError } = meanAndStandardError(values);
    return { size, trace: mean, standardError, samples: values };
  };
  return {
    total: summary(totals, n),
    layers: new Map([...ranges].map(([name, [start, end]]) => [name, summary(samples.get(name)!, end - start)])),
    products: totals.length,
  };
}

/** Where each top-level entry's elements are in the vector of a tree. */
export function layerRanges(tree: unknown): ReadonlyMap<string, readonly [number, number]> {
  const ranges = new Map<string, readonly [number, number]>();
  let offset = 0;
  for (const { path, leaf } of leavesWithPath(tree as never)) {
    const name = String(path[0] ?? "");
    ranges.set(name, [ranges.get(name)?.[0] ?? offset, offset + leaf.size]);
    offset += leaf.size;
  }
  return ranges;
}
