/** Training on several environments with a penalty for what differs between them. */

import { DomainError, jit, stack, take, valueAndGrad, zeros, type FloatDType, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import { domainAccuracy } from "./accuracy.js";
import { adam, type DomainOptimizer } from "./adam.js";
import { penaltyOf, type AlgorithmName, type DomainPenalty } from "./algorithm.js";
import type { AlignOptions } from "./alignment.js";
import {
  checkCount,
  checkEnvironments,
  checkNumber,
  meanOf,
  refuseNotFinite,
  type Environment,
} from "./environment.js";
import { fishStep } from "./fish.js";
import { headSize, type HeadedModel } from "./headed-model.js";
import { viewEnvironments, type ViewOptions } from "./view.js";

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
  /** `notFinite` where loss or penalty became NaN or infinite; training stopped there. */
  readonly status: "completed" | "notFinite";
  /** Steps that were made. */
  readonly steps: number;
  readonly history: readonly TrainDomainsStep[];
  readonly watched: readonly WatchedAccuracies[];
}

/**
 * Minimises L + λ ‖θ‖² + w R over all parameters, where L is the mean of the environments' losses and R the algorithm's penalty, by Adam.
 *
 * w is `annealWeight` for the first `annealSteps` steps, then `weight`; see `rescale`. Hutchinson's probes are drawn anew in each step.
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
  const { algorithm = "erm", key = random.key(0), steps = 501, batchSize, watch = {}, signal, onProgress } = options;
  const { weight = 1, annealSteps = 0, annealWeight = 1, rescale = true } = options;
  checkOptions(options);
  checkEnvironments(environments, "trainDomains", algorithm === "erm" ? 1 : 2);
  await Promise.all(
    environments.map((environment, i) => refuseNotFinite(environment, "trainDomains", `environments[${i}]`)),
  );
  const watchEvery = options.watchEvery ?? steps;

  const data = environments.map(({ x, y }) => ({ x, y }));
  const method =
    algorithm === "fish"
      ? fishMethod(model, data, options)
      : penaltyMethod(model, data, penaltyOf(algorithm, "trainDomains"), options);
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
    const [nll, penalty] = [await next.nll.item(), await next.penalty.item()];
    const record = { step, nll, penalty, weight: now };
    history.push(record);
    if (!Number.isFinite(nll) || !Number.isFinite(penalty)) {
      status = "notFinite";
      break;
    }
    state = next.state;
    onProgress?.(record);
    if (step === steps || step % watchEvery === 0) {
      watched.push({ step, accuracies: await accuraciesOf(model, state.params, watch, options) });
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

/** What is carried from step to step. */
interface State<P> {
  readonly params: P;
  readonly optimizer: unknown;
  readonly memory: unknown;
}

interface Method<P> {
  readonly init: (params: P) => State<P>;
  /** The same with a fresh optimiser. */
  readonly restart: (state: State<P>) => State<P>;
  readonly step: (
    state: State<P>,
    batches: readonly Environment[],
    weight: number,
    key: random.Key,
  ) => { readonly state: State<P>; readonly nll: Tensor; readonly penalty: Tensor };
}

/** Steps down the gradient of L + λ ‖θ‖² + w R. */
function penaltyMethod<P>(
  model: HeadedModel<P>,
  data: readonly Environment[],
  algorithm: DomainPenalty,
  options: TrainDomainsOptions<P>,
): Method<P> {
  const { weightDecay = 0, rescale = true } = options;
  const optimizer = optimizerOf(options);
  const add = tree.add as unknown as (x: P, y: P) => P;
  const step = (state: State<P>, batches: readonly Environment[], weight: Tensor, key: random.Key): unknown => {
    const objective = (p: P): unknown => {
      const views = viewEnvironments(model, p, batches, options, "trainDomains");
      const nll = meanOf(views.map((view) => view.nll));
      const { penalty, state: memory } = algorithm.apply(views, state.memory, key);
      const decayed = weightDecay === 0 ? nll : nll.add(squaredNorm(p).mul(weightDecay));
      const total = decayed.add(penalty.mul(weight));
      return [rescale ? total.div(weight.maximum(1)) : total, { nll, penalty, memory }];
    };
    const { aux, grad } = differentiate(objective, { hasAux: true })(state.params);
    const { updates, state: next } = optimizer.update(grad as P, state.optimizer, state.params);
    const { nll, penalty, memory } = aux;
    return { state: { params: add(state.params, updates), optimizer: next, memory }, nll, penalty };
  };
  return {
    init: (params) => ({
      params,
      optimizer: optimizer.init(params),
      memory: algorithm.init({
        environments: data.length,
        headSize: headSize(model, params, "trainDomains"),
        dtype: data[0].x.dtype as FloatDType,
      }),
    }),
    restart: (state) => ({ ...state, optimizer: optimizer.init(state.params) }),
    step: jit(step as never) as unknown as Method<P>["step"],
  };
}

/** Steps of Fish. The environments are taken in an order that is drawn anew each time. */
function fishMethod<P>(
  model: HeadedModel<P>,
  data: readonly Environment[],
  options: TrainDomainsOptions<P>,
): Method<P> {
  const { weightDecay = 0, metaRate = 0.5 } = options;
  const optimizer = optimizerOf(options);
  const step = jit(((state: State<P>, batches: readonly Environment[]): unknown => {
    const losses = batches.map((batch) => (p: P): Tensor => {
      const [{ nll }] = viewEnvironments(model, p, [batch], options, "trainDomains");
      return weightDecay === 0 ? nll : nll.add(squaredNorm(p).mul(weightDecay));
    });
    const moved = fishStep(state.params, losses, optimizer, state.optimizer, { metaRate });
    const nll = stack(moved.losses).mean();
    return { state: { params: moved.params, optimizer: moved.state, memory: null }, nll, penalty: nll.mul(0) };
  }) as never) as unknown as (state: State<P>, batches: readonly Environment[]) => ReturnType<Method<P>["step"]>;
  return {
    init: (params) => ({ params, optimizer: optimizer.init(params), memory: null }),
    restart: (state) => ({ ...state, optimizer: optimizer.init(state.params) }),
    step: (state, batches, _weight, key) => {
      const order = Array.from(random.permutation(key, batches.length).dataSync());
      return step(
        state,
        order.map((i) => batches[i]),
      );
    },
  };
}

const differentiate = valueAndGrad as unknown as (
  f: (p: never) => unknown,
  options: { readonly hasAux: true },
) => (p: unknown) => { aux: { nll: Tensor; penalty: Tensor; memory: unknown }; grad: unknown };

function optimizerOf<P>({ optimizer, learningRate = 1e-3 }: TrainDomainsOptions<P>): DomainOptimizer<P> {
  return optimizer ?? adam<P>(learningRate);
}

function squaredNorm(params: unknown): Tensor {
  return tree.reduce((total, leaf) => total.add(leaf.square().sum()), params as never, zeros([]));
}

function drawBatches(data: readonly Environment[], size: number, key: random.Key): Environment[] {
  return random.split(key, data.length).map((k, e) => {
    const { x, y } = data[e];
    const chosen = random.randint(k, 0, x.shape[0], { shape: [size] });
    return { x: take(x, chosen, 0), y: take(y, chosen, 0) };
  });
}

async function accuraciesOf<P>(
  model: HeadedModel<P>,
  params: P,
  watch: Readonly<Record<string, Environment>>,
  { signal }: TrainDomainsOptions<P>,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, environment] of Object.entries(watch)) {
    found[name] = await domainAccuracy(model, params, environment);
    signal?.throwIfAborted();
  }
  return found;
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
