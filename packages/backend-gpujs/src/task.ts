/** Work that may have to wait for the device: written once, run at once where it need not. */

/** Yields what it waits for. */
export type Task<T> = Generator<Promise<unknown>, T, unknown>;

/** The value of x when it is there. */
export function* settled<T>(x: T | Promise<T>): Task<T> {
  return isPromise(x) ? ((yield x) as T) : x;
}

/** Runs a task that never waits. */
export function runNow<T>(task: Task<T>): T {
  const step = task.next();
  if (step.done !== true) throw new Error("backend-gpujs: a synchronous mode had to wait.");
  return step.value;
}

export async function runLater<T>(task: Task<T>): Promise<T> {
  let step = task.next();
  while (step.done !== true) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = task.throw(error);
      continue;
    }
    step = task.next(value);
  }
  return step.value;
}

export function isPromise<T>(x: T | Promise<T>): x is Promise<T> {
  return typeof x === "object" && x !== null && typeof (x as { then?: unknown }).then === "function";
}
