/** The whole experiment: from digits to numbers. */

import * as random from "@curv/tensor/random";
import { noCheckpoint, type Checkpoint } from "./checkpoint.js";
import { loadDigits, select, slice, type Digits } from "app-frame/digits";
import { splitDigits } from "./digits.js";
import { evaluate, type Evaluation } from "./evaluate.js";
import { loadModel, type Model } from "./models.js";
import { architectures } from "./networks.js";
import type { Architecture, Settings } from "./settings.js";
import { checkStability, type StabilityCheck } from "./stability-check.js";
import { stages, type Progress } from "./stages.js";
import { measureNetwork, trainNetwork, type NetworkResults, type Studied } from "./study.js";

/** Everything here depends on the settings alone: the same seed gives the same numbers, bit for bit. */
export interface Results {
  readonly settings: Settings;
  readonly networks: readonly NetworkResults[];
  /** Of the MLP. */
  readonly stability: StabilityCheck;
}

/** A held-out digit to look at, and how the networks read it. */
export interface Example {
  readonly image: Float32Array;
  readonly label: number;
  readonly readings: readonly { readonly network: string; readonly digit: number; readonly confidence: number }[];
}

export interface Experiment {
  readonly results: Results;
  readonly examples: readonly Example[];
  readonly models: readonly Model[];
  /** Seconds that each stage took. */
  readonly seconds: Readonly<Record<string, number>>;
}

export interface ExperimentOptions {
  /** Where a run that was stopped goes on. Default: everything is done. */
  readonly checkpoint?: Checkpoint;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

/** Trains the networks, measures the curvature of their losses and the rates that it allows, and checks 2/λ_max on the MLP. */
export async function runExperiment(
  settings: Settings,
  { signal, onProgress, checkpoint = noCheckpoint }: ExperimentOptions = {},
): Promise<Experiment> {
  const { stage, seconds } = stages(2 + 3 * settings.trained.length, onProgress);
  const { training, heldOut } = await stage(
    "Load digits",
    () => loadSplit(settings),
    (split) => `${split.training.count} to learn from, ${split.heldOut.count} held out`,
  );
  const context = { settings, training, heldOut, checkpoint, stage, signal };
  const studied: Studied[] = [];
  for (const architecture of settings.trained) {
    const network = architectures[architecture](settings.hidden);
    const trained = await trainNetwork(architecture, network, context);
    studied.push(await measureNetwork(architecture, network, trained, context));
  }
  const stability = await stage(
    "Check 2/λ_max",
    (report) =>
      checkpoint.keep("stability", () =>
        checkStability(
          architectures.mlp(settings.hidden),
          slice(training, 0, settings.stability.digits),
          random.foldIn(random.key(settings.seed), 5),
          {
            ...settings.stability,
            signal,
            onProgress: ({ fraction, text }) => report(fraction, text),
          },
        ),
      ),
    ({ ratio }) => `measured threshold / prediction ${ratio.toFixed(4)}`,
  );
  return {
    results: { settings, networks: studied.map(({ results }) => results), stability },
    examples: chooseExamples(
      heldOut,
      studied.map(({ network, reading }) => ({ network: network.name, reading })),
    ),
    models: studied,
    seconds,
  };
}

/** What is measured of a network that was trained before. */
export interface ModelResults {
  readonly settings: Settings;
  readonly file: string;
  readonly network: NetworkResults;
}

/** All that is measured of a trained network, of a saved one, and how well it reads the held-out digits. */
export async function runModel(
  settings: Settings,
  { file, architecture }: { readonly file: string; readonly architecture: Architecture },
  { signal, onProgress }: ExperimentOptions = {},
): Promise<ModelResults> {
  const network = architectures[architecture](settings.hidden);
  const params = await loadModel(file, network);
  const { stage } = stages(2, onProgress);
  const { training, heldOut } = await loadSplit(settings);
  const reading = await evaluate(network, params, heldOut, signal);
  const context = { settings, training, heldOut, checkpoint: noCheckpoint, stage, signal };
  const { results } = await measureNetwork(architecture, network, { params, history: [], reading }, context);
  return { settings, file, network: results };
}

async function loadSplit(settings: Settings): Promise<{ training: Digits; heldOut: Digits }> {
  const all = await loadDigits();
  const key = random.foldIn(random.key(settings.seed), 0);
  const { train: rest, test } = splitDigits(all, key, settings.heldOutDigits);
  return { training: slice(rest, 0, settings.trainingDigits), heldOut: test };
}

/** The first digits that all networks read correctly, then the first that one of them does not. */
function chooseExamples(
  digits: Digits,
  networks: readonly { readonly network: string; readonly reading: Evaluation }[],
  each = 12,
): Example[] {
  const places = Array.from({ length: digits.count }, (_, i) => i);
  const right = (i: number): boolean => networks.every(({ reading }) => reading.predictions[i] === digits.labels[i]);
  const chosen = [...places.filter(right).slice(0, each), ...places.filter((i) => !right(i)).slice(0, each)];
  const { images } = select(digits, chosen);
  const size = images.length / Math.max(1, chosen.length);
  return chosen.map((i, row) => ({
    image: images.subarray(row * size, (row + 1) * size),
    label: digits.labels[i],
    readings: networks.map(({ network, reading }) => ({
      network,
      digit: reading.predictions[i],
      confidence: reading.confidences[i],
    })),
  }));
}
