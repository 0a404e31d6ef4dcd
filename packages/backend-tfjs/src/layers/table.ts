/** All layers by class name, and how one is run. */

import { isTensor, type Tensor } from "@curv/tensor";
import { activationLayers } from "./activations.js";
import { convolutionLayers } from "./convolution.js";
import { coreLayers } from "./core.js";
import { unsupported, type LayerCall, type LayerFunction, type LayerResult } from "./layer.js";
import { mergeLayers } from "./merge.js";
import { noiseLayers } from "./noise.js";
import { normalizationLayers } from "./normalization.js";
import { poolingLayers } from "./pooling.js";
import { resamplingLayers } from "./resampling.js";
import { bidirectional, recurrentLayers, timeDistributed } from "./recurrent.js";

const layers: Readonly<Record<string, LayerFunction>> = {
  ...activationLayers,
  ...convolutionLayers,
  ...coreLayers,
  ...mergeLayers,
  ...noiseLayers,
  ...normalizationLayers,
  ...poolingLayers,
  ...recurrentLayers,
  ...resamplingLayers,
  Bidirectional: (call) => bidirectional(applyLayer)(call),
  TimeDistributed: (call) => timeDistributed(applyLayer)(call),
};

/** Classes of layers that can be translated, models aside. */
export const layerClasses: readonly string[] = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ Object.keys(layers).sort(),
);

/** Whether the table has the layer's class. */
export function isKnown(className: string): boolean {
  return Object.hasOwn(layers, className);
}

export function applyLayer(call: LayerCall): LayerResult {
  const f = layers[call.layer.getClassName()];
  if (f === undefined) throw unsupported(call.layer, "is not known");
  return resultOf(f(call));
}

export function resultOf(result: Tensor | LayerResult): LayerResult {
  return isTensor(result) ? { outputs: [result] } : result;
}
