/** The conformance suite on the WebAssembly engine. */

import { conformance } from "@curv/tensor/testing";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { vi } from "vitest";
import { backendFromTfjs } from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

await tf.setBackend("wasm");
await tf.ready();

conformance(backendFromTfjs(tf), { dtypes: ["float32", "int32", "uint32", "bool"], sameBits: false });
