/** jax-js on its WebAssembly device. Every function consumes its arguments; `.ref` keeps one for later. */

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as Library from "@jax-js/jax";
import { threads } from "../machine.js";

export type Jax = typeof Library;
export type JaxArray = Library.Array;

let started: Promise<{ jax: Jax; description: string }> | undefined;

/** Starts it once a process. */
export function startJax(): Promise<{ readonly jax: Jax; readonly description: string }> {
  return (started ??= start());
}

async function start(): Promise<{ jax: Jax; description: string }> {
  // It asks the browser how many threads to start; Node has had a navigator only since version 21.
  const { navigator } = globalThis as { navigator?: { userAgent?: string } };
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: navigator?.userAgent ?? "Node.js", hardwareConcurrency: threads },
    configurable: true,
  });
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const main = createRequire(import.meta.url).resolve("@jax-js/jax");
  const { version } = JSON.parse(readFileSync(join(dirname(main), "..", "package.json"), "utf8")) as {
    version: string;
  };
  return { jax, description: `jax-js ${version} wasm` };
}

/** An array of the data; float64 wants an engine with Float16Array (Node 24). */
export function jaxArray(jax: Jax, data: Float32Array | Float64Array, shape: readonly number[]): JaxArray {
  return jax.numpy.array(data as Float32Array<ArrayBuffer>).reshape([...shape]);
}
