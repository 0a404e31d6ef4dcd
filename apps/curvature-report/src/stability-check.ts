/** The check of 2/λ_max: at which learning rate does gradient descent leave a minimum? */

import { hessianOperator } from "@curv/hvp";
import { eigsh } from "@curv/linsolve";
import { jit, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { type Digits } from "app-frame/digits";
import { asBatch } from "./digits.js";
import { lbfgs } from "./lbfgs.js";
import { digitLoss, type Network } from "./networks.js";
import type { Largest } from "./curvature.js";
import { descend, stabilityThreshold, type Threshold } from "./stability-threshold.js";

export interface StabilityCheck {
  readonly digits: number;
  readonly weightDecay: number;
  /** Length of the kick along the top eigenvector. */
  readonly kick: number;
  readonly band: number;
  readonly steps: number;
  /** Of the minimum: the regularised loss, ‖∇f‖, and how L-BFGS got there. */
  readonly minimum: {
    readonly loss: number;
    readonly gradientNorm: number;
    readonly tol: number;
    readonly converged: boolean;
    readonly iterations: number;
    readonly evaluations: number;
    /** What gradient descent could at most still gain in one run, relative to the loss; small against the band. */
    readonly drift: number;
  };
  /** Of the Hessian of the regularised loss at the minimum. */
  readonly largest: Largest;
  /** 2/λ_max. */
  readonly predicted: number;
  readonly measured: Threshold;
  /** measured / predicted. */
  readonly ratio: number;
  /** What the ratio would be if the loss were exactly quadratic: above 1, because a slow growth needs more steps than a run has. */
  readonly quadraticRatio: number;
}

export interface StabilityOptions {
  readonly weightDecay?: number;
  readonly kick?: number;
  readonly band?: number;
  readonly steps?: number;
  /** Of the gradient at the minimum. */
  readonly gradientTol?: number;
  /** Steps of L-BFGS, at most. */
  readonly maxIter?: number;
  /** Relative width of the last bracket of the threshold. */
  readonly rateTol?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { readonly fraction: number; readonly text: string }) => void;
}

/**
 * Finds a minimum of f(p) = cross-entropy + weightDecay/2 ‖p‖² on these digits, kicks the parameters along the top eigenvector of its
 * Hessian, and looks for the rate at which plain full-batch gradient descent no longer returns.
 *
 * On a quadratic, descent multiplies the distance along an eigenvector by 1 − rate·λ in each step, which grows when rate > 2/λ_max.
 *
 * @param key - Of the first weights of the network and of the start of Lanczos' process.
 */
export async function checkStability(
  network: Network,
  digits: Digits,
  key: random.Key,
  options: StabilityOptions = {},
): Promise<StabilityCheck> {
  const { weightDecay = 1e-3, kick = 1e-3, band = 0.1, steps = 200, signal, onProgress } = options;
  const { gradientTol = 5e-4, maxIter = 600, rateTol = 0.007 } = options;
  const { images, labels } = asBatch(digits);
  const f = (p: Tensor): Tensor =>
    digitLoss(network, p, images, labels).add(
      p
        .square()
        .sum()
        .mul(weightDecay / 2),
    );
  const [initKey, startKey] = random.split(key);

  const found = await lbfgs(f, network.init(initKey), {
    tol: gradientTol,
    maxIter,
    signal,
    onProgress: ({ iterations, loss, gradientNorm }) =>
      onProgress?.({
        fraction: 0.3 * Math.min(1, iterations / 300),
        text: `minimum: loss ${loss.toFixed(4)}, gradient ${gradientNorm.toExponential(1)}`,
      }),
  });

  const tol = 1e-3;
  const top = await eigsh(hessianOperator(f, found.x, null, { check: false }), {
    k: 1,
    tol,
    verifyMultiplicity: false,
    key: startKey,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ products }) => onProgress?.({ fraction: 0.3, text: `λ_max, ${products} products` }),
  });
  const eigenvalue = await top.values.item();
  const largest: Largest = {
    eigenvalue,
    residual: (await top.residuals.item()) / Math.abs(eigenvalue),
    converged: top.converged,
    iterations: top.products,
    tol,
  };
  const predicted = 2 / eigenvalue;

  const start = found.x.add(top.vectors.slice(null, 0).mul(kick));
  const lossAndGradient = jit((p: Tensor) => valueAndGrad(f)(p));
  const measured = await stabilityThreshold(
    (rate) => descend(lossAndGradient, start, rate, { reference: found.loss, band, steps, signal }),
    {
      low: predicted,
      high: 1.1 * predicted,
      tol: rateTol,
      onProgress: ({ rate, left, iterations: runs }) =>
        onProgress?.({
          fraction: 0.35 + 0.65 * Math.min(1, runs / 7),
          text: `rate ${rate.toPrecision(4)} ${left ? "leaves" : "stays"}`,
        }),
    },
  );
  return {
    digits: digits.count,
    weightDecay,
    kick,
    band,
    steps,
    minimum: {
      loss: found.loss,
      gradientNorm: found.gradientNorm,
      tol: gradientTol,
      converged: found.converged,
      iterations: found.iterations,
      evaluations: found.evaluations,
      drift: (steps * predicted * found.gradientNorm ** 2) / found.loss,
    },
    largest,
    predicted,
    measured,
    ratio: measured.threshold / predicted,
    quadraticRatio: quadraticRatio(eigenvalue, kick, band * found.loss, steps),
  };
}

/**
 * The rate, in units of 2/λ, at which a kick along the top eigenvector of a quadratic raises the loss by `rise` in just so many steps:
 * ½ λ kick² (rate·λ − 1)^(2 steps) = rise.
 */
function quadraticRatio(lambda: number, kick: number, rise: number, steps: number): number {
  const growth = rise / ((lambda / 2) * kick ** 2);
  return (1 + growth ** (1 / (2 * steps))) / 2;
}
