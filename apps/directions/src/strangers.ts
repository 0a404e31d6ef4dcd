/** Pictures that are no upright digits, for a score that should tell them from digits. */

import * as random from "@curv/tensor/random";
import { pixels, side } from "app-frame/digits";
import { type Picture } from "./digits.js";

export type Stranger = "mirrored" | "quarter turn" | "upside down" | "shuffled pixels" | "negative" | "stripes" | "noise"; // prettier-ignore

/** Makes a picture of its kind out of a digit, or of nothing but the key. */
export type Make = (digit: Picture, key: random.Key) => Picture;

/** The pixel at row i and column j of the new picture is that of the old one at `from(i, j)`. */
function moved(from: (i: number, j: number) => readonly [number, number]): Make {
  return (digit) =>
    Float64Array.from({ length: pixels }, (_, k) => {
      const [i, j] = from(Math.floor(k / side), k % side);
      return digit[i * side + j];
    });
}

const last = side - 1;

/** From those that are like digits to those that are not. */
export const strangers: Readonly<Record<Stranger, Make>> = {
  mirrored: moved((i, j) => [i, last - j]),
  "quarter turn": moved((i, j) => [j, last - i]),
  "upside down": moved((i, j) => [last - i, last - j]),
  // Every picture in an order of its own: as much ink, as many edges as noise has.
  "shuffled pixels": (digit, key) => Float64Array.from(random.permutation(key, pixels).dataSync(), (k) => digit[k]),
  negative: (digit) => digit.map((grey) => 1 - grey),
  // A wave of two to six periods in any direction.
  stripes: (_, key) => {
    const [turn, count, phase] = random.uniform(key, { shape: [3], dtype: "float64" }).dataSync();
    const wave = (2 * Math.PI * (2 + 4 * count)) / side;
    const [x, y] = [wave * Math.cos(Math.PI * turn), wave * Math.sin(Math.PI * turn)];
    return Float64Array.from(
      { length: pixels },
      (_, k) => 0.5 + 0.5 * Math.sin(x * (k % side) + y * Math.floor(k / side) + 2 * Math.PI * phase),
    );
  },
  noise: (_, key) => Float64Array.from(random.uniform(key, { shape: [pixels], dtype: "float64" }).dataSync()),
};

export const strangerNames = Object.keys(strangers) as readonly Stranger[];
