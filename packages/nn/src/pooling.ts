/** Pooling over the spatial axes of [batch, channels, ...]. */

import { avgPool as average, maxPool as maximum, type PoolOptions } from "@curv/tensor";
import { checkSpatial } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";

export interface Pool extends Stateless<null> {
  readonly name: "maxPool" | "avgPool";
  readonly options: PoolOptions;
}

export interface GlobalAvgPool extends Stateless<null> {
  readonly name: "globalAvgPool";
}

/** Largest element of each window; by default windows do not overlap. Padding is never a maximum. */
export function maxPool(options: PoolOptions): Pool {
  return {
    name: "maxPool",
    options,
    init: () => null,
    ...stateless((_params: null, x) => {
      checkSpatial(x, "maxPool");
      return maximum(x, options);
    }),
  };
}

/** Mean of each window; by default windows do not overlap. Padding is not counted (PyTorch counts it unless told otherwise). */
export function avgPool(options: PoolOptions): Pool {
  return {
    name: "avgPool",
    options,
    init: () => null,
    ...stateless((_params: null, x) => {
      checkSpatial(x, "avgPool");
      return average(x, options);
    }),
  };
}

/** Mean over all spatial axes: [batch, channels, ...] to [batch, channels]. */
export function globalAvgPool(): GlobalAvgPool {
  return {
    name: "globalAvgPool",
    init: () => null,
    ...stateless((_params: null, x) => {
      checkSpatial(x, "globalAvgPool");
      return x.mean(x.shape.slice(2).map((_, i) => i + 2));
    }),
  };
}
