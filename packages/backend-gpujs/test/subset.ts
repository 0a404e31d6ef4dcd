/**
 * Primitives on which a mode is checked at every commit: a function, words, a reduction, an index. A browser compiles shaders for each of
 * their shapes, a few a second in software. All primitives: `CURV_GPUJS_CONFORMANCE=all`, which takes minutes on webasm and the better
 * part of an hour on WebGL.
 */
export const inBrowser: readonly string[] = ["exp", "bitwiseXor", "sum", "gather"];

/** In Node: one primitive for each way of computing. */
export const inNode: readonly string[] = [
  "exp", "log", "tanh", "sin", "add", "maximum", "isNaN", "bitwiseXor", "shiftLeft", "select", "cast", "integerPower",
  "full", "iota", "slice", "transpose", "pad", "concat", "sum", "argMax", "cumsum", "windowArgMax", "dot", "conv", "gather",
  "scatterAdd", "sort", "dynamicSlice", "threefry", "fft",
  "cholesky", "qr",
]; // prettier-ignore

/** The primitives to check, or null for all. */
export function chosen(list: readonly string[]): readonly string[] | null {
  return process.env.CURV_GPUJS_CONFORMANCE === "all" ? null : list;
}
