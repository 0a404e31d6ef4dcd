/** Layers that draw random numbers while a model trains, and do nothing when it predicts. */

import { ones, type Tensor } from "@curv/tensor";
import { bernoulli, normal, type Key } from "@curv/tensor/random";
import { refuse, type LayerCall, type LayerFunction } from "./layer.js";

/** As TensorFlow.js takes it: nothing is dropped at rate 0, and at 1 neither. */
export const isBetween = (rate: unknown): rate is number => typeof rate === "number" && rate > 0 && rate < 1;

/**
 * 0 with probability `rate`, else 1/(1 − rate), so that its mean is 1: what dropout multiplies by.
 * Srivastava et al., Dropout (2014), with the scale at training time.
 */
export function dropoutMask(key: Key, rate: number, like: Pick<Tensor, "shape" | "dtype">): Tensor {
  const kept = bernoulli(key, 1 - rate, { shape: like.shape });
  return ones(like.shape, { dtype: like.dtype })
    .mul(1 / (1 - rate))
    .mul(kept.cast(like.dtype));
}

/** Decisions for each element of `noiseShape`, where null is the length that x has; for each element of x if there is none. */
function decisions(
  noiseShape: readonly (number | null)[] | null | undefined,
  x: Tensor,
): Pick<Tensor, "shape" | "dtype"> {
  return { shape: (noiseShape ?? x.shape).map((n, i) => n ?? x.shape[i]), dtype: x.dtype };
}

/** A layer that is the identity but while the model trains. */
const training =
  (
    f: (x: Tensor, key: Key, call: LayerCall) => Tensor,
    active: (config: LayerCall["config"]) => boolean,
  ): LayerFunction =>
  (call) => {
    const [x] = call.inputs;
    return call.training === undefined || !active(call.config) ? x : f(x, call.training.key(), call);
  };

const hasRate = (config: LayerCall["config"]): boolean => isBetween(config.rate);
const rateOf = ({ config }: LayerCall): number => config.rate as number;
const normalLike = (x: Tensor, key: Key): Tensor => normal(key, { shape: x.shape, dtype: x.dtype as "float32" });

export const noiseLayers: Readonly<Record<string, LayerFunction>> = {
  Dropout: /* @__PURE__ */ training(
    (x, key, call) => x.mul(dropoutMask(key, rateOf(call), decisions(call.layer.noiseShape, x))),
    hasRate,
  ),
  SpatialDropout1D: /* @__PURE__ */ training(
    (x, key, call) => x.mul(dropoutMask(key, rateOf(call), decisions([null, 1, null], x))),
    hasRate,
  ),
  GaussianNoise: /* @__PURE__ */ training(
    (x, key, { config }) => x.add(normalLike(x, key).mul(config.stddev as number)),
    ({ stddev }) => stddev !== 0,
  ),
  // Srivastava et al. (2014), section 10: the variance of a dropout of that rate.
  GaussianDropout: /* @__PURE__ */ training((x, key, call) => {
    const rate = rateOf(call);
    return x.mul(
      normalLike(x, key)
        .mul(Math.sqrt(rate / (1 - rate)))
        .add(1),
    );
  }, hasRate),
  // Klambauer et al., Self-normalizing neural networks (2017): what is dropped becomes α′ = −λα, and an affine map restores mean and variance.
  // (TensorFlow.js 4.22 puts −α′ there, which restores neither.)
  AlphaDropout: /* @__PURE__ */ training((x, key, call) => {
    const rate = rateOf(call);
    const low = -1.6732632423543772 * 1.0507009873554805;
    const kept = bernoulli(key, 1 - rate, { shape: decisions(call.layer.noiseShape, x).shape }).cast(x.dtype);
    const scale = ((1 - rate) * (1 + rate * low ** 2)) ** -0.5;
    return x
      .mul(kept)
      .add(kept.neg().add(1).mul(low))
      .mul(scale)
      .sub(scale * low * rate);
  }, hasRate),
};

/** Masks of one recurrent cell, the same for all steps: of its input, and of the state that it multiplies. Gal & Ghahramani (2016). */
export interface CellNoise {
  input(x: Tensor): Tensor;
  state(h: Tensor): Tensor;
}

/** What a cell drops by its settings: nothing when the model predicts. */
export function cellNoise(
  { config, training: during }: Pick<LayerCall, "config" | "training">,
  input: Pick<Tensor, "shape" | "dtype">,
  state: Pick<Tensor, "shape" | "dtype">,
): CellNoise {
  const drop = (rate: unknown, like: Pick<Tensor, "shape" | "dtype">): ((x: Tensor) => Tensor) => {
    if (during === undefined || !isBetween(rate)) return (x) => x;
    const mask = dropoutMask(during.key(), rate, like);
    return (x) => x.mul(mask);
  };
  return { input: drop(config.dropout, input), state: drop(config.recurrentDropout, state) };
}

/** For cells whose dropout is not translated. */
export function refuseNoise(call: Pick<LayerCall, "layer" | "config" | "training">): void {
  const drops = isBetween(call.config.dropout) || isBetween(call.config.recurrentDropout);
  refuse(call.layer, call.training !== undefined && drops, "drops within its cell while it trains");
}
