/** Handwritten digits as masses on a square. */

import { imagesOf, pixels, side } from "app-frame/digits";
import * as random from "@curv/tensor/random";

/** A digit that the key chooses: grey values in [0, 1], row after row, [784]. */
export async function drawDigit(digit: number, key: random.Key): Promise<Float64Array> {
  const images = await imagesOf(digit);
  const place = random.randint(key, 0, images.length / pixels).itemSync();
  return images.slice(place * pixels, (place + 1) * pixels);
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
