/** Weights whose variance keeps signals, or their gradients, at one size from layer to layer. */

import { defaultDType, DomainError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { fansOf, type Fans, type Initializer } from "./initializer.js";

/** "truncated" is a normal distribution cut off at two standard deviations and widened to the wanted variance. */
export type Distribution = "normal" | "truncated" | "uniform";

/** Which number of connections the variance is divided by. */
export type FanMode = "fanIn" | "fanOut" | "fanAverage";

export interface VarianceScalingOptions {
  /** Default "normal". */
  readonly distribution?: Distribution;
  /** Default "fanIn": signals keep their size on the way forward. With "fanOut" gradients do on the way back. */
  readonly mode?: FanMode;
}

/** Standard deviation of the standard normal distribution cut off at ±2: √(1 − 4φ(2)/erf(√2)). */
const truncatedDeviation = 0.8796256610342398;

/**
 * Mean 0 and variance scale / fan; the common form of {@link lecun}, {@link glorot} and {@link he}.
 *
 * @throws DomainError unless scale > 0; ShapeError, when used, for a shape with fewer than two axes.
 */
export function varianceScaling(scale: number, options: VarianceScalingOptions = {}): Initializer {
  const { distribution = "normal", mode = "fanIn" } = options;
  if (!(scale > 0 && scale < Infinity)) {
    throw new DomainError(`varianceScaling: scale is ${String(scale)}; wants a finite number > 0.`);
  }
  const draw = sampler(distribution);
  const fan = fanOf(mode);
  return (key, shape, { dtype = defaultDType(), fans = fansOf(shape) } = {}) => {
    // A weight without inputs has no elements to draw.
    const deviation = Math.sqrt(scale / Math.max(1, fan(fans)));
    return draw(key, { shape, dtype }).mul(deviation);
  };
}

type Sampler = (key: random.Key, options: Required<random.SampleOptions>) => Tensor;

/** Samples of mean 0 and variance 1. */
function sampler(distribution: Distribution): Sampler {
  switch (distribution) {
    case "normal":
      return random.normal;
    case "truncated":
      return (key, options) => random.truncatedNormal(key, -2, 2, options).div(truncatedDeviation);
    case "uniform":
      return (key, options) => random.uniform(key, { ...options, low: -Math.sqrt(3), high: Math.sqrt(3) });
    default:
      throw new DomainError(
        `varianceScaling: distribution is "${String(distribution)}"; wants "normal", "truncated" or "uniform".`,
      );
  }
}

function fanOf(mode: FanMode): (fans: Fans) => number {
  switch (mode) {
    case "fanIn":
      return ({ fanIn }) => fanIn;
    case "fanOut":
      return ({ fanOut }) => fanOut;
    case "fanAverage":
      return ({ fanIn, fanOut }) => (fanIn + fanOut) / 2;
    default:
      throw new DomainError(`varianceScaling: mode is "${String(mode)}"; wants "fanIn", "fanOut" or "fanAverage".`);
  }
}

export interface DistributionOption {
  /** Default "normal". */
  readonly distribution?: Distribution;
}

/**
 * Variance 1/fanIn: keeps the size of signals through linear layers, and, with SELU, through deep networks.
 *
 * Source: LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.6.
 */
export function lecun(options: DistributionOption = {}): Initializer {
  return varianceScaling(1, options);
}

/**
 * Variance 2/(fanIn + fanOut): a compromise between signals and gradients, for tanh-like activations. PyTorch's `xavier_*`.
 *
 * Source: Glorot & Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks (2010), eq. 12 and 16.
 */
export function glorot(options: DistributionOption = {}): Initializer {
  return varianceScaling(1, { ...options, mode: "fanAverage" });
}

export interface HeOptions extends VarianceScalingOptions {
  /** Slope of a leaky ReLU for negative inputs. Default 0. */
  readonly negativeSlope?: number;
}

/**
 * Variance 2/((1 + slope²) fan): keeps the size of signals ("fanIn", default) or gradients ("fanOut") through ReLU layers. PyTorch's
 * `kaiming_*`.
 *
 * Source: He, Zhang, Ren & Sun, Delving Deep into Rectifiers (2015), eq. 10 and 15.
 */
export function he(options: HeOptions = {}): Initializer {
  const { negativeSlope = 0 } = options;
  if (!Number.isFinite(negativeSlope)) {
    throw new DomainError(`he: negativeSlope is ${String(negativeSlope)}; wants a finite number.`);
  }
  return varianceScaling(2 / (1 + negativeSlope ** 2), options);
}
