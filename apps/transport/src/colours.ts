/** The colours of a picture as a measure: points of Oklab, each with its share of the picture. */

import { fromOklab, toOklab } from "./oklab.js";
import type { Picture } from "./picture.js";

export interface Colours {
  readonly count: number;
  /** Oklab, [count · 3]. */
  readonly points: Float64Array;
  /** Shares, of sum 1, [count]. */
  readonly weights: Float64Array;
}

export interface PictureColours extends Colours {
  /** Which colour each pixel has. */
  readonly places: Int32Array;
}

/** The distinct colours of a picture. A pixel counts as much as it is opaque. */
export function coloursOf({ data }: Picture): PictureColours {
  const seen = new Int32Array(1 << 24).fill(-1);
  const places = new Int32Array(data.length / 4);
  const colours: number[] = [];
  const weights: number[] = [];
  let total = 0;
  for (let k = 0; k < places.length; k++) {
    const colour = (data[4 * k] << 16) | (data[4 * k + 1] << 8) | data[4 * k + 2];
    if (seen[colour] === -1) {
      seen[colour] = colours.length;
      colours.push(colour);
      weights.push(0);
    }
    places[k] = seen[colour];
    weights[places[k]] += data[4 * k + 3];
    total += data[4 * k + 3];
  }
  const points = new Float64Array(3 * colours.length);
  colours.forEach((c, k) => points.set(toOklab(c >> 16, (c >> 8) & 255, c & 255), 3 * k));
  return {
    count: colours.length,
    points,
    // A picture without an opaque pixel has no shares; who uses it is told so by `NaN`-free zeros.
    weights: Float64Array.from(weights, (w) => (total === 0 ? 0 : w / total)),
    places,
  };
}

/** The picture with its distinct colours replaced, one by one; alpha stays. */
export function recoloured(picture: Picture, places: Int32Array, points: Float64Array): Picture {
  const data = Uint8Array.from(picture.data);
  const colours = new Uint8Array(points.length);
  for (let k = 0; k < points.length; k += 3) colours.set(fromOklab(points[k], points[k + 1], points[k + 2]), k);
  for (let k = 0; k < places.length; k++) {
    for (let c = 0; c < 3; c++) data[4 * k + c] = colours[3 * places[k] + c];
  }
  return { ...picture, data };
}

/** Mean [3] and covariance [9] of colours. */
export function moments({ count, points, weights }: Colours): { mean: Float64Array; covariance: Float64Array } {
  const mean = new Float64Array(3);
  const covariance = new Float64Array(9);
  for (let k = 0; k < count; k++) for (let i = 0; i < 3; i++) mean[i] += weights[k] * points[3 * k + i];
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        covariance[3 * i + j] += weights[k] * (points[3 * k + i] - mean[i]) * (points[3 * k + j] - mean[j]);
      }
    }
  }
  return { mean, covariance };
}
