/** Models as users of TensorFlow.js have them, loaded ones among them: predictions and first derivatives are those of TensorFlow.js. */

import { cpu, grad, jvp, mean, tensor, type Tensor } from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { functionFromLayersModel, weightsToLayersModel, type LayerParams } from "./index.js";

const { layers: L } = tf;
type Symbol = tf.SymbolicTensor;
const on = (layer: tf.layers.Layer, ...x: Symbol[]): Symbol => layer.apply(x.length === 1 ? x[0] : x) as Symbol;
const through = (x: Symbol, ...layers: tf.layers.Layer[]): Symbol => layers.reduce((y, layer) => on(layer, y), x);

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** A model with inputs: shapes with the batch, and below how many each is an index, if it is one. */
interface Case {
  readonly model: tf.LayersModel;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly words?: number }[];
  /** What TensorFlow.js makes of the inputs. Default: the model's outputs. */
  readonly predict?: (inputs: tf.Tensor[]) => tf.Tensor[];
}

const normalize = (): tf.layers.Layer => L.batchNormalization({ momentum: 0.9 });
const relu6 = (): tf.layers.Layer => L.reLU({ maxValue: 6 });

function mobileNet(): tf.LayersModel {
  const image = tf.input({ shape: [12, 12, 3] });
  const separable = (x: Symbol, filters: number, strides: number): Symbol => {
    const padded = strides === 1 ? x : on(L.zeroPadding2d({ padding: [[0, 1], [0, 1]] }), x); // prettier-ignore
    const depthwise = L.depthwiseConv2d({ kernelSize: 3, strides, padding: strides === 1 ? "same" : "valid", useBias: false }); // prettier-ignore
    return through(padded, depthwise, normalize(), relu6(), L.conv2d({ filters, kernelSize: 1, useBias: false }), normalize(), relu6()); // prettier-ignore
  };
  const stem = through(image, L.zeroPadding2d({ padding: [[0, 1], [0, 1]] }), L.conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }), normalize(), relu6()); // prettier-ignore
  const features = separable(separable(stem, 6, 1), 8, 2);
  const top = through(features, L.globalAveragePooling2d({ dataFormat: "channelsLast" }), L.reshape({ targetShape: [1, 1, 8] }), L.dropout({ rate: 0.1 }), L.conv2d({ filters: 5, kernelSize: 1 }), L.reshape({ targetShape: [5] }), L.activation({ activation: "softmax" })); // prettier-ignore
  return tf.model({ inputs: image, outputs: top });
}

function residualNet(): tf.LayersModel {
  const image = tf.input({ shape: [6, 6, 3] });
  const conv = (filters: number, kernelSize: number, strides = 1): tf.layers.Layer =>
    L.conv2d({ filters, kernelSize, strides, padding: "same", kernelInitializer: "heNormal" });
  const block = (x: Symbol, filters: number, strides: number): Symbol => {
    const y = through(x, conv(filters, 3, strides), normalize(), L.activation({ activation: "relu" }), conv(filters, 3), normalize()); // prettier-ignore
    const skip = strides === 1 ? x : through(x, conv(filters, 1, strides), normalize());
    return on(L.activation({ activation: "relu" }), on(L.add(), y, skip));
  };
  const features = block(block(on(conv(4, 3), image), 4, 1), 6, 2);
  return tf.model({ inputs: image, outputs: through(features, L.averagePooling2d({ poolSize: 3 }), L.flatten(), L.dense({ units: 3 })) }); // prettier-ignore
}

function uNet(): tf.LayersModel {
  const image = tf.input({ shape: [8, 8, 2] });
  const conv = (filters: number): tf.layers.Layer => L.conv2d({ filters, kernelSize: 3, padding: "same", activation: "elu" }); // prettier-ignore
  const fine = on(conv(3), image);
  const coarse = through(fine, L.maxPooling2d({ poolSize: 2 }), conv(4));
  const up = on(L.concatenate(), on(L.upSampling2d({ size: [2, 2] }), coarse), fine);
  const turned = on(L.concatenate(), on(L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2 }), coarse), up);
  return tf.model({ inputs: image, outputs: on(L.conv2d({ filters: 1, kernelSize: 1, activation: "sigmoid" }), turned) }); // prettier-ignore
}

function textClassifier(): tf.LayersModel {
  return tf.sequential({
    layers: [
      L.embedding({ inputDim: 12, outputDim: 4, maskZero: true, inputLength: 6 }),
      L.bidirectional({ layer: L.lstm({ units: 3, returnSequences: true, recurrentDropout: 0.2 }), mergeMode: "concat" }), // prettier-ignore
      L.spatialDropout1d({ rate: 0.2 }),
      L.lstm({ units: 3, dropout: 0.1 }),
      L.dense({ units: 4, activation: "relu", kernelRegularizer: "l1l2" }),
      L.dropout({ rate: 0.5 }),
      L.dense({ units: 1, activation: "sigmoid" }),
    ],
  });
}

/** Kim, Convolutional neural networks for sentence classification (2014). */
function textConvolution(): tf.LayersModel {
  const words = tf.input({ shape: [7], dtype: "int32" });
  const embedded = on(L.embedding({ inputDim: 9, outputDim: 3 }), words);
  const views = [2, 3].map((kernelSize) =>
    through(embedded, L.conv1d({ filters: 3, kernelSize, activation: "relu" }), L.globalMaxPooling1d({})),
  );
  return tf.model({ inputs: words, outputs: on(L.dense({ units: 2, activation: "softmax" }), on(L.concatenate(), ...views)) }); // prettier-ignore
}

/** A decoder starts from the states of an encoder. TensorFlow.js 4.22 cannot predict such a model as a whole, only layer by layer. */
function translator(): Case {
  const [source, target] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [5, 2] })];
  const encoder = L.lstm({ units: 4, returnState: true });
  const decoder = L.lstm({ units: 4, returnSequences: true });
  const words = L.timeDistributed({ layer: L.dense({ units: 3, activation: "softmax" }) });
  const summary = L.gru({ units: 4 });
  const [, h, c] = encoder.apply(source) as Symbol[];
  const outputs = [on(words, on(decoder, target, h, c)), on(summary, target, h)];
  const predict = ([x, y]: tf.Tensor[]): tf.Tensor[] => {
    const [, ...state] = encoder.apply(x) as tf.Tensor[];
    const sequence = decoder.apply(y, { initialState: state } as never) as tf.Tensor;
    const last = summary.apply(y, { initialState: [state[0]] } as never) as tf.Tensor;
    return [words.apply(sequence) as tf.Tensor, last];
  };
  return { model: tf.model({ inputs: [source, target], outputs }), inputs: of([2, 4, 3], [2, 5, 2]), predict };
}

/** Two inputs through one encoder, itself a model, and a third by its own way; two outputs. */
function siamese(): tf.LayersModel {
  const encoder = tf.sequential({
    layers: [L.dense({ units: 4, activation: "tanh", inputShape: [3] }), normalize(), L.dense({ units: 3 })],
    name: "encoder",
  } as never);
  const [a, b, extra] = [tf.input({ shape: [3] }), tf.input({ shape: [3] }), tf.input({ shape: [2] })];
  const [u, v] = [on(encoder, a), on(encoder, b)];
  const similarity = on(L.dot({ axes: -1, normalize: true }), u, v);
  const mixed = on(L.average(), u, on(L.maximum(), v, on(L.dense({ units: 3, activation: "softplus" }), extra)));
  return tf.model({ inputs: [a, b, extra], outputs: [similarity, on(L.layerNormalization(), mixed)] });
}

/** A part of a trained model, frozen, with a new head on it. */
function transferred(): tf.LayersModel {
  const base = mobileNet();
  const cut = tf.model({ inputs: base.inputs, outputs: base.layers[9].output as Symbol, name: "base" });
  cut.layers.forEach((layer) => (layer.trainable = false));
  return tf.sequential({ layers: [cut, L.flatten(), L.dense({ units: 2, activation: "softmax" })] });
}

/** A model of images on every frame of a film. */
function frames(): tf.LayersModel {
  const image = tf.sequential({
    layers: [
      L.conv2d({ filters: 2, kernelSize: 3, activation: "relu", inputShape: [6, 6, 1] }),
      L.maxPooling2d({ poolSize: 2 }),
      L.flatten(),
      L.dense({ units: 3 }),
    ],
  });
  return tf.sequential({
    layers: [L.timeDistributed({ layer: image, inputShape: [4, 6, 6, 1] } as never), L.gru({ units: 3 }), L.dense({ units: 1 })], // prettier-ignore
  });
}

function convolutionsThenSteps(): tf.LayersModel {
  return tf.sequential({
    layers: [
      L.timeDistributed({ layer: L.conv2d({ filters: 2, kernelSize: 3 }), inputShape: [3, 5, 5, 1] } as never),
      L.timeDistributed({ layer: normalize() }),
      L.timeDistributed({ layer: L.flatten() }),
      L.simpleRNN({ units: 3, activation: "relu" }),
      L.dense({ units: 2 }),
    ],
  });
}

/** What `model.to_json()` of Keras 2 writes: snake case, axes as lists, all settings; the weights beside it. */
async function fromKeras(): Promise<tf.LayersModel> {
  const layer = (class_name: string, config: object): object => ({ class_name, config: { trainable: true, dtype: "float32", ...config } }); // prettier-ignore
  const modelTopology = {
    keras_version: "2.8.0",
    backend: "tensorflow",
    model_config: {
      class_name: "Sequential",
      config: {
        name: "keras",
        layers: [
          layer("InputLayer", { batch_input_shape: [null, 8, 8, 2], sparse: false, ragged: false, name: "image" }),
          layer("SeparableConv2D", { name: "sep", filters: 3, kernel_size: [3, 3], strides: [1, 1], padding: "same", data_format: "channels_last", dilation_rate: [1, 1], groups: 1, depth_multiplier: 1, activation: "linear", use_bias: true }),
          layer("BatchNormalization", { name: "bn", axis: [3], momentum: 0.99, epsilon: 0.001, center: true, scale: true }),
          layer("ReLU", { name: "relu", max_value: 6, negative_slope: 0, threshold: 0 }),
          layer("DepthwiseConv2D", { name: "dw", kernel_size: [3, 3], strides: [2, 2], padding: "valid", data_format: "channels_last", dilation_rate: [1, 1], groups: 1, activation: "relu6", use_bias: false, depth_multiplier: 1 }),
          layer("LeakyReLU", { name: "leaky", alpha: 0.3 }),
          layer("MaxPooling2D", { name: "pool", pool_size: [2, 2], padding: "valid", strides: [1, 1], data_format: "channels_last" }),
          layer("GlobalAveragePooling2D", { name: "gap", data_format: "channels_last" }),
          layer("Dropout", { name: "drop", rate: 0.2, noise_shape: null, seed: null }),
          layer("Dense", { name: "dense", units: 4, activation: "swish", use_bias: true }),
        ],
      },
    },
  }; // prettier-ignore
  return tf.loadLayersModel(tf.io.fromMemory({ modelTopology } as never), { strict: false });
}

/** A model saved and loaded again, as from a file. */
async function reloaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  })); // prettier-ignore
  return tf.loadLayersModel(tf.io.fromMemory(saved!));
}

const of = (...shapes: (readonly number[])[]): Case["inputs"] => shapes.map((shape) => ({ shape }));
const cases: Readonly<Record<string, () => Promise<Case>>> = {
  "MobileNet's blocks": async () => ({ model: mobileNet(), inputs: of([2, 12, 12, 3]) }),
  "the same, saved and loaded": async () => ({ model: await reloaded(mobileNet()), inputs: of([2, 12, 12, 3]) }),
  "ResNet's blocks": async () => ({ model: residualNet(), inputs: of([2, 6, 6, 3]) }),
  "U-Net": async () => ({ model: uNet(), inputs: of([1, 8, 8, 2]) }),
  "a text classifier with masks": async () => ({ model: textClassifier(), inputs: [{ shape: [3, 6], words: 12 }] }),
  "the same, loaded": async () => ({ model: await reloaded(textClassifier()), inputs: [{ shape: [3, 6], words: 12 }] }),
  "a text classifier by convolutions": async () => ({ model: textConvolution(), inputs: [{ shape: [2, 7], words: 9 }] }),
  "sequence to sequence": async () => translator(),
  "shared encoder, three inputs, two outputs": async () => ({ model: siamese(), inputs: of([4, 3], [4, 3], [4, 2]) }),
  "a part of a model with a new head": async () => ({ model: transferred(), inputs: of([1, 12, 12, 3]) }),
  "a model for every step": async () => ({ model: frames(), inputs: of([2, 4, 6, 6, 1]) }),
  "convolutions for every step": async () => ({ model: convolutionsThenSteps(), inputs: of([2, 3, 5, 5, 1]) }),
  "written by Keras": async () => ({ model: await fromKeras(), inputs: of([2, 8, 8, 2]) }),
}; // prettier-ignore

/** Numbers that look random, of about unit variance. */
function numbers(size: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (3.4 * (state >> 8)) / 2 ** 24;
  });
}

/** Weights that do not vanish anywhere; variances are positive. */
function setWeights(model: tf.LayersModel): void {
  model.setWeights(model.weights.map((w, i) => {
    const values = numbers(w.shape.reduce<number>((n, m) => n * m!, 1), 77 * i + 5).map((v) => v / 2);
    const isPositive = w.originalName.endsWith("moving_variance");
    return tf.tensor(isPositive ? values.map((v) => Math.abs(v) + 0.5) : values, w.shape as number[]);
  })); // prettier-ignore
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const scale = Array.from(b).reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
  return Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), 0) / scale;
};

test.for(Object.keys(cases))("%s", async (name) => {
  const { model, inputs, predict: own } = await cases[name]();
  setWeights(model);
  const values = inputs.map(({ shape, words }, i) => {
    const size = shape.reduce((n, m) => n * m, 1);
    return words === undefined ? numbers(size, 3 * i + 1) : numbers(size, 1).map((v) => Math.floor(Math.abs(v) * 20) % words); // prettier-ignore
  });
  const theirs = values.map((v, i) => tf.tensor(v, [...inputs[i].shape]));
  const predict = (): tf.Tensor[] => {
    if (own !== undefined) return own(theirs);
    const y = model.apply(theirs.length === 1 ? theirs[0] : theirs, { training: false });
    return (Array.isArray(y) ? y : [y]) as tf.Tensor[];
  };
  const predictions = predict();
  const variables = model.trainableWeights;
  const { grads } = tf.variableGrads(() => {
    const squares = predict().map((y) => tf.mean(tf.square(y)));
    return squares.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
  });

  const { applyAll, params } = await functionFromLayersModel(model, { dtype: "float64" });
  const ours = values.map((v, i) => tensor(Float64Array.from(v), { shape: inputs[i].shape }).to(cpu));
  for (const [i, y] of applyAll(params, ...ours).entries()) {
    expect(y.shape).toEqual(predictions[i].shape);
    expect(largestDifference(await y.data(), await predictions[i].data()), `output ${i}`).toBeLessThan(1e-5);
  }
  const loss = (p: LayerParams): Tensor =>
    applyAll(p, ...ours).map((y) => mean(y.square())).reduce((a, b) => a.add(b)); // prettier-ignore
  // The model's weights become the gradients, each where its weight was.
  await weightsToLayersModel(tf, model, grad(loss)(params));
  for (const variable of variables) {
    const wanted = Object.entries(grads).find(([key]) => key === (variable as unknown as { val: { name: string } }).val.name)![1]; // prettier-ignore
    const got = await variable.read().data();
    expect(largestDifference(got, await wanted.data()), variable.originalName).toBeLessThan(2e-5);
  }
});

/** Models that are smooth, so that differences of gradients converge. */
const smooth: Readonly<Record<string, () => [tf.LayersModel, number[]]>> = {
  "dense layers and batch normalisation": () => [
    tf.sequential({ layers: [L.dense({ units: 4, activation: "tanh", inputShape: [3] }), normalize(), L.dense({ units: 3, activation: "softmax" })] }),
    [5, 3],
  ],
  "convolutions": () => [
    tf.sequential({ layers: [L.conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "softplus", inputShape: [5, 4, 2] }), L.depthwiseConv2d({ kernelSize: 2, activation: "sigmoid" }), L.averagePooling2d({ poolSize: 2 }), L.flatten(), L.dense({ units: 2 })] }),
    [2, 5, 4, 2],
  ],
  "a GRU on an LSTM": () => [
    tf.sequential({ layers: [L.lstm({ units: 3, recurrentActivation: "sigmoid", returnSequences: true, inputShape: [4, 2] }), L.gru({ units: 2, recurrentActivation: "sigmoid" }), L.dense({ units: 1 })] }),
    [3, 4, 2],
  ],
}; // prettier-ignore

test.for(Object.keys(smooth))(
  "second derivatives are the limits of differences of TensorFlow.js's gradients: %s",
  async (name) => {
    const [model, shape] = smooth[name]();
    setWeights(model);
    const values = numbers(shape.reduce((n, m) => n * m, 1), 9); // prettier-ignore
    const { apply, params } = await functionFromLayersModel(model, { dtype: "float64" });
    const x = tensor(Float64Array.from(values), { shape });
    const [kept, theirs] = [model.getWeights().map((w) => w.clone()), tf.tensor(values, shape)];
    const directions = kept.map((w, i) => tf.tensor(numbers(w.size, 31 * i + 2), w.shape));
    const variables = model.trainableWeights;

    /** Their gradient where the weights went `by` along the directions, weight by weight. */
    const gradientAt = async (by: number): Promise<ArrayLike<number>[]> => {
      model.setWeights(kept.map((w, i) => w.add(directions[i].mul(by))));
      const { grads } = tf.variableGrads(() =>
        tf.mean(tf.square(model.apply(theirs, { training: false }) as tf.Tensor)),
      );
      return Promise.all(variables.map((v) => grads[(v as unknown as { val: { name: string } }).val.name].data()));
    };
    // Fourth order; in float32 the differences are good to about 1e-7/h.
    const h = 1 / 32;
    const [up2, up, down, down2] = [await gradientAt(2 * h), await gradientAt(h), await gradientAt(-h), await gradientAt(-2 * h)]; // prettier-ignore
    const expected = up.map((g, i) =>
      Array.from(g, (v, j) => (8 * (v - down[i][j]) - (up2[i][j] - down2[i][j])) / (12 * h)),
    );

    // The directions come as the weights of the model, and the product goes back as such: each where its weight was.
    model.setWeights(directions.map((d) => d.clone()));
    const { params: direction } = await functionFromLayersModel(model, { dtype: "float64" });
    const loss = (p: LayerParams): Tensor => mean(apply(p, x).square());
    const { tangent } = jvp(grad(loss), [params], [direction]);
    await weightsToLayersModel(tf, model, tangent);
    for (const [i, variable] of variables.entries()) {
      const got = await variable.read().data();
      expect(Math.max(...Array.from(got, Math.abs))).toBeGreaterThan(1e-4);
      expect(largestDifference(got, expected[i]), variable.originalName).toBeLessThan(1e-3);
    }
  },
);
