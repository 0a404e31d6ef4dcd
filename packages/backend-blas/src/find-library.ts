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

/** A library that was loaded, with its functions under the names that it gives them. */
export interface LoadedLibrary {
  readonly path: string;
  readonly handle: LibraryHandle;
  /** What stands behind the plain names: "" or "64_". */
  readonly suffix: string;
}

/** Suffixes of the names of libraries with 64-bit integers. */
const suffixes = ["", "64_"];

/**
 * The first of `paths` that can be loaded and has CBLAS matrix products.
 *
 * @returns The library, or for each path why it is none.
 */
export function findLibrary(paths: readonly string[]): LoadedLibrary | readonly string[] {
  // An idle OpenBLAS thread spins; 2^4 cycles instead of 2^26 until it sleeps. Read when the library is loaded, so it is set before.
  environment().env.OPENBLAS_THREAD_TIMEOUT ??= "4";
  const reasons: string[] = [];
  for (const path of paths) {
    let handle: LibraryHandle;
    try {
      handle = koffi().load(path);
    } catch {
      reasons.push(`${path}: cannot be loaded`);
      continue;
    }
    const suffix = suffixes.find((s) => has(handle, `cblas_dgemm${s}`) && has(handle, `cblas_idamax${s}`));
    if (suffix !== undefined) return { path, handle, suffix };
    reasons.push(`${path}: has no cblas_dgemm`);
  }
  return reasons;
}

function has(handle: LibraryHandle, name: string): boolean {
  try {
    handle.func(name, "void", []);
    return true;
  } catch {
    return false;
  }
}
