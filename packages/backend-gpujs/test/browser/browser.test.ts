/** The backend in headless Chromium, on WebGL2 and WebGPU in software: conformance and users' programs. */

import * as random from "@curv/tensor/random";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage, whyNoBrowser, type OpenPage } from "../../../../test/support/bundled-page.js";
import { besselBounds } from "../bessel-accuracy.js";
import { digits } from "../digits.js";
import { expectBroken, expectExhausted } from "../expect-faults.js";
import { chosen, inBrowser } from "../subset.js";
import { comparable } from "../workloads.js";

import type { page as pageInBrowser } from "./conformance.page.js";

type Page = typeof pageInBrowser;

const pagePath = fileURLToPath(new URL("conformance.page.ts", import.meta.url));
const reason = whyNoBrowser();
const modes = (process.env.CURV_GPUJS_BROWSER_MODES?.split(",") ?? ["webgpu", "webgl2"]) as (
  "webgpu" | "webgl2" | "webgl"
)[];
const everything = chosen(inBrowser) === null;
const asked =
  "CURV_GPUJS_CONFORMANCE=all asks for it: shaders of these functions are long; WebGPU in Node shows it at every commit";
const long = everything ? 3_600_000 : 240_000;

if (reason !== undefined) test("in a browser", ({ skip }) => skip(reason));
else {
  describe.each(modes)("%s", { timeout: long }, (mode) => {
    let opened: OpenPage;
    const ask = <K extends keyof Page>(name: K, ...args: Parameters<Page[K]>): ReturnType<Page[K]> =>
      opened.ask(name, ...args) as ReturnType<Page[K]>;
    let description: string | null = null;
    let whyNot = "";

    beforeAll(async () => {
      const { train, test: held } = await digits(9000, 1000);
      const bytes = (x: Float32Array | Int32Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
      opened = await openPage(pagePath, {
        "train-pixels": bytes(train.pixels),
        "train-labels": bytes(train.labels),
        "test-pixels": bytes(held.pixels),
        "test-labels": bytes(held.labels),
      });
      try {
        description = await ask("open", mode);
      } catch (error) {
        whyNot = `Chromium has no ${mode} here: ${String(error).split("\n")[0]}`;
      }
    }, 120_000);
    afterAll(() => opened.close());

    test("says what it is", ({ skip }) => {
      skip(description === null, whyNot);
      expect(description).toMatch(new RegExp(`mode ${mode} on .*swiftshader`, "i"));
      expect(description).toContain("float32");
    });

    test("conforms", async ({ skip }) => {
      skip(description === null, whyNot);
      const outcomes = await ask("conformance", chosen(inBrowser));
      expect(outcomes.length).toBeGreaterThan(30);
      expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    });

    test.for(Object.keys(comparable))("%s as on the CPU", async (name, { skip }) => {
      skip(description === null, whyNot);
      const [got, expected] = [await ask("run", name), await comparable[name]()];
      expect(got).toHaveLength(expected.length);
      const scale = Math.max(...expected.map(Math.abs));
      got.forEach((y, i) => expect(Math.abs(y - expected[i]), `number ${i}`).toBeLessThan(2e-4 * scale));
    });

    test("random bits are the CPU's", async ({ skip }) => {
      skip(description === null, whyNot);
      expect(await ask("bits", 11, 4096)).toEqual([...random.bits(random.key(11), { shape: [4096] }).dataSync()]);
    });

    test("Adam reads 94 % of the test digits", async ({ skip }) => {
      skip(description === null, whyNot);
      const accuracy = await ask("train", 196);
      expect(accuracy).toBeGreaterThanOrEqual(0.94);
    });

    test("arrays outlive the kernels that made them", async ({ skip }) => {
      skip(description === null, whyNot);
      const wanted = [
        ...random
          .uniform(random.key(0), { shape: [5] })
          .add(1)
          .dataSync(),
      ];
      expect(await ask("crowd", mode)).toEqual({ values: wanted, kernels: 3, arrays: expect.any(Number) as number });
    });

    test("the modified Bessel functions to some ulp, over all branches", async ({ skip }) => {
      skip(!everything, asked);
      skip(description === null, whyNot);
      const errors = await ask("besselErrors", 400);
      for (const [name, bound] of Object.entries(besselBounds)) expect(errors[name], name).toBeLessThanOrEqual(bound);
    });

    test("elementary functions to twice the ulp of WebAssembly", async ({ skip }) => {
      skip(!everything, asked);
      skip(description === null, whyNot);
      expect(await ask("inaccurate", 512)).toEqual([]);
    });

    test("compiled training steps hold the device's memory flat", async ({ skip }) => {
      skip(description === null, whyNot);
      const [before, after] = await ask("hold", Number(process.env.CURV_STEPS ?? 200));
      expect([after.arrays, after.bytes]).toEqual([before.arrays, before.bytes]);
      expect(after.peakBytes).toBeLessThan(before.peakBytes + 10_000);
    });

    test("a kernel that does not compile is the error of what it makes; all else goes on", async ({ skip }) => {
      skip(description === null, whyNot);
      expectBroken(await ask("broken", mode), mode);
    });

    test("a lost device is an error, and not the end", async ({ skip }) => {
      skip(description === null, whyNot);
      expect(await ask("lose", mode)).toEqual({ reason: "device-lost", cpu: 16, fresh: 16 });
    });

    // The last one: Chromium gives a page whose context had no memory no other.
    test("an allocation that fails is an error, by name and bytes, and not the end", async ({ skip }) => {
      skip(description === null, whyNot);
      if (mode === "webgpu") expectExhausted(await ask("exhaust", mode), mode);
      else {
        const { forgotten, failures, cpu } = await ask("exhaustWebGl", mode);
        expect(forgotten).toMatchObject({ name: "BackendError", reason: "out-of-memory" });
        expect(forgotten.message).toMatch(/4000 bytes were wanted beside \d+ in \d+ arrays/);
        expect(failures.map(({ reason: word }) => word)).toEqual(["device-lost", "device-lost", "device-lost"]);
        expect(failures[0].message).toMatch(/4000 bytes were wanted beside \d+ in \d+ arrays/);
        expect(cpu).toBe(1000);
      }
    });
  });

  // The older kind is only for where there is no other: one program shows that it runs.
  describe("webgl", { timeout: 240_000 }, () => {
    test("a Hessian-vector product as on the CPU", async ({ skip }) => {
      const opened = await openPage(pagePath);
      try {
        const description = await opened.ask("open", "webgl").catch((error: unknown) => error);
        skip(typeof description !== "string", `Chromium has no webgl here: ${String(description)}`);
        expect(description).toMatch(/mode webgl on .*swiftshader/i);
        const [got, expected] = [
          (await opened.ask("run", "hessianProduct")) as number[],
          await comparable.hessianProduct(),
        ];
        const scale = Math.max(...expected.map(Math.abs));
        got.forEach((y, i) => expect(Math.abs(y - expected[i]), `number ${i}`).toBeLessThan(2e-4 * scale));
      } finally {
        await opened.close();
      }
    });
  });
}
