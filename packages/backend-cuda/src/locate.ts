/** Finding NVIDIA's libraries: which files are tried, in which order, and a log of what became of each. */

import type { LibraryHandle } from "koffi";
import { environment, fileSystem, koffi } from "./environment.js";
import { CudaError } from "./errors.js";

/** Libraries that this package calls, or loads so that others find them. */
export type LibraryName =
  "driver" | "nvrtc" | "nvJitLink" | "cublasLt" | "cublas" | "cusparse" | "cusolver" | "cufft" | "cudnn" | "nccl";

interface Names {
  /** In the order in which they are tried. Their numbers are the library's own: cuSOLVER 12 belongs to CUDA 13. */
  readonly linux: readonly string[];
  readonly windows: readonly string[];
  /** Folders in a Python wheel, below `site-packages`: of CUDA 13, then of 12 and before. */
  readonly wheels: readonly string[];
  /** What a user who lacks it can do. */
  readonly remedy: string;
}

const toolkit = (pip: string): string =>
  `install the CUDA toolkit, or "pip install ${pip}", or name the folder in CURV_CUDA_LIB_DIR`;

export const libraries: Readonly<Record<LibraryName, Names>> = {
  driver: {
    linux: ["libcuda.so.1"],
    windows: ["nvcuda.dll"],
    wheels: [],
    remedy: "install NVIDIA's driver (in a container: start it with --gpus all)",
  },
  nvrtc: {
    linux: ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"],
    windows: ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cuda_nvrtc/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cuda-nvrtc"),
  },
  nvJitLink: {
    linux: ["libnvJitLink.so.13", "libnvJitLink.so.12"],
    windows: ["nvJitLink_130_0.dll", "nvJitLink_120_0.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/nvjitlink/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-nvjitlink"),
  },
  cublasLt: {
    linux: ["libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"],
    windows: ["cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cublas/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cublas"),
  },
  cublas: {
    linux: ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"],
    windows: ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cublas/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cublas"),
  },
  cusparse: {
    linux: ["libcusparse.so.12", "libcusparse.so.11"],
    windows: ["cusparse64_12.dll", "cusparse64_11.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cusparse/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cusparse"),
  },
  cusolver: {
    linux: ["libcusolver.so.12", "libcusolver.so.11"],
    windows: ["cusolver64_12.dll", "cusolver64_11.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cusolver/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cusolver"),
  },
  cufft: {
    linux: ["libcufft.so.12", "libcufft.so.11", "libcufft.so.10"],
    windows: ["cufft64_12.dll", "cufft64_11.dll", "cufft64_10.dll"],
    wheels: ["nvidia/cu13/lib", "nvidia/cufft/lib"],
    remedy: /* @__PURE__ */ toolkit("nvidia-cufft"),
  },
  cudnn: {
    linux: ["libcudnn.so.9", "libcudnn.so.8"],
    windows: ["cudnn64_9.dll", "cudnn64_8.dll"],
    wheels: ["nvidia/cudnn/lib"],
    remedy: 'install cuDNN, or "pip install nvidia-cudnn-cu13", or name the folder in CURV_CUDA_LIB_DIR',
  },
  nccl: {
    linux: ["libnccl.so.2"],
    // There is none for Windows.
    windows: [],
    wheels: ["nvidia/nccl/lib"],
    remedy: 'install NCCL (Linux), or "pip install nvidia-nccl-cu13", or name the folder in CURV_CUDA_LIB_DIR',
  },
};

/** What the search asks of the machine: replaced in tests by a machine on paper. */
export interface Host {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** Names in a folder; none if there is no such folder. */
  list(folder: string): readonly string[];
  load(path: string): LibraryHandle;
}

/** A file or name that was tried. */
export interface Attempt {
  readonly path: string;
  readonly outcome: string;
}

export interface LocatedLibrary {
  readonly name: LibraryName;
  /** Full path, or the bare name if the system's loader found it. */
  readonly path: string;
  readonly handle: LibraryHandle;
  readonly attempts: readonly Attempt[];
}

/** The machine that this runs on. */
export function thisHost(): Host {
  const { platform, env } = environment();
  const files = fileSystem();
  return {
    platform,
    env,
    exists: (path) => files.existsSync(path),
    list: (folder) => {
      try {
        return files.readdirSync(folder);
      } catch {
        return [];
      }
    },
    load: (path) => koffi().load(path),
  };
}

/**
 * Files to try for a library, in order: folders that the user names, what the system's loader finds by its versioned name, toolkits (newest
 * first), Python wheels of active environments, the lib folder of conda.
 */
export function candidates(name: LibraryName, host: Host): string[] {
  const windows = host.platform === "win32";
  const names = windows ? libraries[name].windows : libraries[name].linux;
  const found: string[] = [];
  const folder = (path: string): void => {
    // The driver in a folder of stubs answers every call with an error.
    if (/[\\/]stubs[\\/]?$/.test(path)) return;
    for (const file of names) if (host.exists(`${path}/${file}`)) found.push(`${path}/${file}`);
  };
  const separator = windows ? ";" : ":";
  for (const path of (host.env.CURV_CUDA_LIB_DIR ?? "").split(separator)) if (path !== "") folder(path);
  found.push(...names);
  if (name === "driver") {
    for (const path of ["/usr/lib/wsl/lib", "/usr/local/nvidia/lib64"]) folder(path);
    return found;
  }
  for (const root of toolkits(host)) {
    const subfolders = windows
      ? ["bin", "bin/x64"]
      : ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];
    for (const sub of subfolders) folder(`${root}/${sub}`);
  }
  for (const packages of sitePackages(host)) {
    for (const wheel of libraries[name].wheels) {
      if (windows) for (const bin of ["bin", "bin/x86_64"]) folder(`${packages}/${wheel.replace(/lib$/, bin)}`);
      else folder(`${packages}/${wheel}`);
    }
  }
  if (host.env.CONDA_PREFIX !== undefined) folder(`${host.env.CONDA_PREFIX}/lib`);
  return [...new Set(found)];
}

function toolkits(host: Host): string[] {
  const roots = [host.env.CUDA_PATH, host.env.CUDA_HOME].filter((path) => path !== undefined && path !== "");
  const versions = (parent: string, prefix: string): string[] =>
    host
      .list(parent)
      .filter((entry) => entry.startsWith(prefix))
      .sort((a, b) => versionOf(b) - versionOf(a))
      .map((entry) => `${parent}/${entry}`);
  if (host.platform === "win32") {
    return [...roots, ...versions("C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA", "v")] as string[];
  }
  return [...roots, "/usr/local/cuda", ...versions("/usr/local", "cuda-"), "/opt/cuda"] as string[];
}

/** 12.8 as 12008. */
function versionOf(entry: string): number {
  const [, major = "0", minor = "0"] = /(\d+)(?:\.(\d+))?/.exec(entry) ?? [];
  return Number(major) * 1000 + Number(minor);
}

function sitePackages(host: Host): string[] {
  return [host.env.VIRTUAL_ENV, host.env.CONDA_PREFIX].flatMap((root) => {
    if (root === undefined || root === "") return [];
    if (host.platform === "win32") return [`${root}/Lib/site-packages`];
    return host
      .list(`${root}/lib`)
      .filter((entry) => /^python3\.\d+$/.test(entry))
      .map((entry) => `${root}/lib/${entry}/site-packages`);
  });
}

/**
 * Loads a library from the first place that has it.
 *
 * NVRTC opens its builtins by their bare name, which the loader does not find beside it; so they are loaded first.
 *
 * @throws CudaError with every attempt and a remedy if there is none.
 */
export function locate(name: LibraryName, host: Host = thisHost()): LocatedLibrary {
  const attempts: Attempt[] = [];
  for (const path of candidates(name, host)) {
    try {
      if (name === "nvrtc") loadBuiltins(path, host, attempts);
      const handle = host.load(path);
      attempts.push({ path, outcome: "loaded" });
      return { name, path, handle, attempts };
    } catch (error) {
      attempts.push({ path, outcome: reasonOf(error) });
    }
  }
  const log = attempts.map(({ path, outcome }) => `  ${path}: ${outcome}`).join("\n");
  throw new CudaError(`cuda: ${name} was not found; ${libraries[name].remedy}. Tried:\n${log}`);
}

/** Libraries that others find only while they are loaded: a handle that is collected unloads its library. */
const held: LibraryHandle[] = [];

/** Throws if they are there and cannot be loaded: then NVRTC beside them is of no use. */
function loadBuiltins(nvrtc: string, host: Host, attempts: Attempt[]): void {
  const slash = Math.max(nvrtc.lastIndexOf("/"), nvrtc.lastIndexOf("\\"));
  if (slash < 0) return;
  const folder = nvrtc.slice(0, slash);
  const pattern = /^(libnvrtc-builtins\.so\.\d+\.\d+|nvrtc-builtins64_\d+\.dll)$/;
  for (const file of host.list(folder)) {
    if (!pattern.test(file)) continue;
    held.push(host.load(`${folder}/${file}`));
    attempts.push({ path: `${folder}/${file}`, outcome: "loaded" });
  }
}

/** The loader's reason without the path that stands before it. */
function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split("\n")[0];
  return text.includes("cannot open shared object file") ? "not there, or a library that it needs is not" : text;
}
