/**
 * Every kind of kernel through NVIDIA's compiler, which needs no card: no errors, no warnings, at most 128 registers, nothing spilled. It is
 * looked for where the package looks for it (`CURV_CUDA_LIB_DIR` names a folder); where it is not, this says so and is skipped. One
 * architecture, or with `CURV_CUDA_NVRTC=all` sm_75, 80, 90, 100 and 120, or a list of numbers. `CURV_CUDA_KERNELS` is a pattern for the names of those that are
 * compiled; default all.
 */

import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { openNvrtc, type Nvrtc } from "../src/nvrtc.js";
import { kernelSources } from "./kernel-sources.js";

function find(): Nvrtc | string {
  try {
    return openNvrtc();
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

const nvrtc = find();

test("the same kernels have the same text, with nothing of this run or machine in it", () => {
  const texts = [kernelSources(), kernelSources()].map((sources) => [...sources.values()].join("\n"));
  const [a, b] = texts.map((text) => createHash("sha256").update(text).digest("hex"));
  expect(a).toBe(b);
  expect(texts[0]).not.toMatch(/NaN|Infinity|undefined|\/(home|tmp|work)\//);
});

describe("NVRTC", () => {
  beforeEach(({ skip }) => skip(typeof nvrtc === "string", String(nvrtc)));

  const compiler = nvrtc as Nvrtc;
  const { CURV_CUDA_NVRTC: asked = "90" } = process.env;
  const wanted = asked === "all" ? [75, 80, 90, 100, 120] : asked.split(",").map(Number);
  const known = typeof nvrtc === "string" ? [] : nvrtc.architectures;
  const architectures = wanted.filter((architecture) => known.includes(architecture));

  test.each(architectures)("sm_%i", { timeout: 600_000 }, (architecture) => {
    const complaints: string[] = [];
    let most = 0;
    const some = new RegExp(process.env.CURV_CUDA_KERNELS ?? "");
    for (const [name, source] of kernelSources()) {
      if (!some.test(name)) continue;
      const { log, resources } = compiler.compile(source, architecture);
      if (/warning|error/.test(log)) complaints.push(`${name}: ${log.split("\n")[0]}`);
      for (const { registers, spilled } of resources) {
        most = Math.max(most, registers);
        if (spilled > 0 || registers > 128)
          complaints.push(`${name}: ${registers} registers, ${spilled} bytes spilled`);
      }
      if (resources.length === 0) complaints.push(`${name}: the log tells no registers`);
    }
    expect(complaints).toEqual([]);
    expect(most).toBeGreaterThan(16);
  });

  test("vector kernels load 16 bytes at once", () => {
    const source = kernelSources().get("map add float32")!;
    const newest = Math.max(...compiler.architectures);
    // One beyond what it knows: it gives PTX, as for a card that is newer than itself.
    const ptx = new TextDecoder().decode(compiler.compile(source, newest + 1).image);
    expect(ptx).toMatch(/ld\.global(\.nc)?\.v4\.f32/);
    expect(ptx).toMatch(/st\.global\.v4\.f32/);
  });

  test("an error comes with the compiler's log and the source", () => {
    expect(() => compiler.compile("__global__ void k() { nonsense; }", architectures[0])).toThrow(
      /NVRTC_ERROR_COMPILATION[^]*nonsense[^]*1 __global__/,
    );
  });
});
