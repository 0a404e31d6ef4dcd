/** The functions of tensors. */

export * from "./elementwise.js";
export { where } from "./select.js";
export {
  broadcastAll,
  broadcastTo,
  concat,
  expandDims,
  flip,
  matrixTranspose,
  moveAxis,
  pad,
  repeat,
  reshape,
  roll,
  split,
  squeeze,
  stack,
  swapAxes,
  tile,
  transpose,
  unstack,
  type Padding,
} from "./movement.js";
export { at, slice, type SliceSpec } from "./index.js";
export { dynamicSlice, dynamicUpdateSlice } from "./dynamic.js";
export {
  gatherND,
  oneHot,
  scatterAdd,
  scatterSet,
  searchSorted,
  take,
  takeAlong,
  type IndexMode,
  type TakeOptions,
} from "./gather.js";
export {
  all,
  any,
  argMax,
  argMin,
  countNonZero,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  prod,
  softmax,
  standardDeviation,
  sum,
  variance,
  type Axes,
  type ReduceOptions,
  type VarianceOptions,
} from "./reduce.js";
export { cummax, cummin, cumprod, cumsum, linearRecurrence, type CumulativeOptions } from "./cumulative.js";
export { dot, kron, matmul, outer, tensordot, vecdot } from "./dot.js";
export { logCumSumExp } from "./log-cumulative.js";
export { histogram, type HistogramOptions } from "./histogram.js";
export { interp, type InterpOptions } from "./interp.js";
export { median, quantile, type QuantileMethod, type QuantileOptions } from "./quantile.js";
export { resize, type ResizeMethod, type ResizeOptions } from "./resize.js";
export { argSort, sort, topK, type SortOptions } from "./sort.js";
export { addIdentity, diag, diagonal, trace } from "./diagonal.js";
export { einsum } from "./einsum.js";
export {
  conv,
  convTranspose,
  type ConvOptions,
  type ConvPadding,
  type ConvTransposeOptions,
  type PerAxis,
} from "./conv.js";
export { avgPool, maxPool, sumPool, type PoolOptions } from "./pool.js";
