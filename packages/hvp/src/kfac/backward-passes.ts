/** The backward passes whose gradients a Fisher matrix is the second moment of. */

import { arange, forLoop, take, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { OutputLoss } from "../output-loss.js";
import { gradient } from "../transforms.js";

/** Which Fisher matrix, with what it needs. */
export type FisherChoice =
  | { readonly fisher: "exact" }
  | { readonly fisher: "monteCarlo"; readonly key: random.Key; readonly samples: number }
  | { readonly fisher: "empirical"; readonly targets: Tensor };

/** Cotangents u of a batch's outputs such that its mean Fisher matrix is weight · Σᵢ Σₙ (Jₙᵀ uₙ)(Jₙᵀ uₙ)ᵀ over passes i and examples n. */
export interface BackwardPasses {
  readonly count: number;
  /** An int32 scalar to a cotangent of the outputs' shape. */
  readonly cotangent: (pass: Tensor) => Tensor;
  readonly weight: number;
}

/**
 * - exact: one column of the root of one row's Hessian in each pass, all examples at once.
 * - Monte-Carlo: the gradient for targets that are drawn from the model, all rows at once, as they are independent.
 * - empirical: the gradient of each example's own loss, the mean over its rows.
 *
 * @param outputs - [examples, ..., C], the axes between being rows.
 */
export function backwardPasses(outputLoss: OutputLoss, outputs: Tensor, choice: FisherChoice): BackwardPasses {
  const [examples] = outputs.shape;
  const rows = outputs.size / (examples * outputs.shape[outputs.rank - 1]);
  const gradientFor = (targets: Tensor): Tensor =>
    gradient((o: Tensor) => outputLoss.losses(o, targets).sum())(outputs);
  switch (choice.fisher) {
    case "exact":
      return rootColumns(outputLoss, outputs, examples, rows);
    case "monteCarlo":
      return {
        count: choice.samples,
        cotangent: (pass) => gradientFor(outputLoss.sample(random.foldIn(choice.key, pass), outputs)),
        weight: 1 / (examples * rows * choice.samples),
      };
    case "empirical":
      return { count: 1, cotangent: () => gradientFor(choice.targets).div(rows), weight: 1 / examples };
  }
}

function rootColumns(outputLoss: OutputLoss, outputs: Tensor, examples: number, rows: number): BackwardPasses {
  const root = outputLoss.hessianRoot(outputs);
  const rank = root.shape[root.rank - 1];
  const size = outputs.shape[outputs.rank - 1];
  // [rank, examples, rows, C]
  const columns = root.reshape([examples, rows, size, rank]).transpose([3, 0, 1, 2]);
  const rowNumbers = arange(0, rows, { dtype: "int32" });
  const place = tensor(Int32Array.from({ length: rows * rank }, (_, i) => Math.floor(i / rank)));
  const columnAt = tensor(Int32Array.from({ length: rows * rank }, (_, i) => i % rank));
  return {
    count: rows * rank,
    cotangent: (pass) => {
      const column = take(columns, take(columnAt, pass, 0, { mode: "clip" }), 0, { mode: "clip" });
      const own = rowNumbers.equal(take(place, pass, 0, { mode: "clip" })).cast(outputs.dtype);
      return column.mul(own.expandDims(1)).reshape(outputs.shape);
    },
    weight: 1 / (examples * rows),
  };
}

/** Σᵢ f(i) over passes, one after the other: the memory of one. */
export function sumOverPasses(count: number, f: (pass: Tensor) => readonly Tensor[]): readonly Tensor[] {
  const first = f(tensor(0, { dtype: "int32" }));
  if (count === 1 || first.length === 0) return first;
  const sum = (pass: Tensor, sums: readonly Tensor[]): readonly Tensor[] => {
    const terms = f(pass);
    return sums.map((s, i) => s.add(terms[i]));
  };
  return forLoop(1, count, sum as never, first as never) as unknown as readonly Tensor[];
}
