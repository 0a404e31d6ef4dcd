/** An engine for tests in Node that treats integers as WebGL's textures do: as float32, of which a half is added and cut off. */

import * as tf from "@tensorflow/tfjs";
import type { TfjsModule } from "../src/index.js";

/** The cpu engine under the name of another, whose every int32 is rounded on its way in and out of a kernel. */
export function roundingEngine(name: "webgl" | "webgpu"): TfjsModule {
  const rounded = <T>(x: T): T => {
    if (!(x instanceof tf.Tensor) || x.dtype !== "int32") return x;
    const values = Array.from(x.dataSync(), (v) => Math.floor(Math.fround(Math.fround(v) + 0.5)));
    return tf.tensor(Int32Array.from(values), x.shape, "int32") as T;
  };
  const inputs = (x: object): object =>
    Array.isArray(x) ? x.map(rounded) : Object.fromEntries(Object.entries(x).map(([key, value]) => [key, rounded(value)])); // prettier-ignore
  // An integer times a float is a float there.
  const asFloats = (x: object): object => {
    const { a, b } = x as Record<string, tf.Tensor | undefined>;
    return a?.dtype === "int32" && b?.dtype === "float32" ? { a: tf.cast(a, "float32"), b } : x;
  };
  const device = {};
  return {
    getBackend: () => name,
    getKernelsForBackend: () => tf.getKernelsForBackend("cpu"),
    engine: () => ({
      backend: device,
      runKernel: (kernel, x, attrs) =>
        tf.tidy(() => {
          const y = tf.engine().runKernel(kernel, asFloats(inputs(x)) as never, attrs as never);
          return (Array.isArray(y) ? y.map(rounded) : rounded(y)) as tf.Tensor;
        }),
    }),
    tensor: (values, shape, dtype) => rounded(tf.tensor(values, shape, dtype)),
    keep: (x) => tf.keep(x),
    tidy: (f) => tf.tidy(f),
    memory: () => tf.memory(),
  };
}
