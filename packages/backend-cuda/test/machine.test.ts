/** What does not need a card, not even a fake one: the search for libraries, the cache of compiled kernels, sizes of blocks, messages. */

import { mkdtempSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError } from "@curv/tensor";
import { describe, expect, test, vi } from "vitest";
import { CubinCache } from "../src/cubin-cache.js";
import { cudaDevices, openDriver } from "../src/driver.js";
import { CudaError, isSticky, refusedCall } from "../src/errors.js";
import { majorOf, openCublas } from "../src/lib/cublas.js";
import { libraryLines } from "../src/lib/found.js";
import { candidates, locate, type Host } from "../src/locate.js";
import { blockBytes, MemoryPool } from "../src/memory-pool.js";
import { compileOptions, resourcesIn } from "../src/nvrtc.js";

/** A machine on paper: files, and what the loader does with each path. */
function host(files: readonly string[], env: Host["env"] = {}, platform = "linux"): Host & { loaded: string[] } {
  const loaded: string[] = [];
  return {
    platform,
    env,
    loaded,
    exists: (path) => files.includes(path),
    list: (folder) => [
      ...new Set(
        files.flatMap((file) => (file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1).split("/")[0]] : [])),
      ),
    ],
    load: (path) => {
      if (!files.includes(path)) throw new Error(`Failed to load: ${path}: cannot open shared object file`);
      loaded.push(path);
      return {} as never;
    },
  };
}

describe("finding libraries", () => {
  test("folders of the user, then the loader, toolkits from the newest on, wheels, conda", () => {
    const wheel = "/venv/lib/python3.11/site-packages/nvidia/cu13/lib/libnvrtc.so.13";
    const files = [
      "/mine/libnvrtc.so.12",
      "/usr/local/cuda-12.8/lib64/libnvrtc.so.12",
      "/usr/local/cuda-13.0/lib64/libnvrtc.so.13",
      "/usr/local/cuda-9.2/lib64/libnvrtc.so.11.2",
      wheel,
      "/conda/lib/libnvrtc.so.13",
    ];
    const env = { CURV_CUDA_LIB_DIR: "/none:/mine", VIRTUAL_ENV: "/venv", CONDA_PREFIX: "/conda" };
    expect(candidates("nvrtc", host(files, env))).toEqual([
      "/mine/libnvrtc.so.12",
      "libnvrtc.so.13",
      "libnvrtc.so.12",
      "libnvrtc.so.11.2",
      "/usr/local/cuda-13.0/lib64/libnvrtc.so.13",
      "/usr/local/cuda-12.8/lib64/libnvrtc.so.12",
      "/usr/local/cuda-9.2/lib64/libnvrtc.so.11.2",
      wheel,
      "/conda/lib/libnvrtc.so.13",
    ]);
  });

  test("a stub of the driver is never taken", () => {
    const files = ["/sdk/stubs/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];
    const found = locate("driver", host(files, { CURV_CUDA_LIB_DIR: "/sdk/stubs" }));
    expect(found.path).toBe("/usr/lib/wsl/lib/libcuda.so.1");
  });

  test("the builtins are loaded before NVRTC, which would look for them by their bare name", () => {
    const files = ["/t/libnvrtc.so.13", "/t/libnvrtc-builtins.so.13.0", "/t/libnvrtc-builtins.alt.so.13.0"];
    const machine = host(files, { CURV_CUDA_LIB_DIR: "/t" });
    locate("nvrtc", machine);
    expect(machine.loaded).toEqual(["/t/libnvrtc-builtins.so.13.0", "/t/libnvrtc.so.13"]);
  });

  test("on Windows: the toolkit's folders of CUDA 13", () => {
    const dll = "C:/CUDA/v13.0/bin/x64/cublas64_13.dll";
    expect(candidates("cublas", host([dll], { CUDA_PATH: "C:/CUDA/v13.0" }, "win32"))).toContain(dll);
  });

  test("what was tried, and what helps, stand in the error", () => {
    const failed = (): unknown => locate("cublas", host([], { CUDA_HOME: "/opt/x" }));
    expect(failed).toThrow(BackendError);
    expect(failed).toThrow(
      /cublas was not found; install the CUDA toolkit, or "pip install nvidia-cublas".*CURV_CUDA_LIB_DIR/,
    );
    expect(failed).toThrow(/libcublas\.so\.13: not there.*\n.*libcublas\.so\.12/);
  });

  test("parts of two toolkits are refused with both paths", () => {
    const files = ["/a/libcublasLt.so.12", "/b/libcublas.so.13"];
    const machine = host(files, { CURV_CUDA_LIB_DIR: "/a:/b" });
    expect(() => openCublas(0n, "highest", machine)).toThrow(/\/a\/libcublasLt\.so\.12 and \/b\/libcublas\.so\.13/);
    expect([majorOf("/b/libcublas.so.13"), majorOf("cublas64_12.dll"), majorOf("libcublas.so")]).toEqual([
      13,
      12,
      null,
    ]);
  });

  test("without a driver there are no devices, and a reason", () => {
    expect(() => openDriver(host([]))).toThrow(/driver was not found; install NVIDIA's driver/);
    const devices = cudaDevices();
    if (devices.length === 0) expect(devices.reason).toMatch(/libcuda\.so\.1|nvcuda\.dll|no device/);
    else expect(devices.reason).toBeNull();
  });
});

describe("the cache of compiled kernels", () => {
  const folder = (): string => mkdtempSync(join(tmpdir(), "curv-cubin-"));
  const image = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const source = { source: "kernel", options: ["-arch=sm_90"], version: "13.0" };

  test("is hit after a restart, and missed when source, options or compiler change", () => {
    const path = folder();
    const first = new CubinCache(path);
    first.get(first.keyOf(source), () => image);
    const next = new CubinCache(path);
    expect(next.get(next.keyOf(source), () => new Uint8Array())).toEqual(image);
    for (const change of [{ source: "other" }, { options: ["-arch=sm_80"] }, { version: "12.9" }]) {
      expect(next.read(next.keyOf({ ...source, ...change }))).toBeNull();
    }
    expect([next.hits, next.misses]).toEqual([1, 0]);
  });

  test("does not believe a file that is cut off or changed", () => {
    const cache = new CubinCache(folder());
    const key = cache.keyOf(source);
    const path = join(cache.folder, key.slice(0, 2), `${key}.cubin`);
    cache.write(key, image);
    truncateSync(path, 500);
    expect(cache.read(key)).toBeNull();
    expect(cache.get(key, () => image)).toEqual(image);
    expect(cache.read(key)).toEqual(image);
  });

  test("keeps to its size; the least recently used go", () => {
    const cache = new CubinCache(folder(), 2500);
    for (const [age, key] of ["aa1", "bb2", "cc3"].entries()) {
      cache.write(key, image);
      utimesSync(join(cache.folder, key.slice(0, 2), `${key}.cubin`), age, age);
    }
    cache.trim();
    expect(["aa1", "bb2", "cc3"].map((key) => cache.read(key) !== null)).toEqual([false, true, true]);
  });

  test("a folder that cannot be written is said once, and is no error", () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const cache = new CubinCache(join(file, "below"));
    expect(cache.get("ab", () => image)).toEqual(image);
    expect(cache.get("ab", () => image)).toEqual(image);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch("CURV_CACHE_DIR");
    warn.mockRestore();
  });

  test("leaves no halves behind", () => {
    const cache = new CubinCache(folder());
    cache.write("abc", image);
    const files = readdirSync(join(cache.folder, "ab"));
    expect(files).toEqual(["abc.cubin"]);
    expect(statSync(join(cache.folder, "ab", "abc.cubin")).size).toBe(1096);
  });
});

describe("device memory", () => {
  test("blocks: four sizes a power of two up to 1 MiB, then multiples of 2 MiB", () => {
    expect([1, 512, 513, 600, 1000, 1025].map(blockBytes)).toEqual([512, 512, 640, 640, 1024, 1280]);
    expect(blockBytes(2 ** 20)).toBe(2 ** 20);
    expect(blockBytes(2 ** 20 + 1)).toBe(2 ** 21);
    for (let n = 1; n < 1e6; n = Math.ceil(n * 1.37)) {
      expect(blockBytes(n)).toBeGreaterThanOrEqual(n);
      expect(blockBytes(n)).toBeLessThanOrEqual(Math.max(512, 1.25 * n + 1));
    }
  });

  test("a freed block is used again; memory that is short is given back before an error names who holds it", () => {
    let [next, used, trims] = [0, 0, 0];
    const sizes = new Map<bigint, number>();
    const pool = new MemoryPool({
      allocate: (bytes) => {
        if (used + bytes > 8 * 2 ** 20) throw refusedCall("cuMemAllocAsync", 2, "CUDA_ERROR_OUT_OF_MEMORY");
        used += bytes;
        const address = BigInt(++next);
        sizes.set(address, bytes);
        return address;
      },
      free: (address) => (used -= sizes.get(address)!),
      trim: () => trims++,
      info: () => ({ free: 8 * 2 ** 20 - used, total: 8 * 2 ** 20 }),
    }, Infinity); // prettier-ignore
    const a = pool.allocate(3 * 2 ** 20, () => "a");
    pool.free(a);
    expect(pool.allocate(4 * 2 ** 20, () => "again").address).toBe(a.address);
    const b = pool.allocate(2 * 2 ** 20, () => "b");
    pool.free(b);
    // 4 MiB fit only when b's 2 MiB are given back.
    const c = pool.allocate(4 * 2 ** 20, () => "c");
    expect(trims).toBe(1);
    expect(() => pool.allocate(1, () => "[1] float32")).toThrow(
      /no memory for \[1\] float32: 0\.000 MiB.*the largest: again \(4\.000 MiB\), c \(4\.000 MiB\).*tidy/,
    );
    pool.free(c);
    expect(() => pool.free(c)).toThrow(/freed twice/);
    expect(pool.use.peakBytes).toBe(8 * 2 ** 20);
    expect(pool.allocate(1, () => "small").bytes).toBe(512);
  });
});

test("a pool that holds more than four fifths of the card says so, once", () => {
  let next = 0n;
  const memory = {
    allocate: () => ++next,
    free: () => undefined,
    trim: () => undefined,
    info: () => ({ free: 0, total: 0 }),
  };
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  try {
    const pool = new MemoryPool(memory, 20 * 2 ** 20);
    const first = pool.allocate(16 * 2 ** 20, () => "a");
    pool.free(first);
    // The same block again: nothing more is taken.
    pool.allocate(16 * 2 ** 20, () => "b");
    expect(warn).not.toHaveBeenCalled();
    pool.allocate(1000, () => "c");
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/taken 16 MiB of the card's 20 MiB, 16 MiB of them.*tidy/)],
    ]);
    pool.allocate(2 * 2 ** 20, () => "d");
    expect(warn).toHaveBeenCalledTimes(1);
  } finally {
    warn.mockRestore();
  }
});

describe("what is said of the libraries", () => {
  test("each that is missing, and how to get it", () => {
    const lines = libraryLines(host([]));
    for (const [title, wheel] of [
      ["cuBLAS", "nvidia-cublas"],
      ["cuBLASLt", "nvidia-cublas"],
      ["cuSOLVER", "nvidia-cusolver"],
      ["cuFFT", "nvidia-cufft"],
    ]) {
      const line = lines.find((text) => text.startsWith(`${title} `))!;
      expect(line).toMatch(
        / missing: \w+ was not found; install the CUDA toolkit, or "pip install .*CURV_CUDA_LIB_DIR$/,
      );
      expect(line).toContain(`"pip install ${wheel}"`);
    }
    expect(lines.find((text) => text.startsWith("cuDNN "))).toMatch(/ missing: .*"pip install nvidia-cudnn-cu13"/);
    expect(lines.find((text) => text.startsWith("NCCL "))).toMatch(/ missing: .*"pip install nvidia-nccl-cu13"/);
  });

  test("versions and paths of those that are there; two toolkits that do not belong together", () => {
    const files = [
      "/t/libcublas.so.13",
      "/t/libcublasLt.so.13",
      "/t/libcusolver.so.11",
      "/t/libcufft.so.12",
      "/t/libcudnn.so.9",
    ];
    const version = (_type: number, out: Int32Array): number => {
      out[0] = 10 + _type;
      return 0;
    };
    const machine = host(files, { CURV_CUDA_LIB_DIR: "/t" });
    const asked: string[] = [];
    const func = (name: string): typeof version => {
      asked.push(name);
      return version;
    };
    const lines = libraryLines({ ...machine, load: (path) => ({ ...machine.load(path), func }) as never });
    expect(lines).toContain("cuBLAS 10.11.12 (/t/libcublas.so.13)");
    expect(lines).toContain("cuBLASLt 10.11.12 (/t/libcublasLt.so.13)");
    expect(lines).toContain("cuFFT 10.11.12 (/t/libcufft.so.12)");
    expect(lines).toContain("cuDNN 10.11.12 (/t/libcudnn.so.9)");
    expect(lines[2]).toMatch(
      /^cuSOLVER missing: .*libcublas\.so\.13 and .*libcusolver\.so\.11 belong to different toolkits/,
    );
    expect(asked).toEqual(["cublasGetProperty", "cublasLtGetProperty", "cufftGetProperty", "cudnnGetProperty"]);
  });
});

test("errors say what was called, what came back, and what helps", () => {
  const error = refusedCall("cuCtxSynchronize", 201, "CUDA_ERROR_INVALID_CONTEXT");
  expect(error).toBeInstanceOf(CudaError);
  expect(error.code).toBe("CURV_BACKEND");
  expect(error.message).toMatch(/cuCtxSynchronize returned 201 \(CUDA_ERROR_INVALID_CONTEXT\): no context is current/);
  expect([2, 600, 700, 716, 719, 900].map(isSticky)).toEqual([false, false, true, true, true, false]);
});

test("a card that the compiler does not know gets PTX for the newest that it does", () => {
  expect(compileOptions(90, [80, 90])[0]).toBe("-arch=sm_90");
  expect(compileOptions(103, [80, 90, 100])[0]).toBe("-arch=compute_100");
  expect(compileOptions(90, [90]).join(" ")).not.toMatch(/fast.math|ftz=true/);
});

test("registers and spills are read from the assembler's log", () => {
  const log = `ptxas info    : Compiling entry function 'curv_map' for 'sm_90'
ptxas info    : Function properties for curv_map
ptxas         .     8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 40 registers, used 0 barriers`;
  expect(resourcesIn(log)).toEqual([{ name: "curv_map", registers: 40, spilled: 4, stack: 8 }]);
});
