/** How Kronecker-factored curvature is computed. */

import { DomainError, TreeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { FisherChoice } from "./backward-passes.js";
import { expectOptions } from "@curv/linsolve";

/** Options of {@link kfacOperator}. */
export interface KfacOptions {
  /**
   * Which Fisher matrix is approximated.
   * - `exact` (default): the generalised Gauss–Newton matrix, `gaussNewtonOperator`. As many backward passes as an example has outputs
   *   (columns of `hessianRoot`, for each row of outputs).
   * - `monteCarlo`: targets drawn from the model, `fisherOperator`. `samples` backward passes; converges to `exact`.
   * - `empirical`: the given targets, `empiricalFisherOperator` of the mean loss over the rows of an example. One backward pass.
   */
  readonly fisher?: "exact" | "monteCarlo" | "empirical";
  /**
   * What is made of layers that apply their weights to several rows of an example: to the patches of an image, to the elements of a
   * sequence.
   * - `expand` (default): rows are examples of their own. Exact for deep linear networks that treat rows apart, with a squared loss for each.
   * - `reduce`: inputs are averaged over rows and gradients summed. Exact for deep linear networks whose output is a mean over rows, with a
   *   squared loss. Cheaper.
   */
  readonly approximation?: "expand" | "reduce";
  /**
   * Replace the eigenvalues of the Kronecker product by the second moments of the examples' gradients in its eigenbasis: of all matrices with
   * these eigenvectors the nearest to the block of the Fisher matrix in the Frobenius norm, with its trace. Takes eigenvectors of all factors
   * and another pass over the data, and for layers that share weights examples × weights of memory. With `reduce` and fewer examples than a
   * layer has inputs, A is singular, and the result depends on eigenvectors to 0 that are not unique. Default false.
   */
  readonly ekfac?: boolean;
  /** Targets drawn for each row by `monteCarlo`. Default 1. */
  readonly samples?: number;
  /** Of `monteCarlo`, which needs it. */
  readonly key?: random.Key;
  /**
   * What is done about parameters of layers other than dense and convolutional ones, of norms for example.
   * - `refuse` (default): throw, naming them.
   * - `diagonal`: their block is the diagonal of the Fisher matrix, exactly; needs examples × those parameters of memory.
   * - `zero`: their block is zero, so that an inverse divides their part by the damping.
   */
  readonly others?: "refuse" | "diagonal" | "zero";
}

const choices = {
  fisher: ["exact", "monteCarlo", "empirical"],
  approximation: ["expand", "reduce"],
  others: ["refuse", "diagonal", "zero"],
} as const;

/** Refuses options that make no sense. */
export function checkOptions(options: KfacOptions, caller: string): void {
  expectOptions(caller, options, {
    fisher: "text", approximation: "text", others: "text", samples: "number", key: "key",
  }); // prettier-ignore
  for (const [name, allowed] of Object.entries(choices)) {
    const value = options[name as keyof typeof choices];
    if (value !== undefined && !(allowed as readonly string[]).includes(value)) {
      throw new DomainError(`${caller}: ${name} is ${JSON.stringify(value)}; wants ${allowed.join(", ")}.`);
    }
  }
  const { samples = 1, fisher, key } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new DomainError(`${caller}: samples is ${samples}; wants a positive integer.`);
  }
  if (fisher === "monteCarlo" && key === undefined) {
    throw new DomainError(`${caller}: fisher "monteCarlo" draws targets; wants a key (random.key(0)).`);
  }
}

/** Refuses parameters outside the layers with factors, unless it is said what becomes of them. */
export function checkOthers(names: readonly string[], { others = "refuse" }: KfacOptions, caller: string): void {
  if (others !== "refuse" || names.length === 0) return;
  throw new DomainError(
    `${caller}: ${names.join(", ")} belong to no dense or conv layer that was seen; wants others: "diagonal" or "zero", or a model that hands \`tap\` to all its layers.`,
  );
}

/** The Fisher matrix that options ask for, with what it needs of the batch at `place`. */
export function fisherOf(
  { fisher = "exact", key, samples = 1 }: KfacOptions,
  targets: Tensor | undefined,
  place: Tensor | number,
  caller: string,
): FisherChoice {
  if (fisher === "exact") return { fisher };
  if (fisher === "monteCarlo") return { fisher, samples, key: random.foldIn(key!, place) };
  if (targets === undefined) throw new TreeError(`${caller}: fisher "empirical" without targets; wants data.targets.`);
  return { fisher, targets };
}
