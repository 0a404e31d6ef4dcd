/** What a long computation tells of itself. */

import type { Part } from "./settings.js";

export interface Progress {
  readonly part: Part;
  readonly stage: string;
  /** Of the stage, in [0, 1]; 1 once, at its end. */
  readonly fraction: number;
  readonly text: string;
}

export interface Watch {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export type Report = (fraction: number, text: string) => void;

/** Runs a stage of a part: reports its beginning, what it reports itself, and its end with a summary. */
export async function stage<T>(
  { signal, onProgress }: Watch,
  part: Part,
  name: string,
  work: (report: Report) => Promise<T>,
  summary: (result: T) => string,
): Promise<T> {
  signal?.throwIfAborted();
  const report: Report = (fraction, text) =>
    onProgress?.({ part, stage: name, fraction: Math.min(fraction, 0.99), text });
  report(0, "");
  const result = await work(report);
  onProgress?.({ part, stage: name, fraction: 1, text: summary(result) });
  return result;
}
