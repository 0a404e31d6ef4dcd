/**
 * What is timed: the time on the wall, or, where CURV_BENCH_CLOCK=cpu, the processor time of the process.
 *
 * On a machine that others use, a process waits for its core most of the time; the processor time leaves that out, though not what the
 * others do to caches and clock rates. It counts all threads of a process, an engine's compiler and collector too, and says nothing
 * about how fast several threads are together: those are always timed by the wall.
 */
export type Clock = "wall" | "cpu";

export const clock: Clock = process.env.CURV_BENCH_CLOCK === "cpu" ? "cpu" : "wall";

/** Seconds since some moment. */
export const seconds: () => number =
  clock === "wall"
    ? () => performance.now() / 1000
    : () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      };
