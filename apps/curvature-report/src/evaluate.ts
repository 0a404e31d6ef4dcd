/** How well a network reads digits. */

import { jit, softmax, type Tensor } from "@curv/tensor";
import { softmaxCrossEntropy } from "@curv/loss";
import { breathe } from "app-frame";
import { slice, type Digits } from "app-frame/digits";
import { asBatch } from "./digits.js";
import type { Network } from "./networks.js";

export interface Evaluation {
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Fraction that is read correctly. */
  readonly accuracy: number;
  /** What the network takes each digit for. */
  readonly predictions: readonly number[];
  /** The probability that it gives to its choice. */
  readonly confidences: readonly number[];
}

const batchSize = 500;

/** Reads all digits, a batch at a time. */
export async function evaluate(
  network: Network,
  params: Tensor,
  digits: Digits,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const read = jit((p: Tensor, images: Tensor, labels: Tensor) => {
    const logits = network.apply(p, images);
    return {
      losses: softmaxCrossEntropy(logits, labels, { reduction: "none" }),
      choices: logits.argMax(-1),
      confidences: softmax(logits, -1).max(-1),
    };
  });
  const predictions: number[] = [];
  const confidences: number[] = [];
  let total = 0;
  for (let at = 0; at < digits.count; at += batchSize) {
    const { images, labels } = asBatch(slice(digits, at, batchSize));
    const result = read(params, images, labels);
    total += await result.losses.sum().item();
    predictions.push(...(await result.choices.data()));
    confidences.push(...(await result.confidences.data()));
    await breathe(signal);
  }
  const correct = predictions.filter((digit, i) => digit === digits.labels[i]).length;
  return { loss: total / digits.count, accuracy: correct / digits.count, predictions, confidences };
}
