/** Layers that put several inputs together. */

import { all, concat, full, matmul, maximum, minimum, sum, type Tensor } from "@curv/tensor";
import { unsupported, type LayerCall, type LayerFunction } from "./layer.js";

/** Inputs of lower rank get axes behind the batch. */
function aligned(inputs: readonly Tensor[]): Tensor[] {
  const rank = Math.max(...inputs.map((x) => x.rank));
  return inputs.map((x) =>
    x.rank === rank ? x : x.reshape([x.shape[0], ...new Array<number>(rank - x.rank).fill(1), ...x.shape.slice(1)]),
  );
}

/** Steps count where they count in every input that has a mask. */
function jointMask({ masks }: LayerCall): Tensor | null {
  if (masks.some((mask) => mask === null)) return null;
  return (masks as readonly Tensor[]).reduce((a, b) => a.cast("int32").mul(b.cast("int32")).notEqual(0));
}

const merging =
  (f: (inputs: readonly Tensor[]) => Tensor): LayerFunction =>
  (call) => ({ outputs: [f(aligned(call.inputs))], mask: jointMask(call) });

/** x over its length along an axis; lengths below √1e-7 count as that. */
function unit(x: Tensor, axis: number): Tensor {
  const square = sum(x.square(), axis, { keepDims: true });
  return x.div(maximum(square, 1e-7).sqrt());
}

export const mergeLayers: Readonly<Record<string, LayerFunction>> = {
  Add: /* @__PURE__ */ merging((xs) => xs.reduce((a, b) => a.add(b))),
  Multiply: /* @__PURE__ */ merging((xs) => xs.reduce((a, b) => a.mul(b))),
  Average: /* @__PURE__ */ merging((xs) => xs.reduce((a, b) => a.add(b)).mul(1 / xs.length)),
  Maximum: /* @__PURE__ */ merging((xs) => xs.reduce((a, b) => maximum(a, b))),
  Minimum: /* @__PURE__ */ merging((xs) => xs.reduce((a, b) => minimum(a, b))),
  Concatenate: ({ inputs, masks, config }) => {
    const axis = (config.axis as number | undefined) ?? -1;
    const outputs = [concat(inputs, axis)];
    if (masks.every((mask) => mask === null)) return { outputs, mask: null };
    // A step counts where all of its elements do; those of an input without a mask always do.
    const counts = inputs.map((x, i) => {
      const mask = masks[i];
      return mask === null ? full(x.shape, true) : mask.reshape([...mask.shape, 1]).broadcastTo(x.shape);
    });
    return { outputs, mask: all(concat(counts, axis), -1) };
  },
  Dot: (call) => {
    const { layer, config, inputs } = call;
    const given = config.axes as number | readonly [number, number];
    const axes = inputs.map((x, i) => {
      const axis = typeof given === "number" ? given : given[i];
      return axis < 0 ? axis + x.rank : axis;
    });
    const [x, y] = config.normalize === true ? inputs.map((t, i) => unit(t, axes[i])) : inputs;
    if (x.rank === 2 && y.rank === 2) {
      return { outputs: [sum(x.mul(y), 1, { keepDims: true })], mask: null };
    }
    if (x.rank !== 3 || y.rank !== 3) throw unsupported(layer, `joins inputs of ranks ${x.rank} and ${y.rank}`);
    const left = axes[0] === 2 ? x : x.T;
    const right = axes[1] === 1 ? y : y.T;
    return { outputs: [matmul(left, right)], mask: null };
  },
};
