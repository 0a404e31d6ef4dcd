/** Finding the system's BLAS: which files are tried, and which of them is one. */

import type { LibraryHandle } from "koffi";
import { environment, koffi } from "./environment.js";

/** Names in the order in which they are tried: fast libraries first, then what the system calls its BLAS. */
export const candidates: Readonly<Record<string, readonly string[]>> = {
  linux: [
    "libopenblas.so.0",
    "libopenblas.so",
    "libmkl_rt.so.2",
    "libmkl_rt.so",
    "libflexiblas.so.3",
    "libblis.so.4",
    "libcblas.so.3",
    "libblas.so.3",
  ],
  darwin: [
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
  ],
  win32: ["libopenblas.dll", "mkl_rt.2.dll"],
};

/** Where LAPACK is, in the order in which it is looked for, if it is not in the library of the BLAS. */
export const lapackCandidates: Readonly<Record<string, readonly string[]>> = {
  linux: ["liblapack.so.3"],
};

/** A library that was loaded, with its functions under the names that it gives them. */
export interface LoadedLibrary {
  readonly path: string;
  readonly handle: LibraryHandle;
  /** What it calls a function of the standard. */
  readonly symbol: (name: string) => string;
}

/** The plain names; those of libraries with 64-bit integers; those of the OpenBLAS that comes with NumPy. */
const namings = /* @__PURE__ */ ["", "64_"].flatMap((suffix) =>
  ["", "scipy_"].map(
    (prefix) =>
      (name: string): string =>
        prefix + name + suffix,
  ),
);

/**
 * The first of `paths` that can be loaded and has all of `functions`.
 *
 * @param functions - Default: CBLAS's products.
 * @returns The library, or for each path why it is none.
 */
export function findLibrary(
  paths: readonly string[],
  functions: readonly string[] = ["cblas_dgemm", "cblas_idamax"],
): LoadedLibrary | readonly string[] {
  // An idle OpenBLAS thread spins; 2^4 cycles instead of 2^26 until it sleeps. Read when the library is loaded, so it is set before.
  environment().env.OPENBLAS_THREAD_TIMEOUT ??= "4";
  const { load } = koffi();
  const reasons: string[] = [];
  for (const path of paths) {
    let handle: LibraryHandle;
    try {
      handle = load(path);
    } catch {
      reasons.push(`${path}: cannot be loaded`);
      continue;
    }
    const symbol = namings.find((named) => functions.every((name) => has(handle, named(name))));
    if (symbol !== undefined) return { path, handle, symbol };
    reasons.push(`${path}: has no ${functions[0]}`);
  }
  return reasons;
}

/** Whether a library has a function. */
export function has(handle: LibraryHandle, name: string): boolean {
  try {
    handle.func(name, "void", []);
    return true;
  } catch {
    return false;
  }
}
