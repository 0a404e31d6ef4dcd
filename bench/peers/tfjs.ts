/** TensorFlow.js on its WebAssembly backend (its plain CPU engine where that does not start). float32 only. */

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type * as Core from "@tensorflow/tfjs-core";
import type * as Wasm from "@tensorflow/tfjs-backend-wasm";
import { threads } from "../machine.js";

export type Tfjs = typeof Core;

let started: Promise<{ tf: Tfjs; description: string }> | undefined;

/** Starts it once a process. */
export function startTfjs(): Promise<{ readonly tf: Tfjs; readonly description: string }> {
  return (started ??= start());
}

/**
 * For Node the core comes without its gradients, which only its modules for bundlers register; the package that has all, with layers,
 * converters and a command line, would be ten times as large. So it is bundled here, as for a browser.
 */
const entry = `
  export * as tf from "@tensorflow/tfjs-core";
  import "@tensorflow/tfjs-core/dist/register_all_gradients";
  import "@tensorflow/tfjs-backend-cpu";
  export * as wasm from "@tensorflow/tfjs-backend-wasm";
`;

async function start(): Promise<{ tf: Tfjs; description: string }> {
  const here = fileURLToPath(new URL("..", import.meta.url));
  const require = createRequire(import.meta.url);
  // Resolving it first tells a package that is not installed from a bundle that fails.
  const wasmFolder = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  const outfile = join(here, ".cache", "tfjs.cjs");
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    stdin: { contents: entry, resolveDir: here },
    bundle: true,
    platform: "node",
    mainFields: ["module", "main"],
    format: "cjs",
    outfile,
    logLevel: "error",
  });
  const { tf, wasm } = require(outfile) as { tf: Tfjs; wasm: typeof Wasm };
  try {
    wasm.setWasmPaths(join(wasmFolder, sep));
    wasm.setThreadsCount(threads);
    await tf.setBackend("wasm");
  } catch {
    await tf.setBackend("cpu");
  }
  await tf.ready();
  return { tf, description: `tfjs ${tf.version_core} ${tf.getBackend()}` };
}
