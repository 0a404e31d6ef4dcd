/** Dense and convolutional layers as the same matrix applied to several rows of each example. */

import { concat, conv as convolve, eye, moveAxis, ones, tile, type Tensor } from "@curv/tensor";
import type { Conv, ConvOptions, Dense, Layer } from "@curv/nn";

/** A layer whose curvature has Kronecker factors: Y = X Wᵀ + b with rows X. */
export type FactoredLayer = Dense | Conv;

/** Whether a layer is dense or a convolution. */
export function hasFactors(layer: Layer): layer is FactoredLayer {
  return layer.name === "dense" || layer.name === "conv";
}

/**
 * Rows [examples, rows, a] that the layer's matrix [W b] [o, a] is applied to: for a dense layer one for each position between the first and
 * the last axis, for a convolution the patches (im2col). With a bias, a 1 is appended.
 *
 * A convolution in groups is several matrices, and has a leading axis of groups.
 */
export function inputRows(layer: FactoredLayer, x: Tensor): Tensor {
  const rows =
    layer.name === "dense" ? x.reshape([x.shape[0], -1, x.shape[x.rank - 1]]) : patches((layer as Conv).options, x);
  if (!(layer.options.bias ?? true)) return rows;
  return concat([rows, ones([...rows.shape.slice(0, -1), 1], { dtype: rows.dtype })], -1);
}

/** Gradients with respect to the layer's outputs, as rows that belong to those of the inputs: [examples, rows, o], after any groups. */
export function gradientRows(layer: FactoredLayer, g: Tensor): Tensor {
  return layer.name === "dense"
    ? g.reshape([g.shape[0], -1, g.shape[g.rank - 1]])
    : channelsLast(g, (layer as Conv).options);
}

/**
 * [n, C, ...space] to [n, positions, C·ΠK], in the order of a kernel's elements. A convolution with one kernel for each element of the window,
 * channel by channel, pads, strides and dilates as the layer does.
 */
function patches(options: ConvOptions, x: Tensor): Tensor {
  const { kernel, stride = 1, padding = "valid", dilation = 1 } = options;
  const channels = x.shape[1];
  const window = typeof kernel === "number" ? new Array<number>(x.rank - 2).fill(kernel) : [...kernel];
  const size = window.reduce((a, b) => a * b, 1);
  const pick = eye(size, size, { dtype: x.dtype }).reshape([size, 1, ...window]);
  const picks = tile(pick, [channels, 1, ...window.map(() => 1)]);
  return channelsLast(convolve(x, picks, { stride, padding, dilation, groups: channels }), options);
}

/** [n, C, ...space] to [n, positions, C], or to [groups, n, positions, C/groups]. */
function channelsLast(x: Tensor, { groups = 1 }: ConvOptions): Tensor {
  const [n, channels] = x.shape;
  const rows = x.reshape([n, groups, channels / groups, -1]).T;
  return groups === 1 ? rows.squeeze(1) : moveAxis(rows, 1, 0);
}
