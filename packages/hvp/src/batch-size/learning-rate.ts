/** Learning rates that the curvature of a batch allows, and how they change with its size. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { DomainError } from "@curv/tensor";
import { checkNonNegative, checkNumber, checkPositive } from "./arguments.js";
import { checkCurvature, crossoverBatch, edgesOf, type BatchEdges, type MeasuredCurvature } from "./batch-edges.js";
import { effectiveBatchOf } from "./effective-batch.js";

/** Curvature along some directions, and what a preconditioner divides it by. */
export interface PreconditionedCurvature {
  /** λₖ′: curvature of a batch along each direction. */
  readonly curvature: ArrayLike<number>;
  /** μₖ: the preconditioner's eigenvalues along them. */
  readonly preconditioner: ArrayLike<number>;
}

/**
 * How steps are made.
 *
 * - `sgd`: lr · gradient.
 * - `heavy-ball`: with momentum ρ.
 * - `adaptive`: lr · (M + δ)⁻¹ gradient with a preconditioner M, damped by δ. By default M is 0 on the bulk and has divided out all outliers:
 *   what remains is the noise's edge over δ.
 */
export type StepMethod =
  | { readonly method: "sgd" }
  | { readonly method: "heavy-ball"; readonly momentum: number }
  | { readonly method: "adaptive"; readonly damping: number; readonly directions?: PreconditionedCurvature };

/**
 * The learning rate below which steps on a batch do not diverge: 2/λ₁′ for plain steps, 2(1 + ρ)/λ₁′ with momentum ρ, and
 * 2/maxₖ |λₖ′|/(μₖ + δ) with a preconditioner.
 *
 * @param edges - Those of the batch: `batchEdges`.
 * @throws DomainError for λ₁′ ≤ 0 with `sgd` or `heavy-ball`, a momentum outside [0, 1), a negative damping, directions where μₖ + δ is not
 * positive or that are not as many as the eigenvalues.
 * Source: Granziol, Zohren & Roberts (2022), section 5; the momentum's bound: Polyak (1964).
 */
export function maxLearningRate(edges: BatchEdges, step: StepMethod): number {
  expectArguments("maxLearningRate", { edges: [edges, "object"], step: [step, "object"] });
  expectArguments("maxLearningRate", { "step.method": [step.method, "text"] });
  const caller = "maxLearningRate";
  switch (step.method) {
    case "sgd":
      checkPositive(edges.lambdaMax, caller, "edges.lambdaMax");
      return 2 / edges.lambdaMax;
    case "heavy-ball":
      checkPositive(edges.lambdaMax, caller, "edges.lambdaMax");
      checkNumber(step.momentum, caller, "momentum", "a number in [0, 1)", (x) => x >= 0 && x < 1);
      return (2 * (1 + step.momentum)) / edges.lambdaMax;
    case "adaptive": {
      const { damping, directions = { curvature: [edges.bulkEdge], preconditioner: [0] } } = step;
      expectArguments(caller, { directions: [directions, "object"] });
      const { curvature, preconditioner } = directions;
      expectArguments(caller, {
        "directions.curvature": [curvature, "numbers"],
        "directions.preconditioner": [preconditioner, "numbers"],
      });
      checkNonNegative(damping, caller, "damping");
      if (curvature.length === 0 || curvature.length !== preconditioner.length) {
        throw new DomainError(
          `${caller}: directions have ${curvature.length} curvatures and ${preconditioner.length} eigenvalues of the preconditioner; wants one of each for every direction.`,
        );
      }
      let steepest = 0;
      for (let k = 0; k < curvature.length; k++) {
        checkNumber(curvature[k], caller, `directions.curvature[${k}]`, "a number", () => true);
        checkNumber(
          preconditioner[k] + damping,
          caller,
          `directions.preconditioner[${k}] + damping`,
          "a number > 0",
          (x) => x > 0,
        );
        steepest = Math.max(steepest, Math.abs(curvature[k]) / (preconditioner[k] + damping));
      }
      return 2 / steepest;
    }
    default:
      throw unknownMethod("step.method", step, caller, '"sgd", "heavy-ball" or "adaptive"');
  }
}

/**
 * What is scaled.
 *
 * - `sgd`, with or without momentum: by the measured curvature.
 * - `adaptive`: as Adam, by the square root of the effective batch; no curvature is needed.
 */
export type ScaledMethod =
  { readonly method: "sgd"; readonly curvature: MeasuredCurvature } | { readonly method: "adaptive" };

export type ScaleOptions = ScaledMethod & {
  /** The batch that the learning rate was tuned for. */
  readonly fromBatch: number;
  /** The batch that one is wanted for. */
  readonly toBatch: number;
  /** Examples that batches are drawn from, without replacement. Default Infinity. */
  readonly dataset?: number;
};

export interface ScaledLearningRate {
  readonly lr: number;
  /** Where the growth ends (see {@link crossoverBatch}); Infinity for `adaptive`, whose rule has no end. */
  readonly crossoverBatch: number;
}

/**
 * A learning rate for one batch size from that of another.
 *
 * - `sgd`: lr(B) = lr₀ λ₁′(B₀)/λ₁′(B). With Marchenko–Pastur noise this is linear in B below the crossover; with Wigner noise it grows like √B
 *   there, because λ₁ is then below the noise's edge 2√(Pσ²/b). Both saturate at lr₀ λ₁′(B₀)/λ₁ when B reaches N.
 * - `adaptive`: lr(B) = lr₀ √(b/b₀): the preconditioner divides out the outliers, and what remains is the noise's edge, which falls as 1/√b.
 *
 * @param lr - Tuned at `fromBatch`.
 * @throws DomainError as {@link batchEdges}; for λ₁ ≤ 0 with `sgd`; for `adaptive` with a batch that is the whole data set: no noise is left, and
 * the rule says nothing.
 * Source: Granziol, Zohren & Roberts (2022), section 5.
 *
 * @example
 * scaleLearningRate(0.1, { method: "sgd", curvature, fromBatch: 128, toBatch: 512, dataset: 50000 }).lr;
 */
export function scaleLearningRate(lr: number, options: ScaleOptions): ScaledLearningRate {
  expectOptions("scaleLearningRate", options, { method: "text" });
  const caller = "scaleLearningRate";
  const { fromBatch, toBatch, dataset = Infinity } = options;
  checkPositive(lr, caller, "lr");
  const [from, to] = [
    effectiveBatchOf(fromBatch, dataset, caller, "fromBatch"),
    effectiveBatchOf(toBatch, dataset, caller, "toBatch"),
  ];
  switch (options.method) {
    case "sgd": {
      checkCurvature(options.curvature, caller);
      checkPositive(options.curvature.lambdaMax, caller, "curvature.lambdaMax");
      const [before, after] = [edgesOf(options.curvature, from), edgesOf(options.curvature, to)];
      return { lr: (lr * before.lambdaMax) / after.lambdaMax, crossoverBatch: crossoverBatch(options.curvature) };
    }
    case "adaptive":
      if (from === Infinity || to === Infinity) {
        throw new DomainError(
          `${caller}: a batch of all ${dataset} examples has no noise, and the rule for adaptive methods scales by the noise; wants batches of fewer.`,
        );
      }
      return { lr: lr * Math.sqrt(to / from), crossoverBatch: Infinity };
    default:
      throw unknownMethod("method", options, caller, '"sgd" or "adaptive"');
  }
}

export interface DampingOptions {
  /** lr/lr₀. Default 1. */
  readonly lrRatio?: number;
  readonly fromBatch: number;
  readonly toBatch: number;
}

/**
 * The damping of a stochastic second-order method for another batch size: δ(B) = δ₀ (lr/lr₀)(B₀/B).
 *
 * @param damping - δ₀, tuned at `fromBatch`.
 * @throws DomainError for numbers that are not positive, batches that are no integers.
 * Source: Granziol, Zohren & Roberts (2022); their K-FAC runs take 16 at B = 16, and half of it for each doubling.
 */
export function scaleDamping(damping: number, options: DampingOptions): number {
  expectArguments("scaleDamping", { options: [options, "options"] });
  const { lrRatio = 1, fromBatch, toBatch } = options;
  checkPositive(damping, "scaleDamping", "damping");
  checkPositive(lrRatio, "scaleDamping", "lrRatio");
  // Both are checked as batches are, without a data set.
  const batchOf = (batch: number, argument: string): number =>
    effectiveBatchOf(batch, Infinity, "scaleDamping", argument);
  return (damping * lrRatio * batchOf(fromBatch, "fromBatch")) / batchOf(toBatch, "toBatch");
}

function unknownMethod(argument: string, options: never, caller: string, wants: string): DomainError {
  return new DomainError(
    `${caller}: ${argument} is ${JSON.stringify((options as { method: unknown }).method)}; wants ${wants}.`,
  );
}
