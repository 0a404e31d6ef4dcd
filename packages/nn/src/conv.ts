/** Convolutions in one to three dimensions. */

import { conv as convolve, DomainError, type ConvPadding, type PerAxis, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkChannels, checkLeaf, checkSize } from "./arguments.js";
import { zeros } from "./init/constant.js";
import { fansOf, type Initializer } from "./init/initializer.js";
import { lecun } from "./init/variance-scaling.js";
import { stateless, type Stateless } from "./layer.js";

export interface ConvOptions {
  /** Number of input channels. */
  readonly in: number;
  /** Number of output channels. */
  readonly out: number;
  /** Length of the window along each spatial axis; one number for all. */
  readonly kernel: PerAxis;
  /** Number of spatial axes, 1 to 3. Default: that of `kernel` if it is a list, else 2. */
  readonly dimensions?: number;
  /** Default 1. */
  readonly stride?: PerAxis;
  /** "valid" (default), "same" for ⌈length/stride⌉ outputs, a number for both ends, or pairs for each axis. */
  readonly padding?: ConvPadding;
  /** Step between elements of the window. Default 1. */
  readonly dilation?: PerAxis;
  /** Channels and outputs are split into so many independent parts. Default 1. */
  readonly groups?: number;
  /** Whether a bias is added. Default true; pointless before a batch norm. */
  readonly bias?: boolean;
  /** Default `init.lecun()`; `init.he()` before a ReLU. */
  readonly weightInit?: Initializer;
  /** Default zeros. */
  readonly biasInit?: Initializer;
}

export interface ConvParams {
  /** [out, in/groups, ...kernel]. */
  readonly weight: Tensor;
  /** [out]; absent without bias. */
  readonly bias?: Tensor;
}

export interface Conv extends Stateless<ConvParams> {
  readonly name: "conv";
  readonly options: ConvOptions;
}

/**
 * Convolution (cross-correlation) of [batch, in, ...space] to [batch, out, ...space']. Layout and names are those of PyTorch's `Conv1d`
 * to `Conv3d`.
 *
 * @throws DomainError for sizes that are no positive integers or groups that do not divide the channels; ShapeError, when applied, for an
 * input with other channels or axes.
 */
export function conv(options: ConvOptions): Conv {
  const { in: inputs, out: outputs, stride = 1, padding = "valid", dilation = 1, groups = 1 } = options;
  const { bias = true, weightInit = lecun(), biasInit = zeros() } = options;
  checkSize(inputs, "conv", "in");
  checkSize(outputs, "conv", "out");
  checkSize(groups, "conv", "groups");
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new DomainError(`conv: groups is ${groups}; wants a divisor of in = ${inputs} and out = ${outputs}.`);
  }
  const window = windowOf(options);
  const shape = [outputs, inputs / groups, ...window];
  const ones = window.map(() => 1);
  return {
    name: "conv",
    options,
    init: (key, initOptions = {}) => {
      const [weightKey, biasKey] = random.split(key);
      const drawing = { ...initOptions, fans: fansOf(shape, groups) };
      const weight = weightInit(weightKey, shape, drawing);
      return bias ? { weight, bias: biasInit(biasKey, [outputs], drawing) } : { weight };
    },
    ...stateless((params: ConvParams, x) => {
      checkChannels(x, inputs, "conv", window.length);
      const weight = checkLeaf(params.weight, shape, "conv", "params.weight");
      const y = convolve(x, weight, { stride, padding, dilation, groups });
      if (!bias) return y;
      return y.add(checkLeaf(params.bias, [outputs], "conv", "params.bias").reshape([outputs, ...ones]));
    }),
  };
}

function windowOf({ kernel, dimensions = typeof kernel === "number" ? 2 : kernel.length }: ConvOptions): number[] {
  if (![1, 2, 3].includes(dimensions)) {
    throw new DomainError(`conv: dimensions is ${String(dimensions)}; wants 1, 2 or 3.`);
  }
  const window = typeof kernel === "number" ? new Array<number>(dimensions).fill(kernel) : [...kernel];
  if (window.length !== dimensions) {
    throw new DomainError(`conv: kernel has ${window.length} lengths; wants one for each of ${dimensions} dimensions.`);
  }
  for (const length of window) checkSize(length, "conv", "kernel");
  return window;
}
