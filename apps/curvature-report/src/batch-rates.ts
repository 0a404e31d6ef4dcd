/** The largest learning rate of plain SGD against the size of its batches: as curvature predicts it, and as it is. */

import {
  batchEdges,
  crossEntropyOutput,
  gaussNewtonOperator,
  inBatches,
  maxLearningRate,
  spikedCovariance,
} from "@curv/hvp";
import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breathe } from "app-frame";
import { select, type Digits } from "app-frame/digits";
import { digitBatch } from "./curvature.js";
import { linearisedSgd, sgd, type Descent } from "./descent.js";
import { asBatch, shuffled } from "./digits.js";
import type { LayerTree, Network } from "./networks.js";

export interface BatchRate {
  readonly batch: number;
  /** 2/λ′, with the largest eigenvalue λ′ of a batch's curvature by random matrix theory. */
  readonly ofEdge: number;
  /** Where SGD that is linearised at the parameters leaves: the median of `draws` runs. */
  readonly linearised: number;
  /** Where SGD itself leaves, on other batches than those of `linearised`: the median of `draws` runs. */
  readonly measured: number;
}

export interface BatchRates {
  readonly digits: number;
  readonly steps: number;
  readonly draws: number;
  /** Mean of the eigenvalues that are no outliers, and how many are. */
  readonly bulk: number;
  readonly outliers: number;
  readonly rates: readonly BatchRate[];
}

export interface BatchRateOptions {
  readonly batches: readonly number[];
  /** Steps of a run. Default 60. */
  readonly steps?: number;
  /** Sequences of batches. Default 3. */
  readonly draws?: number;
  /** Factor between the ends of the last bracket. Default 1.2. */
  readonly factor?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly text: string }) => void;
}

/**
 * From trained parameters, SGD at a constant rate on batches drawn anew in each step: the rate from which on the loss ends above twice its
 * start. A batch is sharper than all the digits together, so that small batches allow smaller rates. By how much, the spiked-covariance model
 * says from the outliers and the bulk of the Gauss–Newton matrix, as if all digits scattered alike; linearised SGD says it with each digit's own
 * curvature.
 */
export async function measureBatchRates(
  network: Network,
  vector: Tensor,
  digits: Digits,
  key: random.Key,
  { batches, steps = 60, draws = 3, factor = 1.2, signal, onProgress }: BatchRateOptions,
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
  const all = asBatch(digits);
  const limit = 2 * (await sgd(network, vector, all).loss(vector).item());

  /** The median over sequences of batches of the rate at which a descent leaves. */
  const largestRate = async (descent: Descent, batch: number, guess: number, order: random.Key): Promise<number> => {
    const found: number[] = [];
    for (const draw of random.split(order, draws)) {
      const sequence = Array.from({ length: steps }, (_, s) =>
        asBatch(select(digits, shuffled(random.foldIn(draw, s), digits.count).subarray(0, batch))),
      );
      const stays = async (rate: number): Promise<boolean> => {
        let state = descent.start;
        for (const some of sequence) {
          state = descent.step(state, some, rate);
          await breathe(signal);
        }
        return (await descent.loss(state).item()) <= limit;
      };
      found.push(await bracket(stays, guess, factor));
    }
    return found.sort((a, b) => a - b)[draws >> 1];
  };

  const [linear, real] = [linearisedSgd(network, vector, all), sgd(network, vector, all)];
  const rates: BatchRate[] = [];
  for (const [i, batch] of batches.entries()) {
    const ofEdge = maxLearningRate(batchEdges(curvature, { batch, dataset: digits.count }), { method: "sgd" });
    const [linearKey, realKey] = random.split(random.foldIn(key, 1 + i));
    const linearised = await largestRate(linear, batch, rates.at(-1)?.linearised ?? ofEdge, linearKey);
    const measured = await largestRate(real, batch, linearised, realKey);
    rates.push({ batch, ofEdge, linearised, measured });
    onProgress?.({
      fraction: (i + 1) / batches.length,
      text: `batches of ${batch}: ${measured.toPrecision(3)}, ${linearised.toPrecision(3)} by linearised SGD`,
    });
  }
  return { digits: digits.count, steps, draws, bulk: curvature.noise.bulk, outliers: curvature.outliers.length, rates };
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
