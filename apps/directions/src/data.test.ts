import { tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { pixels } from "app-frame/digits";
import { directionsOf, loadDigits } from "./digits.js";
import { fourierFeatures, lengthScale } from "./features.js";
import { strangerNames, strangers, type Make, type Stranger } from "./strangers.js";

const digits = await loadDigits(random.key(3));

test("ten thousand digits, each once, in an order of the key's", async () => {
  expect(digits).toHaveLength(10_000);
  const counts = digits.reduce((all, { label }) => all.with(label, all[label] + 1), new Array<number>(10).fill(0));
  expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  expect((await loadDigits(random.key(4))).slice(0, 20).map((d) => d.label)).not.toEqual(digits.slice(0, 20).map((d) => d.label)); // prettier-ignore
});

test("directions are unit vectors, and brightness does not count", () => {
  const { picture } = digits[0];
  const x = directionsOf([picture, picture.map((grey) => grey / 3)]);
  expect(x.square().sum(1).dataSync().every((s) => Math.abs(s - 1) < 1e-14)).toBe(true); // prettier-ignore
  expect(x.slice(0).sub(x.slice(1)).abs().max().itemSync()).toBeLessThan(1e-15);
  expect(() => directionsOf([picture, new Float64Array(pixels)])).toThrow("picture 1 is black");
});

test("features: unit vectors whose cosines are those of the Gaussian kernel", () => {
  const x = directionsOf(digits.slice(0, 4).map(({ picture }) => picture));
  const p = 4000;
  const y = fourierFeatures(p, random.key(1))(x);
  expect(y.shape).toEqual([4, p]);
  const cosines = y.matmul(y.T);
  for (let i = 0; i < 4; i++) {
    expect(cosines.slice(i, i).itemSync()).toBeCloseTo(1, 13);
    for (let j = 0; j < i; j++) {
      const distance = x.slice(i).sub(x.slice(j)).square().sum().itemSync();
      const kernel = Math.exp(-distance / (2 * lengthScale ** 2));
      // The mean of 2000 cosines, each of variance at most 1/2: five standard errors.
      expect(Math.abs(cosines.slice(i, j).itemSync() - kernel)).toBeLessThan(5 * Math.sqrt(0.5 / (p / 2)));
    }
  }
  expect(fourierFeatures(64, random.key(1))(x).dataSync()).toEqual(fourierFeatures(64, random.key(1))(x).dataSync());
});

test("strangers are pictures of their kind", () => {
  const digit = Float64Array.from({ length: pixels }, (_, k) => k / pixels);
  const key = random.key(5);
  const times = (make: Make, count: number): Float64Array =>
    Array.from({ length: count }).reduce<Float64Array>((picture) => make(picture, key), digit);
  const turns: Partial<Record<Stranger, number>> = { mirrored: 2, "upside down": 2, "quarter turn": 4 };
  for (const [name, count] of Object.entries(turns) as [Stranger, number][]) {
    expect(times(strangers[name], count)).toEqual(digit);
    expect(times(strangers[name], 1)).not.toEqual(digit);
  }
  expect(times(strangers["quarter turn"], 2)).toEqual(times(strangers["upside down"], 1));
  expect(times(strangers["shuffled pixels"], 1).sort()).toEqual(digit);
  expect(times(strangers.negative, 1)[0]).toBe(1);
  for (const name of strangerNames) {
    const picture = strangers[name](digit, key);
    expect(picture.every((grey) => grey >= 0 && grey <= 1)).toBe(true);
    expect(strangers[name](digit, key)).toEqual(picture);
  }
  for (const name of ["shuffled pixels", "stripes", "noise"] as const) {
    expect(strangers[name](digit, random.key(6))).not.toEqual(strangers[name](digit, key));
  }
  // Stripes are waves: about as much light as dark, and smooth along rows.
  const wave = tensor(strangers.stripes(digit, key));
  expect(Math.abs(wave.mean().itemSync() - 0.5)).toBeLessThan(0.2);
});
