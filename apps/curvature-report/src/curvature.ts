/** What is measured of the curvature of a network's loss. */

import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { asBatch, type Digits } from "./digits.js";
import { hessianOperator } from "./hessian-operator.js";
import { hutchinsonTrace, type TraceEstimate } from "./hutchinson.js";
import { digitLoss, type Network } from "./networks.js";
import { powerIteration, type PowerStep } from "./power-iteration.js";

/** The largest eigenvalue without its vector, which nobody reads. */
export interface Largest extends PowerStep {
  readonly converged: boolean;
  readonly iterations: number;
  readonly tol: number;
  readonly history: readonly PowerStep[];
}

export interface Curvature {
  /** Digits over which the loss is averaged. */
  readonly digits: number;
  readonly largest: Largest;
  readonly trace: TraceEstimate;
}

export interface CurvatureOptions {
  /** Of the eigenvector; see `powerIteration`. Default 1e-3. */
  readonly tol?: number;
  readonly maxIter?: number;
  readonly probes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly text: string }) => void;
}

/** Largest eigenvalue and trace of the Hessian of the mean cross-entropy on these digits. */
export async function measureCurvature(
  network: Network,
  params: Tensor,
  digits: Digits,
  key: random.Key,
  { tol = 1e-3, maxIter = 100, probes = 64, signal, onProgress }: CurvatureOptions = {},
): Promise<Curvature> {
  const { images, labels } = asBatch(digits);
  const hessian = hessianOperator((p) => digitLoss(network, p, images, labels), params);
  const [startKey, probeKey] = random.split(key);
  const { eigenvalue, residual, converged, iterations, history } = await powerIteration(hessian, startKey, {
    tol,
    maxIter,
    signal,
    onProgress: (step) =>
      onProgress?.({
        // The residual falls geometrically, so its logarithm says how far along this is.
        fraction: 0.5 * Math.min(1, Math.max(step.iterations / maxIter, Math.log(step.residual) / Math.log(tol))),
        text: `λ_max ≈ ${step.eigenvalue.toPrecision(4)}, residual ${step.residual.toExponential(1)}`,
      }),
  });
  const trace = await hutchinsonTrace(hessian, probeKey, {
    probes,
    signal,
    onProgress: (step) =>
      onProgress?.({
        fraction: 0.5 + (0.5 * step.iterations) / probes,
        text: `trace ≈ ${step.trace.toPrecision(4)} ± ${step.standardError.toPrecision(2)}`,
      }),
  });
  return { digits: digits.count, largest: { eigenvalue, residual, converged, iterations, tol, history }, trace };
}
