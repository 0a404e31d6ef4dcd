/** Alignment of the head's gradient and curvature between environments: by Hessian-gradient products, by diagonals, by whole Hessians. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { DomainError, stack, stopGradient, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkCount, checkEnvironments, checkNumber, meanOf, type Environment } from "./environment.js";
import type { HeadStatistics } from "./head-statistics.js";
import { checkModel, type HeadedModel } from "./headed-model.js";
import { viewEnvironments, type ViewOptions } from "./view.js";

/**
 * What is compared of the curvature H_e of environment e:
 *
 * - `hgp`: H_e g_e, with H̄ ḡ.
 * - `hutchinson`: Hutchinson's estimate of diag H_e, with that of diag H̄.
 * - `exact-diagonal`: diag H_e. For a linear head in closed form it costs about as much as one product with H, where Hutchinson's estimate
 *   takes `probes` of them.
 * - `exact-hessian`: H_e, in the Frobenius norm; for small heads.
 */
export type AlignmentMethod = "hgp" | "hutchinson" | "exact-diagonal" | "exact-hessian";

/** Options of {@link alignHeads}. */
export interface AlignOptions {
  readonly method: AlignmentMethod;
  /** Weight α of the curvature's gap. Default 1, as in the paper's Coloured MNIST; its DomainBed runs take 1e-4 (hgp), 1e-3 (hutchinson). */
  readonly alpha?: number;
  /** Weight β of the gradient's gap. Default 1; DomainBed: 5e-3. */
  readonly beta?: number;
  /** Rademacher probes of `hutchinson`. Default 150; the DomainBed code draws 300. */
  readonly probes?: number;
  /** Of the probes; `hutchinson` needs it. */
  readonly key?: random.Key;
  /** The same probes for all environments and their mean, so that equal environments have penalty 0. Default true; the authors' code: false. */
  readonly commonProbes?: boolean;
  /** Mean over environments, or sum as in the authors' Coloured MNIST. Default "mean". */
  readonly reduce?: "mean" | "sum";
  /**
   * No gradient through ḡ and the curvature's mean. Default true, as in the authors' DomainBed code; false in their Coloured MNIST. It matters
   * for `hgp` and for fresh probes only: elsewhere the targets are means of what is compared, and their gradient vanishes.
   */
  readonly detachTarget?: boolean;
}

/** Result of {@link alignHeads}. */
export interface Alignment {
  /** R, a scalar. */
  readonly penalty: Tensor;
  /** ‖g_e − ḡ‖ of each environment, [E]; no gradient flows through it. */
  readonly gradientGaps: Tensor;
  /** The same of what `method` compares, [E]. */
  readonly curvatureGaps: Tensor;
}

/**
 * R = (1/E) Σ_e α ‖c_e − c̄‖² + β ‖g_e − ḡ‖², where c_e is H_e g_e, or the diagonal of H_e, or H_e, and c̄ the same of the mean loss: H̄ ḡ,
 * diag H̄, H̄. With α = 0 it is IGA's penalty; for one environment it is 0.
 *
 * H g is computed as a product, which equals ‖g‖ ∇‖g‖ and is defined at g = 0, too.
 *
 * @throws DomainError for weights < 0, probes < 1, or `hutchinson` without a key; ShapeError for heads of different sizes.
 * Source: Hemati, Zhang, Estiri & Chen (2023), section 5: equations of HGP and Hutchinson regularisation.
 */
export function alignHeads(heads: readonly HeadStatistics[], options: AlignOptions): Alignment {
  expectArguments("alignHeads", { heads: [heads, "list"] });
  checkOptions(options, "alignHeads");
  const { alpha = 1, beta = 1, reduce = "mean", detachTarget = true } = options;
  for (const [i, head] of heads.entries()) expectArguments("alignHeads", { [`heads[${i}]`]: [head, "object"] });
  if (heads.length === 0) throw new DomainError("alignHeads: there are no heads; wants at least one.");
  if (heads.some(({ size }) => size !== heads[0].size)) {
    throw new DomainError(
      `alignHeads: heads of ${heads.map(({ size }) => size).join(", ")} parameters; wants one size.`,
    );
  }
  const target = (x: Tensor): Tensor => (detachTarget ? stopGradient(x) : x);
  const gradients = heads.map((head) => head.gradient());
  const gradientParts = squaredGaps(gradients, target(meanOf(gradients)));
  const { curvatures, mean } = curvaturesOf(heads, gradients, options);
  const curvatureParts = squaredGaps(curvatures, target(mean));
  // With a weight of 0 the part is left out, so that a compiled program does not compute it.
  const parts = [...(alpha === 0 ? [] : [curvatureParts.mul(alpha)]), ...(beta === 0 ? [] : [gradientParts.mul(beta)])];
  const total = parts.length === 0 ? gradientParts.mul(0) : parts.reduce((a, b) => a.add(b));
  return {
    penalty: reduce === "mean" ? total.mean() : total.sum(),
    gradientGaps: stopGradient(gradientParts).sqrt(),
    curvatureGaps: stopGradient(curvatureParts).sqrt(),
  };
}

/** ‖x_e − target‖² for each e, [E]. */
function squaredGaps(values: readonly Tensor[], target: Tensor): Tensor {
  return stack(values.map((x) => x.sub(target).square().sum()));
}

/** What is compared, and the same of the mean loss. */
function curvaturesOf(
  heads: readonly HeadStatistics[],
  gradients: readonly Tensor[],
  { method, probes = 150, key, commonProbes = true }: AlignOptions,
): { readonly curvatures: readonly Tensor[]; readonly mean: Tensor } {
  const withMean = (curvatures: readonly Tensor[]): ReturnType<typeof curvaturesOf> => ({
    curvatures,
    mean: meanOf(curvatures),
  });
  switch (method) {
    case "hgp": {
      const meanGradient = meanOf(gradients);
      return {
        curvatures: heads.map((head, e) => head.hvp(gradients[e])),
        mean: meanOf(heads.map((head) => head.hvp(meanGradient))), // H̄ ḡ, which is not the mean of H_e g_e
      };
    }
    case "exact-diagonal":
      return withMean(heads.map((head) => head.diagonal()));
    case "exact-hessian":
      return withMean(heads.map((head) => head.dense().reshape(-1)));
    case "hutchinson": {
      const draw = (k: random.Key): Tensor =>
        random.rademacher(k, { shape: [probes, heads[0].size], dtype: gradients[0].dtype });
      if (commonProbes) {
        const V = draw(key!);
        return withMean(heads.map((head) => diagonalEstimate(head, V)));
      }
      const keys = random.split(key!, heads.length + 1);
      const V = draw(keys[heads.length]);
      return {
        curvatures: heads.map((head, e) => diagonalEstimate(head, draw(keys[e]))),
        mean: meanOf(heads.map((head) => diagonalEstimate(head, V))),
      };
    }
  }
}

/**
 * Hutchinson's estimate of the diagonal of H: the mean of v ∘ H v over probes v of random signs.
 *
 * Unbiased; the variance of entry i is Σ_{j≠i} H_ij² over the number of probes, so a diagonal H is exact.
 *
 * @param probes - Rows of ±1, [q, D].
 * Source: Bekas, Kokiopoulou & Saad (2007).
 */
export function diagonalEstimate(head: HeadStatistics, probes: Tensor): Tensor {
  expectArguments("diagonalEstimate", { head: [head, "object"], probes: [probes, "tensor"] });
  expectArguments("diagonalEstimate", { "head.hvps": [head.hvps, "function"] });
  return probes.mul(head.hvps(probes)).mean(0);
}

/** Options of {@link hessianAlignment}. */
export interface HessianAlignmentOptions extends AlignOptions, ViewOptions {}

/** Result of {@link hessianAlignment}. */
export interface HessianAlignment extends Alignment {
  /** Mean loss L = (1/E) Σ_e L_e. The objective to minimise is nll + weight · penalty. */
  readonly nll: Tensor;
  /** L_e, [E]. */
  readonly losses: Tensor;
}

/**
 * The alignment penalty of a model on environments, and its mean loss. Both are traceable functions of all parameters: the derivatives g_e
 * and H_e are in the head only, the penalty's own gradient goes through the features.
 *
 * For a linear head the closed forms need a single differentiation and O(n K d); by autodiff the gradient is a third derivative.
 *
 * @throws DomainError for fewer than two environments and as {@link alignHeads} and {@link viewEnvironments} do.
 * Source: Hemati, Zhang, Estiri & Chen (2023).
 *
 * @example
 * const objective = (p: Params) => {
 *   const { nll, penalty } = hessianAlignment(model, p, environments, { method: "hgp" });
 *   return nll.add(penalty.mul(weight));
 * };
 */
export function hessianAlignment<P>(
  model: HeadedModel<P>,
  params: P,
  environments: readonly Environment[],
  options: HessianAlignmentOptions,
): HessianAlignment {
  checkModel(model, params, "hessianAlignment");
  checkOptions(options, "hessianAlignment");
  checkEnvironments(environments, "hessianAlignment", 2);
  const views = viewEnvironments(model, params, environments, options, "hessianAlignment");
  const losses = stack(views.map(({ nll }) => nll));
  return {
    nll: losses.mean(),
    losses,
    ...alignHeads(
      views.map(({ head }) => head),
      options,
    ),
  };
}

const methods: readonly AlignmentMethod[] = ["hgp", "hutchinson", "exact-diagonal", "exact-hessian"];

/** Refuses options that make no sense. */
export function checkOptions(options: AlignOptions, caller: string, needsKey = true): void {
  expectOptions(caller, options, { method: "text", reduce: "text", key: "key" });
  const { method, alpha = 1, beta = 1, probes = 150, key, reduce = "mean" } = options;
  if (!methods.includes(method)) {
    throw new DomainError(`${caller}: method is "${String(method)}"; wants one of ${methods.join(", ")}.`);
  }
  checkNumber(alpha, caller, "alpha");
  checkNumber(beta, caller, "beta");
  checkCount(probes, caller, "probes", 1);
  if (reduce !== "mean" && reduce !== "sum") {
    throw new DomainError(`${caller}: reduce is "${String(reduce)}"; wants "mean" or "sum".`);
  }
  if (needsKey && method === "hutchinson" && key === undefined) {
    throw new DomainError(`${caller}: method "hutchinson" draws probes; wants a key (random.key(0)).`);
  }
}
