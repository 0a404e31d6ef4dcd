import { buresWasserstein } from "@curv/ot";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { colourMap, mapColours, type PlanKind } from "./colour-map.js";
import { studyColours } from "./colour-study.js";
import { coloursOf, moments, type Colours } from "./colours.js";
import { paletteOf } from "./palette.js";
import { fullSettings, quickSettings } from "./settings.js";
import { scenes } from "./scenes.js";

const settings = { epsilon: 0.01, rho: 1 };

/** The Bures–Wasserstein distance of the Gaussians with the moments of two measures. */
function apart(p: Colours, q: Colours): number {
  const gaussian = (c: Colours): { mean: Tensor; covariance: Tensor } => {
    const { mean, covariance } = moments(c);
    return { mean: tensor(mean), covariance: tensor(covariance, { shape: [3, 3] }) };
  };
  return Math.sqrt(buresWasserstein(gaussian(p), gaussian(q)).itemSync());
}

describe("maps between the palettes of the landscapes", async () => {
  const { source, target } = scenes(random.key(4), 120);
  const [from, to] = [coloursOf(source), coloursOf(target)];
  const size = 64;
  const [x, y] = await Promise.all(
    [from, to].map((colours, k) => paletteOf(colours, { size, method: "kmeans", key: random.key(k) })),
  );
  const before = apart(from, to);

  test.each(["exact", "entropic"] as const)(
    "%s: palette and picture get the target's mean and covariance",
    async (kind) => {
      const map = await colourMap(x, y, { kind, ...settings });
      expect(map.converged).toBe(true);
      expect(map.mass).toBeCloseTo(1, 6);
      const palette = { ...x, points: map.moved.dataSync() as Float64Array };
      const picture = { ...from, points: await mapColours(map, from.points) };
      // The barycentric projection of a plan that meets the target has exactly its mean.
      moments(palette).mean.forEach((v, k) => expect(v).toBeCloseTo(moments(y).mean[k], 6));
      expect(apart(palette, y)).toBeLessThan(0.03 * before);
      expect(apart(picture, to)).toBeLessThan(0.06 * before);
    },
  );

  test("the entropic map costs more than the exact plan; the unbalanced one moves less mass, less far", async () => {
    const solve = (kind: PlanKind, rho = 1) => colourMap(x, y, { kind, epsilon: 0.01, rho }); // prettier-ignore
    const [exact, entropic, loose, tight] = await Promise.all([
      solve("exact"),
      solve("entropic"),
      solve("unbalanced", 0.3),
      solve("unbalanced", 1000),
    ]);
    expect(entropic.cost).toBeGreaterThan(exact.cost);
    expect(loose.mass).toBeLessThan(0.9);
    expect(loose.cost / loose.mass).toBeLessThan(exact.cost);
    // A price that nobody pays is the balanced plan.
    expect(tight.mass).toBeCloseTo(1, 2);
    expect(tight.moved.sub(entropic.moved).abs().max().itemSync()).toBeLessThan(0.01);
  });

  test("mapping in tiles is the map itself", async () => {
    const map = await colourMap(x, y, { kind: "entropic", ...settings });
    const points = from.points.subarray(0, 3 * 4500);
    const fractions: number[] = [];
    const tiled = await mapColours(map, points, { onProgress: (f) => fractions.push(f) });
    const whole = map.apply(tensor(points, { shape: [4500, 3] })).dataSync();
    let most = 0;
    tiled.forEach((v, k) => (most = Math.max(most, Math.abs(v - whole[k]))));
    expect(most).toBeLessThan(1e-12);
    expect(fractions).toEqual([4096 / 4500, 1]);
    await expect(mapColours(map, points, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});

describe("corner cases", () => {
  const one = (l: number, a = 0): Colours => ({
    count: 1,
    points: Float64Array.of(l, a, 0),
    weights: Float64Array.of(1),
  });

  test.each(["exact", "entropic", "unbalanced"] as const)("%s: one colour to another, and to itself", async (kind) => {
    const map = await colourMap(one(0.2), one(0.8, 0.1), { kind, ...settings });
    Array.from(map.moved.dataSync()).forEach((v, k) => expect(v).toBeCloseTo([0.8, 0.1, 0][k], 9));
    const same = await colourMap(one(0.5), one(0.5), { kind, ...settings });
    Array.from(same.moved.dataSync()).forEach((v, k) => expect(v).toBeCloseTo([0.5, 0, 0][k], 9));
    expect(same.cost).toBeCloseTo(0, 9);
  });
});

test("a picture in its own colours stays as it is", async () => {
  const { source } = scenes(random.key(4), 60);
  const colours = coloursOf(source);
  const palette = await paletteOf(colours, { size: 40, method: "kmeans", key: random.key(0) });
  const moved = await mapColours(await colourMap(palette, palette, { kind: "exact", ...settings }), colours.points);
  let most = 0;
  moved.forEach((v, k) => (most = Math.max(most, Math.abs(v - colours.points[k]))));
  expect(most).toBeLessThan(1e-12);
});

test("the study says how near each plan comes", async () => {
  const { results, transfers } = await studyColours({ ...quickSettings.colour, width: 90 }, random.key(1), {});
  expect(results.transfers.map(({ kind }) => kind)).toEqual(fullSettings.colour.plans);
  for (const { kind, after, converged } of results.transfers) {
    expect(converged).toBe(true);
    const share = kind === "unbalanced" ? 0.7 : 0.2;
    expect(after.distance).toBeLessThan(share * results.before.distance);
    expect(after.mean).toBeLessThan(share * results.before.mean);
    expect(after.covariance).toBeLessThan(share * results.before.covariance);
  }
  for (const { picture } of transfers) expect([picture.width, picture.height]).toEqual([90, 60]);
});
