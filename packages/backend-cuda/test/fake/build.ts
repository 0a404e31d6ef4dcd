/** Builds the fake card with g++ and makes this process find it where it looks for NVIDIA's libraries. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LibraryHandle } from "koffi";
import { koffi } from "../../src/environment.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../../..");

/** Libraries of the fake and the files that they stand for. */
const sources = {
  "libcuda.so.1": "fake-cuda.cpp",
  "libnvrtc.so.13": "fake-nvrtc.cpp",
  "libcublas.so.13": "fake-cublas.cpp",
  "libcublasLt.so.13": "fake-cublaslt.cpp",
  "libcusolver.so.12": "fake-cusolver.cpp",
  "libcufft.so.12": "fake-cufft.cpp",
};

/** What tests ask of the fake card. */
export interface FakeCard {
  /** Folder of the libraries. */
  readonly folder: string;
  /** The next call of that function returns `code`. */
  failNext(name: string, code: number): void;
  /** How often a function was called. */
  count(name: string): number;
  setMultiprocessors(count: number): void;
  setDevices(count: number): void;
  /** Whether the cards have a way between them; closes what was opened of one to another. */
  setPeers(there: boolean): void;
  /** In which order the warps of a block run; 0 is ascending. */
  setWarpSeed(seed: number): void;
  setMemory(bytes: number): void;
  /** How often an event says that it is not ready after a copy to the host. */
  setCopyDelay(queries: number): void;
  liveAllocations(): number;
  /** Graphs, recorded and instantiated, that were not destroyed. */
  liveGraphs(): number;
  /** The kernel that runs after `before` others leaves the device dead with `code`; the next call says so. */
  failKernel(before: number, code: number): void;
  /** Kernels that g++ compiled in this process. */
  compiled(): number;
  revive(): void;
  /** What the fake cuBLASLt does with NaN in a rectifier, whether it has a way to compute a product, and how often it computed one. */
  setRectifierDropsNaN(drops: boolean): void;
  setHasEpilogues(has: boolean): void;
  epilogues(): number;
}

function compile(source: string, path: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  const options = ["-std=gnu++17", "-O2", "-w", "-shared", "-fPIC", "-U_FORTIFY_SOURCE", "-ffp-contract=off"];
  const { status, stderr } = spawnSync("g++", [...options, "-o", aside, join(here, source), "-ldl"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the fake card does not compile:\n${stderr}`);
  renameSync(aside, path);
}

/** What tests ask of the fake cuDNN. */
export interface FakeCudnn {
  /** Whether it has no way to compute anything that may be used. */
  setRefuses(refuses: boolean): void;
  /** How often results, inputs and filters were computed. */
  ran(): number[];
  /** Handles and descriptors that were not destroyed. */
  live(): number;
}

/** Puts a library beside the others of the fake card: without this call it is not there. */
function beside({ folder }: FakeCard, library: string, source: string, headers: readonly string[]): LibraryHandle {
  const hash = createHash("sha256");
  for (const file of [source, ...headers]) hash.update(readFileSync(join(here, file)));
  const path = join(folder, `${library.slice(3).split(".")[0]}-${hash.digest("hex").slice(0, 16)}`, library);
  compile(source, path);
  process.env.CURV_CUDA_LIB_DIR += `:${dirname(path)}`;
  return koffi().load(path);
}

/** What tests ask of the fake NCCL. */
export interface FakeNccl {
  /** Communicators that were not destroyed. */
  live(): number;
  /** Collectives that ran. */
  ran(): number;
  /** The next group of collectives returns `code`. */
  failNext(code: number): void;
  /** What the library says it found wrong since: 0 is nothing. */
  setAsyncError(code: number): void;
}

/** Puts NCCL beside the other libraries of the fake card. */
export function withNccl(card: FakeCard): FakeNccl {
  const library = beside(card, "libnccl.so.2", "fake-nccl.cpp", []);
  return {
    live: library.func("fakeCommunicators", "int", []) as never,
    ran: library.func("fakeCollectives", "int", []) as never,
    failNext: library.func("fakeFailNccl", "int", ["int"]) as never,
    setAsyncError: library.func("fakeAsyncError", "int", ["int"]) as never,
  };
}

/** Puts cuDNN beside the other libraries of the fake card: without this call convolutions are own kernels. */
export function withCudnn(card: FakeCard): FakeCudnn {
  const library = beside(card, "libcudnn.so.9", "fake-cudnn.cpp", ["stream.h", "product.h"]);
  const ran = library.func("fakeRan", "int", ["int"]) as (which: number) => number;
  return {
    setRefuses: (refuses) => library.func("fakeRefuse", "int", ["int"])(refuses ? 1 : 0) as never,
    ran: () => [0, 1, 2].map((which) => ran(which)),
    live: library.func("fakeDescriptors", "int", []) as never,
  };
}

/** The fake card, or why there is none: printed by the tests that then do not run. */
export function fakeCard(): FakeCard | string {
  if (process.platform !== "linux") return `the fake card is made for Linux; this is ${process.platform}`;
  const version = spawnSync("g++", ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return "there is no g++ to make the fake card with";
  const files = [...Object.values(sources), "shim.h", "stream.h", "reference.h", "product.h"];
  const hash = createHash("sha256").update(version.stdout);
  for (const file of files) hash.update(readFileSync(join(here, file)));
  const folder = join(root, "node_modules/.cache/curv-fake-cuda", hash.digest("hex").slice(0, 16));
  for (const [library, source] of Object.entries(sources)) compile(source, join(folder, library));
  const shim = join(folder, "shim.h");
  if (!existsSync(shim)) {
    // Another process may be compiling with it: never half a file.
    copyFileSync(join(here, "shim.h"), `${shim}.${process.pid}`);
    renameSync(`${shim}.${process.pid}`, shim);
  }
  // Read by C++ code, which does not see what JavaScript writes into process.env of a worker thread: vitest runs files in processes.
  Object.assign(process.env, {
    CURV_CUDA_LIB_DIR: folder,
    CURV_FAKE_DIR: folder,
    CURV_FAKE_SHIM: shim,
  });
  process.env.CURV_CACHE_DIR = join(folder, "cache");
  const cuda = koffi().load(join(folder, "libcuda.so.1"));
  const nvrtc = koffi().load(join(folder, "libnvrtc.so.13"));
  const lt = koffi().load(join(folder, "libcublasLt.so.13"));
  const number = (name: string, type: string): ((value: number) => void) => cuda.func(name, "int", [type]) as never;
  const get = (library: typeof cuda, name: string): (() => number) => library.func(name, "int", []) as never;
  return {
    folder,
    failNext: cuda.func("fakeFailNext", "int", ["const char *", "int"]) as never,
    count: cuda.func("fakeCount", "int", ["const char *"]) as never,
    setMultiprocessors: number("fakeSetMultiprocessors", "int"),
    setDevices: number("fakeSetDevices", "int"),
    setPeers: (there) => cuda.func("fakeSetPeers", "int", ["int"])(there ? 1 : 0) as never,
    setWarpSeed: number("fakeSetWarpSeed", "unsigned int"),
    setMemory: number("fakeSetMemory", "double"),
    setCopyDelay: number("fakeSetCopyDelay", "int"),
    liveAllocations: get(cuda, "fakeLiveAllocations"),
    liveGraphs: get(cuda, "fakeLiveGraphs"),
    failKernel: cuda.func("fakeFailKernel", "int", ["int", "int"]) as never,
    compiled: get(nvrtc, "fakeCompiled"),
    revive: get(cuda, "fakeRevive"),
    setRectifierDropsNaN: (drops) => lt.func("fakeRectifierDropsNaN", "int", ["int"])(drops ? 1 : 0) as never,
    setHasEpilogues: (has) => lt.func("fakeHasEpilogues", "int", ["int"])(has ? 1 : 0) as never,
    epilogues: get(lt, "fakeEpilogues"),
  };
}
