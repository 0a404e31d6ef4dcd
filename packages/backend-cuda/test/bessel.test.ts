/** Functions of another package on the fake card: the modified Bessel functions of `@curv/bessel`. */

import { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "@curv/bessel";
import { fromTypedArray, grad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { beforeEach, describe, expect, test } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { fakeCard } from "./fake/build.js";

type Function = (v: Tensor, x: Tensor) => Tensor;

const slope =
  (f: Function): Function =>
  (v, x) =>
    grad((at: Tensor) => f(v, at).sum())(x);

const logarithms: Readonly<Record<string, Function>> = { logIv, logKv, logIve, logKve };
const ratios: Readonly<Record<string, Function>> = { besselRatioI, besselRatioK };
const slopes: Readonly<Record<string, Function>> = { ofRatioI: slope(besselRatioI), ofRatioK: slope(besselRatioK) };

/** Orders and arguments: over eight decades, where the expansions meet, about the zero of the exponent, and half-integral orders. */
function points(count: number): readonly [v: Float32Array, x: Float32Array] {
  const draw = random.uniform(random.key(1), { shape: [2 * count] }).dataSync();
  const [v, x] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const [a, b] = [draw[2 * i], draw[2 * i + 1]];
    [v[i], x[i]] = [
      [10 ** (8 * a - 4), 10 ** (8 * b - 4)],
      [14 * a, 14 * b],
      [10 ** (0.5 + 4 * a) * (1 + 2 * b), 10 ** (0.5 + 4 * a)],
      [Math.floor(30 * a) / 2, 10 ** (11 * b - 8)],
    ][i % 4];
  }
  return [v, x];
}

const made = fakeCard();

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());

  describe("float32", () => {
    const count = 2000;
    const [v, x] = points(count).map((data) => fromTypedArray(data, [count]));

    /** Largest error in units of the last place of float32, of max(least, |value|). */
    const worst = (f: Function, least: number): number => {
      const wanted = f(v.cast("float64"), x.cast("float64")).dataSync();
      const got = f(v.to(backend()), x.to(backend())).dataSync();
      let most = 0;
      for (let i = 0; i < count; i++) {
        const size = Math.max(least, Math.abs(wanted[i]));
        if (size > 3e38) continue; // Not in float32.
        const error = Math.abs(got[i] - wanted[i]) / 2 ** (Math.floor(Math.log2(size)) - 23);
        if (!(error <= most)) most = error;
      }
      return most;
    };

    test.each(Object.entries(logarithms))("%s is within 8 units of max(1, |value|)", (_, f) => {
      expect(worst(f, 1)).toBeLessThanOrEqual(8);
    });
    test.each(Object.entries(ratios))("%s is within 8 units", (_, f) => {
      expect(worst(f, 1e-37)).toBeLessThanOrEqual(8);
    });
    test.each(Object.entries(slopes))("the slope %s is within 32 units", (_, f) => {
      expect(worst(f, 1e-37)).toBeLessThanOrEqual(32);
    });
  });
});
