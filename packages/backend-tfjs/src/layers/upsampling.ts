/** Larger images: each axis by itself, by the nearest element before or on the line between two. */

import { repeat, take, tensor, type Tensor } from "@curv/tensor";
import { withChannelsLast } from "./core.js";
import type { LayerFunction } from "./layer.js";

/** Element i of the result stands at i/times: the first ones coincide, and beyond the last one its value stays. */
function interpolated(x: Tensor, axis: number, times: number): Tensor {
  if (times === 1) return x;
  const n = x.shape[axis];
  const places = Array.from({ length: n * times }, (_, i) => i / times);
  const at = (indices: readonly number[]): Tensor => take(x, tensor(Int32Array.from(indices)), axis);
  const before = at(places.map(Math.floor));
  const after = at(places.map((p) => Math.min(Math.floor(p) + 1, n - 1)));
  const shape = x.shape.map((_, i) => (i === axis ? places.length : 1));
  const rest = tensor(places.map((p) => p - Math.floor(p)), { dtype: x.dtype }).reshape(shape); // prettier-ignore
  return before.add(after.sub(before).mul(rest));
}

export const upsamplingLayers: Readonly<Record<string, LayerFunction>> = {
  UpSampling2D: (call) => {
    const [height, width] = call.config.size as readonly [number, number];
    const stretched = call.config.interpolation === "bilinear" ? interpolated : repeated;
    return withChannelsLast(call, (x) => stretched(stretched(x, 1, height), 2, width));
  },
};

function repeated(x: Tensor, axis: number, times: number): Tensor {
  return repeat(x, times, axis);
}
