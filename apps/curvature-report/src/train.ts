/** Training a network on digits. */

import { jit, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { adam, type AdamState } from "./adam.js";
import { breathe } from "app-frame";
import { select, slice, type Digits } from "app-frame/digits";
import { asBatch, jitter, shuffled } from "./digits.js";
import { evaluate } from "./evaluate.js";
import { digitLoss, type Network } from "./networks.js";
import { sharpnessOn } from "./sharpness.js";

export interface Epoch {
  /** Mean loss of the batches, each before its step. */
  readonly trainLoss: number;
  readonly heldOutLoss: number;
  /** Fraction of held-out digits that are read correctly. */
  readonly heldOutAccuracy: number;
  /** λ_max of the Hessian of the loss on `sharpnessDigits` of the training digits. */
  readonly sharpness: number;
}

export interface TrainOptions {
  readonly epochs: number;
  /** Digits in a batch. Default 50. */
  readonly batchSize?: number;
  /** Adam's rate at the start; it falls to 0 along half a cosine. */
  readonly rate: number;
  /** Digits for λ_max after each epoch. Default 200. */
  readonly sharpnessDigits?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Where a training that was stopped goes on, and where it writes after each epoch. */
  readonly checkpoint?: {
    readonly read: () => Promise<TrainState | undefined>;
    readonly write: (state: TrainState) => Promise<void>;
  };
}

/** After an epoch, everything that the next one depends on. */
export interface TrainState {
  readonly epochs: number;
  readonly params: Tensor;
  readonly optimiser: AdamState;
  readonly history: readonly Epoch[];
}

export interface TrainProgress {
  /** Of the whole training, in [0, 1]. */
  readonly fraction: number;
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Mean loss of the epoch's batches so far. */
  readonly loss: number;
  /** The epoch that ended last. */
  readonly last: Epoch | undefined;
  /** Whether it ended just now. */
  readonly epochEnds: boolean;
}

export interface Trained {
  readonly params: Tensor;
  readonly history: readonly Epoch[];
}

/**
 * Adam on shuffled batches of jittered digits.
 *
 * @param key - Of the first weights, the order of the digits and their moves: the same key gives the same network.
 */
export async function train(
  network: Network,
  digits: Digits,
  heldOut: Digits,
  key: random.Key,
  { epochs, batchSize = 50, rate, sharpnessDigits = 200, signal, onProgress, checkpoint }: TrainOptions,
): Promise<Trained> {
  const optimiser = adam();
  const step = jit((params: Tensor, state: AdamState, images: Tensor, labels: Tensor, now: number) => {
    const { value, grad } = valueAndGrad((p: Tensor) => digitLoss(network, p, images, labels))(params);
    const { updates, state: next } = optimiser.update(grad, state, now);
    return { loss: value, params: params.add(updates), state: next };
  });

  const [initKey, dataKey] = random.split(key);
  const sharpnessOf = sharpnessOn(network, slice(digits, 0, sharpnessDigits), initKey);
  const batches = Math.floor(digits.count / batchSize);
  const before = await checkpoint?.read();
  const history: Epoch[] = [...(before?.history ?? [])];
  let params = before?.params ?? network.init(initKey);
  let state = before?.optimiser ?? optimiser.init(params);
  for (let epoch = history.length; epoch < epochs; epoch++) {
    const [orderKey, moveKey] = random.split(random.foldIn(dataKey, epoch));
    const shown = jitter(select(digits, shuffled(orderKey, digits.count)), moveKey);
    let total = 0;
    for (let b = 0; b < batches; b++) {
      const { images, labels } = asBatch(slice(shown, b * batchSize, batchSize));
      const fraction = (epoch + b / batches) / epochs;
      const now = (rate * (1 + Math.cos(Math.PI * fraction))) / 2;
      const result = step(params, state, images, labels, now);
      ({ params, state } = result);
      total += await result.loss.item();
      onProgress?.({ fraction, epoch: epoch + 1, loss: total / (b + 1), last: history.at(-1), epochEnds: false });
      await breathe(signal);
    }
    const { loss, accuracy } = await evaluate(network, params, heldOut, signal);
    const trainLoss = total / batches;
    const sharpness = await sharpnessOf(params, signal);
    history.push({ trainLoss, heldOutLoss: loss, heldOutAccuracy: accuracy, sharpness });
    await checkpoint?.write({ epochs, params, optimiser: state, history });
    const fraction = (epoch + 1) / epochs;
    onProgress?.({ fraction, epoch: epoch + 1, loss: trainLoss, last: history.at(-1), epochEnds: true });
  }
  return { params, history };
}
