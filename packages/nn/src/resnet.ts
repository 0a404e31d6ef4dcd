/** Residual networks for small images. */

import { DomainError } from "@curv/tensor";
import { activation as activationLayer, type ActivationFunction } from "./activation.js";
import { checkSize } from "./arguments.js";
import { batchNorm, type BatchNormState } from "./batch-norm.js";
import { conv, type ConvParams } from "./conv.js";
import { dense, type DenseParams } from "./dense.js";
import { hiddenInit } from "./hidden-init.js";
import type { Layer, ParamsOf, StateOf } from "./layer.js";
import type { NormLayer, NormParams } from "./normalize.js";
import { globalAvgPool } from "./pooling.js";
import { residualBlock, type ResidualBlock, type ShortcutKind } from "./residual-block.js";
import { sequential, type Sequential } from "./sequential.js";

export interface ResnetOptions {
  /** Number of layers with weights, 6n + 2: 20, 32, 44, 56, 110. */
  readonly depth: number;
  /** Number of outputs. */
  readonly out: number;
  /** Number of input channels. Default 3. */
  readonly in?: number;
  /** Number of channels of the first stage; the next two have two and four times as many. Default 16. */
  readonly width?: number;
  /** Where a stage begins: "pad" (option A, default) has no parameters, "projection" (option B) is a convolution. */
  readonly shortcut?: ShortcutKind;
  /** Default "relu". */
  readonly activation?: ActivationFunction;
  /** After each convolution; null for none. Default batch norm. */
  readonly norm?: ((features: number) => NormLayer) | null;
}

/** What such a network is made of. */
export type ResnetLayer = Layer<
  ConvParams | NormParams | DenseParams | ParamsOf<ResidualBlock> | null,
  BatchNormState | StateOf<ResidualBlock> | null
>;

export type Resnet = Sequential<readonly ResnetLayer[]>;

/**
 * Residual network in its variant for CIFAR, [batch, in, height, width] to [batch, out]: a convolution, three stages of n =
 * (depth − 2)/6 blocks of two convolutions each, the second and third stage at half the resolution and twice the channels, the mean over
 * the image, an affine layer.
 *
 * At depth 20 with 10 outputs 269,722 parameters, or 272,474 with projections. Any image size will do, 32 × 32 is the usual one.
 *
 * @throws DomainError for a depth that is not 6n + 2, n >= 1.
 * Source: He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition (2016), section 4.2.
 *
 * @example
 * const resnet20 = resnet({ depth: 20, out: 10 });
 */
export function resnet(options: ResnetOptions): Resnet {
  const { depth, out, in: inputs = 3, width = 16, shortcut = "pad", activation = "relu" } = options;
  const { norm = (features) => batchNorm({ features }) } = options;
  if (!Number.isSafeInteger(depth) || depth < 8 || depth % 6 !== 2) {
    throw new DomainError(`resnet: depth is ${String(depth)}; wants 6n + 2: 8, 14, 20, ….`);
  }
  for (const [name, size] of Object.entries({ out, in: inputs, width })) checkSize(size, "resnet", name);
  const stages = [1, 2, 4].map((factor) => factor * width);
  const blocks = stages.flatMap((channels, stage) =>
    Array.from({ length: (depth - 2) / 6 }, (_, i): ResnetLayer => {
      const begins = i === 0 && stage > 0;
      const from = begins ? stages[stage - 1] : channels;
      return residualBlock({ in: from, out: channels, stride: begins ? 2 : 1, shortcut, activation, norm });
    }),
  );
  const weightInit = hiddenInit(activation);
  return sequential<readonly ResnetLayer[]>([
    conv({ in: inputs, out: width, kernel: 3, padding: 1, bias: norm === null, weightInit }),
    ...(norm === null ? [] : [norm(width)]),
    activationLayer(activation),
    ...blocks,
    globalAvgPool(),
    dense({ in: stages[2], out }),
  ]);
}
