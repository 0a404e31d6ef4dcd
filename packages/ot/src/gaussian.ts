/** Transport between Gaussian distributions: the Bures–Wasserstein geometry. */

import {
  customRoot,
  eye,
  logicalAnd,
  ShapeError,
  stopGradient,
  trace,
  whileLoop,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
import * as linalg from "@curv/tensor/linalg";
import { checkCount, checkFloats, checkNumber, checkSameDType, checkWeights, formatShape } from "./arguments.js";
import { conjugateGradient } from "./conjugate-gradient.js";
import type { Potentials } from "./dual.js";

export interface Gaussian {
  /** [d]. */
  readonly mean: Tensor;
  /** Symmetric positive definite, [d, d]. */
  readonly covariance: Tensor;
}

/**
 * W₂² between two Gaussians: |m₁ − m₂|² + tr(S₁ + S₂ − 2 (S₁^½ S₂ S₁^½)^½). Take the root for the distance.
 *
 * Traceable; differentiates where the covariances are positive definite. Equals the square of POT's `bures_wasserstein_distance`.
 *
 * @returns A scalar.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and covariances that are not semi-definite.
 * Source: Peyré & Cuturi (2019), remark 2.31.
 *
 * @example
 * const squared = buresWasserstein({ mean: m1, covariance: S1 }, { mean: m2, covariance: S2 });
 */
export function buresWasserstein(p: Gaussian, q: Gaussian): Tensor {
  checkGaussians([p, q], "buresWasserstein");
  const root = linalg.sqrtm(p.covariance);
  const cross = linalg.sqrtm(symmetric(root.matmul(q.covariance).matmul(root)));
  const bures = trace(p.covariance).add(trace(q.covariance)).sub(trace(cross).mul(2));
  return p.mean.sub(q.mean).square().sum().add(bures.maximum(0));
}

export interface AffineMap {
  /** A, [d, d]. */
  readonly matrix: Tensor;
  /** What is added, [d]: the map is x ↦ A x + offset. */
  readonly offset: Tensor;
}

/**
 * The optimal map from one Gaussian to another, T(x) = A x + b with A = S₁^−½ (S₁^½ S₂ S₁^½)^½ S₁^−½.
 *
 * With the mean and covariance of samples it is the linear map of domain adaptation. Equals POT's `bures_wasserstein_mapping`.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and covariances that are not definite.
 * Source: Peyré & Cuturi (2019), remark 2.31; Flamary et al., Concentration bounds for linear Monge mapping estimation (2019).
 */
export function gaussianMap(from: Gaussian, to: Gaussian): AffineMap {
  checkGaussians([from, to], "gaussianMap");
  const root = linalg.sqrtm(from.covariance);
  const inverse = linalg.invsqrtm(from.covariance);
  const cross = linalg.sqrtm(symmetric(root.matmul(to.covariance).matmul(root)));
  const matrix = symmetric(inverse.matmul(cross).matmul(inverse));
  return { matrix, offset: to.mean.sub(matrix.matmul(from.mean)) };
}

export interface GaussianBarycenterOptions {
  /** Weights of the Gaussians, [k], of sum 1. Default even. */
  readonly weights?: Tensor;
  /** Allowed relative change of the covariance in a step, in the Frobenius norm. Default 1e-12, in float32 1e-5. */
  readonly tol?: number;
  /** Default 1000. */
  readonly maxIter?: number;
}

export interface GaussianBarycenter extends Gaussian {
  readonly converged: Tensor;
  readonly iterations: Tensor;
  /** Relative change of the covariance in the last step, in the Frobenius norm. */
  readonly residual: Tensor;
}

/**
 * The Gaussian with the least Σ w W₂²: its mean is Σ w m, its covariance the fixed point of
 * S ← S^−½ (Σ w (S^½ S_k S^½)^½)² S^−½. Traceable; differentiates in means, covariances and weights by the implicit function theorem.
 *
 * Equals POT's `bures_wasserstein_barycenter`.
 *
 * @param gaussians - At least one, with positive definite covariances.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and covariances that are not definite.
 * Source: Álvarez-Esteban et al., A fixed-point approach to barycenters in Wasserstein space (2016).
 */
export function gaussianBarycenter(
  gaussians: readonly Gaussian[],
  options: GaussianBarycenterOptions = {},
): GaussianBarycenter {
  const name = "gaussianBarycenter";
  if (gaussians.length === 0) throw new ShapeError(`${name}: gaussians is empty; wants at least one.`);
  checkGaussians(gaussians, name);
  const { dtype } = gaussians[0].mean;
  const { tol = dtype === "float32" ? 1e-5 : 1e-12, maxIter = 1000, weights } = options;
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(maxIter, name, "maxIter");
  if (weights !== undefined) {
    checkWeights(weights, gaussians.length, name, "weights");
    checkSameDType([weights, gaussians[0].mean], name);
  }
  const share = (k: number): Tensor | number => weights?.slice(k) ?? 1 / gaussians.length;
  const mixed = (of: (g: Gaussian) => Tensor): Tensor =>
    gaussians.map((g, k) => of(g).mul(share(k))).reduce((s, t) => s.add(t));
  const covariances = gaussians.map((g) => stopGradient(g.covariance));
  const fixedShares = gaussians.map((_, k) => stopGradient(asTensor(share(k), gaussians[0].covariance)));
  const start = stopGradient(mixed((g) => g.covariance));
  const norm = (t: Tensor): Tensor => t.square().sum().sqrt();
  const end = whileLoop(
    (s: { S: Tensor; residual: Tensor; step: Tensor }) => logicalAnd(s.residual.greater(tol), s.step.less(maxIter)),
    ({ S, step }) => {
      const root = linalg.sqrtm(S);
      const inverse = linalg.invsqrtm(S);
      const mean = covariances
        .map((C, k) => linalg.sqrtm(symmetric(root.matmul(C).matmul(root))).mul(fixedShares[k]))
        .reduce((s, t) => s.add(t));
      const next = symmetric(inverse.matmul(mean.matmul(mean)).matmul(inverse));
      return { S: next, residual: norm(next.sub(S)).div(norm(next)), step: step.add(1) };
    },
    { S: start, residual: norm(start).mul(0).add(Infinity), step: norm(start).mul(0).cast("int32") },
  );
  return {
    mean: mixed((g) => g.mean),
    covariance: movingCovariance(
      gaussians.map((g, k) => ({ covariance: g.covariance, share: share(k) })),
      stopGradient(end.S),
    ),
    converged: end.residual.lessEqual(tol),
    iterations: end.step,
    residual: end.residual,
  };
}

/**
 * The fixed point S with its derivatives: a root of identity − Σ w A_k, where A_k maps to the k-th Gaussian. That is twice the gradient of
 * Σ w W₂² in S, a strictly convex function: the linear systems are definite.
 */
function movingCovariance(
  parts: readonly { readonly covariance: Tensor; readonly share: Tensor | number }[],
  start: Tensor,
): Tensor {
  const residual = (S: Tensor): Tensor => {
    const root = linalg.sqrtm(symmetric(S));
    const inverse = linalg.invsqrtm(symmetric(S));
    const roots = parts.map(({ covariance, share }) =>
      linalg.sqrtm(symmetric(root.matmul(covariance).matmul(root))).mul(share),
    );
    return inverse.matmul(roots.reduce((s, t) => s.add(t))).matmul(inverse).neg().add(eye(S.shape[0], S.shape[0], { dtype: S.dtype as FloatDType })); // prettier-ignore
  };
  const tol = start.dtype === "float32" ? 1e-6 : 1e-13;
  const one = { f: start.mul(0).add(1), g: start.slice(0, 0).mul(0) };
  const tangentSolve = (linear: (dS: Tensor) => Tensor, dR: Tensor): Tensor => {
    const apply = ({ f, g }: Potentials): Potentials => ({ f: linear(f), g });
    return conjugateGradient(apply, { f: symmetric(dR), g: one.g }, one, tol, 4 * start.size + 50).f;
  };
  return customRoot(residual, start, { solve: (_f, from) => from, tangentSolve });
}

function asTensor(x: Tensor | number, like: Tensor): Tensor {
  return typeof x === "number" ? like.slice(0, 0).mul(0).add(x) : x;
}

function symmetric(A: Tensor): Tensor {
  return A.add(A.T).div(2);
}

function checkGaussians(gaussians: readonly Gaussian[], name: string): void {
  const d = gaussians[0].mean.shape[0];
  for (const { mean, covariance } of gaussians) {
    checkFloats(mean, 1, name, "mean");
    checkFloats(covariance, 2, name, "covariance");
    checkSameDType([gaussians[0].mean, mean, covariance], name);
    if (mean.shape[0] === d && covariance.shape.every((n) => n === d)) continue;
    throw new ShapeError(
      `${name}: mean has shape ${formatShape(mean.shape)}, covariance ${formatShape(covariance.shape)}; wants [${d}] and [${d}, ${d}].`,
    );
  }
}
