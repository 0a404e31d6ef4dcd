/** Derivatives of models in all of their weights at once, first and second, are the limits of differences in float64. */

import { grad, jvp, mean, tensor, type Tensor } from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { functionFromLayersModel, type LayerParams } from "./index.js";

const { layers: L } = tf;
const sequential = (...layers: tf.layers.Layer[]): tf.Sequential => tf.sequential({ layers });

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** Each with the shape of its inputs, and whether it is run as it trains. Gates are smooth, so that differences converge. */
const models: Readonly<Record<string, () => [tf.LayersModel, readonly number[], boolean?]>> = {
  "LSTM, every step, and both directions": () => [sequential(L.lstm({ units: 3, returnSequences: true, recurrentActivation: "sigmoid", inputShape: [4, 2] }), L.bidirectional({ layer: L.lstm({ units: 2, recurrentActivation: "sigmoid" }) as never })), [2, 4, 2]],
  "a stateful GRU on a stack of cells": () => [sequential(L.rnn({ cell: [L.simpleRNNCell({ units: 2 }), L.lstmCell({ units: 2, recurrentActivation: "sigmoid" })], returnSequences: true, batchInputShape: [2, 3, 2] } as never), L.gru({ units: 2, stateful: true, recurrentActivation: "sigmoid" })), [2, 3, 2]],
  "a masked LSTM": () => [sequential(L.masking({ maskValue: 0, inputShape: [4, 2] }), L.lstm({ units: 2, recurrentActivation: "sigmoid" })), [2, 4, 2]],
  "depthwise and separable convolutions": () => [sequential(L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, activation: "tanh", inputShape: [5, 4, 2] }), L.separableConv2d({ filters: 3, kernelSize: 2, padding: "same", activation: "sigmoid" }), L.averagePooling2d({ poolSize: 2 }), L.flatten()), [2, 5, 4, 2]],
  "batch normalisation by moving statistics": () => [sequential(L.dense({ units: 3, activation: "tanh", inputShape: [2] }), L.batchNormalization(), L.dense({ units: 2, activation: "softmax" })), [5, 2]],
  "batch normalisation as it trains": () => [sequential(L.dense({ units: 3, activation: "tanh", inputShape: [2] }), L.batchNormalization(), L.dense({ units: 2, activation: "softmax" })), [5, 2], true],
  "layer normalisation, transposed convolution, max pooling": () => [sequential(L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, activation: "elu", inputShape: [3, 2, 2] }), L.layerNormalization(), L.maxPooling2d({ poolSize: 2 }), L.flatten()), [2, 3, 2, 2]],
}; // prettier-ignore

type Leaf = readonly [path: readonly string[], value: Tensor];

/** All weights, by their names: a derivative has its own order. */
function leavesOf(params: LayerParams, path: readonly string[] = []): Leaf[] {
  return Object.keys(params)
    .sort()
    .flatMap((name): Leaf[] => {
      const value = params[name];
      return "data" in value ? [[[...path, name], value as Tensor]] : leavesOf(value as LayerParams, [...path, name]);
    });
}

/** The tree with f of each weight. */
function mapped(params: LayerParams, f: (w: Tensor, path: string) => Tensor, path = ""): LayerParams {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      "data" in value ? f(value as Tensor, `${path}/${name}`) : mapped(value as LayerParams, f, `${path}/${name}`),
    ]),
  );
}

const waves = (shape: readonly number[], phase: number): Tensor => {
  const size = shape.reduce((n, m) => n * m, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, i) => Math.sin(1.1 * i + phase)),
    { shape },
  );
};

describe("gradient and Hessian-vector product", () => {
  for (const [name, make] of Object.entries(models)) {
    test(name, async () => {
      const [model, shape, training = false] = make();
      const { apply, applyTraining, params: initial } = await functionFromLayersModel(model, { dtype: "float64" });
      const params = mapped(initial, (w, path) => waves(w.shape, path.length).mul(0.4).add(path.endsWith("variance") ? 1 : 0.1)); // prettier-ignore
      const x = waves(shape, 0.5);
      const run = (p: LayerParams): Tensor => (training ? applyTraining(p, [x]).outputs[0] : apply(p, x));
      const loss = (p: LayerParams): Tensor => mean(run(p).sub(0.3).square());
      const direction = mapped(params, (w, path) => waves(w.shape, 2 * path.length));
      const moved = (by: number): LayerParams => {
        const steps = new Map(leavesOf(direction).map(([path, v]) => [`/${path.join("/")}`, v]));
        return mapped(params, (w, path) => w.add(steps.get(path)!.mul(by)));
      };
      const h = 1e-4;
      // Fourth order: f′ ≈ (8 (f(h) − f(−h)) − (f(2h) − f(−2h)))/12h.
      const slope = (f: (by: number) => Tensor): Tensor =>
        f(h).sub(f(-h)).mul(8).sub(f(2 * h).sub(f(-2 * h))).div(12 * h); // prettier-ignore

      const gradient = grad(loss);
      const at = leavesOf(gradient(params));
      const along = leavesOf(direction).map(([, v], i) => v.mul(at[i][1]).sum());
      const expected = await slope((by) => loss(moved(by))).item();
      const got = await along.reduce((a, b) => a.add(b)).item();
      expect(Math.abs(got - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
      expect(Math.abs(expected)).toBeGreaterThan(1e-3);

      const { tangent } = jvp(gradient, [params], [direction]);
      const [up2, up, down, down2] = [2 * h, h, -h, -2 * h].map((by) => leavesOf(gradient(moved(by))));
      for (const [i, [path, product]] of leavesOf(tangent).entries()) {
        const difference = up[i][1].sub(down[i][1]).mul(8).sub(up2[i][1].sub(down2[i][1])).div(12 * h); // prettier-ignore
        const error = Math.max(...(await product.sub(difference).abs().data()));
        expect(error, path.join(".")).toBeLessThan(1e-8);
      }
    });
  }
});
