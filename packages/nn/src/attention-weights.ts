/** Scaled dot-product attention: how much each query looks at each key. */

import {
  arange,
  DTypeError,
  isTensor,
  largest,
  logicalAnd,
  matrixTranspose,
  ShapeError,
  softmax,
  where,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
import { checkInput, formatShape } from "./arguments.js";

export interface AttentionWeightsOptions {
  /** Bool, true where a query may look at a key; broadcasts against [..., queries, keys]. Default everywhere. */
  readonly mask?: Tensor;
  /** Whether a query sees only the keys up to its own place; the last query sees the last key. Default false. */
  readonly causal?: boolean;
}

/**
 * softmax(Q Kᵀ/√d): the weights, [..., queries, keys], of queries [..., queries, d] over keys [..., keys, d]. Attention is their product
 * with the values.
 *
 * Rows sum to 1, except those of queries that may look nowhere: they are 0, and so are their derivatives.
 *
 * @throws ShapeError if the shapes do not fit; DTypeError for a mask that is not bool.
 * Source: Vaswani et al., Attention Is All You Need (2017), eq. 1.
 */
export function attentionWeights(query: Tensor, key: Tensor, options: AttentionWeightsOptions = {}): Tensor {
  const { mask, causal = false } = options;
  const caller = "attentionWeights";
  checkInput(query, caller, "query");
  checkInput(key, caller, "key");
  const features = query.shape[query.rank - 1];
  if (query.rank < 2 || key.rank < 2 || key.shape[key.rank - 1] !== features) {
    throw new ShapeError(
      `${caller}: query has shape ${formatShape(query.shape)}, key ${formatShape(key.shape)}; wants […, queries, d] and […, keys, d].`,
    );
  }
  const scores = query.mul(1 / Math.sqrt(features)).matmul(matrixTranspose(key));
  if (mask !== undefined) checkMask(mask, scores, caller);
  const past = causal ? causalMask(scores.shape[scores.rank - 2], scores.shape[scores.rank - 1]) : undefined;
  const visible = mask === undefined ? past : past === undefined ? mask : logicalAnd(mask, past);
  if (visible === undefined) return softmax(scores);
  // Half the lowest number: finite, so that a row of nothing else has no NaN, and less a maximum still representable.
  const weights = softmax(where(visible, scores, -largest(scores.dtype as FloatDType) / 2));
  return where(visible, weights, 0);
}

/** Of shape [queries, keys]: key j is visible to query i if j − keys ≤ i − queries. */
function causalMask(queries: number, keys: number): Tensor {
  const i = arange(queries, { dtype: "int32" }).reshape(queries, 1);
  return arange(keys, { dtype: "int32" }).lessEqual(i.add(keys - queries));
}

function checkMask(mask: Tensor, scores: Tensor, caller: string): void {
  if (!isTensor(mask) || mask.dtype !== "bool") {
    throw new DTypeError(`${caller}: mask is ${isTensor(mask) ? mask.dtype : typeof mask}; wants a bool Tensor.`);
  }
  const lead = scores.rank - mask.rank;
  if (lead < 0 || mask.shape.some((n, axis) => n !== 1 && n !== scores.shape[lead + axis])) {
    throw new ShapeError(
      `${caller}: mask has shape ${formatShape(mask.shape)}; it must broadcast to ${formatShape(scores.shape)}, […, queries, keys].`,
    );
  }
}
