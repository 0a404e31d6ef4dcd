/** What the normalisation layers share: options, parameters, the formula. */

import { defaultDType, ones, rsqrt, zeros, type Shape, type Tensor } from "@curv/tensor";
import { checkLeaf, checkNonNegative } from "./arguments.js";
import type { BatchNormState } from "./batch-norm.js";
import type { InitOptions, Layer } from "./layer.js";

export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether each feature gets a gain and a shift. Default true. */
  readonly affine?: boolean;
}

/** Gain and shift; empty without. */
export interface NormParams {
  /** Gain, ones at first. */
  readonly weight?: Tensor;
  /** Shift, zeros at first. */
  readonly bias?: Tensor;
}

/** Any of the normalisation layers, as networks take them. */
export type NormLayer = Layer<NormParams, BatchNormState | null>;

/** Options with their defaults, checked. */
export function readNormOptions({ epsilon = 1e-5, affine = true }: NormOptions, caller: string): Required<NormOptions> {
  checkNonNegative(epsilon, caller, "epsilon");
  return { epsilon, affine };
}

/** Ones and zeros, or nothing. */
export function initNorm(shape: Shape, affine: boolean, { dtype = defaultDType() }: InitOptions): NormParams {
  return affine ? { weight: ones(shape, { dtype }), bias: zeros(shape, { dtype }) } : {};
}

/** (x − mean)/√(variance + ε). */
export function standardize(x: Tensor, mean: Tensor, variance: Tensor, epsilon: number): Tensor {
  return x.sub(mean).mul(rsqrt(variance.add(epsilon)));
}

/** weight · x + bias, with parameters of `shape` that act on x as if they had `layout`. */
export function affineMap(params: NormParams, x: Tensor, shape: Shape, layout: Shape, caller: string): Tensor {
  const weight = checkLeaf(params.weight, shape, caller, "params.weight");
  const bias = checkLeaf(params.bias, shape, caller, "params.bias");
  return x.mul(weight.reshape(layout)).add(bias.reshape(layout));
}
