/** What `gpujs` is asked for, checked before anything is loaded. */

import { DomainError } from "@curv/tensor";
import type { Mode } from "./library.js";

const modes: readonly Mode[] = ["webgpu", "webgl2", "webgl", "webasm", "cpu"];
const switches = ["hostFallback", "fuse", "asynchronous"] as const;

/** Refuses options that are no object, modes that there are not, and switches that are neither true nor false. */
export function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new DomainError(`gpujs: options is ${shown(options)}; wants an object such as { mode: "webasm" }.`);
  const { mode, library, ...others } = options as Readonly<Record<string, unknown>>;
  const wanted: readonly unknown[] = mode === undefined ? modes : Array.isArray(mode) ? mode : [mode];
  if (wanted.length === 0 || !wanted.every((one) => (modes as readonly unknown[]).includes(one)))
    throw new DomainError(`gpujs: mode is ${shown(mode)}; wants one of ${modes.join(", ")}, or a list of some.`);
  for (const name of switches) {
    const value = others[name];
    if (value !== undefined && typeof value !== "boolean")
      throw new DomainError(`gpujs: ${name} is ${shown(value)}; wants true or false.`);
  }
  const parts = library as { GPU?: unknown; input?: unknown } | null | undefined;
  if (library !== undefined && (typeof parts?.GPU !== "function" || typeof parts.input !== "function"))
    throw new DomainError(`gpujs: library is ${shown(library)} without GPU or input; wants the module gpu.js.`);
}

/** A value as it stands in a message. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  try {
    const text = JSON.stringify(value) ?? String(value);
    return text.length > 60 ? `${text.slice(0, 60)}…` : text;
  } catch {
    // Circular, or with a bigint in it.
    return Object.prototype.toString.call(value);
  }
}
