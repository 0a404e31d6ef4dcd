/** What every long-running solver shares: it can be watched and stopped, and lets other work go on. */

import { jit, tensor, type Tensor } from "@curv/tensor";

export interface Driver<Progress> {
  /** Stops the solver: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Reports, gives the event loop a turn, and stops if asked to. */
export async function breathe<Progress>({ signal, onProgress }: Driver<Progress>, progress: Progress): Promise<void> {
  onProgress?.(progress);
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}

/** The same for steps that may be short: every one is reported, but a turn, which costs a millisecond, is given every `interval` of them only. */
export function breather<Progress>(driver: Driver<Progress>, interval = 20): (progress: Progress) => Promise<void> {
  let last = performance.now();
  return async (progress) => {
    if (performance.now() - last < interval) {
      driver.onProgress?.(progress);
      driver.signal?.throwIfAborted();
      return;
    }
    await breathe(driver, progress);
    last = performance.now();
  };
}

/** What an iteration tells of itself after each block of steps. */
export interface BlockProgress {
  readonly iterations: number;
  readonly residual: number;
}

/** Where a block of steps of a traceable iteration ended. */
export interface BlockEnd<State> {
  readonly state: State;
  /** Scalar int32: steps of this block. */
  readonly iterations: Tensor;
  readonly residual: Tensor;
}

export interface BlockOptions extends Driver<BlockProgress> {
  readonly tol: number;
  readonly maxIter: number;
  /** Steps of a block. */
  readonly block: number;
}

/**
 * Runs a traceable iteration in compiled blocks of steps.
 *
 * @param run - At most `limit` (int32) steps from a state, a tree of tensors; all data that it closes over are constants.
 */
export async function inBlocks<State>(
  run: (state: State, limit: Tensor) => BlockEnd<State>,
  start: State,
  options: BlockOptions,
): Promise<{
  readonly state: State;
  readonly iterations: number;
  readonly residual: number;
  readonly history: BlockProgress[];
}> {
  const { tol, maxIter, block } = options;
  options.signal?.throwIfAborted();
  const compiled = jit(run as never) as unknown as typeof run;
  const history: BlockProgress[] = [];
  let [state, iterations, residual] = [start, 0, Infinity];
  while (residual > tol && iterations < maxIter) {
    const end = compiled(state, tensor(Math.min(block, maxIter - iterations), { dtype: "int32" }));
    state = end.state;
    residual = await end.residual.item();
    const steps = await end.iterations.item();
    iterations += steps;
    history.push({ iterations, residual });
    await breathe(options, history[history.length - 1]);
    // NaN, or an iteration that cannot go on.
    if (steps === 0) break;
  }
  return { state, iterations, residual, history };
}
