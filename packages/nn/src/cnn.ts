/** Small convolutional networks. */

import { DomainError } from "@curv/tensor";
import { activation as activationLayer, activationFunction, type ActivationFunction } from "./activation.js";
import { checkFraction, checkSize } from "./arguments.js";
import type { BatchNormState } from "./batch-norm.js";
import { conv, type ConvParams } from "./conv.js";
import type { DenseParams } from "./dense.js";
import { dropout as dropoutLayer } from "./dropout.js";
import { flatten } from "./flatten.js";
import { hiddenInit } from "./hidden-init.js";
import type { Layer } from "./layer.js";
import { mlp } from "./mlp.js";
import type { NormLayer, NormParams } from "./normalize.js";
import { maxPool } from "./pooling.js";
import { sequential, type Sequential } from "./sequential.js";

export interface CnnOptions {
  /** Shape of one example, [channels, ...space] with one to three spatial axes. */
  readonly input: readonly number[];
  /** Output channels of each convolution. */
  readonly channels: readonly number[];
  /** Number of outputs. */
  readonly out: number;
  /** Sizes of dense layers between the feature maps and the output. Default none. */
  readonly hidden?: readonly number[];
  /** Length of the convolutions' windows; they keep the size of their input. Default 3. */
  readonly kernel?: number;
  /** Length of the pooling windows after each convolution; 1 for no pooling. Default 2. */
  readonly pool?: number;
  /** After each convolution and hidden layer. Default "relu". */
  readonly activation?: ActivationFunction;
  /** Between a convolution and its activation: `(features) => batchNorm({ features })`. Default none. */
  readonly norm?: (features: number) => NormLayer;
  /** Rate of dropout before the dense layers and after hidden ones. Default 0. */
  readonly dropout?: number;
}

/** What such a network is made of. */
export type CnnLayer = Layer<ConvParams | NormParams | DenseParams | null, BatchNormState | null>;

export type Cnn = Sequential<readonly CnnLayer[]>;

/**
 * Convolution, norm, activation and max-pooling for each entry of `channels`, then dense layers: [batch, ...input] to [batch, out].
 *
 * @throws DomainError if a size is no positive integer, or pooling leaves nothing.
 *
 * @example
 * const model = cnn({ input: [1, 28, 28], channels: [8, 16], out: 10 });
 */
export function cnn(options: CnnOptions): Cnn {
  const { input, channels, out, hidden = [], kernel = 3, pool = 2, activation = "relu", norm, dropout = 0 } = options;
  check(options);
  activationFunction(activation, "cnn", "activation");
  checkFraction(dropout, "cnn", "dropout");
  const [, ...space] = input;

  const features = channels.flatMap((outputs, i): CnnLayer[] => [
    conv({
      in: i === 0 ? input[0] : channels[i - 1],
      out: outputs,
      kernel,
      dimensions: space.length,
      padding: "same",
      bias: norm === undefined,
      weightInit: hiddenInit(activation),
    }),
    ...(norm === undefined ? [] : [norm(outputs)]),
    activationLayer(activation),
    ...(pool === 1 ? [] : [maxPool({ window: pool })]),
  ]);

  const left = space.map((length) => channels.reduce((n) => Math.floor(n / pool), length));
  if (left.includes(0)) {
    throw new DomainError(
      `cnn: ${channels.length} poolings by ${pool} leave nothing of [${space.join(", ")}]; use fewer channels entries or pool: 1.`,
    );
  }
  const size = left.reduce((product, n) => product * n, channels.at(-1) ?? input[0]);
  const head = mlp({ sizes: [size, ...hidden, out], activation, dropout });
  const drop = dropout === 0 ? [] : [dropoutLayer({ rate: dropout })];
  return sequential<readonly CnnLayer[]>([...features, flatten(), ...drop, ...head.layers]);
}

function check({ input, channels, out, hidden = [], kernel = 3, pool = 2 }: CnnOptions): void {
  if (!Array.isArray(input) || input.length < 2 || input.length > 4) {
    throw new DomainError(`cnn: input is ${JSON.stringify(input)}; wants [channels, …space] with 1 to 3 spatial axes.`);
  }
  const lists = Object.entries({ input, channels, hidden, out: [out], kernel: [kernel], pool: [pool] });
  for (const [name, sizes] of lists) for (const size of sizes) checkSize(size, "cnn", name);
}
