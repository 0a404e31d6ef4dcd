/** Putting a BLAS to work, and taking it away again. */

import { BackendError, DomainError, useExternalProducts } from "@curv/tensor";
import { environment } from "./environment.js";
import { candidates, findLibrary, type LoadedLibrary } from "./find-library.js";
import { integerBits } from "./integer-width.js";
import { libraryProducts } from "./products.js";
import { libraryConfiguration, libraryThreads, setLibraryThreads } from "./threads.js";

export interface BlasOptions {
  /** Path or name of the library. Default: the environment variable `CURV_BLAS`, else the libraries that the system usually has. */
  readonly library?: string;
  /** Threads of the library. Default: what it uses by itself, mostly one for each core. */
  readonly threads?: number;
  /** Go on with Curv's own kernels, and say so once, where there is no library; without it that is an error. Default false. */
  readonly optional?: boolean;
}

/** What is at work. */
export interface BlasDescription {
  readonly library: string;
  /** What the library says of itself, where it says something: version, kernels. */
  readonly configuration: string | null;
  /** Bits of its integers. */
  readonly integers: 32 | 64;
  /** Its threads, or null where it does not tell. */
  readonly threads: number | null;
}

let loaded: LoadedLibrary | null = null;
let noticed = false;

/**
 * Lets a BLAS of the system do the matrix products of tensors on the CPU: eager ones, compiled ones, and the convolutions made of them.
 * Nothing is copied: the library works on the tensors' own memory. Results then repeat only for the same library, thread count and shape.
 *
 * Functions that were compiled before are compiled anew at their next call. With a library, `setThreads` of `@curv/tensor` concerns all
 * other kernels; products run on the library's threads.
 *
 * @returns What is at work; null if there is none and `optional` is set.
 * @throws BackendError if no library can be used and `optional` is not set; it names what was tried.
 * @throws DomainError if `threads` is not a positive integer.
 */
export function registerBlas({ library, threads, optional = false }: BlasOptions = {}): BlasDescription | null {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new DomainError(`registerBlas: threads is ${threads}; wants a positive integer.`);
  }
  const { platform, env } = environment();
  const wanted = library ?? env.CURV_BLAS;
  const found = findLibrary(wanted === undefined || wanted === "" ? (candidates[platform] ?? []) : [wanted]);
  if (!("handle" in found)) {
    const tried = found.length === 0 ? `no library is known for ${platform}` : found.join("; ");
    const remedy = "install OpenBLAS (Debian: libopenblas0, macOS: it has Accelerate), or name a library in CURV_BLAS";
    if (!optional) throw new BackendError(`registerBlas: no BLAS was found: ${tried}; ${remedy}.`);
    if (!noticed) {
      noticed = true;
      // eslint-disable-next-line no-console -- said once; nothing else would tell why products are slower.
      console.warn(`Curv: no BLAS was found, its own kernels do the matrix products; ${remedy}.`);
    }
    return null;
  }
  loaded = found;
  if (threads !== undefined && !setLibraryThreads(found, threads)) {
    throw new BackendError(
      `registerBlas: ${found.path} has no function that sets its threads; use its environment variable.`,
    );
  }
  useExternalProducts(libraryProducts(found, found.path));
  return describeBlas();
}

/** What is at work; null before `registerBlas` and after `unregisterBlas`. */
export function describeBlas(): BlasDescription | null {
  if (loaded === null) return null;
  return {
    library: loaded.path,
    configuration: libraryConfiguration(loaded),
    integers: integerBits(loaded),
    threads: libraryThreads(loaded),
  };
}

/** Goes back to Curv's own products. */
export function unregisterBlas(): void {
  loaded = null;
  useExternalProducts(null);
}
