import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { auroc, confusionOf, majorities, median, normalisedMutualInformation, purity } from "./scores.js";

const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
const clusters = [0, 0, 1, 1, 1, 2, 2, 2, 0, 2];

test("confusion, majorities, purity", () => {
  const table = confusionOf(labels, clusters, 4);
  expect(table.slice(0, 3)).toEqual([[2, 1, 0, 0], [0, 2, 1, 0], [1, 0, 3, 0]]); // prettier-ignore
  expect(majorities(table).slice(0, 3)).toEqual([0, 1, 2]);
  expect(purity(table)).toBe(0.7);
});

test("normalised mutual information: that of scikit-learn; 1 for renamed labels, 0 for independent ones", () => {
  expect(normalisedMutualInformation(confusionOf(labels, clusters, 3))).toBeCloseTo(0.44270128334605, 13);
  const renamed = labels.map((label) => (label + 1) % 3);
  expect(normalisedMutualInformation(confusionOf(labels, renamed, 3))).toBeCloseTo(1, 13);
  expect(normalisedMutualInformation(confusionOf([0, 0, 1, 1], [0, 1, 0, 1], 2))).toBeCloseTo(0, 13);
  expect(normalisedMutualInformation(confusionOf([0, 0], [1, 1], 2))).toBe(1);
});

test("AUROC: that of scikit-learn, and of all pairs, ties half", () => {
  expect(auroc([3, 2, 2, 5], [2, 1, 4])).toBeCloseTo(2 / 3, 14);
  const [a, b] = random.split(random.key(0)).map((key, k) => Array.from(random.randint(key, 0, 20 + k, { shape: [90 + k] }).dataSync())); // prettier-ignore
  const pairs = a.flatMap((x) => b.map((y) => (x > y ? 1 : x === y ? 0.5 : 0)));
  expect(auroc(a, b)).toBeCloseTo(pairs.reduce<number>((s, v) => s + v, 0) / pairs.length, 12);
  expect(auroc(a, b) + auroc(b, a)).toBeCloseTo(1, 12);
});

test("medians", () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
});
