/**
 * Threads for the large kernels: workers that share the kernels' memory and take chunks of a kernel's range until none is left.
 *
 * Chunks are cut by shape alone and write to places of their own, so results do not depend on who computes what. A worker that has not
 * yet got a program leaves its chunks to the others; nobody waits for it.
 */

import { BackendError, DomainError } from "../../errors.js";
import type { KernelMemory } from "./memory.js";
import { workerSource } from "./worker-source.js";

/** Words of the control block. Every one that is written often has a cache line of its own. */
const word = {
  signal: 0,
  open: 16,
  inside: 32,
  next: 48,
  failed: 64,
  program: 80,
  kernel: 81,
  base: 82,
  length: 83,
  chunk: 84,
  mail: 96,
};
const controlBytes = 512;

/** How long a chunk may take before its worker counts as lost. */
const patience = 5000;
const slice = 100;

/** Thrown when a worker has gone away in the middle of a chunk; the call is repeated without threads. */
export class LostWorker extends Error {}

interface Worker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  unref?(): void;
  on?(event: "error", listener: () => void): void;
  onerror?: (() => void) | null;
}

/** A program as workers need it: its module, and what stands for each of its imports. */
export interface SharedProgram {
  readonly module: WebAssembly.Module;
  /** "matmul32", "Math.sin", …; null for what only the main thread can do. */
  readonly imports: readonly (string | null)[];
}

/** Or JavaScript: the address of a module that exports `program(memory)`, which gives `kernel0`, …. */
export interface ScriptProgram {
  readonly script: string;
}

class ThreadPool {
  private readonly control: number;
  private readonly words: Int32Array;
  private readonly workers: Worker[] = [];
  private readonly ids = new Map<SharedProgram | ScriptProgram, number>();
  private mails = 0;
  /** A kernel that this thread runs may itself have work to share; it does that alone. */
  private busy = false;

  constructor(
    private readonly memory: KernelMemory,
    count: number,
    libraries: readonly WebAssembly.Module[],
    workSpace: () => number,
    makeWorker: (source: string, data: unknown) => Worker,
  ) {
    this.control = memory.allocate(controlBytes);
    this.words = new Int32Array(memory.memory.buffer, this.control, controlBytes / 4);
    this.words.fill(0);
    for (let i = 0; i < count; i++) {
      const data = { memory: memory.memory, control: this.control, libraries, work: workSpace(), word };
      const worker = makeWorker(workerSource, data);
      worker.unref?.();
      // Nobody has called it: an error there is no reason to end the process, but one to go on alone.
      if (worker.on !== undefined) worker.on("error", giveUpThreads);
      else worker.onerror = giveUpThreads;
      this.workers.push(worker);
    }
  }

  /**
   * Runs kernel(base, start, end) for all chunks of [0, length).
   *
   * @param meanwhile - What this thread does before it takes chunks itself.
   */
  run(
    program: SharedProgram | ScriptProgram,
    kernel: number,
    own: Kernel,
    base: number,
    length: number,
    chunk: number,
    meanwhile?: () => void,
  ): void {
    const { words } = this;
    words[word.program] = this.send(program);
    words[word.kernel] = kernel;
    words[word.base] = base;
    words[word.length] = length;
    words[word.chunk] = chunk;
    Atomics.store(words, word.next, 0);
    Atomics.store(words, word.open, 1);
    this.wake();
    this.busy = true;
    try {
      meanwhile?.();
      for (;;) {
        const start = Atomics.add(words, word.next, chunk);
        if (start >= length) break;
        own(base, start, Math.min(length, start + chunk));
      }
    } finally {
      // From here on nobody enters; who is inside finishes the chunk that it has.
      Atomics.store(words, word.open, 0);
      this.busy = false;
      this.waitUntilEmpty();
    }
    if (Atomics.load(words, word.failed) !== 0) {
      Atomics.store(words, word.failed, 0);
      throw new BackendError("cpu: a compiled kernel failed in a worker thread; this is a mistake in Curv.");
    }
  }

  get isBusy(): boolean {
    return this.busy;
  }

  end(): void {
    for (const worker of this.workers) void worker.terminate();
  }

  private wake(): void {
    Atomics.add(this.words, word.signal, 1);
    Atomics.notify(this.words, word.signal);
  }

  /** The program's number; workers that do not have it get it when they come back to their event loop. */
  private send(program: SharedProgram | ScriptProgram): number {
    let id = this.ids.get(program);
    if (id === undefined) {
      this.ids.set(program, (id = this.ids.size + 1));
      const mail =
        "script" in program ? { id, script: program.script } : { id, module: program.module, imports: program.imports };
      for (const worker of this.workers) worker.postMessage(mail);
      Atomics.store(this.words, word.mail, ++this.mails);
    }
    return id;
  }

  private waitUntilEmpty(): void {
    const { words } = this;
    const spinUntil = performance.now() + 0.05;
    while (performance.now() < spinUntil) if (Atomics.load(words, word.inside) === 0) return;
    for (let waited = 0; ; waited += slice) {
      const inside = Atomics.load(words, word.inside);
      if (inside === 0) return;
      if (waited >= patience) throw new LostWorker("cpu: a worker thread was lost");
      if (mayBlock) Atomics.wait(words, word.inside, inside, slice);
      else {
        const end = performance.now() + slice;
        while (performance.now() < end) if (Atomics.load(words, word.inside) === 0) return;
      }
    }
  }
}

type Kernel = (base: number, start: number, end: number) => void;

/** A page's main thread must not block. */
const mayBlock = typeof (globalThis as { document?: unknown }).document === "undefined";

let wanted = 1;
let pool: ThreadPool | null = null;
let broken = false;

/**
 * How many threads large kernels use, this one included: contractions, convolutions, elementwise passes and reductions over many
 * elements, batches of matrices in the functions of `@curv/tensor/linalg`, and the products inside of the factorisations of large ones.
 * Results do not depend on it. Workers start with the first kernel that is worth them and do not keep the process alive.
 *
 * For batches of matrices a worker loads files of the package, when the event loop comes round; where they cannot be had, as in a program
 * that a bundler made one file of, this thread factors them alone.
 *
 * Default 1. In a browser it takes a page that is cross-origin isolated; elsewhere the number is kept, one thread is used, and a notice
 * says so once.
 *
 * @param count - From 1 to 256; more than there are cores makes everything slower.
 * @throws DomainError if `count` is no such integer.
 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw new DomainError(
      `setThreads: count is ${typeof count === "string" ? JSON.stringify(count) : String(count)}; wants an integer from 1 to 256.`,
    );
  }
  if (count === wanted) return;
  wanted = count;
  pool?.end();
  pool = null;
  broken = false;
}

/** How many threads large kernels use. */
export function getThreads(): number {
  return wanted;
}

/** Whether to ask for help at all. */
export function threadsWanted(): boolean {
  return wanted > 1 && !broken && pool?.isBusy !== true;
}

/** Uses one thread from here on: after a worker was lost. */
export function giveUpThreads(): void {
  pool?.end();
  pool = null;
  broken = true;
  // eslint-disable-next-line no-console -- said once; the results are right, but slower.
  console.warn("Curv: a worker thread was lost; going on with one thread. setThreads() starts new ones.");
}

let noticed = false;

/** The workers, started now if need be; null where there cannot be any. */
export function threadPool(
  memory: KernelMemory,
  libraries: () => readonly WebAssembly.Module[],
  workSpace: () => number,
): ThreadPool | null {
  if (pool !== null) return pool;
  const makeWorker = memory.shared ? workerMaker() : null;
  if (makeWorker === null) {
    broken = true;
    if (!noticed) {
      noticed = true;
      // eslint-disable-next-line no-console -- said once; otherwise nobody would know why it is slow.
      console.warn(
        "Curv: threads need shared memory; serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
      );
    }
    return null;
  }
  return (pool = new ThreadPool(memory, wanted - 1, libraries(), workSpace, makeWorker));
}

/** How a worker is started here: from source, so that no bundler need know of it. */
function workerMaker(): ((source: string, data: unknown) => Worker) | null {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const threads = process?.getBuiltinModule?.("node:worker_threads") as
    { Worker: new (source: string, options: object) => Worker } | undefined;
  if (threads !== undefined) return (source, workerData) => new threads.Worker(source, { eval: true, workerData });
  const scope = globalThis as { Worker?: new (url: string) => Worker; Blob?: typeof Blob };
  if (scope.Worker === undefined || scope.Blob === undefined) return null;
  const BrowserWorker = scope.Worker;
  return (source, data) => {
    const worker = new BrowserWorker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.postMessage(data);
    return worker;
  };
}

export type { ThreadPool };
