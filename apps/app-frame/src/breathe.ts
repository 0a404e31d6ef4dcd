/** Long computations that stay interruptible. */

/** Lets the event loop run, so that Ctrl-C and timers get their turn; throws the signal's reason when it is aborted. */
export async function breathe(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
