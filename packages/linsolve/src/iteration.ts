/**
 * How every iterative solver runs: as a traceable loop, which jits, vmaps and differentiates, or in blocks by an asynchronous driver, which
 * can be watched and stopped.
 */

import { cond, DomainError, jit, logicalAnd, logicalNot, tensor, whileLoop, zeros, type Tensor } from "@curv/tensor";

/** Why an iteration ended. Statuses are counted from 1 in traced results; 0 is still going on. */
export const statuses = [
  "converged",
  "leastSquares",
  "maxIter",
  "breakdown",
  "indefinite",
  "precision",
  "notFinite",
  "diverged",
] as const;

/**
 * - `converged`: the true residual b − A x, computed anew, is small enough.
 * - `leastSquares`: no x has a smaller residual, to the tolerance; b is not in the range of A.
 * - `maxIter`: the steps were used up.
 * - `breakdown`: a quantity that must be divided by vanished, after a restart too.
 * - `indefinite`: A, or the preconditioner, is not positive definite, and the method needs that.
 * - `precision`: the residual has stopped to fall; in float32 use float64.
 * - `notFinite`: a product held NaN or an infinity.
 * - `diverged`: the residual grows from step to step, and would go on to.
 */
export type SolveStatus = (typeof statuses)[number];

/** The number of a status in traced results. */
export function statusCode(status: SolveStatus): number {
  return statuses.indexOf(status) + 1;
}

/** What every iteration carries. */
export interface IterationState {
  /** int32: steps that were taken. */
  readonly iterations: Tensor;
  /** int32: 0, or the number of a status. */
  readonly status: Tensor;
  /** Norm of the residual: an estimate from step to step, true after `conclude`. */
  readonly residual: Tensor;
}

/** A solver as a machine: steps while it goes on, then a conclusion, which either ends it or lets it go on from a better start. */
export interface Iteration<S extends IterationState> {
  readonly name: string;
  readonly start: S;
  /** bool: whether another step is due. */
  readonly goesOn: (state: S) => Tensor;
  readonly step: (state: S) => S;
  readonly conclude: (state: S) => S;
}

/** `whileLoop`, for a tree of tensors whose type is not known here. */
const loop = whileLoop as unknown as <S>(goesOn: (state: S) => Tensor, step: (state: S) => S, start: S) => S;

/** Runs to the end, traceably. */
export function runIteration<S extends IterationState>({ start, goesOn, step, conclude }: Iteration<S>): S {
  return loop(running, (state: S) => conclude(loop(goesOn, step, state)), start);
}

function running({ status }: IterationState): Tensor {
  return status.equal(0);
}

/** What a driver tells while it runs. */
export interface Progress {
  readonly iterations: number;
  /** Norm of the residual. */
  readonly residual: number;
}

export interface DriverOptions {
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each block of steps. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How long a block should take, in milliseconds: short enough for a page to stay alive. */
const blockTime = 30;
const longestBlock = 64;

/** Where a run ended. */
export interface Outcome<S> {
  readonly state: S;
  /** Norm of the residual after each step, and after each conclusion. */
  readonly history: readonly number[];
}

/**
 * Runs in compiled blocks of steps, with a pause for the event loop after each.
 *
 * @param make - The machine for data that change from call to call; traced with them.
 * @param eager - Take the steps one by one instead: the operator cannot be traced.
 * @param measures - Whether a conclusion computes the residual anew, and so has a place in the history.
 */
export async function driveIteration<D, S extends IterationState>(
  make: (data: D) => Iteration<S>,
  data: D,
  eager: boolean,
  { signal, onProgress }: DriverOptions,
  measures: boolean = true,
): Promise<Outcome<S>> {
  signal?.throwIfAborted();
  const history: number[] = [];
  const begin = eager
    ? (d: D): S => make(d).start
    : (jit((d: never) => make(d).start as never) as unknown as (d: D) => S);
  let state = begin(data);
  const compiled = eager ? null : jit((d: never, s: never, limit: Tensor) => block(make(d), s, limit) as never);
  let length = 4;
  while ((await state.status.item()) === 0) {
    const before = performance.now();
    if (compiled === null) state = eagerBlock(make(data), state, length, history, measures);
    else {
      const result = (compiled as unknown as (d: D, s: S, n: Tensor) => Block<S>)(
        data,
        state,
        tensor(length, { dtype: "int32" }),
      );
      state = result.state;
      const count = await result.count.item();
      history.push(...Array.from(await result.history.data()).slice(0, count));
      if (measures && (await result.concluded.item()) === 1) history.push(await state.residual.item());
    }
    onProgress?.({ iterations: await state.iterations.item(), residual: await state.residual.item() });
    const spent = performance.now() - before;
    length = Math.max(1, Math.min(longestBlock, Math.round((length * blockTime) / Math.max(spent, 1))));
    await pause();
    signal?.throwIfAborted();
  }
  return { state, history };
}

interface Block<S> {
  readonly state: S;
  readonly count: Tensor;
  readonly history: Tensor;
  /** bool: whether it ended with a conclusion. */
  readonly concluded: Tensor;
}

/** At most `limit` steps, and the conclusion if no more are due. */
function block<S extends IterationState>(iteration: Iteration<S>, state: S, limit: Tensor): Block<S> {
  const { goesOn, step, conclude } = iteration;
  const places = tensor(Int32Array.from({ length: longestBlock }, (_, i) => i));
  const ran = loop<Omit<Block<S>, "concluded">>(
    (b) => logicalAnd(b.count.less(limit), goesOn(b.state)),
    (b) => {
      const next = step(b.state);
      const here = places.equal(b.count).cast(b.history.dtype);
      return { state: next, count: b.count.add(1), history: b.history.add(here.mul(next.residual)) };
    },
    {
      state,
      count: zeros([], { dtype: "int32" }),
      history: zeros([longestBlock], { dtype: state.residual.dtype }),
    },
  );
  const choose = cond as unknown as (when: Tensor, then: (s: S) => S, otherwise: (s: S) => S, s: S) => S;
  const more = goesOn(ran.state);
  return { ...ran, state: choose(more, (s) => s, conclude, ran.state), concluded: logicalNot(more) };
}

function eagerBlock<S extends IterationState>(
  iteration: Iteration<S>,
  state: S,
  limit: number,
  history: number[],
  measures: boolean,
): S {
  const { goesOn, step, conclude } = iteration;
  let now = state;
  for (let k = 0; k < limit && goesOn(now).itemSync() === 1; k++) {
    now = step(now);
    history.push(now.residual.itemSync());
  }
  if (goesOn(now).itemSync() === 1) return now;
  now = conclude(now);
  if (measures) history.push(now.residual.itemSync());
  return now;
}

/** Lets the event loop turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** The status that a number stands for; a product with NaN is an error. */
export function readStatus(code: number, iterations: number, caller: string): SolveStatus {
  const status = statuses[code - 1];
  if (status === "notFinite") throw notFiniteError(iterations, caller);
  return status;
}

export function notFiniteError(iterations: number, caller: string): DomainError {
  return new DomainError(
    `${caller}: a product of the operator has NaN or an infinity, in step ${iterations} or right after it.`,
  );
}
