/** The experiments: environments, models, training by each method, and what is measured afterwards. */

import {
  coloredDigits,
  headProblem,
  imbalancedSplit,
  rotatedDigits,
  trainDomains,
  transferMeasure,
  transferUpperBound,
  whatAligns,
  type AlignmentRow,
  type Environment,
} from "@curv/hvp/domain";
import * as random from "@curv/tensor/random";
import { select, side, slice, type Digits } from "app-frame/digits";
import { asImages, shuffledDigits } from "./digits.js";
import { coloredMethods, labelShiftMethods, rotatedMethods, type Method } from "./methods.js";
import { network, type Network } from "./models.js";
import type { Part, Settings } from "./settings.js";
import { inputs, syntheticEnvironment } from "./synthetic.js";

/** Accuracies after a step. */
export interface Point {
  readonly step: number;
  /** Mean over the training environments. */
  readonly train: number;
  readonly test: number;
}

/** One training. */
export interface Run {
  /** Of its data and its first weights. */
  readonly seed: number;
  /** Accuracies along the training; the last is that of the last step, which is what the tables show. */
  readonly points: readonly Point[];
  /** Whether training ended before its steps, for a loss that was no number. */
  readonly failed: boolean;
}

/** A row of an experiment's table. */
export interface Row {
  readonly method: string;
  readonly ours: boolean;
  readonly runs: readonly Run[];
}

export interface ExperimentResult {
  readonly part: Part;
  readonly rows: readonly Row[];
}

/** What of the training environments is aligned after training by a method. */
export interface Analysis {
  readonly method: string;
  readonly rows: readonly AlignmentRow[];
  /** From the first training environment to the second, and to the test environment. */
  readonly transfer: readonly {
    readonly to: string;
    readonly measure: number;
    readonly bound: number;
    readonly firstOrder: number;
    readonly converged: boolean;
  }[];
}

/** Everything here depends on the settings alone: the same seed gives the same numbers. */
export interface Results {
  readonly settings: Settings;
  readonly experiments: readonly ExperimentResult[];
  /** Of the synthetic experiment's first seed. */
  readonly analyses: readonly Analysis[];
}

export interface Progress {
  readonly part: Part;
  readonly method: string;
  readonly text: string;
  /** Of the training, in [0, 1]; 1 once, at its end. */
  readonly fraction: number;
}

export interface ExperimentOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: Progress) => void;
}

/** Radius of the ball of heads in which transfer is measured. */
export const transferRadius = 0.1;

/** A task: training environments, one that is only tested on, a model, and how to train it. */
interface Task {
  readonly part: Part;
  readonly train: readonly Environment[];
  readonly test: Environment;
  readonly model: Network;
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** λ of the authors' Coloured MNIST scripts. */
const weightDecay = 0.00110794568;

export async function runExperiments(settings: Settings, options: ExperimentOptions = {}): Promise<Results> {
  const experiments: ExperimentResult[] = [];
  const analyses: Analysis[] = [];
  for (const part of settings.parts) {
    switch (part) {
      case "synthetic": {
        const { rows, analysed } = await synthetic(settings, options);
        experiments.push({ part, rows });
        analyses.push(...analysed);
        break;
      }
      case "colored":
        experiments.push({ part, rows: await colored(settings, options) });
        break;
      case "label-shift":
        experiments.push({ part, rows: await labelShift(settings, options) });
        break;
      case "rotated":
        experiments.push({ part, rows: await rotated(settings, options) });
        break;
    }
  }
  return { settings, experiments, analyses };
}

async function synthetic(
  settings: Settings,
  options: ExperimentOptions,
): Promise<{ rows: Row[]; analysed: Analysis[] }> {
  const { train, test, hidden, steps, learningRate } = settings.synthetic;
  const task = (own: Settings): Task => {
    const [a, b, c] = random.split(keyOf(own, 10), 3);
    return {
      part: "synthetic",
      train: [syntheticEnvironment(a, train, 0.2), syntheticEnvironment(b, train, 0.1)],
      test: syntheticEnvironment(c, test, 0.9),
      model: network(inputs, hidden, 1),
      steps,
      learningRate,
      weightDecay,
    };
  };
  const analysed: Analysis[] = [];
  const rows = await trainAll(
    settings,
    "synthetic",
    task,
    chosen(coloredMethods, settings),
    options,
    async (first, method, params) => {
      if (method.id === "erm" || method.id === "hgp") analysed.push(await analyse(first, method, params, options));
    },
  );
  return { rows, analysed };
}

async function analyse(
  { train, test, model }: Task,
  { name }: Method,
  params: Params,
  { signal }: ExperimentOptions,
): Promise<Analysis> {
  const source = headProblem(model, params, train[0]);
  const transfer: Analysis["transfer"][number][] = [];
  for (const [to, environment] of [
    ["second training environment", train[1]] as const,
    ["test environment", test] as const,
  ]) {
    const target = headProblem(model, params, environment);
    const { bound, firstOrder, converged } = await transferUpperBound(
      source.loss,
      target.loss,
      source.head,
      transferRadius,
      { signal },
    );
    const found = await transferMeasure(source.loss, target.loss, source.head, transferRadius, { signal, starts: 4 });
    transfer.push({ to, bound, firstOrder, measure: found.measure, converged: converged && found.converged });
  }
  return { method: name, rows: await whatAligns(model, params, train), transfer };
}

async function colored(settings: Settings, options: ExperimentOptions): Promise<Row[]> {
  const { train, test } = settings.colored;
  const task =
    (grayscale: boolean) =>
    async (own: Settings): Promise<Task> => {
      const digits = await shuffledDigits(keyOf(own, 0));
      const parts = [slice(digits, 0, train), slice(digits, train, train), slice(digits, 2 * train, test)];
      return coloredTask(own, "colored", parts, grayscale);
    };
  const oracle = coloredMethods.slice(0, 1).map((method) => ({ ...method, name: "ERM on grey digits (oracle)" }));
  return [
    ...(await trainAll(settings, "colored", task(false), chosen(coloredMethods, settings), options)),
    ...(await trainAll(settings, "colored", task(true), chosen(oracle, settings), options)),
  ];
}

function labelShift(settings: Settings, options: ExperimentOptions): Promise<Row[]> {
  const { train, test } = settings.colored;
  const task = async (own: Settings): Promise<Task> => {
    const digits = await shuffledDigits(keyOf(own, 0));
    const pool = slice(digits, 0, 2 * train);
    const [first, second] = imbalancedSplit(pool.labels, { key: keyOf(own, 30) });
    const parts = [select(pool, first), select(pool, second), slice(digits, 2 * train, test)];
    return coloredTask(own, "label-shift", parts, false);
  };
  return trainAll(settings, "label-shift", task, chosen(labelShiftMethods, settings), options);
}

/** Two environments with e = 0.2 and 0.1, and a third with e = 0.9. */
function coloredTask(settings: Settings, part: Part, parts: readonly Digits[], grayscale: boolean): Task {
  const { hidden, steps, learningRate } = settings.colored;
  const [first, second, test] = parts.map((digits, i) =>
    coloredDigits(asImages(digits), digits.labels, {
      key: keyOf(settings, 20 + i),
      colorFlip: [0.2, 0.1, 0.9][i],
      grayscale,
    }),
  );
  const model = network(2 * (side / 2) ** 2, hidden, 1);
  return { part, train: [first, second], test, model, steps, learningRate, weightDecay };
}

/** Ten classes; digits turned by 0 to 60 degrees to learn from, 75 to test. */
function rotated(settings: Settings, options: ExperimentOptions): Promise<Row[]> {
  const { digits: count, hidden, steps, learningRate } = settings.rotated;
  const task = async (own: Settings): Promise<Task> => {
    const digits = await shuffledDigits(keyOf(own, 0));
    const environments = [0, 15, 30, 45, 60, 75].map((degrees, i) => {
      const some = slice(digits, i * count, count);
      return rotatedDigits(asImages(some), some.labels, { degrees });
    });
    return {
      part: "rotated",
      train: environments.slice(0, 5),
      test: environments[5],
      model: network(side ** 2, hidden, 10),
      steps,
      learningRate,
      weightDecay: 0,
    };
  };
  return trainAll(settings, "rotated", task, chosen(rotatedMethods, settings), options);
}

function chosen(methods: readonly Method[], settings: Settings): Method[] {
  return methods.filter(({ id }) => settings.methods.includes(id));
}

/**
 * Trains by every method, as often as the settings say. Restart r is a run with the seed `seed + r`: digits, labels, colours and first weights
 * are drawn anew, and are the same for all methods, so that their differences are paired.
 */
async function trainAll(
  settings: Settings,
  part: Part,
  taskOf: (settings: Settings) => Task | Promise<Task>,
  methods: readonly Method[],
  options: ExperimentOptions,
  afterFirst?: (task: Task, method: Method, params: Params) => Promise<void>,
): Promise<Row[]> {
  const rows = methods.map(({ name, ours }) => ({ method: name, ours, runs: [] as Run[] }));
  if (methods.length === 0) return rows;
  for (let restart = 0; restart < settings.restarts[part]; restart++) {
    const own = { ...settings, seed: settings.seed + restart };
    const task = await taskOf(own);
    for (const [i, method] of methods.entries()) {
      const { run, params } = await trainOnce(own, task, method, options);
      rows[i].runs.push(run);
      if (restart === 0) await afterFirst?.(task, method, params);
    }
  }
  return rows;
}

type Params = ReturnType<Network["init"]>;

async function trainOnce(
  settings: Settings,
  { part, train, test, model, steps, learningRate, weightDecay: decay }: Task,
  { name, algorithm, weight }: Method,
  { signal, onProgress }: ExperimentOptions,
): Promise<{ run: Run; params: Params }> {
  const initial = model.init(keyOf(settings, 40));
  const say = (fraction: number, text: string): void =>
    onProgress?.({ part, method: name, fraction, text: `seed ${settings.seed}: ${text}` });
  const trained = await trainDomains(model, initial, train, {
    algorithm,
    key: keyOf(settings, 50),
    weight,
    annealSteps: Math.round(steps * settings.annealShare),
    steps,
    learningRate,
    weightDecay: decay,
    watch: { ...Object.fromEntries(train.map((environment, e) => [`train ${e}`, environment])), test },
    watchEvery: settings.watchEvery,
    signal,
    onProgress: ({ step, nll, penalty }) =>
      say(Math.min(0.99, step / steps), `loss ${nll.toFixed(4)}, penalty ${penalty.toExponential(1)}`),
  });
  const points = trained.watched.map(({ step, accuracies }) => {
    const ofTrain = train.map((_, e) => accuracies[`train ${e}`]);
    return { step, train: ofTrain.reduce((a, b) => a + b, 0) / train.length, test: accuracies["test"] };
  });
  const last = points[points.length - 1];
  say(1, last === undefined ? "failed" : `train ${last.train.toFixed(3)}, test ${last.test.toFixed(3)}`);
  return { run: { seed: settings.seed, points, failed: trained.status !== "completed" }, params: trained.params };
}

function keyOf({ seed }: Settings, place: number): random.Key {
  return random.foldIn(random.key(seed), place);
}
