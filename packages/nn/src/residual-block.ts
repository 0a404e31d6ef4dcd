/** The basic block of residual networks for images. */

import { DomainError } from "@curv/tensor";
import { activation as activationLayer, type ActivationFunction } from "./activation.js";
import { batchNorm, type BatchNormState } from "./batch-norm.js";
import { conv, type ConvParams } from "./conv.js";
import { hiddenInit } from "./hidden-init.js";
import type { Layer } from "./layer.js";
import type { NormLayer, NormParams } from "./normalize.js";
import { padShortcut } from "./pad-shortcut.js";
import { residual, type Residual } from "./residual.js";
import { sequential, type Sequential } from "./sequential.js";

/** "projection": a convolution with a window of 1 and a norm (option B). "pad": pixels left out, channels of zeros (option A). */
export type ShortcutKind = "projection" | "pad";

export interface ResidualBlockOptions {
  /** Number of input channels. */
  readonly in: number;
  /** Number of output channels. */
  readonly out: number;
  /** Of the first convolution and the shortcut. Default 1. */
  readonly stride?: number;
  /** Number of spatial axes. Default 2. */
  readonly dimensions?: number;
  /** Where channels or stride change; the identity elsewhere. Default "projection". */
  readonly shortcut?: ShortcutKind;
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
 * y = f(norm(conv(f(norm(conv(x))))) + shortcut(x)) with windows of 3. The shortcut is the identity, or, where channels or
 * stride change, a convolution with a window of 1 and a norm, or {@link padShortcut}.
 *
 * @throws DomainError for sizes that are no positive integers, or "pad" with fewer outputs than inputs.
 * Source: He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition (2016), figure 2 and section 4.1 (options A and B).
 */
export function residualBlock(options: ResidualBlockOptions): ResidualBlock {
  const { in: inputs, out, stride = 1, dimensions = 2, activation = "relu" } = options;
  const { shortcut: kind = "projection", norm = (features) => batchNorm({ features }) } = options;
  if (kind !== "projection" && kind !== "pad") {
    throw new DomainError(`residualBlock: shortcut is "${String(kind)}"; wants "projection" or "pad".`);
  }
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
  const change = (): ResidualBlockLayer[] =>
    kind === "pad" ? [padShortcut({ in: inputs, out, stride })] : unit(inputs, 1, stride);
  const shortcut = sequential<readonly ResidualBlockLayer[]>(changes ? change() : []);
  return residual(body, { shortcut, activation });
}
