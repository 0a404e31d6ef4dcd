/** The largest learning rate at which gradient descent stays at a minimum, found by trying. */

import { DomainError, type Tensor } from "@curv/tensor";
import { breathe } from "app-frame";

/** One run of gradient descent. */
export interface Trajectory {
  readonly rate: number;
  /** Loss before the first step, and after each. */
  readonly losses: readonly number[];
  /** Whether the loss left the band; the run ends there. */
  readonly left: boolean;
}

export interface DescentOptions {
  /** The loss at the minimum. */
  readonly reference: number;
  /** The loss leaves when it exceeds (1 + band) · reference. Default 0.1. */
  readonly band?: number;
  /** Steps of a run. Default 200. */
  readonly steps?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gradient descent x ← x − rate ∇f(x) from `start`, until the loss leaves the band above the reference or the steps are done.
 *
 * @param lossAndGradient - f and ∇f at x.
 */
export async function descend(
  lossAndGradient: (x: Tensor) => { readonly value: Tensor; readonly grad: Tensor },
  start: Tensor,
  rate: number,
  { reference, band = 0.1, steps = 200, signal }: DescentOptions,
): Promise<Trajectory> {
  const losses: number[] = [];
  let x = start;
  for (;;) {
    const { value, grad } = lossAndGradient(x);
    const loss = await value.item();
    losses.push(loss);
    const left = !(loss <= (1 + band) * reference);
    if (left || losses.length > steps) return { rate, losses, left };
    x = x.sub(grad.mul(rate));
    await breathe(signal);
  }
}

export interface ThresholdOptions {
  /** Rates between which to look first; the bracket grows when it does not hold the threshold. */
  readonly low: number;
  readonly high: number;
  /** Stop when the bracket is narrower than tol times its middle. Default 0.005. */
  readonly tol?: number;
  /** Runs, at most. Default 40. */
  readonly maxIter?: number;
  readonly onProgress?: (run: Trajectory & { readonly iterations: number }) => void;
}

export interface Threshold {
  /** The middle of the last bracket; NaN when none was found. */
  readonly threshold: number;
  /** The largest rate that stayed and the smallest that left. */
  readonly stayed: Trajectory | null;
  readonly left: Trajectory | null;
  /** Whether the bracket is as narrow as asked. */
  readonly converged: boolean;
  /** Runs. */
  readonly iterations: number;
  /** Width of the bracket relative to its middle. */
  readonly residual: number;
  readonly history: readonly Trajectory[];
}

/** What is known so far. */
interface Bracket {
  readonly stayed: Trajectory | null;
  readonly left: Trajectory | null;
  readonly history: readonly Trajectory[];
}

/**
 * Bisection on the learning rate: below the threshold a run stays in the band, above it leaves.
 *
 * @param run - A run at a rate, see {@link descend}.
 */
export async function stabilityThreshold(
  run: (rate: number) => Promise<Trajectory>,
  { low, high, tol = 0.005, maxIter = 40, onProgress }: ThresholdOptions,
): Promise<Threshold> {
  if (!(low > 0 && low < high && high < Infinity)) {
    throw new DomainError(`stabilityThreshold: low is ${low}, high is ${high}; wants 0 < low < high.`);
  }
  const history: Trajectory[] = [];
  let stayed: Trajectory | null = null;
  let left: Trajectory | null = null;
  while (history.length < maxIter) {
    const rate = nextRate(low, high, { stayed, left, history });
    const tried = await run(rate);
    history.push(tried);
    onProgress?.({ ...tried, iterations: history.length });
    if (tried.left) left = tried;
    else stayed = tried;
    if (residualOf(stayed, left) <= tol) break;
  }
  const residual = residualOf(stayed, left);
  return {
    threshold: middle(stayed, left),
    stayed,
    left,
    converged: residual <= tol,
    iterations: history.length,
    residual,
    history,
  };
}

/** First the ends of the bracket; while both are on one side, further and further out; then always the middle. */
function nextRate(low: number, high: number, { stayed, left, history }: Bracket): number {
  if (stayed !== null && left !== null) return (stayed.rate + left.rate) / 2;
  const stride = (high / low) ** history.length;
  if (stayed !== null) return stayed.rate < high ? high : stayed.rate * stride;
  if (left !== null) return left.rate / stride;
  return low;
}

function middle(stayed: Trajectory | null, left: Trajectory | null): number {
  return stayed === null || left === null ? NaN : (stayed.rate + left.rate) / 2;
}

function residualOf(stayed: Trajectory | null, left: Trajectory | null): number {
  return stayed === null || left === null ? Infinity : (left.rate - stayed.rate) / middle(stayed, left);
}
