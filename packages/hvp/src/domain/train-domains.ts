/** Training on several environments with a penalty for what differs between them. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { DomainError, take } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { compiledAccuracy } from "./accuracy.js";
import { adam, type DomainOptimizer } from "./adam.js";
import { penaltyOf, type AlgorithmName, type DomainPenalty } from "./algorithm.js";
import type { AlignOptions } from "./alignment.js";
import {
  checkCount,
  checkEnvironment,
  checkEnvironments,
  checkNumber,
  refuseNotFinite,
  type Environment,
} from "./environment.js";
import { checkModel, type HeadedModel } from "./headed-model.js";
import { fishMethod, penaltyMethod } from "./training-method.js";
import type { ViewOptions } from "./view.js";

/** One step, as the history has it. */
export interface TrainDomainsStep {
  /** From 1. */
  readonly step: number;
  /** Mean loss over environments before the step. */
  readonly nll: number;
  /** R before the step; 0 for erm and fish. */
  readonly penalty: number;
  /** Weight of the penalty in the step. */
  readonly weight: number;
}

/** Options of {@link trainDomains}. */
export interface TrainDomainsOptions<P> extends ViewOptions {
  /** A name, options of Hessian alignment, or a penalty of one's own. Default "erm". */
  readonly algorithm?: AlgorithmName | AlignOptions | DomainPenalty;
  /** Of minibatches and probes. Default random.key(0). */
  readonly key?: random.Key;
  /** Weight w of the penalty after annealing. Default 1. */
  readonly weight?: number;
  /** Steps with `annealWeight` in the place of `weight`. Default 0. */
  readonly annealSteps?: number;
  /** Default 1. DomainBed's Fishr takes 0. */
  readonly annealWeight?: number;
  /**
   * Divide the objective by its weight where that is above 1, so that the gradient keeps its size when the weight jumps. Default true, as in
   * the Coloured MNIST scripts. Otherwise the optimiser starts anew after annealing, as in DomainBed.
   */
  readonly rescale?: boolean;
  /** Default 501. */
  readonly steps?: number;
  /** λ of λ ‖θ‖² in the objective, over all parameters. Default 0. */
  readonly weightDecay?: number;
  /** Of Adam. Default 1e-3. */
  readonly learningRate?: number;
  /** In the place of Adam; `learningRate` then has no meaning. */
  readonly optimizer?: DomainOptimizer<P>;
  /** Examples that are drawn from each environment in each step, with replacement. Default all of them. */
  readonly batchSize?: number;
  /** ε of Fish. Default 0.5. */
  readonly metaRate?: number;
  /**
   * Further environments whose accuracy is measured, every `watchEvery` steps and at the end. They influence nothing: the parameters that are
   * returned are those of the last step, never the ones that did best on them.
   */
  readonly watch?: Readonly<Record<string, Environment>>;
  /** Default: at the end only. */
  readonly watchEvery?: number;
  /** Stops the training: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly onProgress?: (progress: TrainDomainsStep) => void;
}

/** Accuracies of watched environments after a step. */
export interface WatchedAccuracies {
  readonly step: number;
  readonly accuracies: Readonly<Record<string, number>>;
}

/** Result of {@link trainDomains}. */
export interface TrainDomainsResult<P> {
  /** After the last step; with `notFinite` those before the step that failed. */
  readonly params: P;
  /** `notFinite` where loss, penalty or parameters became NaN or infinite; training stopped there. */
  readonly status: "completed" | "notFinite";
  /** Steps that were made. */
  readonly steps: number;
  readonly history: readonly TrainDomainsStep[];
  readonly watched: readonly WatchedAccuracies[];
}

/**
 * Minimises L + λ ‖θ‖² + w R over all parameters, where L is the mean of the environments' losses and R the algorithm's penalty, by Adam.
 *
 * w is `annealWeight` for the first `annealSteps` steps, then `weight`; see `rescale`. Hutchinson's probes are drawn anew in each step, unless
 * the options of alignment hold a key.
 *
 * @throws DomainError for no environments, fewer than two for any algorithm but erm, an empty one, labels outside the classes, NaN in
 * inputs, or options out of range; TreeError if the model's `headParams` names nothing.
 * Source: Hemati, Zhang, Estiri & Chen (2023); annealing and rescaling as in Arjovsky et al. (2019), appendix D.
 *
 * @example
 * const { params: trained } = await trainDomains(model, params, environments, {
 *   algorithm: { method: "hgp" },
 *   weight: 1e4,
 *   annealSteps: 190,
 * });
 */
export async function trainDomains<P>(
  model: HeadedModel<P>,
  params: P,
  environments: readonly Environment[],
  options: TrainDomainsOptions<P> = {},
): Promise<TrainDomainsResult<P>> {
  checkModel(model, params, "trainDomains");
  expectOptions("trainDomains", options, {
    key: "key", optimizer: "object", watch: "object", loss: "text", mode: "text",
  }); // prettier-ignore
  if (options.optimizer !== undefined) {
    expectArguments("trainDomains", {
      "optimizer.init": [options.optimizer.init, "function"],
      "optimizer.update": [options.optimizer.update, "function"],
    });
  }
  expectArguments("trainDomains", { params: [params, "tree"] });
  const { algorithm = "erm", key = random.key(0), steps = 501, batchSize, watch = {}, signal, onProgress } = options;
  const { weight = 1, annealSteps = 0, annealWeight = 1, rescale = true } = options;
  checkOptions(options);
  checkEnvironments(environments, "trainDomains", algorithm === "erm" ? 1 : 2);
  await Promise.all(
    environments.map((environment, i) => refuseNotFinite(environment, "trainDomains", `environments[${i}]`)),
  );
  for (const [name, environment] of Object.entries(watch))
    checkEnvironment(environment, "trainDomains", `watch.${name}`);
  const watchEvery = options.watchEvery ?? steps;

  const data = environments.map(({ x, y }) => ({ x, y }));
  const settings = {
    view: options,
    optimizer: options.optimizer ?? adam<P>(options.learningRate ?? 1e-3),
    weightDecay: options.weightDecay ?? 0,
  };
  const method =
    algorithm === "fish"
      ? fishMethod(model, { ...settings, metaRate: options.metaRate ?? 0.5 })
      : penaltyMethod(model, data, penaltyOf(algorithm, "trainDomains"), { ...settings, rescale });
  const accuracy = compiledAccuracy(model);
  let state = method.init(params);
  const history: TrainDomainsStep[] = [];
  const watched: WatchedAccuracies[] = [];
  let status: TrainDomainsResult<P>["status"] = "completed";
  let breathed = performance.now();
  signal?.throwIfAborted();
  for (let step = 1; step <= steps; step++) {
    const [batchKey, probeKey] = random.split(random.foldIn(key, step));
    const now = step <= annealSteps ? annealWeight : weight;
    if (!rescale && annealSteps > 0 && step === annealSteps + 1) state = method.restart(state);
    const batches = batchSize === undefined ? data : drawBatches(data, batchSize, batchKey);
    const next = method.step(state, batches, now, probeKey);
    const [nll, penalty, size] = [await next.nll.item(), await next.penalty.item(), await next.size.item()];
    const record = { step, nll, penalty, weight: now };
    history.push(record);
    if (![nll, penalty, size].every(Number.isFinite)) {
      status = "notFinite";
      break;
    }
    state = next.state;
    onProgress?.(record);
    if (step === steps || step % watchEvery === 0) {
      const accuracies: Record<string, number> = {};
      for (const [name, { x, y }] of Object.entries(watch))
        accuracies[name] = await accuracy(state.params, x, y).item();
      watched.push({ step, accuracies });
    }
    // The event loop gets its turn now and then; a step may be shorter than a timer.
    if (performance.now() - breathed > breathEvery) {
      await new Promise((resolve) => setTimeout(resolve));
      breathed = performance.now();
    }
    signal?.throwIfAborted();
  }
  const made = status === "completed" ? history.length : history.length - 1;
  return { params: state.params, status, steps: made, history, watched };
}

/** Milliseconds. */
const breathEvery = 30;

function drawBatches(data: readonly Environment[], size: number, key: random.Key): Environment[] {
  return random.split(key, data.length).map((k, e) => {
    const { x, y } = data[e];
    const chosen = random.randint(k, 0, x.shape[0], { shape: [size] });
    return { x: take(x, chosen, 0), y: take(y, chosen, 0) };
  });
}

function checkOptions<P>(options: TrainDomainsOptions<P>): void {
  const { steps = 501, batchSize = 1, watchEvery = 1, annealSteps = 0, metaRate = 0.5 } = options;
  const { weight = 1, annealWeight = 1, weightDecay = 0, learningRate = 1e-3 } = options;
  checkCount(steps, "trainDomains", "steps", 1);
  checkCount(batchSize, "trainDomains", "batchSize", 1);
  checkCount(watchEvery, "trainDomains", "watchEvery", 1);
  checkCount(annealSteps, "trainDomains", "annealSteps", 0);
  checkNumber(weight, "trainDomains", "weight");
  checkNumber(annealWeight, "trainDomains", "annealWeight");
  checkNumber(weightDecay, "trainDomains", "weightDecay");
  checkNumber(learningRate, "trainDomains", "learningRate", true);
  checkNumber(metaRate, "trainDomains", "metaRate", true);
  if (metaRate > 1) throw new DomainError(`trainDomains: metaRate is ${metaRate}; wants at most 1.`);
}
