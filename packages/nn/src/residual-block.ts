/** The basic block of residual networks for images. */

import { activation as activationLayer, type ActivationFunction } from "./activation.js";
import { batchNorm, type BatchNormState } from "./batch-norm.js";
import { conv, type ConvParams } from "./conv.js";
import { hiddenInit } from "./hidden-init.js";
import type { Layer } from "./layer.js";
import type { NormLayer, NormParams } from "./normalize.js";
import { residual, type Residual } from "./residual.js";
import { sequential, type Sequential } from "./sequential.js";

export interface ResidualBlockOptions {
  /** Number of input channels. */
  readonly in: number;
  /** Number of output channels. */
  readonly out: number;
  /** Of the first convolution and the shortcut. Default 1. */
  readonly stride?: number;
  /** Number of spatial axes. Default 2. */
  readonly dimensions?: number;
  /** After the first convolution and after the sum. Default "relu". */
  readonly activation?: ActivationFunction;
  /** After each convolution; null for none. Default batch norm. */
  readonly norm?: ((features: number) => NormLayer) | null;
}

/** What both ways through a block are made of. */
export type ResidualBlockLayer = Layer<ConvParams | NormParams | null, BatchNormState | null>;
export type ResidualBlock = Residual<
  Sequential<readonly ResidualBlockLayer[]>,
  Sequential<readonly ResidualBlockLayer[]>
>;

/**
 * y = f(norm(conv(f(norm(conv(x))))) + shortcut(x)) with windows of 3. The shortcut is the identity, or a convolution with a window of 1
 * and a norm where channels or stride change.
 *
 * Source: He, Zhang, Ren & Sun (2016), figure 2 and section 4.2 (option B).
 */
export function residualBlock(options: ResidualBlockOptions): ResidualBlock {
  const { in: inputs, out, stride = 1, dimensions = 2, activation = "relu" } = options;
  const { norm = (features) => batchNorm({ features }) } = options;
  const unit = (from: number, kernel: number, step: number): ResidualBlockLayer[] => {
    const padding = kernel === 1 ? 0 : 1;
    const shared = { kernel, dimensions, stride: step, padding, weightInit: hiddenInit(activation) };
    const layer = conv({ in: from, out, bias: norm === null, ...shared });
    return norm === null ? [layer] : [layer, norm(out)];
  };
  const body = sequential<readonly ResidualBlockLayer[]>([
    ...unit(inputs, 3, stride),
    activationLayer(activation),
    ...unit(out, 3, 1),
  ]);
  const changes = inputs !== out || stride !== 1;
  const shortcut = sequential<readonly ResidualBlockLayer[]>(changes ? unit(inputs, 1, stride) : []);
  return residual(body, { shortcut, activation });
}
