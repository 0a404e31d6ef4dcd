/** An orthonormal basis of an operator's range, as products with probes show it: it grows block by block. */

import { concat, ShapeError, zeros, type Tensor } from "@curv/tensor";
import { expectArguments, type AnyOperator } from "@curv/linsolve";
import { qr } from "@curv/tensor/linalg";
import type { Key } from "@curv/tensor/random";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import type { Products } from "./products.js";

/** What was seen of an operator A through k probes W: tensors, which can be stored, and gone on from. */
export interface RangeSketch {
  /** Q [n, k]: orthonormal columns, A W = Q R. */
  readonly basis: Tensor;
  /** R [k, k], upper triangular. */
  readonly triangle: Tensor;
  /** A Q [n, k]; for `xDiagonal` Aᵀ Q. */
  readonly images: Tensor;
}

/** How a sketch grows. */
export interface Growth {
  readonly key: Key;
  readonly distribution: ProbeDistribution;
  readonly products: Products;
  /** Take images with Aᵀ. Default false. */
  readonly transposed?: boolean;
  /** Called with the first and the last but one place of each block of probes, after its products. */
  readonly also?: (from: number, to: number) => Promise<void>;
}

/**
 * A sketch with k probes, two products each, from one that has fewer. The blocks are of `products.atOnce` probes: a sketch that stopped
 * after a whole number of them grows to the same bits as one that did not stop.
 */
export async function growSketch(
  a: AnyOperator,
  before: RangeSketch | undefined,
  k: number,
  { key, distribution, products, transposed = false, also }: Growth,
): Promise<RangeSketch> {
  const n = a.shape[1];
  const empty = (rows: number): Tensor => zeros([rows, 0], { dtype: a.dtype });
  let { basis, triangle, images } = before ?? { basis: empty(n), triangle: empty(0), images: empty(n) };
  for (let from = basis.shape[1]; from < k;) {
    const to = Math.min(k, from + products.atOnce);
    const y = await products.with(drawProbes(distribution, key, n, a.dtype, [from, to]));
    // With diag R ≥ 0 the columns that are orthonormal already come back; Householder's reflections keep new ones orthogonal to them.
    const { q, r } = qr(concat([basis, y], 1));
    const added = q.slice(null, [from, to]);
    basis = concat([basis, added], 1);
    const below = zeros([to - from, from], { dtype: a.dtype });
    triangle = concat([concat([triangle, below], 0), r.slice(null, [from, to])], 1);
    images = concat([images, await products.with(added, transposed)], 1);
    await also?.(from, to);
    from = to;
  }
  return { basis, triangle, images };
}

/** The sketch of an earlier estimate; refuses one of another operator. */
export function sketchIn(
  resume: { readonly sketch: RangeSketch } | undefined,
  n: number,
  caller: string,
): RangeSketch | undefined {
  if (resume === undefined) return undefined;
  const { sketch } = resume;
  expectArguments(caller, { "resume.sketch": [sketch, "object"] });
  const parts = ["basis", "triangle", "images"] as const;
  for (const part of parts) expectArguments(caller, { [`resume.sketch.${part}`]: [sketch[part], "tensor"] });
  const k = sketch.triangle.shape[0];
  const wanted = { basis: [n, k], triangle: [k, k], images: [n, k] };
  for (const part of parts) {
    const got = sketch[part].shape;
    if (got.join() !== wanted[part].join()) {
      throw new ShapeError(
        `${caller}: resume.sketch.${part} has shape [${got.join(", ")}]; wants [${wanted[part].join(", ")}], of an estimate of an operator ${n} × ${n}.`,
      );
    }
  }
  return sketch;
}
