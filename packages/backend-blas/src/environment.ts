/** Node's `process`, as far as this package needs it: without Node's types, which the published declarations must not ask for. */

import { BackendError } from "@curv/tensor";
import type * as Koffi from "koffi";

export interface Environment {
  getBuiltinModule(name: "node:module"): { createRequire(from: string): (name: string) => unknown };
  readonly platform: string;
  readonly env: Record<string, string | undefined>;
}

/** Read when it is needed: importing the package must not fail where there is no Node. */
export function environment(): Environment {
  return (globalThis as unknown as { process: Environment }).process;
}

let loaded: typeof Koffi | null = null;

/**
 * The package that calls native libraries. It wants Node as soon as it is loaded, so that happens at first use.
 *
 * @throws BackendError if it cannot be loaded from where this package is.
 */
export function koffi(): typeof Koffi {
  try {
    loaded ??= environment()
      .getBuiltinModule("node:module")
      .createRequire(import.meta.url)("koffi") as typeof Koffi;
  } catch (error) {
    throw new BackendError(
      `registerBlas: the npm package koffi cannot be loaded (${String(error).split("\n")[0]}); install it, and keep it and @curv/backend-blas out of bundles.`,
    );
  }
  return loaded;
}
