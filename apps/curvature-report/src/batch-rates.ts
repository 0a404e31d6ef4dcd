/** The largest learning rate of plain SGD against the size of its batches: as curvature predicts it, and as it is. */

import {
  batchEdges,
  crossEntropyOutput,
  gaussNewtonOperator,
  inBatches,
  maxLearningRate,
  spikedCovariance,
} from "@curv/hvp";
import { jit, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breathe } from "app-frame";
import { digitBatch } from "./curvature.js";
import { select, type Digits } from "app-frame/digits";
import { asBatch, shuffled } from "./digits.js";
import { digitLoss, type LayerTree, type Network } from "./networks.js";

export interface BatchRate {
  readonly batch: number;
  /** 2/λ′, with the largest eigenvalue λ′ of a batch's curvature by random matrix theory. */
  readonly predicted: number;
  /** The middle of the last bracket: the loss stays below twice its start at the lower end, not at the upper one. */
  readonly measured: number;
}

export interface BatchRates {
  readonly digits: number;
  readonly steps: number;
  /** Mean of the eigenvalues that are no outliers, and how many are. */
  readonly bulk: number;
  readonly outliers: number;
  readonly rates: readonly BatchRate[];
}

export interface BatchRateOptions {
  readonly batches: readonly number[];
  /** Steps of a run. Default 60. */
  readonly steps?: number;
  /** Factor between the ends of the last bracket. Default 1.2. */
  readonly factor?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly text: string }) => void;
}

/**
 * From trained parameters, SGD at a constant rate on batches drawn anew in each step. A batch is sharper than all the digits together, so
 * that small batches allow smaller rates: by how much, the spiked-covariance model says from the outliers and the bulk of the Gauss–Newton matrix.
 */
export async function measureBatchRates(
  network: Network,
  vector: Tensor,
  digits: Digits,
  key: random.Key,
  { batches, steps = 60, factor = 1.2, signal, onProgress }: BatchRateOptions,
): Promise<BatchRates> {
  const params = network.unravel(vector);
  const apply = (p: LayerTree, images: Tensor): Tensor => network.applyTree(p, images);
  const g = gaussNewtonOperator(apply, crossEntropyOutput, params, inBatches(digitBatch(digits), { batchSize: 256 }));
  const curvature = await spikedCovariance(g, random.foldIn(key, 0), {
    dataset: digits.count,
    // A softmax of ten classes.
    rankPerSample: 9,
    ...(signal === undefined ? {} : { signal }),
  });
  const step = jit((p: Tensor, images: Tensor, labels: Tensor, rate: Tensor | number) => {
    const { grad } = valueAndGrad((q: Tensor) => digitLoss(network, q, images, labels))(p);
    return p.sub(grad.mul(rate));
  });
  const all = asBatch(digits);
  const wholeLoss = jit((p: Tensor) => digitLoss(network, p, all.images, all.labels));
  const limit = 2 * (await wholeLoss(vector).item());

  const rates: BatchRate[] = [];
  for (const [i, batch] of batches.entries()) {
    const predicted = maxLearningRate(batchEdges(curvature, { batch, dataset: digits.count }), { method: "sgd" });
    const stays = async (rate: number): Promise<boolean> => {
      let p = vector;
      for (let s = 0; s < steps; s++) {
        const order = shuffled(random.foldIn(random.foldIn(key, 1 + i), s), digits.count);
        const { images, labels } = asBatch(select(digits, order.subarray(0, batch)));
        p = step(p, images, labels, rate);
        await breathe(signal);
      }
      const loss = await wholeLoss(p).item();
      return loss <= limit;
    };
    const measured = await bracket(stays, predicted, factor);
    rates.push({ batch, predicted, measured });
    onProgress?.({ fraction: (i + 1) / batches.length, text: `batches of ${batch}: ${measured.toPrecision(3)}` });
  }
  return { digits: digits.count, steps, bulk: curvature.noise.bulk, outliers: curvature.outliers.length, rates };
}

/** Where `stays` becomes false, from a guess on, to within a factor. */
async function bracket(stays: (rate: number) => Promise<boolean>, guess: number, factor: number): Promise<number> {
  let [low, high] = [guess, guess];
  const widest = 2 ** 10;
  if (await stays(guess)) {
    do high *= 2;
    while (high < guess * widest && (await stays(high)));
    low = high / 2;
  } else {
    do low /= 2;
    while (low > guess / widest && !(await stays(low)));
    high = low * 2;
  }
  while (high / low > factor) {
    const middle = Math.sqrt(low * high);
    if (await stays(middle)) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}
