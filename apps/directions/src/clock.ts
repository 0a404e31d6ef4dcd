/** What is counted as time. */

/** Milliseconds of processor time, of all threads: what a machine that is busy with other work does not change. */
export async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
