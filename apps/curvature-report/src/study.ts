/** One network: how it learns, and what is measured of the curvature where that ends. */

import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { measureBatchRates, type BatchRates } from "./batch-rates.js";
import type { Checkpoint } from "./checkpoint.js";
import { measureCurvature, type Curvature } from "./curvature.js";
import { slice, type Digits } from "app-frame/digits";
import { evaluate, type Evaluation } from "./evaluate.js";
import type { Network } from "./networks.js";
import type { Architecture, Settings } from "./settings.js";
import type { Stage } from "./stages.js";
import { train, type Epoch, type Trained, type TrainState } from "./train.js";

export interface NetworkResults {
  readonly architecture: Architecture;
  readonly name: string;
  readonly description: string;
  /** Number of parameters. */
  readonly parameters: number;
  /** Empty for a network that was trained before. */
  readonly history: readonly Epoch[];
  /** On the held-out digits. */
  readonly accuracy: number;
  /** How often a held-out digit (row) is read as each digit (column). */
  readonly confusion: readonly (readonly number[])[];
  readonly curvature: Curvature;
  readonly batchRates: BatchRates;
}

/** A network with its parameters, what is known of it, and how it reads the held-out digits. */
export interface Studied {
  readonly architecture: Architecture;
  readonly network: Network;
  readonly params: Tensor;
  readonly reading: Evaluation;
  readonly results: NetworkResults;
}

export interface StudyContext {
  readonly settings: Settings;
  readonly training: Digits;
  readonly heldOut: Digits;
  readonly checkpoint: Checkpoint;
  readonly stage: Stage;
  readonly signal: AbortSignal | undefined;
}

/** What a network draws: its training, its curvature, its rates. A saved network is measured as it was when it was saved. */
const parts: Readonly<Record<Architecture, { train: number; curvature: number; rates: number }>> = {
  mlp: { train: 1, curvature: 2, rates: 8 },
  cnn: { train: 3, curvature: 4, rates: 9 },
  resnet20: { train: 6, curvature: 7, rates: 10 },
};

/** Trains a network. */
export function trainNetwork(
  architecture: Architecture,
  network: Network,
  { settings, training, heldOut, checkpoint, stage, signal }: StudyContext,
): Promise<Trained & { readonly reading: Evaluation }> {
  const { trainingDigits, epochs, batchSize, rate, sharpnessDigits } = settings.studies[architecture];
  const key = random.foldIn(random.key(settings.seed), parts[architecture].train);
  const place = `epochs of ${network.name}`;
  return stage(
    `Train ${network.name}`,
    (report) =>
      checkpoint.keep(`train ${network.name}`, async () => {
        const trained = await train(network, slice(training, 0, trainingDigits), heldOut, key, {
          epochs,
          batchSize,
          rate,
          sharpnessDigits,
          signal,
          checkpoint: {
            read: () => checkpoint.read<TrainState>(place),
            write: (state: TrainState) => checkpoint.write(place, state),
          },
          onProgress: ({ fraction, epoch, loss, last, epochEnds }) => {
            const accuracy = last === undefined ? "" : `, held-out accuracy ${percent(last.heldOutAccuracy)}`;
            const text = `epoch ${epoch}/${epochs}, loss ${loss.toFixed(4)}${accuracy}`;
            report(fraction, text, epochEnds && epoch < epochs);
          },
        });
        return { ...trained, reading: await evaluate(network, trained.params, heldOut, signal) };
      }),
    ({ reading }) => `${percent(reading.accuracy)} of held-out digits read correctly`,
  );
}

/** Measures a network where it is: its curvature, and the rates that this allows. */
export async function measureNetwork(
  architecture: Architecture,
  network: Network,
  { params, history, reading }: Trained & { readonly reading: Evaluation },
  { settings, training, heldOut, checkpoint, stage, signal }: StudyContext,
): Promise<Studied> {
  const { curvatureDigits, probes, density, surfacePoints, batchRates: rates } = settings.studies[architecture];
  const key = (part: number): random.Key => random.foldIn(random.key(settings.seed), part);
  const digits = slice(training, 0, curvatureDigits);
  const curvature = await stage(
    `Curvature of ${network.name}`,
    (report) =>
      measureCurvature(network, params, digits, key(parts[architecture].curvature), {
        maxIter: settings.maxIter,
        probes,
        density,
        points: surfacePoints,
        signal,
        keep: (name, work) => checkpoint.keep(`${network.name} ${name}`, work),
        onProgress: ({ fraction, text }) => report(fraction, text),
      }),
    ({ largest, trace }) =>
      `λ_max ${largest.eigenvalue.toPrecision(4)}, trace ${trace.trace.toPrecision(4)} ± ${trace.standardError.toPrecision(2)}`,
  );
  const batchRates = await stage(
    `Rates of ${network.name}`,
    (report) =>
      checkpoint.keep(`${network.name} rates`, () =>
        measureBatchRates(network, params, digits, key(parts[architecture].rates), {
          ...rates,
          signal,
          onProgress: ({ fraction, text }) => report(fraction, text),
        }),
      ),
    ({ rates: found }) => found.map(({ batch, measured }) => `${batch}: ${measured.toPrecision(3)}`).join(", "),
  );
  return {
    architecture,
    network,
    params,
    reading,
    results: {
      architecture,
      name: network.name,
      description: network.description,
      parameters: network.size,
      history,
      accuracy: reading.accuracy,
      confusion: confusionOf(heldOut, reading),
      curvature,
      batchRates,
    },
  };
}

function confusionOf({ count, labels }: Digits, { predictions }: Evaluation): number[][] {
  const counts = Array.from({ length: 10 }, () => Array<number>(10).fill(0));
  for (let i = 0; i < count; i++) counts[labels[i]][predictions[i]]++;
  return counts;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
