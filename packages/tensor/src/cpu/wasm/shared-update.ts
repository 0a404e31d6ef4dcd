/**
 * Large products by all threads: C = AB of eager calls, C ← C ± AB of the factorisations. A thread takes rows of C, or columns where there
 * are more of them; each entry is the same sum in the same order, whoever computes it.
 */

import { kernelMemory } from "./memory.js";
import { addMatmuls, allocateWorkSpace, matmulModules, workSpace } from "./matmul.js";
import { FunctionBody, i32, ModuleBuilder, op, type Exports } from "./module.js";
import { worthThreads } from "./thread-costs.js";
import { threadPool, threadsWanted, type SharedProgram } from "./threads.js";

/** Where a job stands in memory: its fields, one int32 each. */
const fields = [
  "m", "n", "k", "a", "aRow", "aColumn", "b", "bRow", "bColumn", "c", "cRow", "byRows",
  // Bytes from one row, or column, that is shared to the next.
  "aStep", "bStep", "cStep",
] as const; // prettier-ignore
type Job = Readonly<Record<(typeof fields)[number], number>>;
/** A product: sizes, addresses and steps in bytes. */
export type Product = Omit<Job, "byRows" | "aStep" | "bStep" | "cStep">;

const at = (field: (typeof fields)[number]): number => 4 * fields.indexOf(field);
export const jobBytes: number = 4 * fields.length;

/** Multiplications a nanosecond, about. */
const rate = 6;
/** Rows or columns that a thread takes at a time: a few tiles of the product, or packing the other operand anew would tell. */
const fewestShared = 48;
const chunksWanted = 8;

/** kernel(job, start, end): the rows (columns) of that range, by `update` of the same module. */
export function emitSharedUpdate(update: number): FunctionBody {
  const body = new FunctionBody([i32, i32, i32]);
  const [job, start, end] = [0, 1, 2];
  const field = (name: (typeof fields)[number]): FunctionBody => body.get(job).access(op.i32Load, at(name));
  /** The field, or how many are shared where this is the shared side. */
  const extent = (name: "m" | "n", sharedByRows: boolean): void => {
    const [shared, whole] = [() => body.get(end).get(start).emit(op.i32Sub), () => field(name)];
    if (sharedByRows) {
      shared();
      whole();
    } else {
      whole();
      shared();
    }
    field("byRows").emit(op.select);
  };
  const moved = (pointer: "a" | "b" | "c", step: "aStep" | "bStep" | "cStep"): void => {
    field(pointer);
    field(step).get(start).emit(op.i32Mul, op.i32Add);
  };
  extent("m", true);
  extent("n", false);
  field("k");
  moved("a", "aStep");
  field("aRow");
  field("aColumn");
  moved("b", "bStep");
  field("bRow");
  field("bColumn");
  moved("c", "cStep");
  field("cRow").work().call(update);
  return body;
}

/** A module whose exports `kernel0`, … are shared updates. */
export interface SharedUpdates {
  readonly program: SharedProgram;
  readonly exports: Exports;
  /** Bytes of an element. */
  readonly size: 4 | 8;
  /** Address of room for a job. */
  readonly job: number;
}

/**
 * The update by several threads, if there are any and it is worth them.
 *
 * @returns Whether it is done.
 * @throws LostWorker if a worker goes away; C holds anything then.
 */
export function updateByThreads(
  { program, exports, size, job }: SharedUpdates,
  kernel: number,
  { m, n, k, ...rest }: Product,
): boolean {
  if (!isWorthThreads(m, n, k)) return false;
  const byRows = m >= n;
  const length = byRows ? m : n;
  if (length < 2 * fewestShared) return false;
  const memory = kernelMemory()!;
  const pool = threadPool(memory, matmulModules, allocateWorkSpace);
  if (pool === null) return false;
  const steps = byRows
    ? { byRows: 1, aStep: rest.aRow, bStep: 0, cStep: rest.cRow }
    : { byRows: 0, aStep: 0, bStep: rest.bColumn, cStep: size };
  const values: Job = { m, n, k, ...rest, ...steps };
  memory.arrays.int32.set(
    fields.map((name) => values[name]),
    job / 4,
  );
  const chunk = Math.max(fewestShared, 8 * Math.ceil(length / (8 * chunksWanted)));
  pool.run(program, kernel, exports[`kernel${kernel}`], job, length, chunk);
  return true;
}

function isWorthThreads(m: number, n: number, k: number): boolean {
  return threadsWanted() && m * n * k >= rate * worthThreads;
}

const products = /* @__PURE__ */ new Map<"float32" | "float64", SharedUpdates>();

/** C = AB in the kernels' memory, as `updateByThreads`. */
export function multiplyByThreads(dtype: "float32" | "float64", product: Product): boolean {
  if (!isWorthThreads(product.m, product.n, product.k)) return false;
  let shared = products.get(dtype);
  if (shared === undefined) {
    const memory = kernelMemory()!;
    const module = new ModuleBuilder(memory.shared, workSpace());
    const bits = dtype === "float32" ? 32 : 64;
    const [multiply] = addMatmuls(module, bits, { multiply: "store" });
    module.add(emitSharedUpdate(multiply), "kernel0");
    const program = module.build(memory.memory);
    shared = { program, exports: program.exports, size: bits === 32 ? 4 : 8, job: memory.allocate(jobBytes) };
    products.set(dtype, shared);
  }
  return updateByThreads(shared, 0, product);
}
