/** The two kinds of steps that the trainer takes: down the gradient of loss and penalty, or Fish's. Compiled, and without side effects. */

import { jit, stack, valueAndGrad, zeros, type FloatDType, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import type { DomainOptimizer } from "./adam.js";
import type { DomainPenalty } from "./algorithm.js";
import { meanOf, type Environment } from "./environment.js";
import { fishStep } from "./fish.js";
import { headSize, type HeadedModel } from "./headed-model.js";
import { viewEnvironments, type ViewOptions } from "./view.js";

/** What is carried from step to step. */
export interface TrainingState<P> {
  readonly params: P;
  readonly optimizer: unknown;
  /** Of the penalty. */
  readonly memory: unknown;
}

/** What a step gives; all but the state are scalars. */
export interface TrainingStep<P> {
  readonly state: TrainingState<P>;
  /** Mean loss before the step. */
  readonly nll: Tensor;
  /** Penalty before the step. */
  readonly penalty: Tensor;
  /** ‖θ‖² after the step: not finite if any parameter is not. */
  readonly size: Tensor;
}

/** A way to take steps. */
export interface TrainingMethod<P> {
  readonly init: (params: P) => TrainingState<P>;
  /** The same with a fresh optimiser. */
  readonly restart: (state: TrainingState<P>) => TrainingState<P>;
  /** `key` is the step's own. */
  readonly step: (
    state: TrainingState<P>,
    batches: readonly Environment[],
    weight: number,
    key: random.Key,
  ) => TrainingStep<P>;
}

interface MethodSettings<P> {
  readonly view: ViewOptions;
  readonly optimizer: DomainOptimizer<P>;
  /** λ of λ ‖θ‖². */
  readonly weightDecay: number;
}

/** Steps down the gradient of L + λ ‖θ‖² + w R, divided by max(w, 1) with `rescale`. */
export function penaltyMethod<P>(
  model: HeadedModel<P>,
  environments: readonly Environment[],
  algorithm: DomainPenalty,
  { view, optimizer, weightDecay, rescale }: MethodSettings<P> & { readonly rescale: boolean },
): TrainingMethod<P> {
  const step = (
    { params, optimizer: before, memory: remembered }: TrainingState<P>,
    batches: readonly Environment[],
    weight: Tensor,
    key: random.Key,
  ): TrainingStep<P> => {
    const objective = (p: P): readonly [Tensor, Aux] => {
      const views = viewEnvironments(model, p, batches, view, "trainDomains");
      const nll = meanOf(views.map((seen) => seen.nll));
      const { penalty, state: memory } = algorithm.apply(views, remembered, key);
      const total = decayed(nll, p, weightDecay).add(penalty.mul(weight));
      return [rescale ? total.div(weight.maximum(1)) : total, { nll, penalty, memory }];
    };
    const { aux, grad } = differentiate<P>()(objective, { hasAux: true })(params);
    const { updates, state: after } = optimizer.update(grad, before, params);
    const moved = (tree.add as unknown as (x: P, y: P) => P)(params, updates);
    const { nll, penalty, memory } = aux;
    return { state: { params: moved, optimizer: after, memory }, nll, penalty, size: squaredNorm(moved) };
  };
  return {
    init: (params) => ({
      params,
      optimizer: optimizer.init(params),
      memory: algorithm.init({
        environments: environments.length,
        headSize: headSize(model, params, "trainDomains"),
        dtype: environments[0].x.dtype as FloatDType,
      }),
    }),
    restart: (state) => ({ ...state, optimizer: optimizer.init(state.params) }),
    step: jit(step as never) as unknown as TrainingMethod<P>["step"],
  };
}

/** Steps of Fish. The environments are taken in an order that is drawn anew each time. */
export function fishMethod<P>(
  model: HeadedModel<P>,
  { view, optimizer, weightDecay, metaRate }: MethodSettings<P> & { readonly metaRate: number },
): TrainingMethod<P> {
  const step = ({ params, optimizer: before }: TrainingState<P>, batches: readonly Environment[]): TrainingStep<P> => {
    const losses = batches.map((batch) => (p: P): Tensor => {
      const [{ nll }] = viewEnvironments(model, p, [batch], view, "trainDomains");
      return decayed(nll, p, weightDecay);
    });
    const { params: moved, state, losses: values } = fishStep(params, losses, optimizer, before, { metaRate });
    const nll = stack(values).mean();
    const next = { params: moved, optimizer: state, memory: null };
    return { state: next, nll, penalty: nll.mul(0), size: squaredNorm(moved) };
  };
  const compiled = jit(step as never) as unknown as typeof step;
  return {
    init: (params) => ({ params, optimizer: optimizer.init(params), memory: null }),
    restart: (state) => ({ ...state, optimizer: optimizer.init(state.params) }),
    step: (state, batches, _weight, key) => {
      const order = Array.from(random.permutation(key, batches.length).dataSync());
      return compiled(
        state,
        order.map((e) => batches[e]),
      );
    },
  };
}

interface Aux {
  readonly nll: Tensor;
  readonly penalty: Tensor;
  readonly memory: unknown;
}

/** `valueAndGrad` for a tree whose type is not known here. */
function differentiate<P>(): (
  f: (p: P) => readonly [Tensor, Aux],
  options: { readonly hasAux: true },
) => (p: P) => { readonly aux: Aux; readonly grad: P } {
  return valueAndGrad as never;
}

function decayed<P>(loss: Tensor, params: P, weightDecay: number): Tensor {
  return weightDecay === 0 ? loss : loss.add(squaredNorm(params).mul(weightDecay));
}

function squaredNorm(params: unknown): Tensor {
  return tree.reduce((total, leaf) => total.add(leaf.square().sum()), params as never, zeros([]));
}
