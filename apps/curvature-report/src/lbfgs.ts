/** Minimisation by L-BFGS: reaches a small gradient where gradient descent crawls. */

import { DomainError, epsilon, jit, valueAndGrad, type FloatDType, type Tensor } from "@curv/tensor";
import { breathe } from "app-frame";

export interface DescentStep {
  readonly loss: number;
  /** ‖∇f‖. */
  readonly gradientNorm: number;
}

export interface LbfgsOptions {
  /** Stop when ‖∇f‖ ≤ tol. Default 1e-5. */
  readonly tol?: number;
  /** Steps, at most. Default 500. */
  readonly maxIter?: number;
  /** Pairs of steps and gradient changes that are remembered. Default 30. */
  readonly memory?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (step: DescentStep & { readonly iterations: number }) => void;
}

export interface Minimum extends DescentStep {
  readonly x: Tensor;
  /** Whether ‖∇f‖ came below the tolerance. */
  readonly converged: boolean;
  /** Steps. */
  readonly iterations: number;
  /** Evaluations of f with its gradient. */
  readonly evaluations: number;
  /** ‖∇f‖ at x. */
  readonly residual: number;
  readonly history: readonly DescentStep[];
}

interface Point {
  readonly x: Tensor;
  readonly loss: number;
  readonly gradient: Tensor;
}

/** A step and how it changed the gradient. */
interface Pair {
  readonly s: Tensor;
  readonly y: Tensor;
  /** sᵀy > 0. */
  readonly sy: number;
}

/** The fraction of the decrease that the slope promises which a step must keep. */
const sufficientDecrease = 1e-4;
const halvings = 25;

/**
 * A local minimum of f by limited-memory BFGS with backtracking. Pairs without curvature, sᵀy ≤ 0, are left out, which keeps every
 * direction one of descent. Ends without convergence when no step decreases f any more.
 *
 * @param start - Of shape [n].
 * @throws DomainError if f or its gradient is not finite at the start.
 * Source: Nocedal & Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5.
 */
export async function lbfgs(
  f: (x: Tensor) => Tensor,
  start: Tensor,
  { tol = 1e-5, maxIter = 500, memory = 30, signal, onProgress }: LbfgsOptions = {},
): Promise<Minimum> {
  const compiled = jit((x: Tensor) => valueAndGrad(f)(x));
  let evaluations = 0;
  const evaluate = async (x: Tensor): Promise<Point> => {
    const { value, grad } = compiled(x);
    evaluations++;
    return { x, loss: await value.item(), gradient: grad };
  };
  // Differences of f below this are rounding.
  const rounding = 2 * epsilon(start.dtype as FloatDType);

  const history: DescentStep[] = [];
  let pairs: Pair[] = [];
  let here = await evaluate(start);
  for (let iterations = 0; ; iterations++) {
    const gradientNorm = Math.sqrt(await dot(here.gradient, here.gradient));
    if (!Number.isFinite(here.loss) || !Number.isFinite(gradientNorm)) {
      throw new DomainError(`lbfgs: the loss or its gradient is not finite after ${iterations} steps.`);
    }
    history.push({ loss: here.loss, gradientNorm });
    onProgress?.({ loss: here.loss, gradientNorm, iterations });
    const converged = gradientNorm <= tol;
    const result = (): Minimum => ({
      x: here.x,
      loss: here.loss,
      gradientNorm,
      residual: gradientNorm,
      converged,
      iterations,
      evaluations,
      history,
    });
    if (converged || iterations >= maxIter) return result();

    const direction = await quasiNewtonDirection(here.gradient, pairs);
    const slope = await dot(here.gradient, direction);
    let next: Point | null = null;
    // Without pairs the direction has no scale of its own: begin with a step of length 1 at most.
    let t = pairs.length === 0 ? Math.min(1, 1 / gradientNorm) : 1;
    for (let halved = 0; halved < halvings && next === null; halved++, t /= 2) {
      const trial = await evaluate(here.x.add(direction.mul(t)));
      const allowed = here.loss + sufficientDecrease * t * slope + rounding * Math.abs(here.loss);
      if (trial.loss <= allowed) next = trial;
      await breathe(signal);
    }
    if (next === null) return result();
    const s = next.x.sub(here.x);
    const y = next.gradient.sub(here.gradient);
    const sy = await dot(s, y);
    if (sy > epsilon(start.dtype as FloatDType) * (await dot(y, y))) pairs = [...pairs, { s, y, sy }].slice(-memory);
    here = next;
  }
}

/** −H g, where H is what the pairs know of the inverse Hessian: the two-loop recursion. */
async function quasiNewtonDirection(g: Tensor, pairs: readonly Pair[]): Promise<Tensor> {
  let q = g;
  const alphas: number[] = [];
  for (const { s, y, sy } of pairs.toReversed()) {
    const alpha = (await dot(s, q)) / sy;
    alphas.unshift(alpha);
    q = q.sub(y.mul(alpha));
  }
  const last = pairs.at(-1);
  if (last !== undefined) q = q.mul(last.sy / (await dot(last.y, last.y)));
  for (const [i, { s, y, sy }] of pairs.entries()) {
    const beta = (await dot(y, q)) / sy;
    q = q.add(s.mul(alphas[i] - beta));
  }
  return q.neg();
}

function dot(x: Tensor, y: Tensor): Promise<number> {
  return x.dot(y).item();
}
