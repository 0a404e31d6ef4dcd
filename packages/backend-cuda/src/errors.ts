/** What can go wrong between here and the card: one error, with the code of the library that refused. */

import { BackendError } from "@curv/tensor";

/** The call that a library refused. */
export interface RefusedCall {
  /** Function of the library: `cuMemAllocAsync`. */
  readonly call: string;
  /** What it returned. */
  readonly result: number;
  /** The library's name of that: `CUDA_ERROR_OUT_OF_MEMORY`. */
  readonly resultName: string;
}

/** An error of the CUDA backend. Its `code` is that of every `BackendError`; what a library said is in `refused`. */
export class CudaError extends BackendError {
  constructor(
    message: string,
    /** The call that failed, if it was one. */
    readonly refused: RefusedCall | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What helps, for the results that users meet. */
const hints: Readonly<Record<number, string>> = {
  2: "out of device memory: dispose tensors, or bound them with tidy or using",
  34: "a stub of the driver was loaded: remove folders named stubs from the loader's path",
  36: "the call needs a newer driver",
  100: "the driver sees no device: look at nvidia-smi and CUDA_VISIBLE_DEVICES",
  101: "there is no device of that number",
  201: "no context is current on this thread: use a backend only on the thread that opened it",
  209: "the compiled kernel is for another card: clear the cubin cache",
  218: "the driver refused the PTX",
  222: "the PTX is newer than the driver: update the driver",
  500: "the library has no such symbol: it is older than this package expects",
  701: "too many registers or too much shared memory for the block",
  716: "a misaligned address",
  719: "a kernel failed on the device",
  802: "the system is not ready: is the fabric manager running?",
  803: "the driver and its library differ in version: restart after the update",
};

/** Results after which a context is dead and the process must start anew. */
const sticky: ReadonlySet<number> = new Set([214, 220, 700, 710, 714, 715, 716, 717, 718, 719]);

export function isSticky(result: number): boolean {
  return sticky.has(result);
}

/** The error for a call that returned `result`. */
export function refusedCall(call: string, result: number, resultName: string): CudaError {
  const hint = hints[result] ?? (result >= 900 && result <= 908 ? "not allowed while a stream is captured" : null);
  return new CudaError(`cuda: ${call} returned ${result} (${resultName})${hint === null ? "" : `: ${hint}`}.`, {
    call,
    result,
    resultName,
  });
}
