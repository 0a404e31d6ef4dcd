/** What a long run does now and then. */

/** Milliseconds between turns of the event loop. */
const longestBlock = 30;

/** A function that stops a run if it is asked to, and lets the event loop turn where it has not for a while. */
export function breather(signal: AbortSignal | undefined): () => Promise<void> {
  let rested = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - rested < longestBlock) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    rested = performance.now();
  };
}
