/** The page: opens a mode, and runs what it is told to. */

import { conformance } from "@curv/tensor/testing";
import { gpujs, type GpujsBackend, type Mode } from "../../src/index.js";
import { runCollected, type Outcome } from "./vitest-in-page.js";

/** What a page reports. */
export interface Report {
  readonly describe: string;
  readonly outcomes: readonly Outcome[];
}

let backend: GpujsBackend | null = null;

const page = {
  /** The primitives' conformance, all of them if `only` is null. */
  async conformance(mode: Mode, only: readonly string[] | null): Promise<Report> {
    backend ??= await gpujs({ mode });
    conformance(backend, { dtypes: ["float32", "int32", "uint32", "bool"], tolerance: 4, ...(only !== null && { only }) });
    const outcomes = await runCollected();
    return { describe: backend.describe(), outcomes };
  },
};

Object.assign(globalThis, { page });
