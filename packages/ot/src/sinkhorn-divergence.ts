/** The Sinkhorn divergence: entropic transport without its bias, S(α, α) = 0. */

import { logicalAnd, stopGradient, tensor, whileLoop, isTensor, type Tensor } from "@curv/tensor";
import { evenWeights } from "./arguments.js";
import { reducer, type Cost, type PointCost } from "./cost.js";
import { softMinRows, type Potentials, type Problem } from "./dual.js";
import { bestPotential, wantedMarginal } from "./penalty.js";
import { settingsOf, sinkhornCore, type SinkhornCore, type SinkhornCoreOptions } from "./sinkhorn-core.js";

export interface SinkhornDivergenceOptions extends Omit<SinkhornCoreOptions, "init" | "entropy"> {
  /** Weights [n] and [m]. Default even, of sum 1. */
  readonly a?: Tensor;
  readonly b?: Tensor;
  /** Default `"sqeuclidean"`. GeomLoss's costs are |x − y|²/2: give a function for those. */
  readonly cost?: PointCost["cost"];
  readonly tile?: number;
  /** Penalty of both marginals' deviations (unbalanced). Default Infinity. */
  readonly rho?: number;
}

export interface SinkhornDivergence {
  /** S_ε(α, β) ≥ 0, scalar. */
  readonly value: Tensor;
  /** The three problems: between the measures, and of each with itself. Their potentials are those of the debiased dual. */
  readonly xy: SinkhornCore;
  readonly xx: SinkhornCore;
  readonly yy: SinkhornCore;
  /** Scalar bool: all three. */
  readonly converged: Tensor;
  /** Scalar: the largest of the three. */
  readonly residual: Tensor;
}

/**
 * S_ε(α, β) = OT_ε(α, β) − ½ OT_ε(α, α) − ½ OT_ε(β, β) (+ ½ ε (mass α − mass β)² when unbalanced), with OT_ε the cost with ε KL(P | a bᵀ).
 *
 * S ≥ 0, and 0 for equal measures; for ε → 0 the transport cost, for ε → ∞ a maximum mean discrepancy. Traceable; differentiates in points,
 * weights and ε to every order, by the envelope theorem and the implicit function theorem. The symmetric problems take few sweeps, of the
 * averaged iteration f ← ½ (f + T f).
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences; unbalanced: Séjourné et al. (2019).
 *
 * @example
 * const gradient = jit(grad((x: Tensor) => sinkhornDivergence(x, y, { epsilon: 0.1 }).value))(x);
 */
export function sinkhornDivergence(x: Tensor, y: Tensor, options: SinkhornDivergenceOptions): SinkhornDivergence {
  const { a = evenWeights(x), b = evenWeights(y), cost, tile, ...rest } = options;
  const points = { ...(cost === undefined ? {} : { cost }), ...(tile === undefined ? {} : { tile }) };
  const core = { ...rest, entropy: "kl" } as const;
  const xy = sinkhornCore(a, b, { ...points, x, y }, core);
  const itself = (p: Tensor, weights: Tensor): SinkhornCore => {
    const self: Cost = { ...points, x: p, y: p };
    const init = symmetricSweeps(weights, self, options);
    return { ...sinkhornCore(weights, weights, self, { ...core, init, maxIter: 0 }), iterations: init.step };
  };
  const [xx, yy] = [itself(x, a), itself(y, b)];
  let value = xy.value.sub(xx.value.add(yy.value).div(2));
  if (options.rho !== undefined && options.rho !== Infinity) {
    value = value.add(a.sum().sub(b.sum()).square().mul(options.epsilon).div(2));
  }
  return {
    value,
    xy,
    xx,
    yy,
    converged: logicalAnd(xy.converged, logicalAnd(xx.converged, yy.converged)),
    residual: xy.residual.maximum(xx.residual).maximum(yy.residual),
  };
}

/** The potential f = g of a measure with itself. */
function symmetricSweeps(
  weights: Tensor,
  cost: PointCost,
  options: SinkhornDivergenceOptions,
): Potentials & { readonly step: Tensor } {
  const { tol, maxIter, prices } = settingsOf(options, weights.dtype, "sinkhornDivergence");
  const a = stopGradient(weights);
  const epsilon = stopGradient(
    isTensor(options.epsilon) ? options.epsilon : tensor(options.epsilon, { dtype: a.dtype }),
  );
  const costs = reducer({ ...cost, x: stopGradient(cost.x), y: stopGradient(cost.y) });
  const problem: Problem = { a, b: a, epsilon, prices, costs };
  const last = whileLoop(
    (s: { f: Tensor; error: Tensor; step: Tensor }) => logicalAnd(s.error.greater(tol), s.step.less(maxIter)),
    ({ f, step }) => {
      const rows = softMinRows(problem, f);
      const actual = a.mul(f.sub(rows).div(epsilon).exp());
      // Rows and columns miss the same.
      const error = actual
        .sub(wantedMarginal(prices[0], a, f, actual))
        .abs()
        .sum()
        .mul(2);
      // The last step would be no worse, but what was measured is f: it stays.
      const next = error.lessEqual(tol).where(f, f.add(bestPotential(prices[0], a, rows, epsilon)).div(2));
      return { f: next, error, step: step.add(1) };
    },
    { f: a.mul(0), error: epsilon.mul(0).add(Infinity), step: epsilon.mul(0).cast("int32") },
  );
  return { f: last.f, g: last.f, step: last.step };
}
