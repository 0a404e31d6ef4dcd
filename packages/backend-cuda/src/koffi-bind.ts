/** Functions of a native library as functions that throw. */

import type { LibraryHandle } from "koffi";
import { CudaError } from "./errors.js";

/** What is passed to a native function: handles and addresses are BigInt, room for results is a typed array. */
export type NativeArgument = number | bigint | string | null | ArrayBufferView | readonly string[];

/** Returns what the native function returns. */
export type NativeFunction = (...args: NativeArgument[]) => number;

/** Argument types of the functions of a library. All of them return an int. */
export type Signatures = Readonly<Record<string, readonly string[]>>;

/** The functions of `signatures`; one that the library lacks is an error when it is called, not before. */
export function bindAll<S extends Signatures>(
  handle: LibraryHandle,
  path: string,
  signatures: S,
): Record<keyof S, NativeFunction> {
  const bound: Record<string, NativeFunction> = {};
  for (const [name, types] of Object.entries(signatures)) {
    try {
      bound[name] = handle.func(name, "int", [...types]) as unknown as NativeFunction;
    } catch {
      bound[name] = () => {
        throw new CudaError(`cuda: ${path} has no function ${name}; it is older than this package expects.`);
      };
    }
  }
  return bound as Record<keyof S, NativeFunction>;
}

/** Whether a library has a function that came with a later version than the oldest one that is used. */
export function hasFunction(handle: LibraryHandle, name: string): boolean {
  try {
    handle.func(name, "int", []);
    return true;
  } catch {
    return false;
  }
}

/** The functions of `bound`, each throwing what `refuse` makes of a result that is not 0. Nothing is formatted on success. */
export function checked<N extends string>(
  bound: Readonly<Record<N, NativeFunction>>,
  refuse: (call: N, result: number) => Error,
): Record<N, (...args: NativeArgument[]) => void> {
  const calls: Partial<Record<N, (...args: NativeArgument[]) => void>> = {};
  for (const name of Object.keys(bound) as N[]) {
    const call = bound[name];
    calls[name] = (...args) => {
      const result = call(...args);
      if (result !== 0) throw refuse(name, result);
    };
  }
  return calls as Record<N, (...args: NativeArgument[]) => void>;
}
