/** Images of another size: each axis by itself, from the nearest elements or from the line between two, where TensorFlow.js takes them. */

import { repeat, take, tensor, type Tensor } from "@curv/tensor";
import { withChannelsLast } from "./core.js";
import type { LayerFunction } from "./layer.js";

const along = (x: Tensor, axis: number, indices: readonly number[]): Tensor =>
  take(x, tensor(Int32Array.from(indices)), axis);

const column = (x: Tensor, axis: number, values: readonly number[]): Tensor =>
  tensor([...values], { dtype: x.dtype }).reshape(x.shape.map((_, i) => (i === axis ? values.length : 1)));

/** The elements at `places`, on the line between their neighbours; beyond the last one its value stays. */
function interpolated(x: Tensor, axis: number, places: readonly number[]): Tensor {
  if (places.length === x.shape[axis] && places.every((p, i) => p === i)) return x;
  const before = along(x, axis, places.map(Math.floor));
  const after = along(x, axis, places.map((p) => Math.min(Math.floor(p) + 1, x.shape[axis] - 1))); // prettier-ignore
  return before.add(after.sub(before).mul(column(x, axis, places.map((p) => p - Math.floor(p))))); // prettier-ignore
}

/** Where the elements of a result of `length` stand among n: first on first, and last on last if `aligned`. */
function placesOf(n: number, length: number, aligned: boolean): number[] {
  const scale = aligned && length > 1 ? (n - 1) / (length - 1) : n / length;
  return Array.from({ length }, (_, i) => i * scale);
}

/** Where a crop of `length` from `start` on stands among n: its ends are shares of n, but n − 1 lie between first and last. */
function cropPlaces(n: number, start: number, length: number): number[] {
  const [low, high] = [Math.fround(start / n), Math.fround((start + length) / n)];
  if (length === 1) return [0.5 * (low + high) * (n - 1)];
  const scale = ((high - low) * (n - 1)) / (length - 1);
  return Array.from({ length }, (_, i) => low * (n - 1) + i * scale);
}

/** The element nearest to each place; 0 where a place is outside. */
function cropped(x: Tensor, axis: number, places: readonly number[]): Tensor {
  const last = x.shape[axis] - 1;
  const y = along(x, axis, places.map((p) => Math.min(Math.round(p), last))); // prettier-ignore
  return places.every((p) => p <= last) ? y : y.mul(column(x, axis, places.map((p) => (p <= last ? 1 : 0)))); // prettier-ignore
}

export const resamplingLayers: Readonly<Record<string, LayerFunction>> = {
  UpSampling2D: (call) => {
    const [height, width] = call.config.size as readonly [number, number];
    const between = call.config.interpolation === "bilinear";
    const stretched = (x: Tensor, axis: number, times: number): Tensor =>
      between ? interpolated(x, axis, placesOf(x.shape[axis], times * x.shape[axis], false)) : repeat(x, times, axis);
    return withChannelsLast(call, (x) => stretched(stretched(x, 1, height), 2, width));
  },

  /** Corners are aligned unless the layer was asked to keep the aspect, which it does not: TensorFlow.js means no more by it. */
  Resizing: ({ inputs: [x], config }) => {
    const aligned = config.cropToAspectRatio !== true;
    return [config.height as number, config.width as number].reduce((y, length, i) => {
      const axis = i + 1;
      const places = placesOf(y.shape[axis], length, aligned);
      if (config.interpolation !== "nearest") return interpolated(y, axis, places);
      const nearest = aligned ? Math.round : Math.floor;
      return along(y, axis, places.map((p) => Math.min(nearest(p), y.shape[axis] - 1))); // prettier-ignore
    }, x);
  },

  /** The middle of an image; of one that is too small in some direction, all of it, enlarged. A column is left out at the left, at least. */
  CenterCrop: ({ inputs: [x], config }) => {
    const [height, width] = [config.height as number, config.width as number];
    const [, rows, columns] = x.shape;
    const top = Math.floor((rows - height) / 2);
    const left = columns === width ? 0 : Math.floor((columns - width) / 2) || 1;
    if (top < 0 || left < 0) {
      return interpolated(interpolated(x, 1, placesOf(rows, height, false)), 2, placesOf(columns, width, false));
    }
    return cropped(cropped(x, 1, cropPlaces(rows, top, height)), 2, cropPlaces(columns, left, width));
  },
};
