/** Node's `process`, as far as this package needs it: without Node's types, which the published declarations must not ask for. */

import type * as Koffi from "koffi";
import { CudaError } from "./errors.js";

export interface FileSystem {
  existsSync(path: string): boolean;
  readdirSync(path: string): string[];
  readFileSync(path: string): Uint8Array;
  writeFileSync(path: string, data: Uint8Array | string): void;
  renameSync(from: string, to: string): void;
  mkdirSync(path: string, options: { recursive: true }): void;
  unlinkSync(path: string): void;
  statSync(path: string): { readonly size: number; readonly mtimeMs: number };
  utimesSync(path: string, accessed: Date, modified: Date): void;
}

interface Hash {
  update(data: Uint8Array | string): Hash;
  digest(encoding: "hex"): string;
}

interface BuiltinModules {
  "node:module": { createRequire(from: string): (name: string) => unknown };
  "node:fs": FileSystem;
  "node:crypto": { createHash(algorithm: "sha256"): Hash };
  "node:os": { homedir(): string };
}

export interface Environment {
  getBuiltinModule<N extends keyof BuiltinModules>(name: N): BuiltinModules[N];
  readonly platform: string;
  readonly arch: string;
  readonly pid: number;
  readonly env: Record<string, string | undefined>;
}

/** Read when it is needed: importing the package must not fail where there is no Node. */
export function environment(): Environment {
  const { process } = globalThis as unknown as { process?: Environment };
  if (process?.getBuiltinModule === undefined) {
    throw new CudaError("cuda: native libraries are called from Node.js ≥ 20.19; there is none here.");
  }
  return process;
}

export function fileSystem(): FileSystem {
  return environment().getBuiltinModule("node:fs");
}

let loaded: typeof Koffi | null = null;

/** The package that calls native libraries. It wants Node as soon as it is loaded, so that happens at first use. */
export function koffi(): typeof Koffi {
  try {
    loaded ??= environment()
      .getBuiltinModule("node:module")
      .createRequire(import.meta.url)("koffi") as typeof Koffi;
  } catch (error) {
    throw new CudaError(
      `cuda: the npm package koffi cannot be loaded (${String(error).split("\n")[0]}); install it, and keep it and @curv/backend-cuda out of bundles.`,
    );
  }
  return loaded;
}
