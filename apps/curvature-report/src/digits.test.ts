import { beforeAll, expect, test } from "vitest";
import * as random from "@curv/tensor/random";
import { loadDigits, pixels, select, side, slice, type Digits } from "app-frame/digits";
import { jitter, splitDigits } from "./digits.js";

let digits: Digits;
beforeAll(async () => {
  digits = await loadDigits();
});

test("ten thousand images of all ten digits", () => {
  expect(digits.count).toBe(10_000);
  expect(digits.images).toHaveLength(10_000 * pixels);
  const counts = Array.from({ length: 10 }, (_, digit) => digits.labels.filter((label) => label === digit).length);
  expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  expect(digits.images.every((grey) => grey >= 0 && grey <= 1)).toBe(true);
});

test("no digit is both learnt from and held out", () => {
  const numbered: Digits = {
    count: 100,
    images: digits.images.subarray(0, 100 * pixels),
    labels: Int32Array.from({ length: 100 }, (_, i) => i),
  };
  const { train, test: heldOut } = splitDigits(numbered, random.key(3), 30);
  expect([train.count, heldOut.count]).toEqual([70, 30]);
  expect([...train.labels, ...heldOut.labels].toSorted((a, b) => a - b)).toEqual([...numbered.labels]);
  const again = splitDigits(numbered, random.key(3), 30);
  expect(again.train.labels).toEqual(train.labels);
  expect(splitDigits(numbered, random.key(4), 30).train.labels).not.toEqual(train.labels);
});

test("images travel with their labels", () => {
  const chosen = select(digits, [5000, 17]);
  expect(chosen.labels).toEqual(Int32Array.of(digits.labels[5000], digits.labels[17]));
  expect(chosen.images.subarray(pixels)).toEqual(digits.images.subarray(17 * pixels, 18 * pixels));
  expect(slice(chosen, 1, 9)).toMatchObject({ count: 1, labels: Int32Array.of(digits.labels[17]) });
});

test("jitter moves whole images by at most its reach", () => {
  const few = select(digits, [0, 2500, 9000]);
  for (let seed = 0; seed < 5; seed++) {
    const moved = jitter(few, random.key(seed), 2);
    for (let i = 0; i < few.count; i++) {
      const matches: string[] = [];
      for (let dy = -2; dy <= 2; dy++)
        for (let dx = -2; dx <= 2; dx++) if (isMoved(few, moved, i, dx, dy)) matches.push(`${dx},${dy}`);
      expect(matches).toHaveLength(1);
    }
  }
  expect(jitter(few, random.key(1), 0).images).toEqual(few.images);
});

function isMoved(from: Digits, to: Digits, i: number, dx: number, dy: number): boolean {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const inside = y - dy >= 0 && y - dy < side && x - dx >= 0 && x - dx < side;
      const wanted = inside ? from.images[i * pixels + (y - dy) * side + x - dx] : 0;
      if (to.images[i * pixels + y * side + x] !== wanted) return false;
    }
  }
  return true;
}
