/** Layers that multiply, look up or rearrange. */

import { any, clip, pad, repeat, take, tensordot, type Tensor } from "@curv/tensor";
import { activated } from "./activations.js";
import { optional, weight, type LayerCall, type LayerFunction } from "./layer.js";

export const channelsFirst = ({ config }: LayerCall): boolean =>
  String(config.dataFormat ?? "channelsLast")
    .replaceAll("_", "")
    .toLowerCase() === "channelsfirst";

/** x with its channels last, and the way back. */
export function withChannelsLast(call: LayerCall, f: (x: Tensor) => Tensor): Tensor {
  const [x] = call.inputs;
  if (!channelsFirst(call)) return f(x);
  const spatial = Array.from({ length: x.rank - 2 }, (_, i) => i);
  const y = f(x.transpose([0, ...spatial.map((i) => i + 2), 1]));
  return y.transpose([0, y.rank - 1, ...spatial.map((i) => i + 1)]);
}

/** [[top, bottom], [left, right]] from what a layer takes. */
function pairs(value: unknown): readonly (readonly [number, number])[] {
  if (typeof value === "number") return [[value, value], [value, value]]; // prettier-ignore
  return (value as readonly (number | readonly [number, number])[]).map((v) => (typeof v === "number" ? [v, v] : v));
}

export const coreLayers: Readonly<Record<string, LayerFunction>> = {
  Dense: (call) => {
    const [x] = call.inputs;
    const y = tensordot(x, weight(call, "kernel"), 1);
    const bias = optional(call, "bias");
    return activated(call, bias === null ? y : y.add(bias));
  },

  Embedding: (call) => {
    const [ids] = call.inputs;
    const table = weight(call, "embeddings");
    // What is outside stays outside; but webgpu adds to no integers of which it does not know that they are small.
    const indices = clip(ids.cast("int32"), -table.shape[0] - 1, table.shape[0]);
    const outputs = [take(table, indices, 0)];
    return { outputs, mask: call.config.maskZero === true ? indices.notEqual(0) : null };
  },

  Masking: ({ inputs: [x], config }) => {
    const steps = x.notEqual((config.maskValue as number | undefined) ?? 0);
    const mask = any(steps, -1);
    return { outputs: [x.mul(any(steps, -1, { keepDims: true }).cast(x.dtype))], mask };
  },

  Flatten: (call) => {
    const [x] = call.inputs;
    const order = Array.from({ length: x.rank - 2 }, (_, i) => i + 2);
    const y = channelsFirst(call) && x.rank > 2 ? x.transpose([0, ...order, 1]) : x;
    return y.reshape([x.shape[0], -1]);
  },
  Reshape: ({ inputs: [x], config }) => {
    const target = config.targetShape as readonly (number | null)[];
    return x.reshape([x.shape[0], ...target.map((n) => (n === null ? -1 : n))]);
  },
  Permute: ({ inputs: [x], config }) => x.transpose([0, ...(config.dims as readonly number[])]),
  RepeatVector: ({ inputs: [x], config }) => repeat(x.reshape([x.shape[0], 1, x.shape[1]]), config.n as number, 1),

  ZeroPadding2D: (call) => withChannelsLast(call, (x) => pad(x, [[0, 0], ...pairs(call.config.padding), [0, 0]])),
  Cropping2D: (call) =>
    withChannelsLast(call, (x) => {
      const [[top, bottom], [left, right]] = pairs(call.config.cropping);
      return x.slice(null, [top, x.shape[1] - bottom], [left, x.shape[2] - right]);
    }),
  Rescaling: ({ inputs: [x], config }) => x.mul(config.scale as number).add((config.offset as number | undefined) ?? 0),
};
