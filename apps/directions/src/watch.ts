/** What a long computation tells of itself, and how it is stopped. */

export interface Watch {
  readonly signal?: AbortSignal | undefined;
  /** A line for each thing that is done. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** Lets the event loop run, so that Ctrl-C gets its turn; throws the signal's reason when it is aborted. */
export async function breathe({ signal }: Watch): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/** Tells what was done. */
export async function told(watch: Watch, line: string): Promise<void> {
  watch.onProgress?.(line);
  await breathe(watch);
}
