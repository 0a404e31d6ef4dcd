/**
 * What "Learning rates as a function of batch size" predicts (arXiv 2006.09092), against what happens:
 * `node --conditions=@curv/source --import=./strip-types.mjs batch-size.ts [edges|scaling|learner]`.
 */

import { createRequire } from "node:module";
import { jit, scan, take, tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import {
  batchEdges,
  crossoverBatch,
  curvatureNoise,
  maxLearningRate,
  scaleLearningRate,
  spectralLearner,
  spikedCovariance,
  type MeasuredCurvature,
} from "../packages/hvp/src/batch-size/index.js";
import {
  crossEntropyOutput,
  gaussNewtonOperator,
  hessianOperator,
  perSampleHessianProducts,
  squaredErrorOutput,
} from "../packages/hvp/src/index.js";
import { softmaxCrossEntropy } from "../packages/loss/src/index.js";
import { mlp, type ParamsOf } from "../packages/nn/src/index.js";
import { formatNumber, numberTable } from "./table.js";

const key = random.key(2006);

/** Slope of log y against log x, by least squares. */
function slope(x: readonly number[], y: readonly number[]): number {
  const [a, b] = [x.map(Math.log), y.map(Math.log)];
  const [ma, mb] = [a, b].map((v) => v.reduce((s, t) => s + t, 0) / v.length);
  const covariance = a.reduce((s, t, i) => s + (t - ma) * (b[i] - mb), 0);
  return covariance / a.reduce((s, t) => s + (t - ma) ** 2, 0);
}

/** Scaled experiment 1: a linear model with two outliers. */
async function edges(): Promise<void> {
  const [p, n, draws] = [200, 4000, 30];
  const dtype = "float64";
  const [dataKey, startKey, noiseKey, spectrumKey, batchKey] = random.split(key, 5);
  const scale = Float64Array.from({ length: p }, (_, i) => Math.sqrt([5, 3][i] ?? 0.5));
  const inputs = random.normal(dataKey, { shape: [n, p], dtype }).mul(tensor(scale));
  const w = random.normal(startKey, { shape: [p], dtype });
  const loss = (v: Tensor, { inputs: x }: { inputs: Tensor }): Tensor => x.matmul(v).square().mean().mul(0.5);
  const linear = (v: Tensor, x: Tensor): Tensor => x.matmul(v).expandDims(-1);

  const measured = await spikedCovariance(gaussNewtonOperator(linear, squaredErrorOutput, w, { inputs }), spectrumKey, {
    dataset: n,
    pairs: 4,
  });
  const { pSigma2, standardError } = await curvatureNoise(perSampleHessianProducts(loss, w, { inputs }), w, noiseKey, {
    probes: 16,
  });
  const { lambdaMax, outliers, noise } = measured;
  const wigner: MeasuredCurvature = { lambdaMax, noise: { model: "wigner", pSigma2 } };
  console.log(
    `1. x ~ N(0, diag(5, 3, ½ × 198)), N = ${n}, squared loss.\n` +
      `Measured: outliers ${outliers.map(formatNumber).join(", ")}; bulk ${formatNumber(noise.bulk)} (true 0.5); ` +
      `Pσ² ${formatNumber(pSigma2)} ± ${formatNumber(standardError)} (spec 57.8).`,
  );

  const specMeasured: Record<number, number> = { 8: 19.6, 16: 12.4, 32: 9, 64: 6.9, 128: 6, 256: 5.4 };
  const specPredicted: Record<number, number> = { 8: 18.9, 16: 11.9, 32: 8.5, 64: 6.7, 128: 5.9, 256: 5.4 };
  const rows = [8, 16, 32, 64, 128, 256].map((batch) => {
    const tops = Array.from({ length: draws }, (_, i) => {
      const indices = random.permutation(random.foldIn(batchKey, 1000 * batch + i), n).slice([0, batch]);
      const x = take(inputs, indices, 0);
      const gram = batch < p ? x.matmul(x.transpose()) : x.transpose().matmul(x);
      return eigvalsh(gram.div(batch)).max().itemSync();
    });
    const top = tops.reduce((a, b) => a + b) / draws;
    const predicted = batchEdges(measured, { batch, dataset: n });
    const run = jit(
      (v: Tensor, lr: Tensor) =>
        scan(
          (u: Tensor, k: Tensor) => {
            const x = take(inputs, random.randint(k, 0, n, { shape: [batch] }), 0);
            return [u.sub(x.transpose().matmul(x.matmul(u)).mul(lr.div(batch))), lr] as const;
          },
          v,
          random.splitKeys(startKey, 500),
        )[0],
    );
    const ratio = (factor: number): string => {
      const end = run(w, tensor(factor * maxLearningRate(predicted, { method: "sgd" }), { dtype }));
      const r = loss(end, { inputs }).div(loss(w, { inputs })).itemSync();
      return Number.isFinite(r) ? r.toExponential(0) : "overflow";
    };
    return [
      batch,
      top,
      specMeasured[batch],
      predicted.lambdaMax,
      specPredicted[batch],
      `${(100 * (predicted.lambdaMax / top - 1)).toFixed(1)} %`,
      batchEdges(wigner, { batch, dataset: n }).lambdaMax,
      ratio(0.8),
      ratio(2.5),
    ];
  });
  const header = ["B", "mean λ₁′", "(spec)", "B2", "(spec)", "error", "Wigner", "0.8 × 2/λ₁′", "2.5 × 2/λ₁′"];
  console.log(numberTable(header, rows));
  console.log("The last two: loss after 500 steps of SGD over the loss before.\n");
}

const model = mlp({ sizes: [784, 64, 10] });
type Params = ParamsOf<typeof model>;
interface Batch {
  readonly inputs: Tensor;
  readonly targets: Tensor;
}
const loss = (p: Params, { inputs, targets }: Batch): Tensor => softmaxCrossEntropy(model.apply(p, inputs), targets);

/** 500 of each digit, float32 in [0, 1]. */
function digits(perDigit = 500): Batch {
  const require = createRequire(new URL("../packages/hvp/package.json", import.meta.url));
  const size = 784;
  const data = new Float32Array(10 * perDigit * size);
  const labels = new Int32Array(10 * perDigit);
  for (let digit = 0; digit < 10; digit++) {
    const { data: raw } = require(`mnist/src/digits/${digit}.json`) as { data: number[] };
    for (let i = 0; i < perDigit; i++) {
      const row = 10 * i + digit;
      labels[row] = digit;
      for (let j = 0; j < size; j++) data[row * size + j] = raw[i * size + j];
    }
  }
  return { inputs: tensor(data, { shape: [10 * perDigit, size] }), targets: tensor(labels) };
}

type Method = "SGD" | "Adam" | "heavy-ball";

/** A compiled run of some steps on random batches, from `start`: the losses of the batches, and where it ended. */
function trainer(
  data: Batch,
  method: Method,
  batch: number,
  steps: number,
): (start: Params, lr: number, momentum?: number) => { readonly params: Params; readonly losses: readonly number[] } {
  const n = data.targets.shape[0];
  const run = jit((start: Params, lr: Tensor, momentum: Tensor, keys: Tensor, { inputs, targets }: Batch) => {
    const zero = tree.zerosLike(start);
    const [end, losses] = scan(
      ({ params, first, second, t }: { params: Params; first: Params; second: Params; t: Tensor }, k: Tensor) => {
        const indices = random.randint(k, 0, n, { shape: [batch] });
        const drawn = { inputs: take(inputs, indices, 0), targets: take(targets, indices, 0) };
        const { value, grad } = valueAndGrad((p: Params) => loss(p, drawn))(params);
        const next = t.add(1);
        if (method === "Adam") {
          const m = tree.map((a: Tensor, g: Tensor) => a.mul(0.9).add(g.mul(0.1)), first, grad);
          const v = tree.map((a: Tensor, g: Tensor) => a.mul(0.999).add(g.square().mul(0.001)), second, grad);
          const [c1, c2] = [0.9, 0.999].map((b) => next.mul(Math.log(b)).exp().neg().add(1));
          const move = (p: Tensor, a: Tensor, b: Tensor): Tensor =>
            p.sub(a.div(c1).div(b.div(c2).sqrt().add(1e-8)).mul(lr));
          return [{ params: tree.map(move, params, m, v), first: m, second: v, t: next }, value] as const;
        }
        const velocity = tree.map((a: Tensor, g: Tensor) => a.mul(momentum).sub(g.mul(lr)), first, grad);
        return [{ params: tree.add(params, velocity), first: velocity, second, t: next }, value] as const;
      },
      { params: start, first: zero, second: zero, t: tensor(0) },
      keys,
    );
    return { params: end.params, losses };
  });
  const keys = random.splitKeys(random.foldIn(key, batch), steps);
  return (start, lr, momentum = 0) => {
    const { params, losses } = run(start, tensor(lr), tensor(momentum), keys, data);
    return { params, losses: Array.from(losses.dataSync()) };
  };
}

/** Scaled experiment 2: the largest learning rate that does not diverge, against the batch. */
async function scaling(): Promise<void> {
  const data = digits();
  const n = data.targets.shape[0];
  const start = model.init(random.foldIn(key, 20));
  const initial = loss(start, data).itemSync();
  const measured = await spikedCovariance(
    gaussNewtonOperator(model.apply, crossEntropyOutput, start, { inputs: data.inputs }),
    random.foldIn(key, 21),
    { dataset: n, rankPerSample: 9, pairs: 12 },
  );
  const { lambdaMax, outliers, noise } = measured;
  console.log(
    `2. MLP 784-64-10, ${n} digits. At the start: λ₁ ${formatNumber(lambdaMax)}, ${outliers.length} outliers, ` +
      `bulk trace ${formatNumber(noise.bulk * noise.params)}.`,
  );
  const steps = 200;
  const batches = [4, 8, 16, 32, 128, 512];
  /** It trains: the last fifth of the batches' losses is, on average, below half of the loss at the start. Dead networks sit near log 10. */
  const holds = (losses: readonly number[]): boolean => {
    const end = losses.slice(-steps / 5);
    return end.reduce((a, b) => a + b) / end.length < initial / 2;
  };
  const largest = (method: Method, batch: number, guess: number): number => {
    const train = trainer(data, method, batch, steps);
    const at = (k: number): boolean => holds(train(start, guess * 2 ** (k / 2)).losses);
    let k = 0;
    if (at(k)) while (k < 30 && at(k + 1)) k++;
    else while (k > -30 && !at(--k));
    return guess * 2 ** (k / 2);
  };
  const found: Record<"SGD" | "Adam", number[]> = { SGD: [], Adam: [] };
  for (const [i, batch] of batches.entries()) {
    found.SGD.push(largest("SGD", batch, found.SGD[i - 1] ?? 0.125));
    found.Adam.push(largest("Adam", batch, found.Adam[i - 1] ?? 0.01));
  }
  // What the rules make of the rate that was found at B = 32.
  const fromBatch = 32;
  const tuned = batches.indexOf(fromBatch);
  const rows = batches.map((batch, i) => {
    const scale = { fromBatch, toBatch: batch, dataset: n };
    return [
      batch,
      found.SGD[i],
      scaleLearningRate(found.SGD[tuned], { method: "sgd", curvature: measured, ...scale }).lr,
      maxLearningRate(batchEdges(measured, { batch, dataset: n }), { method: "sgd" }),
      found.Adam[i],
      scaleLearningRate(found.Adam[tuned], { method: "adaptive", ...scale }).lr,
    ];
  });
  console.log(numberTable(["B", "SGD", "by the rule", "2/λ₁′ at the start", "Adam", "by the rule"], rows));
  console.log(
    `The rules start at B = ${fromBatch}; the curvature's noise and its outlier are as large at B = ${formatNumber(crossoverBatch(measured))}.`,
  );
  /** Up to the first batch whose rate is within a step of the grid of the largest. */
  const growing = (lrs: readonly number[]): string => {
    const end = 1 + lrs.findIndex((lr) => lr * 1.5 > Math.max(...lrs));
    return `${formatNumber(slope(batches.slice(0, end), lrs.slice(0, end)))} up to B = ${batches[end - 1]}`;
  };
  console.log(
    `Slopes before saturation: SGD ${growing(found.SGD)} (wanted 0.6 to 1.1), Adam ${growing(found.Adam)} (wanted 0.3 to 0.7).\n`,
  );
}

/** Scaled experiment 3: the spectral learner against a grid of learning rates and momenta. */
async function learner(): Promise<void> {
  const data = digits();
  const n = data.targets.shape[0];
  const start = model.init(random.foldIn(key, 30));
  const [batch, epochs] = [128, 10];
  const steps = Math.floor((epochs * n) / batch);
  const train = trainer(data, "heavy-ball", batch, steps);
  const final = (lr: number, momentum: number): number => {
    const value = loss(train(start, lr, momentum).params, data).itemSync();
    return Number.isFinite(value) ? value : Infinity;
  };
  const subset = { inputs: data.inputs.slice([0, 1024]), targets: data.targets.slice([0, 1024]) };
  const rates = await spectralLearner(hessianOperator(loss, start, subset), random.foldIn(key, 31));
  const learned = final(rates.lr, rates.momentum);
  const [rates5, momenta] = [
    [0.01, 0.03, 0.1, 0.3, 1],
    [0, 0.9, 0.99],
  ];
  const grid = rates5.map((lr) => momenta.map((momentum) => final(lr, momentum)));
  const sorted = grid.flat().sort((a, b) => a - b);
  console.log(`3. The same network, ${epochs} epochs with batches of ${batch}: loss on the training set at the end.`);
  console.log(
    numberTable(
      ["lr", ...momenta.map((m) => `ρ = ${m}`)],
      rates5.map((lr, i) => [lr, ...grid[i].map((x) => x.toPrecision(3))]),
    ),
  );
  console.log(
    `Spectral learner (heavy-ball, one estimate, 20 products): L ${formatNumber(rates.lambdaMax)}, μ ${formatNumber(rates.mu)}, ` +
      `lr ${formatNumber(rates.lr)}, ρ ${formatNumber(rates.momentum)}: loss ${learned.toPrecision(3)}. ` +
      `Grid: median ${sorted[7].toPrecision(3)}, best ${sorted[0].toPrecision(3)}; ratio to the median ${formatNumber(learned / sorted[7])} (wanted ≤ 1.3).`,
  );
}

const experiments = { edges, scaling, learner };
const names = process.argv.slice(2) as (keyof typeof experiments)[];
for (const name of names.length > 0 ? names : (Object.keys(experiments) as (keyof typeof experiments)[])) {
  await experiments[name]();
}
