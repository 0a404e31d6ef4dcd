/** Users' programs give on gpu.js what they give on the CPU in float32. */

import { use } from "@curv/tensor";
import { afterEach, describe, expect, test } from "vitest";
import { gpujs, type GpujsBackend } from "../src/index.js";
import { digits } from "./digits.js";
import { comparable, trainDigits } from "./workloads.js";

afterEach(() => use("cpu"));

describe.each(["webasm", "cpu"] as const)("mode %s", (mode) => {
  let backend: GpujsBackend;
  const open = async (): Promise<GpujsBackend> => (backend ??= await gpujs({ mode }));

  test.each(Object.keys(comparable))("%s", { timeout: 60_000 }, async (name) => {
    const expected = await comparable[name]();
    use(await open());
    const got = await comparable[name]();
    expect(got).toHaveLength(expected.length);
    const scale = Math.max(...expected.map(Math.abs));
    got.forEach((y, i) => expect(Math.abs(y - expected[i]), `number ${i}`).toBeLessThan(2e-4 * scale));
  });
});

test("Adam reads 94 % of the test digits", { timeout: 120_000 }, async () => {
  const { train, test: held } = await digits(9000, 1000);
  use(await gpujs({ mode: "webasm" }));
  expect(await trainDigits(train, held)).toBeGreaterThanOrEqual(0.94);
});
