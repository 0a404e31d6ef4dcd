/** Pooling. Padding is never a maximum and never counted in a mean. */

import { avgPool, max, maxPool, mean, type Tensor } from "@curv/tensor";
import { paddingOf, perAxis } from "./convolution.js";
import { channelsFirst, withChannelsLast } from "./core.js";
import type { LayerFunction } from "./layer.js";

const pooling =
  (pool: typeof maxPool): LayerFunction =>
  (call) =>
    withChannelsLast(call, (x) => {
      const axes = x.rank - 2;
      const window = perAxis(call.config.poolSize, axes);
      const strides = call.config.strides;
      const stride = strides === null || strides === undefined ? window : perAxis(strides, axes);
      const padding = window.map((k, i) => paddingOf(call.config.padding, x.shape[i + 1], k, stride[i]));
      const spatial = Array.from({ length: axes }, (_, i) => i);
      const y = pool(x.transpose([0, axes + 1, ...spatial.map((i) => i + 1)]), { window, stride, padding });
      return y.transpose([0, ...spatial.map((i) => i + 2), 1]);
    });

const global =
  (reduce: (x: Tensor, axes: number[]) => Tensor): LayerFunction =>
  (call) => {
    const [x] = call.inputs;
    const first = channelsFirst(call) ? 2 : 1;
    return reduce(x, Array.from({ length: x.rank - 2 }, (_, i) => first + i)); // prettier-ignore
  };

export const poolingLayers: Readonly<Record<string, LayerFunction>> = {
  MaxPooling1D: /* @__PURE__ */ pooling(maxPool),
  MaxPooling2D: /* @__PURE__ */ pooling(maxPool),
  MaxPooling3D: /* @__PURE__ */ pooling(maxPool),
  AveragePooling1D: /* @__PURE__ */ pooling(avgPool),
  AveragePooling2D: /* @__PURE__ */ pooling(avgPool),
  AveragePooling3D: /* @__PURE__ */ pooling(avgPool),
  GlobalAveragePooling1D: /* @__PURE__ */ global((x, axes) => mean(x, axes)),
  GlobalAveragePooling2D: /* @__PURE__ */ global((x, axes) => mean(x, axes)),
  GlobalMaxPooling1D: /* @__PURE__ */ global((x, axes) => max(x, axes)),
  GlobalMaxPooling2D: /* @__PURE__ */ global((x, axes) => max(x, axes)),
};
