/** What a long computation tells of itself, and how it is stopped. */

export interface Watch {
  readonly signal?: AbortSignal | undefined;
  /** A line for each thing that is done. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** Tells what was done, and lets the event loop run, so that Ctrl-C gets its turn. */
export async function told({ signal, onProgress }: Watch, line: string): Promise<void> {
  onProgress?.(line);
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
