/** Mode webgpu in Node, by Dawn on a software driver: users' programs, functions of other packages, failures; conformance if all of it is asked for. */

import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { besselBounds } from "../bessel-accuracy.js";
import type { page as pageInBrowser } from "../browser/conformance.page.js";
import { chosen, inBrowser } from "../subset.js";
import { expectBroken, expectExhausted } from "../expect-faults.js";
import { comparable } from "../workloads.js";
import { startProgram, whyNoDriver, type Program } from "./driver.js";

type Page = typeof pageInBrowser;

const reason = whyNoDriver();
const everything = chosen(inBrowser) === null;
const asked = "CURV_GPUJS_CONFORMANCE=all asks for it; Chromium's WebGPU shows it at every commit";

if (reason !== undefined) test("webgpu in Node", ({ skip }) => skip(reason));
else {
  describe("webgpu in Node", { timeout: everything ? 3_600_000 : 240_000 }, () => {
    let program: Program;
    let description: string | null = null;
    let whyNot = "";
    const ask = <K extends keyof Page>(name: K, ...args: Parameters<Page[K]>): ReturnType<Page[K]> =>
      program.ask(name, ...args) as ReturnType<Page[K]>;

    beforeAll(async () => {
      program = await startProgram();
      try {
        description = await ask("open", "webgpu");
      } catch (error) {
        whyNot = `Dawn finds no adapter here: ${String(error).split("\n")[0]}`;
      }
    }, 120_000);
    afterAll(() => program.close());

    test("says what it is", ({ skip }) => {
      skip(description === null, whyNot);
      expect(description).toMatch(/^gpu\.js, mode webgpu on .+; float32, .+; results are read asynchronously/);
    });

    test.for(Object.keys(comparable))("%s as on the CPU", async (name, { skip }) => {
      skip(!everything, asked);
      skip(description === null, whyNot);
      const [got, expected] = [await ask("run", name), await comparable[name]()];
      expect(got).toHaveLength(expected.length);
      const scale = Math.max(...expected.map(Math.abs));
      got.forEach((y, i) => expect(Math.abs(y - expected[i]), `number ${i}`).toBeLessThan(2e-4 * scale));
    });

    test("the modified Bessel functions to some ulp, over all branches", async ({ skip }) => {
      skip(description === null, whyNot);
      const errors = await ask("besselErrors", 400);
      for (const [name, bound] of Object.entries(besselBounds)) expect(errors[name], name).toBeLessThanOrEqual(bound);
    });

    test("elementary functions to twice the ulp of WebAssembly", async ({ skip }) => {
      skip(description === null, whyNot);
      expect(await ask("inaccurate", 512)).toEqual([]);
    });

    test("random bits are the CPU's", async ({ skip }) => {
      skip(description === null, whyNot);
      expect(await ask("bits", 11, 4096)).toEqual([...random.bits(random.key(11), { shape: [4096] }).dataSync()]);
    });

    test("conforms", async ({ skip }) => {
      skip(!everything, asked);
      skip(description === null, whyNot);
      const outcomes = await ask("conformance", null);
      expect(outcomes.length).toBeGreaterThan(1000);
      expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    });

    test("compiled training steps hold the device's memory flat", async ({ skip }) => {
      skip(description === null, whyNot);
      const [before, after] = await ask("hold", Number(process.env.CURV_STEPS ?? 200));
      expect([after.arrays, after.bytes]).toEqual([before.arrays, before.bytes]);
      expect(after.peakBytes).toBeLessThan(before.peakBytes + 10_000);
    });

    test("an allocation that fails is the error of what needed it, by name and bytes; all else goes on", async ({
      skip,
    }) => {
      skip(description === null, whyNot);
      skip(!/swiftshader/i.test(description!), "a card may have the gibibyte that is asked for");
      expectExhausted(await ask("exhaust", "webgpu"), "webgpu");
    });

    test("a kernel that does not compile is the error of what it makes; all else goes on", async ({ skip }) => {
      skip(description === null, whyNot);
      expectBroken(await ask("broken", "webgpu"), "webgpu");
    });

    test("a lost device is an error, and not the end", async ({ skip }) => {
      skip(description === null, whyNot);
      expect(await ask("lose", "webgpu")).toEqual({ reason: "device-lost", cpu: 16, fresh: 16 });
    });
  });
}
