/**
 * Every kind of kernel through NVIDIA's compiler (see `compiler.ts`): no errors, no warnings, at most 128 registers, nothing spilled. Where it
 * is not, this says so and is skipped. `CURV_CUDA_KERNELS` is a pattern for the names of those that are compiled; default all.
 */

import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { Nvrtc } from "../src/nvrtc.js";
import { architectures, compileAll, nvrtc } from "./compiler.js";
import { kernelSources } from "./kernel-sources.js";

test("the same kernels have the same text, with nothing of this run or machine in it", () => {
  const texts = [kernelSources(), kernelSources()].map((sources) => [...sources.values()].join("\n"));
  const [a, b] = texts.map((text) => createHash("sha256").update(text).digest("hex"));
  expect(a).toBe(b);
  expect(texts[0]).not.toMatch(/NaN|Infinity|undefined|\/(home|tmp|work)\//);
});

describe("NVRTC", () => {
  beforeEach(({ skip }) => skip(typeof nvrtc === "string", String(nvrtc)));

  test.each(architectures())("sm_%i", { timeout: 3_600_000 }, (architecture) => {
    const some = new RegExp(process.env.CURV_CUDA_KERNELS ?? "");
    const sources = [...kernelSources()].filter(([name]) => some.test(name));
    const { complaints, registers } = compileAll(sources, architecture);
    expect(complaints).toEqual([]);
    expect(registers).toBeGreaterThan(16);
  });

  test("vector kernels load 16 bytes at once", () => {
    const compiler = nvrtc as Nvrtc;
    const source = kernelSources().get("map add float32")!;
    const newest = Math.max(...compiler.architectures);
    // One beyond what it knows: it gives PTX, as for a card that is newer than itself.
    const ptx = new TextDecoder().decode(compiler.compile(source, newest + 1).image);
    expect(ptx).toMatch(/ld\.global(\.nc)?\.v4\.f32/);
    expect(ptx).toMatch(/st\.global\.v4\.f32/);
  });

  test("products read 16 bytes of shared memory at once", () => {
    const compiler = nvrtc as Nvrtc;
    const newest = Math.max(...compiler.architectures) + 1;
    for (const [name, load] of [
      ["product 8 × 8 along terms and lines float32", "v4.f32"],
      ["product 4 × 4 along terms and lines float64", "v2.f64"],
    ]) {
      const loads = new TextDecoder()
        .decode(compiler.compile(kernelSources().get(name)!, newest).image)
        .match(/ld\.shared\.\S+/g);
      expect(new Set(loads)).toEqual(new Set([`ld.shared.${load}`]));
    }
  });

  test("an error comes with the compiler's log and the source", () => {
    expect(() => (nvrtc as Nvrtc).compile("__global__ void k() { nonsense; }", architectures()[0])).toThrow(
      /NVRTC_ERROR_COMPILATION[^]*nonsense[^]*1 __global__/,
    );
  });
});
