/** The engines that the tests run on: those of `@tensorflow/tfjs`, and a native one where there is one. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { backendFromTfjs, type TfjsBackend, type TfjsBackendOptions, type TfjsModule } from "../src/index.js";

/** `native` is that of `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`, in the folder that CURV_TFJS_NODE names. */
export const engines = ["cpu", "wasm", "native"] as const;
export type EngineName = (typeof engines)[number];

const folder = process.env.CURV_TFJS_NODE;

/** Why an engine cannot be had; undefined if it can. */
export function whyNot(engine: EngineName): string | undefined {
  if (engine !== "native" || folder) return undefined;
  return "CURV_TFJS_NODE does not name the folder of an @tensorflow/tfjs-node with its binding; the README says how to build one";
}

/** The module of TensorFlow.js with that engine active. */
export async function moduleOf(engine: EngineName): Promise<typeof tf> {
  if (engine === "native") {
    const native = (await import(pathToFileURL(join(folder!, "dist", "index.js")).href)) as typeof tf;
    await native.setBackend("tensorflow");
    return native;
  }
  if (engine === "wasm") await import("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend(engine);
  return tf;
}

export async function open(engine: EngineName, options: TfjsBackendOptions = {}): Promise<TfjsBackend> {
  return backendFromTfjs((await moduleOf(engine)) as TfjsModule, options);
}
