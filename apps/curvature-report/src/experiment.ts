/** The whole experiment: from digits to numbers. */

import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { measureBatchRates, type BatchRates } from "./batch-rates.js";
import { measureCurvature, type Curvature } from "./curvature.js";
import { noCheckpoint, type Checkpoint } from "./checkpoint.js";
import { loadDigits, select, slice, splitDigits, type Digits } from "./digits.js";
import { evaluate, type Evaluation } from "./evaluate.js";
import { loadModel, type Model } from "./models.js";
import { architectures, digitCnn, digitMlp, digitResnet, type Network } from "./networks.js";
import type { Settings } from "./settings.js";
import { checkStability, type StabilityCheck } from "./stability-check.js";
import { train, type Epoch, type Trained, type TrainOptions, type TrainState } from "./train.js";

/** Everything here depends on the settings alone: the same seed gives the same numbers, bit for bit. */
export interface Results {
  readonly settings: Settings;
  readonly mlp: NetworkResults;
  readonly cnn: NetworkResults;
  readonly resnet: NetworkResults | null;
  readonly stability: StabilityCheck;
  /** Of the MLP. */
  readonly batchRates: BatchRates;
}

export interface NetworkResults {
  readonly name: string;
  readonly description: string;
  /** Number of parameters. */
  readonly parameters: number;
  readonly history: readonly Epoch[];
  /** On the held-out digits. */
  readonly accuracy: number;
  /** How often a held-out digit (row) is read as each digit (column). */
  readonly confusion: readonly (readonly number[])[];
  readonly curvature: Curvature;
}

/** Held-out digits to look at, and how both networks read them. */
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

export interface Progress {
  readonly stage: string;
  /** Number of the stage, from 1, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /** Of the stage, in [0, 1]; 1 once, at its end. */
  readonly fraction: number;
  readonly text: string;
  /** Whether to keep the text on the screen. */
  readonly milestone: boolean;
}

export interface ExperimentOptions {
  /** Where a run that was stopped goes on. Default: everything is done. */
  readonly checkpoint?: Checkpoint;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

type Report = (fraction: number, text: string, milestone?: boolean) => void;

/** Trains both networks, measures the curvature of their losses and checks 2/λ_max on the MLP. */
export async function runExperiment(
  settings: Settings,
  { signal, onProgress, checkpoint = noCheckpoint }: ExperimentOptions = {},
): Promise<Experiment> {
  const { resnet } = settings;
  const steps = resnet === null ? 7 : 9;
  const seconds: Record<string, number> = {};
  const stage = async <T>(
    name: string,
    work: (report: Report) => Promise<T>,
    summary: (result: T) => string,
  ): Promise<T> => {
    const step = Object.keys(seconds).length + 1;
    const start = performance.now();
    let from = NaN;
    const report: Report = (fraction, text, milestone = false) => {
      // A stage that goes on from a checkpoint starts where that ends.
      if (Number.isNaN(from) && fraction > 0) from = fraction;
      const left = milestone ? "" : timeLeft((performance.now() - start) / 1000, (fraction - from) / (1 - from));
      onProgress?.({ stage: name, step, steps, fraction: Math.min(fraction, 0.99), text: `${text}${left}`, milestone });
    };
    report(0, "");
    const result = await work(report);
    seconds[name] = (performance.now() - start) / 1000;
    onProgress?.({ stage: name, step, steps, fraction: 1, text: summary(result), milestone: true });
    return result;
  };

  const key = (part: number): random.Key => random.foldIn(random.key(settings.seed), part);
  const { training, heldOut } = await stage(
    "Load digits",
    async () => loadSplit(settings, key(0)),
    (split) => `${split.training.count} to learn from, ${split.heldOut.count} held out`,
  );

  const study = async (
    network: Network,
    keys: readonly [random.Key, random.Key],
    { digits, curvatureDigits, probes, density, points, ...how }: Study,
  ): Promise<{ network: NetworkResults; reading: Evaluation; params: Tensor }> => {
    const trained = await stage(
      `Train ${network.name}`,
      async (report) =>
        checkpoint.keep(`train ${network.name}`, () => {
          const place = `epochs of ${network.name}`;
          const epochs = {
            read: () => checkpoint.read<TrainState>(place),
            write: (state: TrainState) => checkpoint.write(place, state),
          };
          return trainNetwork(network, digits, heldOut, keys[0], { ...how, signal, checkpoint: epochs }, report);
        }),
      ({ reading }) => `${percent(reading.accuracy)} of held-out digits read correctly`,
    );
    const curvature = await stage(
      `Curvature of ${network.name}`,
      (report) =>
        measureCurvature(network, trained.params, slice(training, 0, curvatureDigits), keys[1], {
          maxIter: settings.maxIter,
          probes,
          density,
          points,
          signal,
          keep: (name, work) => checkpoint.keep(`${network.name} ${name}`, work),
          onProgress: ({ fraction, text }) => report(fraction, text),
        }),
      ({ largest, trace }) =>
        `λ_max ${largest.eigenvalue.toPrecision(4)}, trace ${trace.trace.toPrecision(4)} ± ${trace.standardError.toPrecision(2)}`,
    );
    const { reading, history, params } = trained;
    return {
      reading,
      params,
      network: {
        name: network.name,
        description: network.description,
        parameters: network.size,
        history,
        accuracy: reading.accuracy,
        confusion: confusionOf(heldOut, reading),
        curvature,
      },
    };
  };

  const usual = { digits: training, density: settings.density, points: settings.surfacePoints };
  const studyOf = (part: "mlp" | "cnn"): Study => ({
    ...usual,
    epochs: settings.epochs[part],
    rate: settings.rates[part],
    curvatureDigits: settings.curvatureDigits[part],
    probes: settings.probes[part],
  });
  const mlpNetwork = digitMlp(settings.hidden);
  const mlp = await study(mlpNetwork, [key(1), key(2)], studyOf("mlp"));
  const cnnNetwork = digitCnn();
  const cnn = await study(cnnNetwork, [key(3), key(4)], studyOf("cnn"));
  const resnetNetwork = digitResnet();
  const third =
    resnet === null
      ? null
      : await study(resnetNetwork, [key(6), key(7)], {
          ...usual,
          digits: slice(training, 0, resnet.trainingDigits),
          epochs: resnet.epochs,
          rate: 1e-2,
          curvatureDigits: resnet.digits,
          probes: resnet.probes,
          density: { probes: 1, steps: Math.min(24, settings.density.steps) },
          points: Math.min(7, settings.surfacePoints),
        });
  const stability = await stage(
    "Check 2/λ_max",
    (report) =>
      checkpoint.keep("stability", () =>
        checkStability(mlpNetwork, slice(training, 0, settings.stability.digits), key(5), {
          ...settings.stability,
          signal,
          onProgress: ({ fraction, text }) => report(fraction, text),
        }),
      ),
    ({ ratio }) => `measured threshold / prediction ${ratio.toFixed(4)}`,
  );
  const batchRates = await stage(
    "Rates and batches",
    (report) =>
      checkpoint.keep("batch rates", () =>
        measureBatchRates(mlpNetwork, mlp.params, slice(training, 0, settings.curvatureDigits.mlp), key(8), {
          ...settings.batchRates,
          signal,
          onProgress: ({ fraction, text }) => report(fraction, text),
        }),
      ),
    ({ rates }) => rates.map(({ batch, measured }) => `${batch}: ${measured.toPrecision(3)}`).join(", "),
  );
  const studies = [mlp, cnn, ...(third === null ? [] : [third])];
  return {
    results: { settings, mlp: mlp.network, cnn: cnn.network, resnet: third?.network ?? null, stability, batchRates },
    examples: chooseExamples(
      heldOut,
      studies.map(({ network, reading }) => ({ network: network.name, reading })),
    ),
    models: [
      { architecture: "mlp", network: mlpNetwork, params: mlp.params },
      { architecture: "cnn", network: cnnNetwork, params: cnn.params },
      ...(third === null ? [] : [{ architecture: "resnet20", network: resnetNetwork, params: third.params }]),
    ],
    seconds,
  };
}

/** How a network is trained, and how much of its curvature is measured. */
interface Study {
  readonly digits: Digits;
  readonly epochs: number;
  readonly rate: number;
  readonly curvatureDigits: number;
  readonly probes: number;
  readonly density: { readonly probes: number; readonly steps: number };
  readonly points: number;
}

/** What is measured of a network that was trained before. */
export interface ModelResults {
  readonly settings: Settings;
  readonly file: string;
  readonly network: Omit<NetworkResults, "history">;
}

/** The curvature of a saved network on the digits that are learnt from, and how well it reads the others. */
export async function runModel(
  settings: Settings,
  { file, architecture }: { readonly file: string; readonly architecture: string },
  { signal, onProgress }: ExperimentOptions = {},
): Promise<ModelResults> {
  const network = architectures[architecture](settings.hidden);
  const params = await loadModel(file, network);
  const { training, heldOut } = await loadSplit(settings, random.foldIn(random.key(settings.seed), 0));
  const part = architecture === "cnn" ? "cnn" : "mlp";
  const small = architecture === "resnet20";
  const reading = await evaluate(network, params, heldOut, signal);
  const digits = small ? Math.min(64, settings.curvatureDigits.cnn) : settings.curvatureDigits[part];
  const curvature = await measureCurvature(
    network,
    params,
    slice(training, 0, digits),
    random.foldIn(random.key(settings.seed), 1),
    {
      maxIter: settings.maxIter,
      probes: small ? Math.min(16, settings.probes.cnn) : settings.probes[part],
      density: small ? { probes: 1, steps: Math.min(24, settings.density.steps) } : settings.density,
      points: small ? Math.min(7, settings.surfacePoints) : settings.surfacePoints,
      signal,
      onProgress: ({ fraction, text }) =>
        onProgress?.({ stage: `Curvature of ${network.name}`, step: 1, steps: 1, fraction, text, milestone: false }),
    },
  );
  return {
    settings,
    file,
    network: {
      name: network.name,
      description: network.description,
      parameters: network.size,
      accuracy: reading.accuracy,
      confusion: confusionOf(heldOut, reading),
      curvature,
    },
  };
}

async function loadSplit(settings: Settings, key: random.Key): Promise<{ training: Digits; heldOut: Digits }> {
  const all = await loadDigits();
  const { train: rest, test } = splitDigits(all, key, settings.heldOutDigits);
  return { training: slice(rest, 0, settings.trainingDigits), heldOut: test };
}

async function trainNetwork(
  network: Network,
  training: Digits,
  heldOut: Digits,
  key: random.Key,
  options: TrainOptions,
  report: Report,
): Promise<Trained & { readonly reading: Evaluation }> {
  const { epochs, signal } = options;
  const trained = await train(network, training, heldOut, key, {
    ...options,
    onProgress: ({ fraction, epoch, loss, last, epochEnds }) => {
      const accuracy = last === undefined ? "" : `, held-out accuracy ${percent(last.heldOutAccuracy)}`;
      report(fraction, `epoch ${epoch}/${epochs}, loss ${loss.toFixed(4)}${accuracy}`, epochEnds && epoch < epochs);
    },
  });
  return { ...trained, reading: await evaluate(network, trained.params, heldOut, signal) };
}

function confusionOf({ count, labels }: Digits, { predictions }: Evaluation): number[][] {
  const counts = Array.from({ length: 10 }, () => Array<number>(10).fill(0));
  for (let i = 0; i < count; i++) counts[labels[i]][predictions[i]]++;
  return counts;
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

/** What to say of the time that is left, from what a share of the work took; nothing before that is known a little. */
function timeLeft(seconds: number, share: number): string {
  if (!(seconds > 5 && share > 0.02 && share < 1)) return "";
  const left = (seconds * (1 - share)) / share;
  return left < 90 ? `, ${Math.ceil(left / 10) * 10} s left` : `, ${Math.ceil(left / 60)} min left`;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
