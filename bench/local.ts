/** Contenders that run in this process. */

import { seconds } from "./clock.js";
import type { Contender } from "./comparison.js";

/** Keeps results alive until the next call, as a program would, so that no engine can drop the work. */
const kept: { value: unknown } = { value: null };

/**
 * @param call - One call of what is timed.
 * @param read - The numbers of its result, for the check.
 * @param release - Frees a result; part of the time, where a library wants it.
 */
export function local<R>(
  name: string,
  call: () => R,
  read: (result: R) => readonly number[] | Promise<readonly number[]>,
  release?: (result: R) => void,
): Contender {
  return {
    name,
    values: () => read(call()),
    time: (n) => {
      const start = seconds();
      if (release === undefined) for (let i = 0; i < n; i++) kept.value = call();
      else for (let i = 0; i < n; i++) release(call());
      return seconds() - start;
    },
  };
}
