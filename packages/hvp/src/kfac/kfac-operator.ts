/** Kronecker-factored curvature as an operator on the parameters. */

import { check, DomainError, type Tensor } from "@curv/tensor";
import { linearOperator, type LinearOperator } from "@curv/linsolve";
import type { Layer } from "@curv/nn";
import type { Data } from "../data.js";
import type { OutputLoss } from "../output-loss.js";
import { checkFactors, type KfacFactors, type LayerFactors } from "./factors.js";
import { collectFactors, type KfacData } from "./kfac-factors.js";
import type { KfacOptions } from "./kfac-options.js";
import { blockInverse, blockLogDeterminant, blockProduct, blockTrace, type InverseMethod } from "./kronecker-block.js";
import { onBlocks, parameterBlocks } from "./parameter-blocks.js";
import type { TappedModel } from "./tapped-model.js";
import { checkParams } from "../loss-function.js";

/** How a damped inverse is computed. */
export interface KfacInverseOptions {
  /** λ > 0. */
  readonly damping: number | Tensor;
  /**
   * - `exact` (default): (K + λ I)⁻¹.
   * - `factored`: each layer's block is (A + π√λ I)⁻¹ ⊗ (S + √λ/π I)⁻¹, with π² = (tr A/dim A)/(tr S/dim S): Cholesky factors in place of
   *   eigenvectors, at the price of damping other than by λ I. Not for E-KFAC.
   */
  readonly method?: InverseMethod;
}

/** Kronecker-factored curvature: symmetric positive semi-definite, one block for each layer. */
export interface KfacOperator<P> extends LinearOperator<P> {
  readonly factors: KfacFactors;
  /**
   * Inverse of the damped operator, positive definite. Factors are decomposed here, once; its products cost what those of the operator do.
   *
   * @throws DomainError for a damping that is not > 0, or `factored` with E-KFAC.
   */
  readonly inverse: (options: KfacInverseOptions) => LinearOperator<P>;
  /**
   * log det(K + λ I), a scalar; −Infinity if that is singular. Finds the eigenvalues of all factors anew; `vmap` over λ does so once.
   *
   * @param damping - λ ≥ 0. Default 0.
   * @throws DomainError for another one.
   */
  readonly logDeterminant: (damping?: number | Tensor) => Tensor;
  /** tr K, a scalar. */
  readonly trace: () => Tensor;
}

/**
 * K-FAC and E-KFAC: the Gauss–Newton or Fisher matrix of a mean loss with a block A ⊗ S for each dense layer and convolution, and nothing between
 * layers. Attention is four dense layers. Products and inverses cost about as much as those with the layers' weights on a batch of their width.
 *
 * A block is exact for a single example of a layer that is not applied to several rows of it, and for deep linear networks with a squared loss
 * (see `approximation`); elsewhere it takes inputs and gradients for independent.
 *
 * @param model - A layer of `@curv/nn`, or any {@link TappedModel}.
 * @param params - A tree of one float dtype.
 * @param data - `{inputs}`, for the empirical Fisher matrix `{inputs, targets}`; whole or in batches, which are weighted by their size.
 * @throws DomainError for unknown options, a missing key, parameters that have no factors (see `others`), a model without dense or conv layers,
 * factors that are not finite; TreeError for missing targets or paths that lead nowhere; ShapeError for outputs or layers whose first axis is not
 * that of the examples.
 * Source: Martens & Grosse, Optimizing Neural Networks with Kronecker-factored Approximate Curvature (2015); Grosse & Martens (2016) for
 * convolutions; George, Laurent, Bouthillier, Ballas & Vincent (2018) for E-KFAC; Eschenhagen et al. (2023) for shared weights.
 *
 * @example
 * const k = kfacOperator(model, crossEntropyOutput, params, { inputs });
 * const direction = k.inverse({ damping: 1e-3 }).apply(gradient);
 */
export function kfacOperator<P, X>(
  model: Layer<P> | TappedModel<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<KfacData<X>>,
  options: KfacOptions = {},
): KfacOperator<P> {
  return operatorOf("kfacOperator", params, collectFactors("kfacOperator", model, outputLoss, params, data, options));
}

/**
 * The operator of given factors: averaged or stored ones. Traceable.
 *
 * @param params - The parameters, or a tree like them.
 * @throws TreeError for factors of layers that the parameters do not have; ShapeError for factors of another size; DomainError where they are
 * not finite.
 */
export function kfacFromFactors<P>(params: P, factors: KfacFactors): KfacOperator<P> {
  checkParams(params, "kfacFromFactors");
  checkFactors(factors, "factors", "kfacFromFactors");
  return operatorOf("kfacFromFactors", params, factors);
}

function operatorOf<P>(caller: string, params: P, factors: KfacFactors): KfacOperator<P> {
  const blocks = parameterBlocks(params, factors, caller);
  const { layers, others } = blocks;
  const blockwise = (
    onLayer: (layer: LayerFactors) => (v: Tensor) => Tensor,
    onOther: (v: Tensor, diagonal: Tensor) => Tensor,
  ): LinearOperator<P> =>
    linearOperator({ matvec: onBlocks<P>(blocks, onLayer, onOther), domain: params, positiveSemidefinite: true });
  return {
    ...blockwise(blockProduct, (v, d) => v.mul(d)),
    factors,
    inverse: ({ damping, method = "exact" }) => {
      checkDamping(damping, "inverse", (c) => c > 0, "> 0");
      if (method !== "exact" && method !== "factored") {
        throw new DomainError(`inverse: method is ${JSON.stringify(method)}; wants exact, factored.`);
      }
      return blockwise(
        (layer) => blockInverse(layer, damping, method),
        (v, d) => v.div(d.add(damping)),
      );
    },
    logDeterminant: (damping = 0) => {
      checkDamping(damping, "logDeterminant", (c) => c >= 0, ">= 0");
      return total([
        ...layers.map((layer) => blockLogDeterminant(layer.factors, damping)),
        ...others.map(({ diagonal, size }) =>
          diagonal
            .add(damping)
            .log()
            .mul(size / diagonal.size)
            .sum(),
        ),
      ]);
    },
    trace: () =>
      total([...layers.map((layer) => blockTrace(layer.factors)), ...others.map(({ diagonal }) => diagonal.sum())]),
  };
}

function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((a, b) => a.add(b));
}

function checkDamping(
  damping: number | Tensor,
  caller: string,
  allowed: (damping: number) => boolean,
  wanted: string,
): void {
  const test = (c: number): DomainError | null =>
    Number.isFinite(c) && allowed(c)
      ? null
      : new DomainError(`${caller}: damping is ${c}; wants a finite number ${wanted}.`);
  if (typeof damping !== "number") {
    check([damping], [0], ([c]) => test(c));
    return;
  }
  const error = test(damping);
  if (error !== null) throw error;
}
