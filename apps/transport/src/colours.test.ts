import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { coloursOf, moments, recoloured, type Colours } from "./colours.js";
import { fromOklab, toOklab } from "./oklab.js";
import { paletteOf } from "./palette.js";
import type { Picture } from "./picture.js";

/** A picture of one row. */
const row = (...pixels: readonly (readonly [number, number, number, number])[]): Picture => ({
  width: pixels.length,
  height: 1,
  data: Uint8Array.from(pixels.flat()),
});

describe("Oklab", () => {
  // White, black and the primaries as CSS Color 4 has them.
  test.each([
    [
      [255, 255, 255],
      [1, 0, 0],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
    [
      [255, 0, 0],
      [0.62796, 0.22486, 0.12585],
    ],
    [
      [0, 255, 0],
      [0.86644, -0.23389, 0.1795],
    ],
    [
      [0, 0, 255],
      [0.45201, -0.03246, -0.31153],
    ],
  ] as const)("of %j", ([r, g, b], wanted) => {
    toOklab(r, g, b).forEach((v, k) => expect(v).toBeCloseTo(wanted[k], 4));
  });

  test("every colour comes back", () => {
    for (let r = 0; r < 256; r += 15) {
      for (let g = 0; g < 256; g += 15) {
        for (let b = 0; b < 256; b += 15) expect(fromOklab(...toOklab(r, g, b))).toEqual([r, g, b]);
      }
    }
  });
});

describe("colours of a picture", () => {
  const picture = row([255, 0, 0, 255], [0, 0, 255, 127.5], [255, 0, 0, 255], [9, 9, 9, 0]);

  test("count as much as they are opaque", () => {
    const { count, weights, places } = coloursOf(picture);
    expect(count).toBe(3);
    expect(Array.from(places)).toEqual([0, 1, 0, 2]);
    expect(weights[1] / weights[0]).toBeCloseTo(127 / 510, 12);
    expect(weights[2]).toBe(0);
    expect(weights[0] + weights[1]).toBeCloseTo(1, 12);
  });

  test("are replaced one by one; alpha stays", () => {
    const { places } = coloursOf(picture);
    const points = Float64Array.from([toOklab(0, 255, 0), toOklab(1, 2, 3), toOklab(9, 9, 9)].flat());
    expect(recoloured(picture, places, points)).toEqual(
      row([0, 255, 0, 255], [1, 2, 3, 127], [0, 255, 0, 255], [9, 9, 9, 0]),
    );
  });
});

describe("palettes", () => {
  /** Three tight clusters of 60, 30 and 10 %. */
  const clusters = (): Colours => {
    const centres = [[0.2, 0, 0], [0.5, 0.1, -0.1], [0.9, -0.1, 0.1]] as const; // prettier-ignore
    const noise = random.normal(random.key(3), { shape: [300, 3], dtype: "float64" }).dataSync();
    const points = Float64Array.from({ length: 900 }, (_, at) => {
      const k = Math.floor(at / 3);
      return centres[k < 180 ? 0 : k < 270 ? 1 : 2][at % 3] + 0.01 * noise[at];
    });
    return { count: 300, points, weights: new Float64Array(300).fill(1 / 300) };
  };

  test("k-means finds clusters and their shares, and keeps the mean", async () => {
    const colours = clusters();
    const palette = await paletteOf(colours, { size: 3, method: "kmeans", key: random.key(0) });
    expect(Array.from(palette.weights).sort()).toEqual([0.1, 0.3, 0.6].map((w) => expect.closeTo(w, 10)));
    for (const [light, share] of [
      [0.2, 0.6],
      [0.5, 0.3],
      [0.9, 0.1],
    ]) {
      const k = palette.weights.findIndex((w) => Math.abs(w - share) < 1e-6);
      expect(Math.abs(palette.points[3 * k] - light)).toBeLessThan(0.005);
    }
    // Means of clusters have the mean of all, whatever the clusters.
    const coarse = await paletteOf(colours, { size: 7, method: "kmeans", key: random.key(1) });
    moments(coarse).mean.forEach((v, k) => expect(v).toBeCloseTo(moments(colours).mean[k], 10));
  });

  test("drawn pixels have even weights, and about the moments of the picture", async () => {
    const colours = clusters();
    const palette = await paletteOf(colours, { size: 400, method: "sample", key: random.key(0) });
    expect(palette.weights.reduce((s, w) => s + w, 0)).toBeCloseTo(1, 12);
    for (const w of palette.weights) expect(400 * w).toBeCloseTo(Math.round(400 * w), 9);
    moments(palette).mean.forEach((v, k) => expect(Math.abs(v - moments(colours).mean[k])).toBeLessThan(0.05));
  });

  test("a picture of few colours has a small palette; what is transparent is in none", async () => {
    const colours = coloursOf(row([255, 0, 0, 255], [0, 0, 255, 255], [0, 255, 0, 0]));
    for (const method of ["kmeans", "sample"] as const) {
      const { count, points } = await paletteOf(colours, { size: 20, method, key: random.key(5) });
      expect(count).toBe(2);
      for (let k = 0; k < 2; k++) expect(points[3 * k]).toBeLessThan(0.8); // green would be 0.87
    }
  });
});
