/** The conformance suite on the plain JavaScript engine, without a host to fall back to. */

import { conformance } from "@curv/tensor/testing";
import * as tf from "@tensorflow/tfjs";
import { vi } from "vitest";
import { backendFromTfjs } from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

await tf.setBackend("cpu");
await tf.ready();

conformance(backendFromTfjs(tf), { dtypes: ["float32", "int32", "uint32", "bool"], sameBits: false });
