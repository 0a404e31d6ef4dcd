/** Convolutions. TensorFlow.js keeps channels last, Curv first: kernels and images are transposed on the way. */

import { conv, flip, type Tensor } from "@curv/tensor";
import { activated } from "./activations.js";
import { withChannelsLast } from "./core.js";
import { optional, refuse, weight, type LayerCall, type LayerFunction } from "./layer.js";

type Pair = readonly [before: number, after: number];

/** One number for each spatial axis. */
export function perAxis(value: unknown, axes: number): number[] {
  if (value === null || value === undefined) return new Array<number>(axes).fill(1);
  return typeof value === "number" ? new Array<number>(axes).fill(value) : [...(value as readonly number[])];
}

/** Zeros before and after an axis of length n for windows that reach over `reach`: "same" gives ⌈n/stride⌉ outputs, the odd one goes behind. */
export function paddingOf(mode: unknown, n: number, reach: number, stride: number): Pair {
  if (mode !== "same") return [0, 0];
  const total = Math.max((Math.ceil(n / stride) - 1) * stride + reach - n, 0);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/** Outputs along an axis of length n for windows that reach over `reach`. */
export function lengthAfter(mode: unknown, n: number, reach: number, stride: number): number {
  return mode === "same" ? Math.ceil(n / stride) : Math.floor((n - reach) / stride) + 1;
}

const toFront = (x: Tensor): Tensor => x.transpose([0, x.rank - 1, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 1)]); // prettier-ignore
const toBack = (x: Tensor): Tensor => x.transpose([0, ...Array.from({ length: x.rank - 2 }, (_, i) => i + 2), 1]);

/** A kernel [...k, in, out] as [out, in, ...k]. */
export const kernelToFront = (w: Tensor): Tensor =>
  w.transpose([w.rank - 1, w.rank - 2, ...Array.from({ length: w.rank - 2 }, (_, i) => i)]);

/** x of [N, …S, C] by a kernel of [O, C/groups, …K]. */
export function convolve(call: LayerCall, x: Tensor, kernel: Tensor, groups = 1): Tensor {
  const { config, layer } = call;
  refuse(layer, config.padding === "causal", "pads causally, which TensorFlow.js itself does not do");
  const axes = x.rank - 2;
  const stride = perAxis(config.strides, axes);
  const dilation = perAxis(config.dilationRate, axes);
  const padding = stride.map((s, i) =>
    paddingOf(config.padding, x.shape[i + 1], (kernel.shape[i + 2] - 1) * dilation[i] + 1, s),
  );
  return toBack(conv(toFront(x), kernel, { stride, dilation, padding, groups }));
}

function finished(call: LayerCall, y: Tensor): Tensor {
  const bias = optional(call, "bias");
  return activated(call, bias === null ? y : y.add(bias));
}

const plain: LayerFunction = (call) =>
  withChannelsLast(call, (x) => finished(call, convolve(call, x, kernelToFront(weight(call, "kernel")))));

/** A depthwise kernel [h, w, in, m] as [in·m, 1, h, w]: output c·m + j is the j-th of channel c. */
function depthwise(call: LayerCall, x: Tensor): Tensor {
  const kernel = weight(call, "depthwise_kernel");
  const [h, w, channels, multiplier] = kernel.shape;
  const grouped = kernel.transpose([2, 3, 0, 1]).reshape([channels * multiplier, 1, h, w]);
  return convolve(call, x, grouped, channels);
}

/**
 * The transpose of a convolution: zeros between the elements, the kernel turned round. With "same" the result has length · stride elements,
 * cropped as the convolution of that length would have been padded.
 */
const transposed: LayerFunction = (call) =>
  withChannelsLast(call, (x) => {
    const kernel = weight(call, "kernel"); // [...k, out, in]
    const axes = x.rank - 2;
    const stride = perAxis(call.config.strides, axes);
    const padding = stride.map((s, i): Pair => {
      const [n, k] = [x.shape[i + 1], kernel.shape[i]];
      const length = call.config.padding === "same" ? n * s : n * s + Math.max(k - s, 0);
      const [low] = paddingOf(call.config.padding, length, k, s);
      return [k - 1 - low, length + low - ((n - 1) * s + 1)];
    });
    const spatial = Array.from({ length: axes }, (_, i) => i);
    const turned = flip(kernel, spatial).transpose([axes, axes + 1, ...spatial]); // [out, in, ...k]
    return finished(call, toBack(conv(toFront(x), turned, { inputDilation: stride, padding })));
  });

export const convolutionLayers: Readonly<Record<string, LayerFunction>> = {
  Conv1D: plain,
  Conv2D: plain,
  Conv3D: plain,
  Conv2DTranspose: transposed,
  Conv3DTranspose: transposed,
  DepthwiseConv2D: (call) => withChannelsLast(call, (x) => finished(call, depthwise(call, x))),
  SeparableConv2D: (call) =>
    withChannelsLast(call, (x) => {
      const pointwise = kernelToFront(weight(call, "pointwise_kernel"));
      return finished(call, toBack(conv(toFront(depthwise(call, x)), pointwise)));
    }),
};
