/** Calling the Fortran routines of a LAPACK: everything is passed by address. */

import type { LoadedLibrary } from "./find-library.js";

export type FortranArgument = Float64Array | Int32Array | BigInt64Array | null;

/** The integers of a library. */
export interface FortranIntegers {
  /** One integer, to be read or to be written. */
  one(value: number): Int32Array | BigInt64Array;
  /** Room for `length` of them. */
  many(length: number): Int32Array | BigInt64Array;
}

export function fortranIntegers(bits: 32 | 64): FortranIntegers {
  return bits === 32
    ? { one: (value) => Int32Array.of(value), many: (length) => new Int32Array(length) }
    : { one: (value) => BigInt64Array.of(BigInt(value)), many: (length) => new BigInt64Array(length) };
}

/**
 * The routine `name`, which takes `letters` characters first and then `count` addresses.
 *
 * Behind its arguments a Fortran routine gets the length of each character; C passes none, and what is passed in vain does no harm.
 */
export function fortranRoutine(
  library: LoadedLibrary,
  name: string,
  letters: number,
  count: number,
): (options: string, ...args: FortranArgument[]) => void {
  const routine = library.handle.func(library.symbol(name), "void", [
    ...new Array<string>(letters + count).fill("void *"),
    ...new Array<string>(letters).fill("size_t"),
  ]) as unknown as (...args: unknown[]) => void;
  const ones = new Array<number>(letters).fill(1);
  return (options, ...args) => {
    if (options.length !== letters || args.length !== count) {
      throw new TypeError(
        `${name}: takes ${letters} letters and ${count} arrays; got ${options.length} and ${args.length}.`,
      );
    }
    routine(...Array.from(options, (letter) => Uint8Array.of(letter.charCodeAt(0))), ...args, ...ones);
  };
}
