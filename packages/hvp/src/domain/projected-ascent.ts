/** Maximising a smooth function over a ball by projected gradient ascent, from several starts at once. */

import {
  epsilon,
  type FloatDType,
  jit,
  logicalAnd,
  tensor,
  valueAndGrad,
  vmap,
  where,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";

/** A smooth function on the ball ‖x − centre‖ ≤ radius. */
export interface BallProblem {
  /** Scalar function of [D], traceable. */
  readonly f: (x: Tensor) => Tensor;
  /** [D]. */
  readonly centre: Tensor;
  readonly radius: number;
}

export interface AscentOptions {
  /** A start has converged when its gap is at most this. */
  readonly atol: number;
  /** By how much f may seem to fall in a step that is kept: its rounding error. Gradients tell the way where values no longer do. */
  readonly noise: number;
  /** Most steps. */
  readonly maxIter: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each block of steps. */
  readonly onProgress?: ((progress: { readonly iterations: number; readonly value: number }) => void) | undefined;
}

export interface Ascent {
  /** The best point, [D]. */
  readonly x: Tensor;
  /** f there. */
  readonly value: number;
  /** The most that f could still rise to first order within the ball, there. */
  readonly gap: number;
  /** `precision`: steps no longer change f in its dtype. */
  readonly status: "converged" | "maxIter" | "precision";
  readonly iterations: number;
  /** The best value after each block of steps. */
  readonly history: readonly number[];
}

/** Where S starts are. */
interface State {
  /** [S, D]. */
  readonly x: Tensor;
  /** f, [S]. */
  readonly value: Tensor;
  /** ∇f, [S, D]. */
  readonly gradient: Tensor;
  /** Step lengths, [S]. */
  readonly rate: Tensor;
  /** int32. */
  readonly iterations: Tensor;
}

const loop = whileLoop as unknown as <T>(goesOn: (state: T) => Tensor, step: (state: T) => T, start: T) => T;
const blockLength = 32;

/**
 * x ← P(x + t ∇f(x)) from each row of `starts`, P the projection onto the ball. A step that lowers f is taken back and t halved. After
 * one that does, t is Barzilai and Borwein's where f is concave along the step, and twice as long elsewhere: towards a maximum on the sphere
 * the steps become those of a shifted power iteration. Stationary points are told by the gap max_u ∇f·(u − x) over the ball, which is
 * δ‖∇f‖ − ∇f·(x − c); where f is concave it bounds what is missing to the maximum.
 *
 * Source: Birgin, Martínez & Raydan (2000), spectral projected gradients, with a monotone line search.
 */
export async function projectedAscent(problem: BallProblem, starts: Tensor, options: AscentOptions): Promise<Ascent> {
  const { f, centre, radius } = problem;
  const { atol, noise, maxIter, signal, onProgress } = options;
  const smallest = epsilon(centre.dtype as FloatDType) * radius;

  const gapOf = ({ x, gradient }: State): Tensor =>
    norms(gradient)
      .mul(radius)
      .sub(gradient.mul(x.sub(centre)).sum(1));
  const settled = (state: State): Tensor => gapOf(state).lessEqual(atol);
  const moves = ({ gradient, rate }: State): Tensor => norms(gradient).mul(rate).greater(smallest);
  const goesOn = (state: State): Tensor => logicalAnd(settled(state).equal(false), moves(state)).any();
  const step = ({ x, value, gradient, rate, iterations }: State): State => {
    const moved = project(x.add(gradient.mul(rate.expandDims(1))), centre, radius);
    const next = evaluate(f, moved);
    const better = next.value.greater(value.sub(noise));
    // Barzilai and Borwein: the inverse of the curvature along the last step, where f is concave along it.
    const along = moved.sub(x);
    const curvature = along.mul(gradient.sub(next.gradient)).sum(1);
    const fitted = along.square().sum(1).div(positive(curvature));
    const onwards = where(curvature.greater(0), fitted, rate.mul(2));
    return {
      x: where(better.expandDims(1), moved, x),
      gradient: where(better.expandDims(1), next.gradient, gradient),
      value: where(better, next.value, value),
      // Bounded, so that it stays within the range of float32.
      rate: where(better, onwards, rate.div(2)).minimum(1e30),
      iterations: iterations.add(1),
    };
  };
  const start = (x: Tensor): State => {
    const { value, gradient } = evaluate(f, x);
    // The first step is as long as the ball is wide.
    const rate = positive(norms(gradient)).reciprocal().mul(radius);
    return { x, value, gradient, rate, iterations: zeros([], { dtype: "int32" }) };
  };
  const begin = jit(start as never) as unknown as typeof start;
  const advance = jit(((state: State, limit: Tensor) => {
    const end = loop((s: State) => logicalAnd(goesOn(s), s.iterations.less(limit)), step, state);
    return { state: end, more: goesOn(end), settled: settled(end), gaps: gapOf(end) };
  }) as never) as unknown as (
    state: State,
    limit: Tensor,
  ) => { state: State; more: Tensor; settled: Tensor; gaps: Tensor };

  const history: number[] = [];
  let state = begin(starts);
  for (;;) {
    const limit = Math.min(maxIter, history.length * blockLength + blockLength);
    const block = advance(state, tensor(limit, { dtype: "int32" }));
    state = block.state;
    const best = await state.value.argMax().item();
    const value = (await state.value.data())[best];
    const iterations = await state.iterations.item();
    history.push(value);
    onProgress?.({ iterations, value });
    const more = (await block.more.item()) === 1;
    if (!more || iterations >= maxIter) {
      const done = (await block.settled.data())[best] === 1;
      const status = done ? "converged" : more ? "maxIter" : "precision";
      const gap = Math.max(0, (await block.gaps.data())[best]);
      return { x: state.x.slice(best), value, gap, status, iterations, history };
    }
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
}

function evaluate(f: (x: Tensor) => Tensor, x: Tensor): { readonly value: Tensor; readonly gradient: Tensor } {
  const both = (row: Tensor): { readonly value: Tensor; readonly gradient: Tensor } => {
    const { value, grad: gradient } = valueAndGrad(f)(row);
    return { value, gradient };
  };
  return (vmap as unknown as (g: typeof both) => typeof both)(both)(x);
}

/** Lengths of rows. */
function norms(x: Tensor): Tensor {
  return x.square().sum(1).sqrt();
}

/** x where it is positive, else 1: what may be divided by. */
function positive(x: Tensor): Tensor {
  return where(x.greater(0), x, 1);
}

function project(x: Tensor, centre: Tensor, radius: number): Tensor {
  const from = x.sub(centre);
  const length = norms(from).expandDims(1);
  return centre.add(from.mul(where(length.greater(radius), positive(length).reciprocal().mul(radius), 1)));
}
