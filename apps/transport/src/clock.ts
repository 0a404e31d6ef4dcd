/** What is counted as time. */

/** `wall`: what a clock on the wall shows. `cpu`: processor time of this process, for machines that others keep busy. */
export type ClockKind = "wall" | "cpu";

/** Starts a clock; the function that it returns gives the seconds since. */
export function startClock(kind: ClockKind): () => number {
  if (kind === "wall") {
    const start = performance.now();
    return () => (performance.now() - start) / 1000;
  }
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
}
