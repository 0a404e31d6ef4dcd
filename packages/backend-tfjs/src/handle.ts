/** What a Curv tensor on this backend holds: a tensor of the engine, or an array that has not needed to go there. */

import type { DType, TypedArray } from "@curv/tensor";
import { everyInt32, type Range } from "./integers.js";
import type { TfjsTensor } from "./tfjs.js";

/**
 * A handle belongs to one Curv tensor. Single numbers, uint32 words and integers that the engine would round stay on the host (`array`) until a kernel of the engine wants them;
 * everything else lives in the engine (`tensor`).
 */
export interface Handle {
  readonly dtype: DType;
  readonly array: TypedArray | null;
  /** Null after `free`, and for what is on the host. Of float32 for an int32 whose size is unknown, where the engine's integers are floats. */
  tensor: TfjsTensor | null;
  /** What all elements lie in, if they are int32. */
  range: Range;
}

/**
 * Frees what nobody disposed. Only a safety net: the engine's memory is invisible to the garbage collector, and nothing is collected inside a
 * synchronous loop; `tidy` and `using` are what bounds it.
 */
const forgotten = /* @__PURE__ */ new FinalizationRegistry<TfjsTensor>((tensor) => {
  if (!tensor.isDisposed) tensor.dispose();
});

/** The handle of an array on the host. */
export function onHost(array: TypedArray, dtype: DType, range: Range = everyInt32): Handle {
  return { dtype, array, tensor: null, range };
}

/** The handle of a tensor in the engine, which it owns. */
export function inEngine(tensor: TfjsTensor, dtype: DType, range: Range = everyInt32): Handle {
  const handle: Handle = { dtype, array: null, tensor, range };
  forgotten.register(handle, tensor, handle);
  return handle;
}

/** Gives the memory back to the engine. */
export function release(handle: Handle): void {
  if (handle.tensor === null) return;
  forgotten.unregister(handle);
  if (!handle.tensor.isDisposed) handle.tensor.dispose();
  handle.tensor = null;
}
