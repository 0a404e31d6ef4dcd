import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eye, isTensor, tensor } from "@curv/tensor";
import { afterAll, expect, test, vi } from "vitest";
import { openCheckpoint } from "./checkpoint.js";
import { quickSettings, type Settings } from "./settings.js";

const folder = mkdtempSync(join(tmpdir(), "checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));
const settings: Settings = { ...quickSettings, seed: 3 };

test("what was done is not done again, and is the same", async () => {
  const value = {
    trace: NaN,
    matrix: eye(2, 3, { dtype: "float64" }),
    layers: new Map([["0", { samples: [1, 2], place: tensor(Int32Array.of(7)) }]]),
    predictions: Uint8Array.of(1, 2),
    nothing: null,
  };
  const work = vi.fn(() => Promise.resolve(value));
  const first = await openCheckpoint(folder, settings);
  expect(await first.keep("Curvature of MLP", work)).toBe(value);
  const second = await openCheckpoint(folder, settings);
  const again = await second.keep("Curvature of MLP", work);
  expect(work).toHaveBeenCalledTimes(1);
  expect([again.trace, again.nothing]).toEqual([NaN, null]);
  expect(again.predictions).toEqual(value.predictions);
  expect([again.matrix.dtype, again.matrix.shape]).toEqual(["float64", [2, 3]]);
  expect(again.matrix.dataSync()).toEqual(value.matrix.dataSync());
  const { samples, place } = again.layers.get("0")!;
  expect(samples).toEqual([1, 2]);
  expect(isTensor(place) && place.dtype).toBe("int32");
  expect(await second.read("Curvature of CNN")).toBeUndefined();
});

test("the folder of a run with other settings is refused", async () => {
  await expect(openCheckpoint(folder, { ...settings, seed: 4 })).rejects.toThrow(
    `--checkpoint ${folder} is of a run with other options`,
  );
});
