/** Environments made of digits: what is where, how often what is flipped, and how images turn. */

import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import { coloredDigits, imbalancedSplit, rotatedDigits } from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

const n = 20_000;
/** Digits of 4 × 4 pixels that are nowhere 0, in the test's own order. */
const labels = Int32Array.from({ length: n }, (_, i) => (i * 7) % 10);
const images = random.uniform(random.key(1), { shape: [n, 4, 4] }).add(0.5);

const agreement = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).filter((v, i) => v === b[i]).length / a.length;

describe("8: coloured digits", () => {
  const { x, y, color } = coloredDigits(images, labels, { key: random.key(3), colorFlip: 0.2 });
  const shape = Float32Array.from(labels, (digit) => (digit < 5 ? 1 : 0));

  test("label = [digit < 5], flipped with 0.25; colour = label, flipped with e: within 2 %", () => {
    expect(Math.abs(agreement(y.dataSync(), shape) - 0.75)).toBeLessThan(0.02);
    for (const e of [0.1, 0.2, 0.9]) {
      const made = coloredDigits(images, labels, { key: random.key(4), colorFlip: e });
      expect(Math.abs(agreement(made.y.dataSync(), made.color.dataSync()) - (1 - e))).toBeLessThan(0.02);
    }
    // The two flips are independent: colour and shape agree in (1 − e)·0.75 + e·0.25.
    expect(Math.abs(agreement(color.dataSync(), shape) - (0.8 * 0.75 + 0.2 * 0.25))).toBeLessThan(0.02);
  });

  test("every second row and column, in the channel of the colour; the other is zero", () => {
    expect(x.shape).toEqual([n, 2 * 2 * 2]);
    const [values, original, channel] = [x.dataSync(), images.dataSync(), color.dataSync()];
    for (let i = 0; i < 200; i++) {
      const small = [0, 2, 8, 10].map((pixel) => original[i * 16 + pixel]);
      const wanted = channel[i] === 0 ? [...small, 0, 0, 0, 0] : [0, 0, 0, 0, ...small];
      expect(Array.from(values.slice(i * 8, i * 8 + 8))).toEqual(wanted);
    }
  });

  test("flat images, grey ones, and keys", () => {
    const make = (key: number, grayscale = false, flat = false): Tensor =>
      coloredDigits(flat ? images.reshape(n, 16) : images, labels, { key: random.key(key), colorFlip: 0.2, grayscale })
        .x;
    expect(agreement(make(3, false, true).dataSync(), x.dataSync())).toBe(1);
    expect(agreement(make(4).dataSync(), x.dataSync())).toBeLessThan(0.9);
    const grey = make(3, true);
    expect(agreement(grey.slice(null, [0, 4]).dataSync(), grey.slice(null, [4, 8]).dataSync())).toBe(1);
    expect(grey.min().itemSync()).toBeGreaterThan(0);
  });

  test("labels are 0 and 1 of the dtype of the images", () => {
    expect(y.dtype).toBe("float32");
    expect([...new Set(y.dataSync())].sort()).toEqual([0, 1]);
  });
});

test("label shift: 97 % of the digits below 5 and 3 % of the others are in the first part", () => {
  const [first, second] = imbalancedSplit(labels, { key: random.key(1) });
  const below = (part: Int32Array): number => part.filter((i) => labels[i] < 5).length;
  expect(below(first)).toBe(9700);
  expect(first.length).toBe(9700 + 300);
  expect(below(second)).toBe(300);
  expect([...first, ...second].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
});

describe("rotated digits", () => {
  const few = random.uniform(random.key(2), { shape: [3, 5, 5], dtype: "float64" });
  const turned = (degrees: number): number[] => Array.from(rotatedDigits(few, [1, 2, 3], { degrees }).x.dataSync());
  const original = Array.from(few.dataSync());
  const distance = (a: number[], b: number[]): number => Math.max(...a.map((v, i) => Math.abs(v - b[i])));

  test("0 and 360 degrees change nothing, 90 is a quarter turn counter-clockwise", () => {
    expect(turned(0)).toEqual(original);
    expect(distance(turned(360), original)).toBeLessThan(1e-12);
    // Row r, column c of the turned image is row c, column 4 − r of the original.
    const quarter = original.map((_, at) => {
      const [image, row, column] = [Math.floor(at / 25), Math.floor((at % 25) / 5), at % 5];
      return original[image * 25 + column * 5 + (4 - row)];
    });
    expect(distance(turned(90), quarter)).toBeLessThan(1e-12);
    expect(distance(turned(-270), quarter)).toBeLessThan(1e-12);
  });

  test("in between it interpolates: a plane stays a plane inside", () => {
    const plane = tensor(
      Float64Array.from({ length: 81 }, (_, i) => 2 * ((i % 9) - 4) + 3 * (Math.floor(i / 9) - 4)),
      { shape: [1, 81] },
    );
    const angle = Math.PI / 6;
    const { x, y } = rotatedDigits(plane, [7], { degrees: 30 });
    const values = x.dataSync();
    for (let row = 2; row <= 6; row++) {
      for (let column = 2; column <= 6; column++) {
        const [dx, dy] = [column - 4, 4 - row];
        const [u, v] = [Math.cos(angle) * dx + Math.sin(angle) * dy, Math.cos(angle) * dy - Math.sin(angle) * dx];
        expect(values[row * 9 + column]).toBeCloseTo(2 * u - 3 * v, 10);
      }
    }
    expect(Array.from(y.dataSync())).toEqual([7]);
  });
});

describe("bad calls", () => {
  const key = random.key(0);
  test.each<[string, () => unknown, string]>([
    [
      "probability",
      () => coloredDigits(images, labels, { key, colorFlip: 1.2 }),
      "colorFlip is 1.2; wants a probability",
    ],
    ["label flips", () => coloredDigits(images, labels, { key, colorFlip: 0, labelFlip: NaN }), "labelFlip is NaN"],
    ["no digit", () => rotatedDigits(images.slice([0, 1]), [10], { degrees: 0 }), "labels[0] is 10; wants a digit"],
    ["lengths", () => rotatedDigits(images, [1], { degrees: 0 }), "20000 images, but 1 labels"],
    [
      "odd sides",
      () => coloredDigits(images.slice([0, 1], [0, 3]), [1], { key, colorFlip: 0 }),
      "images are 3 × 4; wants even",
    ],
    ["not square", () => rotatedDigits(images.reshape(n * 2, 8), labels, { degrees: 0 }), "[n, h·h] for square ones"],
    ["integers", () => rotatedDigits(images.cast("int32"), labels, { degrees: 0 }), "images are int32"],
    ["angle", () => rotatedDigits(images, labels, { degrees: Infinity }), "degrees is Infinity"],
    ["share", () => imbalancedSplit(labels, { key, share: 1 }), "share is 1; wants a number in (0, 1)"],
    ["an empty part", () => imbalancedSplit([], { key }), "leave a part empty"],
  ])("%s", (_name, call, message) => {
    expect(call).toThrow(message);
  });
});
