/** What is said of the vendor's libraries: where each one lies, of which version it is; or what to do about one that is not there. */

import { CudaError } from "../errors.js";
import { locate, thisHost, type Host, type LibraryName, type LocatedLibrary } from "../locate.js";
import { loadCusolver } from "./cusolver.js";
import { ncclVersion } from "./nccl.js";

interface Asked {
  readonly title: string;
  readonly name: LibraryName;
  /** Most of NVIDIA's libraries tell their version by a function of this kind, which needs no card. Null: NCCL has its own. */
  readonly property: string | null;
}

const asked: readonly Asked[] = [
  { title: "cuBLAS", name: "cublas", property: "cublasGetProperty" },
  { title: "cuBLASLt", name: "cublasLt", property: "cublasLtGetProperty" },
  { title: "cuSOLVER", name: "cusolver", property: "cusolverGetProperty" },
  { title: "cuFFT", name: "cufft", property: "cufftGetProperty" },
  { title: "cuDNN", name: "cudnn", property: "cudnnGetProperty" },
  { title: "NCCL", name: "nccl", property: null },
];

/**
 * A line for each of NVIDIA's libraries. Looks for them, and loads those that are there.
 *
 * @returns "cuFFT 12.0.0 (path)", or why there is none and how to get it.
 */
export function libraryLines(host: Host = thisHost()): string[] {
  return asked.map((library) => lineOf(library, host));
}

function lineOf({ title, name, property }: Asked, host: Host): string {
  try {
    // cuSOLVER loads only after what it needs.
    const found = name === "cusolver" ? loadCusolver(host) : locate(name, host);
    const version = property === null ? ncclVersion(found) : versionOf(found, property);
    return `${title} ${version} (${found.path})`;
  } catch (error) {
    if (!(error instanceof CudaError)) throw error;
    return `${title} missing: ${error.message
      .split("\n")[0]
      .replace(/^cuda: /, "")
      .replace(/\. Tried:$/, "")}`;
  }
}

/** Major, minor, patch: the first three of CUDA's `libraryPropertyType`. */
function versionOf({ handle }: LocatedLibrary, property: string): string {
  const read = handle.func(property, "int", ["int", "void *"]) as unknown as (type: number, out: Int32Array) => number;
  const out = new Int32Array(1);
  return [0, 1, 2].map((type) => (read(type, out) === 0 ? out[0] : "?")).join(".");
}
