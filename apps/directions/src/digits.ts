/** Handwritten digits one by one, and as directions. */

import { imagesOf, pixels } from "app-frame/digits";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Grey values in [0, 1], row after row: [784]. */
export type Picture = Float64Array;

export interface Digit {
  readonly picture: Picture;
  /** 0 … 9. */
  readonly label: number;
}

/** All digits, in an order that the key decides. */
export async function loadDigits(key: random.Key): Promise<readonly Digit[]> {
  const all: Digit[] = [];
  for (let label = 0; label < 10; label++) {
    const images = await imagesOf(label);
    for (let at = 0; at < images.length; at += pixels) all.push({ picture: images.subarray(at, at + pixels), label });
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
