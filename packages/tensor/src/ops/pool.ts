/** Pooling over the spatial axes of [N, C, …S]. */

import { ones } from "../create.js";
import { isFloat } from "../dtype.js";
import { DTypeError, ShapeError } from "../errors.js";
import { dilated } from "../primitives/conv.js";
import { gatherPrimitive } from "../primitives/gather.js";
import { windowArgMaxPrimitive, windowSumPrimitive, type WindowParams } from "../primitives/windows.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { checkWindowFits, perAxis, resolvePadding, type ConvPadding, type PerAxis } from "./conv.js";
import { stopGradient } from "./elementwise.js";
import { expandDims, reshape } from "./movement.js";
import { where } from "./select.js";

export interface PoolOptions {
  /** Length of the window along each spatial axis. */
  readonly window: PerAxis;
  /** Default: the window. */
  readonly stride?: PerAxis;
  /** Default "valid". Padding takes no part: it is never a maximum and never counted in a mean. */
  readonly padding?: ConvPadding;
  /** Default 1. */
  readonly dilation?: PerAxis;
}

function windows(x: Tensor, options: PoolOptions, caller: string): WindowParams {
  if (!isFloat(x.dtype)) throw new DTypeError(`${caller}: x is ${x.dtype}; wants float32 or float64.`);
  if (x.rank < 3)
    throw new ShapeError(`${caller}: x has shape ${formatShape(x.shape)}; wants [N, C, …] with spatial axes.`);
  const spatial = x.rank - 2;
  const window = perAxis(options.window, spatial, caller, "window");
  const stride = perAxis(options.stride ?? window, spatial, caller, "stride");
  const dilation = perAxis(options.dilation ?? 1, spatial, caller, "dilation");
  const lengths = x.shape.slice(2);
  const reach = window.map((k, i) => dilated(k, dilation[i]));
  const padding = resolvePadding(options.padding ?? "valid", lengths, reach, stride, caller);
  checkWindowFits(lengths, reach, padding, caller);
  return {
    window: [1, 1, ...window],
    stride: [1, 1, ...stride],
    padding: [[0, 0], [0, 0], ...padding],
    dilation: [1, 1, ...dilation],
  };
}

/** Largest element of each window; the first of equal ones has the derivative. NaN wins; a window of padding alone gives −∞. */
export function maxPool(x: Tensor, options: PoolOptions): Tensor {
  const params = windows(x, options, "maxPool");
  const indices = bind1(windowArgMaxPrimitive, [stopGradient(x)], params);
  const taken = bind1(gatherPrimitive, [reshape(x, [-1]), expandDims(indices, indices.rank)], {
    batch: 0,
    fill: -Infinity,
  });
  return taken;
}

/** Mean of each window over the elements that are not padding. */
export function avgPool(x: Tensor, options: PoolOptions): Tensor {
  const params = windows(x, options, "avgPool");
  const total = bind1(windowSumPrimitive, [x], params);
  const counts = bind1(windowSumPrimitive, [ones([1, 1, ...x.shape.slice(2)], { dtype: x.dtype })], params);
  return total.div(where(counts.equal(0), 1, counts));
}

/** Sum of each window; padding counts as 0. */
export function sumPool(x: Tensor, options: PoolOptions): Tensor {
  return bind1(windowSumPrimitive, [x], windows(x, options, "sumPool"));
}
