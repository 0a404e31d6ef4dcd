/** How many threads a library uses. Each has a function of its own for it; a library without one decides for itself. */

import type { LoadedLibrary } from "./find-library.js";

/** Names of functions (int) → void and () → int; the last kind takes its environment variable only. */
const setters = [
  "openblas_set_num_threads",
  "MKL_Set_Num_Threads",
  "bli_thread_set_num_threads",
  "flexiblas_set_num_threads",
];
const getters = [
  "openblas_get_num_threads",
  "MKL_Get_Max_Threads",
  "bli_thread_get_num_threads",
  "flexiblas_get_num_threads",
];

function find<T>(
  { handle, symbol }: LoadedLibrary,
  names: readonly string[],
  result: string,
  parameters: readonly string[],
): T | null {
  for (const name of names) {
    for (const called of [symbol(name), name]) {
      try {
        return handle.func(called, result, [...parameters]) as unknown as T;
      } catch {
        // Not this one.
      }
    }
  }
  return null;
}

/** Sets the number of threads; false where the library has no function for it. */
export function setLibraryThreads(library: LoadedLibrary, count: number): boolean {
  const set = find<(n: number) => void>(library, setters, "void", ["int"]);
  set?.(count);
  return set !== null;
}

/** Number of threads, or null where the library does not tell. */
export function libraryThreads(library: LoadedLibrary): number | null {
  return find<() => number>(library, getters, "int", [])?.() ?? null;
}

/** The library's own description of itself, or null. */
export function libraryConfiguration(library: LoadedLibrary): string | null {
  return find<() => string>(library, ["openblas_get_config"], "str", [])?.() ?? null;
}
