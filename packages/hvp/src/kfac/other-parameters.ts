/** Gradients of the examples with respect to parameters that have no Kronecker factors. */

import { broadcastTo, type Tensor } from "@curv/tensor";
import { map } from "@curv/tensor/tree";
import { examplesIn } from "../data.js";
import { asBatch } from "../loss-function.js";
import { selectParameters } from "../select-parameters.js";
import { mapped, withPullback } from "../transforms.js";
import type { TappedModel } from "./tapped-model.js";

/**
 * Cotangents of the outputs to the examples' own gradients [examples, ...] with respect to the named leaves: those with respect to a copy of the
 * leaves for each example.
 */
export function perExamplePullback<P, X>(
  model: TappedModel<P, X>,
  params: P,
  inputs: X,
  names: readonly string[],
  caller: string,
): (cotangent: Tensor) => readonly Tensor[] {
  const { selected, merge } = selectParameters(params, (path) => names.includes(path.join(".")));
  const examples = examplesIn(inputs, caller);
  const copies = map((leaf) => broadcastTo(leaf, [examples, ...leaf.shape]), selected);
  const ofExample = ({ own, input }: { readonly own: typeof selected; readonly input: X }): Tensor =>
    model(merge(own), asBatch(input), (y) => y);
  const { pullback } = withPullback((own: typeof selected) => mapped(ofExample)({ own, input: inputs }), copies);
  return (cotangent) => {
    const gradients = pullback(cotangent.expandDims(1))[0];
    return names.map((name) => gradients[name]);
  };
}
