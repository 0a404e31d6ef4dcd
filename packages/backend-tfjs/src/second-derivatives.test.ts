/** Second derivatives that TensorFlow.js refuses, or gets wrong without a word, are right on its engines when Curv takes them. */

import {
  avgPool,
  concat,
  conv,
  exp,
  grad,
  jvp,
  logSoftmax,
  logSumExp,
  max,
  maxPool,
  maximum,
  min,
  minimum,
  prod,
  sum,
  take,
  tensor,
  use,
  where,
  type Tensor,
} from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { backendFromTfjs } from "./index.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});
afterEach(() => use("cpu"));

interface Case {
  readonly shape: readonly number[];
  readonly theirs: (x: tf.Tensor) => tf.Tensor;
  readonly ours: (x: Tensor) => Tensor;
  /** What TensorFlow.js says. */
  readonly refusal: RegExp;
}

const image = [1, 4, 4, 2];
const volume = [1, 3, 3, 2, 1];
const constant = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: shape.reduce((n, m) => n * m, 1) }, (_, i) => Math.sin(1.3 * i + 0.4));
const theirImage = (): tf.Tensor4D => tf.tensor(constant(image), image as [number, number, number, number]);
/** The same image with channels first. */
const ourImage = (): Tensor => tensor(constant(image), { shape: image }).transpose([0, 3, 1, 2]);
const theirKernel = (): tf.Tensor4D => tf.tensor(constant([2, 2, 2, 1]), [2, 2, 2, 1]);
const depthwise = (x: Tensor): Tensor => x.transpose([2, 3, 0, 1]).reshape(2, 1, 2, 2);

const cut = /Cannot compute gradient of y=f\(x\) with respect to x/;
const cases: Readonly<Record<string, Case>> = {
  tanh: { shape: [4], theirs: tf.tanh, ours: (x) => x.tanh(), refusal: cut },
  sigmoid: { shape: [4], theirs: tf.sigmoid, ours: (x) => x.sigmoid(), refusal: cut },
  exp: { shape: [4], theirs: tf.exp, ours: exp, refusal: cut },
  elu: { shape: [4], theirs: tf.elu, ours: (x) => where(x.greater(0), x, exp(x.minimum(0)).sub(1)), refusal: cut },
  softmax: { shape: [4], theirs: (x) => tf.softmax(x).mul(tf.tensor(constant([4]))), ours: (x) => exp(logSoftmax(x)).mul(tensor(constant([4]))), refusal: cut },
  logSoftmax: { shape: [4], theirs: tf.logSoftmax, ours: logSoftmax, refusal: cut },
  selu: { shape: [4], theirs: tf.selu, ours: (x) => where(x.greater(0), x.mul(1.0507009873554805), exp(x.minimum(0)).sub(1).mul(1.7580993408473766)), refusal: /not found for Greater/ },
  "max (of squares)": { shape: [4], theirs: (x) => tf.max(x.square()), ours: (x) => max(x.square()), refusal: /not found for Equal/ },
  logSumExp: { shape: [4], theirs: (x) => tf.logSumExp(x), ours: (x) => logSumExp(x), refusal: /not found for Equal|Cannot compute/ },
  "leakyRelu (of squares)": { shape: [4], theirs: (x) => tf.leakyRelu(x.square(), 0.2), ours: (x) => where(x.square().greater(0), x.square(), x.square().mul(0.2)), refusal: /not found for Greater/ },
  "prelu (of squares)": { shape: [4], theirs: (x) => tf.prelu(x.square(), tf.scalar(0.2)), ours: (x) => where(x.square().greater(0), x.square(), x.square().mul(0.2)), refusal: /not found for Greater/ },
  "min (of squares)": { shape: [4], theirs: (x) => tf.min(x.square()), ours: (x) => min(x.square()), refusal: /not found for Equal/ },
  "clipByValue (of squares)": { shape: [4], theirs: (x) => tf.clipByValue(x.square(), 0.1, 0.4), ours: (x) => minimum(maximum(x.square(), 0.1), 0.4), refusal: /not found for LogicalAnd/ },
  softmaxCrossEntropy: { shape: [1, 4], theirs: (x) => tf.losses.softmaxCrossEntropy(tf.tensor([[0.1, 0.2, 0.3, 0.4]]), x), ours: (x) => sum(logSoftmax(x).mul(tensor([[0.1, 0.2, 0.3, 0.4]], { dtype: x.dtype }))).neg(), refusal: cut },
  prod: { shape: [4], theirs: (x) => tf.prod(x), ours: (x) => prod(x), refusal: /not found for Cumprod/ },
  "conv2d (filter)": {
    shape: [2, 2, 2, 1],
    theirs: (w) => tf.conv2d(theirImage(), w as tf.Tensor4D, 1, "valid").square(),
    ours: (w) => conv(ourImage(), w.transpose([3, 2, 0, 1])).square(),
    refusal: /not found for Conv2DBackpropFilter/,
  },
  "separableConv2d (input)": {
    shape: image,
    theirs: (x) => tf.separableConv2d(x as tf.Tensor4D, theirKernel(), tf.tensor4d([0.5, -1], [1, 1, 2, 1]), 1, "valid").square(),
    ours: (x) => conv(conv(x.transpose([0, 3, 1, 2]), depthwise(tensor(constant([2, 2, 2, 1]), { shape: [2, 2, 2, 1] })), { groups: 2 }), tensor([0.5, -1], { shape: [1, 2, 1, 1] })).square(),
    refusal: /not found for DepthwiseConv2dNativeBackpropInput/,
  },
  "conv3d (input)": {
    shape: volume,
    theirs: (x) => tf.conv3d(x as tf.Tensor5D, tf.tensor5d(constant([2, 2, 2, 1, 1]), [2, 2, 2, 1, 1]), 1, "valid").square(),
    ours: (x) => conv(x.transpose([0, 4, 1, 2, 3]), tensor(constant([2, 2, 2, 1, 1]), { shape: [1, 1, 2, 2, 2] })).square(),
    refusal: /not found for Conv3DBackpropInputV2/,
  },
  "resizeBilinear (of squares)": {
    shape: [1, 2, 2, 1],
    theirs: (x) => tf.image.resizeBilinear(x.square() as tf.Tensor4D, [4, 2]).square(),
    ours: (x) => {
      const y = x.square();
      const [first, second] = [y.slice(null, [0, 1]), y.slice(null, [1, 2])];
      return concat([first, first.add(second).mul(0.5), second, second], 1).square();
    },
    refusal: /not found for ResizeBilinearGrad/,
  },
  "depthwiseConv2d (input)": {
    shape: image,
    theirs: (x) => tf.depthwiseConv2d(x as tf.Tensor4D, theirKernel(), 1, "valid").square(),
    ours: (x) => conv(x.transpose([0, 3, 1, 2]), depthwise(tensor(constant([2, 2, 2, 1]), { shape: [2, 2, 2, 1] })), { groups: 2 }).square(),
    refusal: /not found for DepthwiseConv2dNativeBackpropInput/,
  },
  "depthwiseConv2d (filter)": {
    shape: [2, 2, 2, 1],
    theirs: (w) => tf.depthwiseConv2d(theirImage(), w as tf.Tensor4D, 1, "valid").square(),
    ours: (w) => conv(ourImage(), depthwise(w), { groups: 2 }).square(),
    refusal: /not found for DepthwiseConv2dNativeBackpropFilter/,
  },
  "maxPool": {
    shape: image,
    theirs: (x) => tf.maxPool((x as tf.Tensor4D).square(), 2, 2, "valid").square(),
    ours: (x) => maxPool(x.square().transpose([0, 3, 1, 2]), { window: 2 }).square(),
    refusal: /not found for MaxPoolGrad/,
  },
  "avgPool": {
    shape: image,
    theirs: (x) => tf.avgPool((x as tf.Tensor4D).square(), 2, 2, "valid").square(),
    ours: (x) => avgPool(x.square().transpose([0, 3, 1, 2]), { window: 2 }).square(),
    refusal: /not found for AvgPoolGrad/,
  },
}; // prettier-ignore

/** Points that no two of are equal, and none 0. */
const pointOf = (shape: readonly number[]): Float32Array => constant(shape).map((v, i) => 0.7 * v + 0.01 * i + 0.05);

/** H v of Σ f by central differences of the gradient, in float64 on the CPU. */
async function differences(f: (x: Tensor) => Tensor, shape: readonly number[]): Promise<number[]> {
  const gradient = grad((x: Tensor) => sum(f(x)));
  const x = tensor(Float64Array.from(pointOf(shape)), { shape });
  const v = tensor(Float64Array.from(constant(shape)), { shape });
  const [up, down] = [1e-5, -1e-5].map((h) => gradient(x.add(v.mul(h))));
  return [
    ...(await up
      .sub(down)
      .mul(1 / 2e-5)
      .data()),
  ];
}

describe("refused by TensorFlow.js, right here", () => {
  for (const [name, { shape, theirs, ours, refusal }] of Object.entries(cases)) {
    test(name, async () => {
      const x = tf.tensor(pointOf(shape), [...shape]);
      const twice = tf.grad((y) =>
        tf
          .grad((z) => tf.sum(theirs(z)))(y)
          .mul(tf.tensor(constant(shape), [...shape]))
          .sum(),
      );
      expect(() => twice(x)).toThrow(refusal);

      const expected = await differences(ours, shape);
      use(backendFromTfjs(tf));
      const at = tensor(pointOf(shape), { shape });
      const v = tensor(constant(shape), { shape });
      const { tangent } = jvp(
        grad((y: Tensor) => sum(ours(y))),
        [at],
        [v],
      );
      const got = await tangent.data();
      const scale = Math.max(1, ...expected.map(Math.abs));
      expected.forEach((h, i) => expect(Math.abs(got[i] - h) / scale).toBeLessThan(1e-5));
    });
  }
});

describe("first derivatives that its wasm engine has no kernels for", () => {
  const onWasm: Readonly<Record<string, Omit<Case, "shape"> & { shape: number[] }>> = {
    gather: { shape: [4], theirs: (x) => tf.gather(x, tf.tensor1d([0, 2, 2], "int32")).square(), ours: (x) => take(x, tensor(Int32Array.of(0, 2, 2))).square(), refusal: /'UnsortedSegmentSum' not registered for backend 'wasm'/ },
    "conv2d (filter)": { ...cases["conv2d (filter)"], shape: [2, 2, 2, 1], refusal: /'Conv2DBackpropFilter' not registered for backend 'wasm'/ },
    "depthwiseConv2d (input)": { ...cases["depthwiseConv2d (input)"], shape: image, refusal: /'DepthwiseConv2dNativeBackpropInput' not registered for backend 'wasm'/ },
    "depthwiseConv2d (filter)": { ...cases["depthwiseConv2d (filter)"], shape: [2, 2, 2, 1], refusal: /'DepthwiseConv2dNativeBackpropFilter' not registered for backend 'wasm'/ },
  }; // prettier-ignore
  for (const [name, { shape, theirs, ours, refusal }] of Object.entries(onWasm)) {
    test(name, async () => {
      const gradient = grad((y: Tensor) => sum(ours(y)));
      const expected = await gradient(tensor(Float64Array.from(pointOf(shape)), { shape })).data();
      await tf.setBackend("wasm");
      const x = tf.tensor(pointOf(shape), shape);
      expect(() => tf.grad((z) => tf.sum(theirs(z)))(x)).toThrow(refusal);
      use(backendFromTfjs(tf));
      const got = await gradient(tensor(pointOf(shape), { shape })).data();
      const scale = Math.max(1, ...expected.map(Math.abs));
      expected.forEach((g, i) => expect(Math.abs(got[i] - g) / scale).toBeLessThan(1e-5));
      await tf.setBackend("cpu");
    });
  }
});

test("the README names them all", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const name of Object.keys(cases)) expect(readme).toContain(`\`${name.replace(/ .*/, "")}\``);
});

test("a tanh network: its Hessian-vector product is more than a tenth off in TensorFlow.js, right here to 1e-5", async () => {
  const sizes = { w: [2, 8], v: [8, 1] } as const;
  const data = [constant([16, 2]), constant(sizes.w), constant(sizes.v)];
  const theirLoss = (w: tf.Tensor): tf.Tensor =>
    tf.matMul(tf.tanh(tf.matMul(tf.tensor(data[0], [16, 2]), w as tf.Tensor2D)), tf.tensor(data[2], [8, 1])).square().mean(); // prettier-ignore
  const direction = tf.tensor(constant(sizes.w), [2, 8]);
  const theirs = await tf
    .grad((w) => tf.grad(theirLoss)(w).mul(direction).sum())(tf.tensor(data[1], [2, 8]))
    .data();

  const product = async (dtype: "float32" | "float64"): Promise<ArrayLike<number>> => {
    const [x, w, v] = data.map((d, i) => tensor(d, { shape: [[16, 2], sizes.w, sizes.v][i], dtype }));
    const loss = (u: Tensor): Tensor => sum(x.matmul(u).tanh().matmul(v).square()).mul(1 / 16);
    return jvp(grad(loss), [w], [w]).tangent.data();
  };
  const exact = await product("float64");
  use(backendFromTfjs(tf));
  const ours = await product("float32");
  const scale = Math.max(...Array.from(exact, Math.abs));
  const error = (h: ArrayLike<number>): number => Math.max(...Array.from(exact, (e, i) => Math.abs(h[i] - e))) / scale;
  expect(error(ours)).toBeLessThan(1e-5);
  expect(error(theirs)).toBeGreaterThan(0.1);
});
