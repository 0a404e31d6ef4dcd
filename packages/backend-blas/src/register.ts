/** Putting a BLAS and its LAPACK to work, and taking it away again. */

import { BackendError, DomainError, useExternalFactorisations, useExternalProducts } from "@curv/tensor";
import { environment } from "./environment.js";
import { lapackRoutines, libraryFactorisations } from "./factorisations.js";
import { candidates, findLibrary, has, lapackCandidates, type LoadedLibrary } from "./find-library.js";
import { integerBits } from "./integer-width.js";
import { libraryProducts } from "./products.js";
import { libraryConfiguration, libraryThreads, setLibraryThreads } from "./threads.js";

export interface BlasOptions {
  /** Path or name of the library. Default: the environment variable `CURV_BLAS`, else the libraries that the system usually has. */
  readonly library?: string;
  /**
   * Path or name of the LAPACK, whose integers must be those of the BLAS. Default: the environment variable `CURV_LAPACK`, else the
   * library of the BLAS if it has one (OpenBLAS, MKL and Accelerate have), else the system's.
   */
  readonly lapack?: string;
  /** Threads of the library. Default: what it uses by itself, mostly one for each core. */
  readonly threads?: number;
  /** Go on with Curv's own kernels, and say so once, where there is no library; without it that is an error. Default false. */
  readonly optional?: boolean;
}

/** What is at work. */
export interface BlasDescription {
  readonly library: string;
  /** Which library does the factorisations; null where there is no LAPACK and they are Curv's own. */
  readonly lapack: string | null;
  /** What the library says of itself, where it says something: version, kernels. */
  readonly configuration: string | null;
  /** Bits of its integers. */
  readonly integers: 32 | 64;
  /** Its threads, or null where it does not tell. */
  readonly threads: number | null;
}

let loaded: LoadedLibrary | null = null;
let loadedLapack: LoadedLibrary | null = null;
let noticed = false;

/**
 * Lets a BLAS of the system do the matrix products of tensors on the CPU (eager ones, compiled ones, and the convolutions made of them), and
 * its LAPACK the factorisations. Products work on the tensors' own memory, without copies. Results then repeat only for the same library, thread count and shape.
 *
 * Functions that were compiled before are compiled anew at their next call. With a library, `setThreads` of `@curv/tensor` concerns all
 * other kernels; products run on the library's threads.
 *
 * @returns What is at work; null if there is none and `optional` is set.
 * @throws BackendError if no library can be used and `optional` is not set; it names what was tried.
 * @throws DomainError if `threads` is not a positive integer.
 */
export function registerBlas({ library, lapack, threads, optional = false }: BlasOptions = {}): BlasDescription | null {
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
  const foundLapack = findLapack(found, lapack ?? env.CURV_LAPACK);
  loaded = found;
  loadedLapack = foundLapack;
  if (threads !== undefined && !setLibraryThreads(found, threads)) {
    throw new BackendError(
      `registerBlas: ${found.path} has no function that sets its threads; use its environment variable.`,
    );
  }
  useExternalProducts(libraryProducts(found, found.path));
  useExternalFactorisations(
    foundLapack === null ? null : libraryFactorisations(foundLapack, integerBits(found), foundLapack.path),
  );
  return describeBlas();
}

/** @throws BackendError if a LAPACK was named and is none. */
function findLapack(blas: LoadedLibrary, named: string | undefined): LoadedLibrary | null {
  if (named !== undefined && named !== "") {
    const found = findLibrary([named], lapackRoutines);
    if ("handle" in found) return found;
    throw new BackendError(`registerBlas: no LAPACK was found: ${found.join("; ")}; name another one in CURV_LAPACK.`);
  }
  if (lapackRoutines.every((name) => has(blas.handle, blas.symbol(name)))) return blas;
  // Not told apart by asking: the system's is built with 32 bits.
  if (integerBits(blas) === 64) return null;
  const found = findLibrary(lapackCandidates[environment().platform] ?? [], lapackRoutines);
  return "handle" in found ? found : null;
}

/** What is at work; null before `registerBlas` and after `unregisterBlas`. */
export function describeBlas(): BlasDescription | null {
  if (loaded === null) return null;
  return {
    library: loaded.path,
    lapack: loadedLapack?.path ?? null,
    configuration: libraryConfiguration(loaded),
    integers: integerBits(loaded),
    threads: libraryThreads(loaded),
  };
}

/** Goes back to Curv's own products and factorisations. */
export function unregisterBlas(): void {
  loaded = loadedLapack = null;
  useExternalProducts(null);
  useExternalFactorisations(null);
}
