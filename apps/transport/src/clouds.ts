/** Clouds of points in the unit square, as many as one likes. */

import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** A point of a curve for each parameter in [0, 1), and how far points scatter around it. */
interface Shape {
  readonly curve: (s: number) => readonly [number, number];
  readonly scatter: number;
}

const turn = 2 * Math.PI;

/** A heart's outline, filled. */
const heart: Shape = {
  curve: (s) => {
    const t = turn * s;
    const [x, y] = [
      16 * Math.sin(t) ** 3,
      13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t),
    ];
    return [0.5 + x / 40, 0.47 - y / 40];
  },
  scatter: 0.012,
};

/** A spiral of three arms. */
const spiral: Shape = {
  curve: (s) => {
    const arm = Math.floor(3 * s);
    const along = Math.sqrt(3 * s - arm);
    const angle = turn * (arm / 3 + 0.7 * along);
    return [0.5 + 0.43 * along * Math.cos(angle), 0.5 + 0.43 * along * Math.sin(angle)];
  },
  scatter: 0.014,
};

/** `count` points of a heart and of a spiral, float64 [count, 2] each. */
export function clouds(key: random.Key, count: number): { from: Tensor; to: Tensor } {
  const [first, second] = random.split(key, 2);
  return { from: points(heart, first, count), to: points(spiral, second, count) };
}

function points({ curve, scatter }: Shape, key: random.Key, count: number): Tensor {
  const [placeKey, scatterKey] = random.split(key, 2);
  const places = random.uniform(placeKey, { shape: [count], dtype: "float64" }).dataSync() as Float64Array;
  const onCurve = Float64Array.from(Array.from(places).flatMap((s) => [...curve(s)]));
  const noise = random.normal(scatterKey, { shape: [count, 2], dtype: "float64" });
  return tensor(onCurve, { shape: [count, 2] }).add(noise.mul(scatter));
}
