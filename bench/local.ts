/** Contenders that run in this process. */

import { Tensor } from "@curv/tensor";
import { seconds } from "./clock.js";
import type { Contender } from "./comparison.js";

/** Keeps results alive until the next call, as a program would, so that no engine can drop the work. */
const kept: { value: unknown } = { value: null };

/** Curv's tensors are freed like those of the peers, which count references or want it said. */
function dispose(result: unknown): void {
  kept.value = result;
  if (result instanceof Tensor) result.dispose();
  else if (Array.isArray(result)) result.forEach(dispose);
}

/**
 * @param call - One call of what is timed.
 * @param read - The numbers of its result, for the check.
 * @param release - Frees a result; part of the time.
 */
export function local<R>(
  name: string,
  call: () => R,
  read: (result: R) => readonly number[] | Promise<readonly number[]>,
  release: (result: R) => void = dispose,
): Contender {
  return {
    name,
    values: () => read(call()),
    time: (n) => {
      const start = seconds();
      for (let i = 0; i < n; i++) release(call());
      return seconds() - start;
    },
  };
}
