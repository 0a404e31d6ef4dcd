/** What a long computation tells of itself, and how it is stopped. */

import { breathe } from "app-frame";

export interface Watch {
  readonly signal?: AbortSignal | undefined;
  /** A line for each thing that is done. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** Tells what was done. */
export async function told(watch: Watch, line: string): Promise<void> {
  watch.onProgress?.(line);
  await breathe(watch.signal);
}
