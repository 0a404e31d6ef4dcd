/** What a worker thread loads to do its part of a batch of matrices. */

import { choleskyPrimitive } from "../primitives/linalg/cholesky.js";
import { eigPrimitive } from "../primitives/linalg/eig.js";
import { eighPrimitive } from "../primitives/linalg/eigh.js";
import { expmDerivativePrimitive, expmPrimitive } from "../primitives/linalg/expm.js";
import { luPrimitive } from "../primitives/linalg/lu.js";
import { qrPrimitive } from "../primitives/linalg/qr.js";
import { svdPrimitive } from "../primitives/linalg/svd.js";
import { triangularSolvePrimitive } from "../primitives/linalg/triangular-solve.js";
import type { Primitive } from "../primitives/primitive.js";
import { decodeJob, runBatch } from "./batch-job.js";

const primitives: readonly Primitive[] = [
  choleskyPrimitive, eigPrimitive, eighPrimitive, expmPrimitive, expmDerivativePrimitive, luPrimitive, qrPrimitive, svdPrimitive,
  triangularSolvePrimitive,
]; // prettier-ignore

/** Here, where `setThreads` is never called, a lowering works alone. */
export function program(memory: WebAssembly.Memory): {
  readonly kernel0: (base: number, start: number, end: number) => void;
} {
  return {
    kernel0: (base, start, end) => {
      const job = decodeJob(memory.buffer, base);
      const { lower } = primitives.find(({ name }) => name === job.primitive)!;
      runBatch(memory.buffer, job, lower!, start, end);
    },
  };
}
