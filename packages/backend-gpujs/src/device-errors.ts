/**
 * What a WebGPU device says of calls afterwards. An allocation that fails or a command that is refused throws nothing: the results are zeros,
 * and the error belongs to a scope that is answered later. Here it becomes the error of the arrays concerned.
 */

/** The part of a `GPUDevice` that tells of errors. */
interface ScopedDevice {
  pushErrorScope(filter: "out-of-memory" | "validation" | "internal"): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  readonly queue: { onSubmittedWorkDone(): Promise<unknown> };
}

/** Calls after which the device is waited for, once those before them are done: at most twice as many are under way. */
const callsAtOnce = 128;

export class DeviceErrors {
  private device: ScopedDevice | null = null;
  /** Settled when the device has answered for every call so far. */
  private answered: Promise<void> = Promise.resolve();
  private calls = 0;
  /** Settled when what was under way at the last count is done. */
  private done: Promise<unknown> = Promise.resolve();

  /** From here on the device of a context of gpu.js is asked. Other contexts have none. */
  watch(context: unknown): void {
    const { device } = (context ?? {}) as { readonly device?: Partial<ScopedDevice> };
    if (typeof device?.pushErrorScope === "function") this.device = device as ScopedDevice;
  }

  /**
   * Calls the device. What it said of the call is noted when it is known, and in the order of calls, so that what is computed from a failed
   * array can be known as such. Scopes are a stack: this works because gpu.js hands over its commands right before its promise is kept.
   */
  call<T>(f: () => T | Promise<T>, note: (error: Error | null, result: T | undefined) => void): T | Promise<T> {
    const { device } = this;
    if (device === null) return f();
    if (++this.calls > callsAtOnce) {
      this.calls = 0;
      const before = this.done;
      this.done = Promise.all([this.answered, device.queue.onSubmittedWorkDone().catch(() => undefined)]);
      return before.then(() => this.call(f, note));
    }
    for (const filter of filters) device.pushErrorScope(filter);
    const result = (async () => f())();
    const answer = result.then(pop, pop);
    const before = this.answered;
    this.answered = (async () => {
      await before;
      const error = await (await answer)();
      note(error, await result.catch(() => undefined));
    })();
    return result;

    function pop(): () => Promise<Error | null> {
      const scopes = filters.map(() => device!.popErrorScope().catch(() => null));
      return async () => {
        const [memory, internal, validation] = await Promise.all(scopes);
        if (memory !== null) return new Error(`out of memory: ${memory.message}`, { cause: memory });
        const other = validation ?? internal;
        return other === null ? null : new Error(other.message, { cause: other });
      };
    }
  }

  /** Waits for what the device says of every call so far. */
  async settled(): Promise<void> {
    await this.answered;
  }
}

/** The innermost last. */
const filters = ["validation", "internal", "out-of-memory"] as const;
