/** Models as they train: statistics of the batch as in TensorFlow.js, and what is dropped, of which only the law can be compared. */

import { grad, jit, mean, sum, tensor, use, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { backendFromTfjs, functionFromLayersModel, type LayerParams } from "./index.js";

const { layers: L } = tf;
const sequential = (...layers: tf.layers.Layer[]): tf.Sequential => tf.sequential({ layers });

beforeAll(async () => {
  await tf.setBackend("cpu");
});
afterEach(() => use("cpu"));

const waves = (size: number, phase: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(0.7 * i + phase));

/** Weights that are not those of an initializer; positive, for the variances among them. */
function setWeights(model: tf.LayersModel): void {
  model.setWeights(model.getWeights().map((w, k) => tf.tensor(waves(w.size, 0.3 * k).map((v) => 0.5 + 0.4 * v), w.shape))); // prettier-ignore
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);
}

/** All weights of a tree, by their names. */
async function leaves(params: LayerParams): Promise<number[]> {
  const parts: number[] = [];
  for (const name of Object.keys(params).sort()) {
    const value = params[name];
    parts.push(...("data" in value ? await (value as Tensor).data() : await leaves(value as LayerParams)));
  }
  return parts;
}

describe("batch normalisation takes the statistics of the batch, and moves its own", () => {
  const models: Readonly<Record<string, () => tf.Sequential>> = {
    "of images": () => sequential(L.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 3, 2] }), L.batchNormalization({ momentum: 0.8 }), L.flatten(), L.dense({ units: 2 })),
    "within a model": () => sequential(sequential(L.dense({ units: 4, inputShape: [4, 3, 2] }), L.batchNormalization({ epsilon: 0.1 })), L.flatten(), L.batchNormalization()),
    "of each step": () => sequential(L.timeDistributed({ layer: L.batchNormalization({ momentum: 0.9 }), inputShape: [4, 3, 2] })),
  }; // prettier-ignore
  for (const [name, make] of Object.entries(models)) {
    test(name, async () => {
      const model = make();
      setWeights(model);
      const { applyTraining, params } = await functionFromLayersModel(model);
      const x = waves(5 * 24, 0.1);
      const theirs = model.apply(tf.tensor(x, [5, 4, 3, 2]), { training: true }) as tf.Tensor;
      // Two steps, so that the second starts from what the first has moved.
      model.apply(tf.tensor(x.map((v) => v * v), [5, 4, 3, 2]), { training: true }); // prettier-ignore
      const moved = await leaves((await functionFromLayersModel(model)).params);
      const run = (p: LayerParams, data: Tensor): { y: Tensor; next: LayerParams } => {
        const { outputs, params: next } = applyTraining(p, [data]);
        return { y: outputs[0], next };
      };
      for (const [how, f] of [["eager", run], ["compiled", jit(run)]] as const) {
        const first = f(params, tensor(x, { shape: [5, 4, 3, 2] }));
        expect(worst(await first.y.data(), await theirs.data()), how).toBeLessThan(5e-6);
        const second = f(first.next, tensor(x.map((v) => v * v), { shape: [5, 4, 3, 2] })); // prettier-ignore
        expect(worst(await leaves(second.next), moved), how).toBeLessThan(1e-5);
      } // prettier-ignore
    });
  }

  test("along another axis, where the engine's own kernel takes the wrong channels", async () => {
    const model = sequential(L.batchNormalization({ axis: 1, momentum: 0.5, epsilon: 1e-7, inputShape: [2, 3] }));
    const [gamma, beta, center, variance] = [[2, 3], [1, -1], [4, 8], [1, 1]]; // prettier-ignore
    model.layers[0].setWeights([gamma, beta, center, variance].map((w) => tf.tensor1d(w)));
    const { applyTraining, params } = await functionFromLayersModel(model);
    const x = [[[1, 2, 3], [4, 4, 8]], [[1, 2, 3], [0, 4, 4]]]; // prettier-ignore
    const { outputs, params: next } = applyTraining(params, [tensor(x)]);
    // Means 2 and 4, variances 2/3 and 16/3 of the two channels.
    const of = (channel: number, v: number): number =>
      channel === 0 ? (2 * (v - 2)) / Math.sqrt(2 / 3) + 1 : (3 * (v - 4)) / Math.sqrt(16 / 3) - 1;
    const expected = x.flatMap((rows) => rows.flatMap((row, channel) => row.map((v) => of(channel, v))));
    expect(worst(await outputs[0].data(), expected)).toBeLessThan(2e-6);
    const [name] = Object.keys(next);
    const { moving_mean: m, moving_variance: v } = next[name] as Record<string, Tensor>;
    expect(await m.array()).toEqual([3, 6]);
    expect(worst(await v.data(), [5 / 6, 19 / 6])).toBeLessThan(1e-6);
  });

  test("a layer that is called twice moves its statistics twice", async () => {
    const input = tf.input({ shape: [3] });
    const shared = L.batchNormalization({ momentum: 0.5 });
    const twice = shared.apply(L.reLU().apply(shared.apply(input) as tf.SymbolicTensor) as tf.SymbolicTensor);
    const model = tf.model({ inputs: input, outputs: twice as tf.SymbolicTensor });
    const { applyTraining, params } = await functionFromLayersModel(model);
    const x = waves(12, 0.4);
    const next = applyTraining(params, [tensor(x, { shape: [4, 3] })]).params;
    model.apply(tf.tensor(x, [4, 3]), { training: true });
    expect(worst(await leaves(next), await leaves((await functionFromLayersModel(model)).params))).toBeLessThan(1e-6);
  });

  test("no derivative passes through what is moved; all others do", async () => {
    const model = sequential(L.dense({ units: 3, inputShape: [2] }), L.batchNormalization({ name: "bn" }));
    const { applyTraining, params } = await functionFromLayersModel(model, { dtype: "float64" });
    const x = tensor(Float64Array.from(waves(8, 0)), { shape: [4, 2] });
    const ofMoved = grad((p: LayerParams) => {
      const { bn } = applyTraining(p, [x]).params as { bn: { moving_variance: Tensor } };
      return sum(bn.moving_variance.square());
    })(params);
    expect(Math.max(...(await leaves(ofMoved)).map(Math.abs))).toBe(0);
    const target = tensor([0.3, -0.2, 0.9], { dtype: "float64" });
    const loss = (p: LayerParams): Tensor => mean(applyTraining(p, [x]).outputs[0].sub(target).square());
    const gradient = await leaves(grad(loss)(params));
    expect(gradient.some((g) => Math.abs(g) > 1e-2)).toBe(true);
  });
});

describe("what is dropped", () => {
  const key = random.key(3);

  /** What a layer makes of ones, and of the waves. */
  async function during(layer: tf.layers.Layer, shape: number[], x: Float32Array): Promise<Float32Array> {
    const model = sequential(L.activation({ activation: "linear", inputShape: shape.slice(1) }), layer);
    const { applyTraining, params } = await functionFromLayersModel(model);
    const { outputs } = applyTraining(params, [tensor(x, { shape })], { key });
    return (await outputs[0].data()) as Float32Array;
  }
  const onesOf = (size: number): Float32Array => new Float32Array(size).fill(1);
  const moments = (values: ArrayLike<number>): [mean: number, variance: number] => {
    const list = Array.from(values);
    const center = list.reduce((a, b) => a + b, 0) / list.length;
    return [center, list.reduce((a, b) => a + (b - center) ** 2, 0) / list.length];
  };
  const size = 40 * 250;

  test("Dropout: 0 or 1/(1 − p), with probability p", async () => {
    const y = await during(L.dropout({ rate: 0.3 }), [40, 250], onesOf(size));
    expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
    expect(y.filter((v) => v === 0).length / size).toBeCloseTo(0.3, 1);
  });

  test("one decision for many elements: noiseShape and SpatialDropout1D", async () => {
    const rows = await during(L.dropout({ rate: 0.5, noiseShape: [null as never, 1] }), [40, 250], onesOf(size));
    for (let i = 0; i < 40; i++) expect(new Set(rows.subarray(250 * i, 250 * (i + 1))).size).toBe(1);
    expect(new Set(rows)).toEqual(new Set([0, 2]));
    const channels = await during(L.spatialDropout1d({ rate: 0.5 }), [4, 5, 7], onesOf(140));
    for (let i = 0; i < 140; i++) expect(channels[i]).toBe(channels[35 * Math.floor(i / 35) + (i % 7)]);
    expect(new Set(channels)).toEqual(new Set([0, 2]));
  });

  test("noise has the mean and variance that it should", async () => {
    const cases: readonly [tf.layers.Layer, number, number][] = [
      [L.gaussianNoise({ stddev: 0.5 }), 1, 0.25],
      [L.gaussianDropout({ rate: 0.2 }), 1, 0.25],
    ];
    for (const [layer, center, variance] of cases) {
      const [m, v] = moments(await during(layer, [40, 250], onesOf(size)));
      expect(m).toBeCloseTo(center, 1);
      expect(v).toBeCloseTo(variance, 1);
    }
    // Standard normal inputs stay so, in mean and variance.
    const x = (await random.normal(random.key(5), { shape: [size] }).data()) as Float32Array;
    const [m, v] = moments(await during(L.alphaDropout({ rate: 0.3 }), [40, 250], x));
    expect(Math.abs(m)).toBeLessThan(0.05);
    expect(Math.abs(v - 1)).toBeLessThan(0.05);
  });

  test("layers draw for themselves; a key is the same numbers on every backend, another key others", async () => {
    const model = sequential(L.dropout({ rate: 0.5, inputShape: [64] }), L.dropout({ rate: 0.5 }), L.dropout({ rate: 0 }));
    const { applyTraining, params } = await functionFromLayersModel(model);
    const draw = async (k: random.Key): Promise<TypedLike> =>
      applyTraining(params, [tensor(onesOf(64), { shape: [1, 64] })], { key: k }).outputs[0].data();
    const y = await draw(key);
    // Of independent decisions about a quarter stays, of equal ones half would.
    expect(Array.from(y).filter((v) => v !== 0).length).toBeLessThan(26);
    expect(await draw(key)).toEqual(y);
    expect(await draw(random.key(4))).not.toEqual(y);
    use(backendFromTfjs(tf));
    expect(await draw(random.key(3))).toEqual(y);
  }); // prettier-ignore

  test("in a recurrent cell: the same for all steps, of inputs and states as TensorFlow.js drops them", async () => {
    const masks: readonly (readonly number[])[] = [[0, 0], [2, 0], [0, 2], [2, 2]]; // prettier-ignore
    for (const make of [L.simpleRNN, L.gru, L.lstm] as const) {
      for (const name of ["dropout", "recurrentDropout"] as const) {
        // What is dropped is decided by us in their layer, and drawn in ours: one of all decisions must be ours.
        let decided = masks[0];
        const dropoutFunc = (): tf.Tensor => tf.tensor(decided as number[], [1, 2]);
        const layer = make({ units: 2, returnSequences: true, [name]: 0.5, inputShape: [4, 2], dropoutFunc } as never);
        const model = sequential(layer);
        setWeights(model);
        const { apply, applyTraining, params } = await functionFromLayersModel(model);
        const x = waves(8, 0.2);
        const seen = new Set<number>();
        for (let seed = 0; seed < 4; seed++) {
          const options = { key: random.key(seed) };
          const ours = await applyTraining(params, [tensor(x, { shape: [1, 4, 2] })], options).outputs[0].data();
          const errors: number[] = [];
          for (decided of masks) {
            const theirs = model.apply(tf.tensor(x, [1, 4, 2]), { training: true }) as tf.Tensor;
            errors.push(worst(ours, await theirs.data()));
          }
          const least = Math.min(...errors);
          expect(least).toBeLessThan(2e-6);
          seen.add(errors.indexOf(least));
        }
        expect(seen.size).toBeGreaterThan(1);
        // It does not drop when it predicts.
        const predicted = model.predict(tf.tensor(x, [1, 4, 2])) as tf.Tensor;
        expect(worst(await apply(params, tensor(x, { shape: [1, 4, 2] })).data(), await predicted.data())).toBeLessThan(2e-6); // prettier-ignore
      }
    }
  });

  test("of a stack of cells each its own, and of both directions", async () => {
    const stack = { cell: [L.gruCell({ units: 3, dropout: 0.5 }), L.lstmCell({ units: 2, recurrentDropout: 0.5 })] };
    const model = sequential(
      L.rnn({ ...stack, returnSequences: true, inputShape: [4, 2] } as never),
      L.bidirectional({ layer: L.simpleRNN({ units: 2, dropout: 0.5 }) as never }),
    );
    const { apply, applyTraining, params } = await functionFromLayersModel(model);
    const x = tensor(waves(8, 0), { shape: [1, 4, 2] });
    const draw = async (seed: number): Promise<TypedLike> =>
      applyTraining(params, [x], { key: random.key(seed) }).outputs[0].data();
    const [a, again, b] = [await draw(1), await draw(1), await draw(2)];
    expect(a).toEqual(again);
    expect(a).not.toEqual(b);
    expect(a).not.toEqual(await apply(params, x).data());
  });

  test("without a key it is said which layer wants one; what cannot be dropped is refused", async () => {
    const model = sequential(L.dropout({ rate: 0.5, name: "thinned", inputShape: [2] }));
    const { applyTraining, params } = await functionFromLayersModel(model);
    expect(() => applyTraining(params, [zeros([1, 2])])).toThrow(/layer "thinned" \(Dropout\) draws random numbers; wants/);
    expect(() => applyTraining(params, zeros([1, 2]) as never)).toThrow(/applyTraining: inputs of sequential_\d+ is a Tensor; wants a list/);
    expect(() => applyTraining(params, [zeros([1, 2])], null as never)).toThrow(/applyTraining: options is null; wants an object/);
    expect(() => applyTraining(params, [zeros([1, 2])], { key: 3 as never })).toThrow(/applyTraining: key is 3; wants one of random.key/);
    const movie = sequential(L.convLstm2d({ filters: 1, kernelSize: 1, dropout: 0.5, name: "movie", inputShape: [2, 3, 3, 1] }) as never); // prettier-ignore
    const f = await functionFromLayersModel(movie);
    expect(() => f.applyTraining(f.params, [zeros([1, 2, 3, 3, 1])], { key })).toThrow(/"movie.*drops within its cell/);
  }); // prettier-ignore
});

type TypedLike = Awaited<ReturnType<Tensor["data"]>>;
