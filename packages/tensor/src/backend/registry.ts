/** Which backends there are, and which one new tensors live on. */

import { cpu } from "../cpu/backend.js";
import { BackendError } from "../errors.js";
import type { Backend } from "./backend.js";

const registered = /* @__PURE__ */ new Map<string, Backend>();
let defaultBackend: Backend | null = null;

/** Makes a backend known by its name. Backend packages export a function that calls this; nothing registers itself by being imported. */
export function registerBackend(backend: Backend): void {
  registered.set(backend.name, backend);
}

/**
 * The backend of that name, or the backend itself.
 *
 * @throws BackendError for a name that is not registered, and for what is neither a name nor a backend.
 */
export function getBackend(backend: string | Backend): Backend {
  if (typeof backend !== "string") {
    if (typeof (backend as Partial<Backend> | null | undefined)?.run === "function") return backend;
    throw new BackendError(`backend is ${String(backend)}; wants the name of one that is registered, or a backend.`);
  }
  if (backend === cpu.name) return cpu;
  const found = registered.get(backend);
  if (found === undefined) {
    // What follows a hyphen is an engine or a mode of the package's.
    const [family] = backend.split("-");
    throw new BackendError(`backend "${backend}" is not registered; import "@curv/backend-${family}" and call use().`);
  }
  return found;
}

/** Backend of tensors made from here on. */
export function currentBackend(): Backend {
  return defaultBackend ?? cpu;
}

/** Makes `backend` the default for new tensors and, if it is an instance, known by its name. Existing tensors stay where they are. */
export function use(backend: string | Backend): void {
  const found = getBackend(backend);
  if (found !== cpu) registerBackend(found);
  defaultBackend = found;
}

/** Names of the backends that can be used now. */
export function backends(): readonly string[] {
  return [cpu.name, ...registered.keys()];
}
