/** The backend in headless Chromium, on WebGL2 and WebGPU in software: conformance and users' programs. */

import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openPage, whyNoBrowser, type OpenPage } from "../../../../test/support/bundled-page.js";
import { deviceTests, expectClose, timeout } from "../device-tests.js";
import { digits } from "../digits.js";
import { comparable } from "../workloads.js";

const pagePath = fileURLToPath(new URL("conformance.page.ts", import.meta.url));
const reason = whyNoBrowser();
const modes = (process.env.CURV_GPUJS_BROWSER_MODES?.split(",") ?? ["webgpu", "webgl2"]) as (
  "webgpu" | "webgl2" | "webgl"
)[];
const place = {
  adapter: /swiftshader/i,
  later: /Bessel|elementary/,
  why: "shaders of these functions are long; WebGPU in Node shows it at every commit",
};

if (reason !== undefined) test("in a browser", ({ skip }) => skip(reason));
else {
  describe.each(modes)("%s", { timeout }, (mode) => {
    deviceTests(mode, openWithDigits, place, (onDevice, ask) => {
      onDevice("Adam reads 94 % of the test digits", async () => {
        expect(await ask("train", 196)).toBeGreaterThanOrEqual(0.94);
      });
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
        expectClose((await opened.ask("run", "hessianProduct")) as number[], await comparable.hessianProduct());
      } finally {
        await opened.close();
      }
    });
  });
}

async function openWithDigits(): Promise<OpenPage> {
  const { train, test: held } = await digits(9000, 1000);
  const bytes = (x: Float32Array | Int32Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  return openPage(pagePath, {
    "train-pixels": bytes(train.pixels),
    "train-labels": bytes(train.labels),
    "test-pixels": bytes(held.pixels),
    "test-labels": bytes(held.labels),
  });
}
