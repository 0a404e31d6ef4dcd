/** Layer normalisation. */

import { ShapeError, variance } from "@curv/tensor";
import { checkInput, checkSize, formatShape } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";
import { affineMap, initNorm, readNormOptions, standardize, type NormOptions, type NormParams } from "./normalize.js";

export interface LayerNormOptions extends NormOptions {
  /** Lengths of the last axes, which are normalised together; one number for the last axis. */
  readonly features: number | readonly number[];
}

export interface LayerNorm extends Stateless<NormParams> {
  readonly name: "layerNorm";
  readonly options: LayerNormOptions;
}

/**
 * Layer norm: each example is brought to mean 0 and variance 1 (biased) over its last axes, then scaled and shifted element by element.
 * The same in training and evaluation.
 *
 * Source: Ba, Kiros & Hinton, Layer Normalization (2016), eq. 4; ε as PyTorch.
 */
export function layerNorm(options: LayerNormOptions): LayerNorm {
  const caller = "layerNorm";
  const shape = typeof options.features === "number" ? [options.features] : [...options.features];
  const { epsilon, affine } = readNormOptions(options, caller);
  for (const length of shape) checkSize(length, caller, "features");
  const axes = shape.map((_, i) => i - shape.length);
  return {
    name: "layerNorm",
    options,
    init: (_key, initOptions = {}) => initNorm(shape, affine, initOptions),
    ...stateless((params: NormParams, x) => {
      checkInput(x, caller);
      const last = x.shape.slice(Math.max(0, x.rank - shape.length));
      if (last.length !== shape.length || last.some((n, i) => n !== shape[i])) {
        throw new ShapeError(`layerNorm: x has shape ${formatShape(x.shape)}; wants ${formatShape(["…", ...shape])}.`);
      }
      const y = standardize(x, x.mean(axes, { keepDims: true }), variance(x, axes, { keepDims: true }), epsilon);
      return affine ? affineMap(params, y, shape, shape, caller) : y;
    }),
  };
}
