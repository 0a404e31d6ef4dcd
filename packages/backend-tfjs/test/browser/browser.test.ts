/** The engines that only a browser has, in headless Chromium on WebGL2 and WebGPU in software. */

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPage, whyNoBrowser, type OpenPage } from "../../../../test/support/bundled-page.js";
import { integerResults } from "../integers.js";
import { difference, programs } from "../programs.js";
import type { page as pageInBrowser } from "./page.js";

type Page = typeof pageInBrowser;

const reason = whyNoBrowser();

/** Steps of the memory test: CURV_STEPS=10000 for the long one. */
const steps = Number(process.env.CURV_STEPS ?? 50);

const [product, lanczos, transport, bessel] = Object.keys(programs);
/** All with CURV_TFJS_BROWSER=all: compiling shaders in software takes its time. The first needs no synchronous read, which webgpu does not have. */
const cases = {
  webgl: process.env.CURV_TFJS_BROWSER === "all" ? [product, lanczos, transport, bessel] : [product, bessel],
  webgpu: [product],
};

/** Units in the last place, as measured with some room: the engine's own exponential is what it is. */
const bounds = { exp: 16, log: 4, "log near 1": 4, tanh: 8, sigmoid: 16, sin: 4, cos: 4, expm1: 4, log1p: 4, sqrt: 1 };

if (reason !== undefined) test("in a browser", ({ skip }) => skip(reason));
else {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage(fileURLToPath(new URL("page.ts", import.meta.url)));
  }, 120_000);
  afterAll(() => opened.close());

  describe.each(["webgl", "webgpu"] as const)("%s", { timeout: 240_000 }, (engine) => {
    const ask = <K extends keyof Page>(name: K, ...args: Parameters<Page[K]>): ReturnType<Page[K]> =>
      opened.ask(name, ...args) as ReturnType<Page[K]>;
    let description: string | null = null;
    let whyNot = "";

    beforeAll(async () => {
      try {
        description = await ask("open", engine, engine === "webgl");
      } catch (error) {
        whyNot = `TensorFlow.js has no ${engine} in this Chromium: ${String(error).split("\n")[0]}`;
      }
    }, 120_000);

    test("says what it is", ({ skip }) => {
      skip(description === null, whyNot);
      expect(description).toMatch(new RegExp(`TensorFlow.js ${engine} engine, \\d+ kernels, float32`));
    });

    test("elementary functions", async ({ skip }) => {
      skip(description === null, whyNot);
      const errors = await ask("errors");
      for (const [name, bound] of Object.entries(bounds)) expect(errors[name], name).toBeLessThan(bound);
    });

    test.for(cases[engine])("%s as on the CPU", async (name, { skip }) => {
      skip(description === null, whyNot);
      const [program, tolerance] = programs[name];
      expect(difference(await ask("run", name), await program())).toBeLessThan(tolerance);
    });

    test("no integer is rounded", async ({ skip }) => {
      skip(description === null, whyNot);
      skip(process.env.CURV_TFJS_BROWSER !== "all", "runs with CURV_TFJS_BROWSER=all");
      const results = Object.entries(await ask("integers"));
      const refused = /^BackendError: \w+: tfjs-webgpu .*cannot read synchronously/;
      const right = results.filter(([, result]) => typeof result !== "string" || !refused.test(result));
      if (engine === "webgl") expect(right).toHaveLength(results.length);
      const expected = await integerResults((x) => x);
      expect(Object.fromEntries(right)).toEqual(Object.fromEntries(right.map(([name]) => [name, expected[name]])));
    });

    test("random programs on integers", async ({ skip }) => {
      skip(description === null, whyNot);
      skip(process.env.CURV_TFJS_BROWSER !== "all", "runs with CURV_TFJS_BROWSER=all");
      const { refused, steps, wrong } = await ask("integerPrograms", 20261130, 30);
      expect(wrong).toBeNull();
      if (engine === "webgl") expect(refused).toBe(0);
      expect(refused).toBeLessThan(0.9 * steps);
    });

    test("training holds a flat memory", { timeout: 240_000 + 400 * steps }, async ({ skip }) => {
      skip(description === null, whyNot);
      const { early, late, start, end } = await ask("train", steps);
      // Less if garbage of other tests was collected.
      expect(late.numTensors).toBeLessThanOrEqual(early.numTensors);
      expect(late.numBytes).toBeLessThanOrEqual(early.numBytes);
      expect(end).toBeLessThan(start);
    });

    test("a kernel that throws and an array that cannot be held are reported, and all goes on", async ({ skip }) => {
      skip(description === null, whyNot);
      const { kernel, memory, left, engine: sum, cpu } = await ask("fail", 2 ** 30);
      expect(kernel).toMatch(/^BackendError: broken: tfjs-web\w+ failed: a kernel's own words/);
      expect(left).toBe(0);
      expect(memory).toMatch(/^BackendError: broadcast: tfjs-web\w+ is out of memory/);
      expect([sum, cpu]).toEqual([2, 2]);
    });

    test("a lost device is reported, and the CPU goes on", async ({ skip }) => {
      skip(description === null, whyNot);
      const { run, read, cpu } = await ask("lose");
      expect(run).toMatch(/add: tfjs-web\w+ belongs to an engine that has lost its device/);
      expect(read).toMatch(/data: tfjs-web\w+ belongs to an engine that has lost its device/);
      expect(cpu).toBe(2);
    });
  });
}
