/** What every long-running solver shares: it can be watched and stopped, and lets other work go on. */

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
