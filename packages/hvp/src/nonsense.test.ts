/** Every public function, called with arguments that make no sense. */

import { denseOperator } from "@curv/linsolve";
import { dense, sequential } from "@curv/nn";
import { softmaxCrossEntropy } from "@curv/loss";
import { eye, ones, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { vi } from "vitest";
import { sweepArguments, type Call } from "../../linsolve/test/support/nonsense.js";
import * as hvp from "./index.js";
import { squaredErrorOutput, crossEntropyOutput, interpolantOf, kfacFactors, spectralRates } from "./index.js";

// A report, or a series with all its defaults, for each kind of nonsense: time for a busy machine.
vi.setConfig({ testTimeout: 300_000 });

const key = random.key(0);
const { signal } = new AbortController();
const onProgress = (): void => undefined;
const driver = { signal, onProgress };
const dtype = "float64";

const model = sequential([dense({ in: 2, out: 2 })]);
const params = model.init(key, { dtype });
type Params = typeof params;
const narrow = sequential([dense({ in: 2, out: 1 })]);
const apply = (p: Params, x: Tensor): Tensor => model.apply(p, x);
const data = {
  inputs: random.normal(key, { shape: [4, 2], dtype }),
  targets: tensor(Int32Array.of(0, 1, 0, 1)),
};
/** Of the parameters alone where there are no data. */
const loss = (p: Params, batch: typeof data | null): Tensor =>
  batch?.inputs === undefined
    ? p[0]!.weight.square().sum()
    : softmaxCrossEntropy(apply(p, batch.inputs), batch.targets);
const P = 6;
/** What is not compiled anew for each call. */
const operator = { ...denseOperator(eye(P, P, { dtype }), { positiveSemidefinite: true }), eager: true };
const v = ones([P], { dtype });
const matrix = random.normal(key, { shape: [4, 2], dtype });
const minimum = interpolantOf(matrix);
const factors = kfacFactors(model, crossEntropyOutput, params, data);
const hessian = hvp.hessianOperator(loss, params, data);
const products = hvp.perSampleHessianProducts(loss, params, data);
const wigner = { model: "wigner", pSigma2: 8 } as const;
const curvature = { lambdaMax: 4, lambdaMin: 0, noise: wigner };
const edges = { lambdaMax: 4, lambdaMin: -1, bulkEdge: 1, outlier: true, overlap: 0.5 };
const onLoss = (): Call => ({ loss, params, data, options: {} });
const probed = (options: object) => (): Call => ({ a: operator, key, options: { atOnce: 2, ...driver, ...options } });
const run = { nodes: [1, 2, 3], weights: [0.2, 0.3, 0.5], residuals: [0, 0, 0] };
const measure = { size: 3, runs: [run, run], products: 6 };
const rates = {
  mode: "sgd",
  mu: "median",
  weightThreshold: 1,
  safety: 0.5,
  compat: "authors",
  trainBatch: { batch: 2, curvatureSet: 4, noise: wigner },
};
const relu = { inner: ones([2, 3]), outer: ones([2]) };
const diagonal = { a: ones([3]), b: ones([3]) };

sweepArguments(hvp, {
  by: {
    conditionNumber: ["eigsh"],
    curvatureReport: ["eigsh", "spectralMeasure"],
    inverseProduct: ["cg"],
    influence: ["inverseProduct", "cg"],
    spectralNorm: ["eigsh"],
    spectralLearner: ["spectralRates"],
    spectralRatesAt: ["spectralLearner", "spectralRates"],
  },
  users: ["sequential", "dense", "softmaxCrossEntropy"],
  calls: {
    inBatches: () => ({ examples: data, options: { batchSize: 2 } }),
    fromLoader: () => ({ load: () => [data] }),
    hessianOperator: () => ({ loss, params, data, options: { mode: "finite-difference" } }),
    inputHessianOperator: () => ({ loss, params, batch: data, options: { mode: "finite-difference" } }),
    gaussNewtonOperator: () => ({ model: apply, outputLoss: crossEntropyOutput, params, data, options: {} }),
    gaussNewtonDiagonal: () => ({ model: apply, outputLoss: crossEntropyOutput, params, data }),
    fisherOperator: () => ({
      model: apply,
      outputLoss: crossEntropyOutput,
      params,
      data,
      key,
      options: { samples: 2 },
    }),
    empiricalFisherOperator: onLoss,
    gradientCovarianceOperator: onLoss,
    jacobianOperator: () => ({ model: apply, params, inputs: data.inputs }),
    perSampleGradients: () => ({ loss, params, batch: data }),
    perSampleGradientRows: onLoss,
    perSampleHessianProducts: onLoss,
    perSampleGaussNewtonProducts: () => ({ model: apply, outputLoss: crossEntropyOutput, params, data }),
    gradientNoiseScale: onLoss,
    selectParameters: () => ({ params, keep: () => true }),
    layersOf: () => ({ params }),

    kfacFactors: () => ({
      model,
      outputLoss: crossEntropyOutput,
      params,
      data,
      options: { fisher: "monteCarlo", approximation: "expand", samples: 1, key, others: "zero" },
    }),
    kfacOperator: () => ({
      model,
      outputLoss: crossEntropyOutput,
      params,
      data,
      options: { fisher: "monteCarlo", approximation: "expand", samples: 1, key, others: "zero" },
    }),
    kfacFromFactors: () => ({ params, factors }),
    updateFactors: () => ({ old: factors, latest: factors, decay: 0.9 }),

    hutchinsonTrace: probed({ probes: 2, distribution: "normal", tol: 0.1, resume: undefined }),
    hutchinsonDiagonal: probed({ probes: 2, distribution: "normal", resume: undefined }),
    frobeniusNorm: probed({ probes: 2, distribution: "normal", resume: undefined }),
    hutchPlusPlus: probed({ products: 6, distribution: "normal", resume: undefined }),
    xTrace: probed({ products: 6, distribution: "normal", resphere: true, resume: undefined }),
    xDiagonal: probed({ products: 6, resume: undefined }),
    traceByLayer: probed({ probes: 2, distribution: "normal", resume: undefined }),
    spectralMeasure: probed({ probes: 2, steps: 3, distribution: "normal", resume: undefined }),
    spectralDensity: () => ({ measure, options: { scale: "log", floor: 1e-3, width: "range", points: 9 } }),
    traceOf: () => ({ measure, f: (x: number) => x }),
    logDeterminant: () => ({ measure, options: { damping: 1 } }),
    effectiveDimension: () => ({ measure, options: { damping: 1 } }),
    negativeFraction: () => ({ measure, tolerance: 0.1 }),
    spectralNorm: () => ({
      a: operator,
      options: { basisSize: 4, tol: 0.1, maxProducts: 9, start: v, key, ...driver },
    }),
    conditionNumber: () => ({
      a: operator,
      options: { damping: 0.1, basisSize: 5, tol: 0.1, maxProducts: 9, start: v, key, ...driver },
    }),

    inverseProduct: () => ({
      a: operator,
      b: v,
      options: {
        damping: 0.1,
        method: "cg",
        stepSize: 0.1,
        rtol: 0.1,
        atol: 0,
        maxIter: 5,
        x0: v,
        preconditioner: operator,
        ...driver,
      },
    }),
    lissa: () => ({
      operators: [operator],
      b: v,
      key,
      options: {
        ...{ damping: 0.1, stepSize: 0.1, steps: 2, repeats: 2, weights: [1], rtol: 0.1 },
        ...driver,
      },
    }),
    influence: () => ({
      loss,
      params,
      curvature: hessian,
      data: { training: data, test: data },
      options: {
        inverse: (x: Tensor) => x,
        damping: 0.1,
        method: "cg",
        stepSize: 0.1,
        rtol: 0.1,
        atol: 0,
        maxIter: 5,
        preconditioner: operator,
        ...driver,
      },
    }),
    lossSurface: () => ({
      loss,
      params,
      data,
      directions: [params, params],
      options: { radius: 0.1, points: 3, ...driver },
    }),
    curvatureReport: () => ({
      loss,
      params,
      data,
      options: {
        mode: "finite-difference",
        key,
        top: 1,
        probes: 2,
        density: { probes: 1, steps: 2 },
        tol: 0.1,
        title: "x",
        layerNames: { 0: "head" },
        ...driver,
      },
    }),

    effectiveBatch: () => ({ batch: 2, dataset: 4 }),
    batchEdges: () => ({ curvature, options: { batch: 2, dataset: 4 } }),
    crossoverBatch: () => ({ curvature }),
    curvatureNoise: () => ({
      products,
      params,
      key,
      options: { probes: 2, signal },
    }),
    maxLearningRate: () => ({ edges, step: { method: "heavy-ball", momentum: 0.9 } }),
    scaleLearningRate: () => ({ lr: 0.1, options: { method: "sgd", curvature, fromBatch: 1, toBatch: 2, dataset: 4 } }),
    scaleDamping: () => ({ damping: 1, options: { lrRatio: 1, fromBatch: 1, toBatch: 2 } }),
    spectralRates: () => ({ run, options: rates }),
    spectralLearner: () => ({ operator, key, options: { ...rates, steps: 3, signal } }),
    spectralRatesAt: () => ({
      epoch: 1,
      previous: spectralRates(run),
      curvature: () => operator,
      key,
      options: { ...rates, steps: 3, every: 1, signal },
    }),
    spikedCovariance: () => ({
      operator,
      key,
      options: { dataset: 100, rankPerSample: 1, pairs: 2, outliers: 1, probes: 2, signal },
    }),

    staticInverseFisher: () => ({ grads: matrix, options: { damping: 0.1, blockSize: 2, pageRows: 2, count: 4 } }),
    slidingInverseFisher: () => ({ options: { dim: 2, window: 2, damping: 0.1, dtype } }),
    FisherWindow: () => ({ options: { dim: 2, window: 2, damping: 0.1, dtype, state: undefined } }),
    woodburyInverse: () => ({ factor: matrix, options: { damping: 0.1, scale: 0.5 } }),

    interpolant: () => ({
      model: (p: never, x: Tensor) => narrow.apply(p, x),
      params: narrow.init(key, { dtype }),
      data: { inputs: data.inputs, targets: ones([4], { dtype }) },
      options: { outputLoss: squaredErrorOutput },
    }),
    interpolantOf: () => ({
      jacobian: matrix,
      options: { residuals: ones([4], { dtype }), targets: ones([4], { dtype }) },
    }),
    meanSquareThreshold: () => ({
      m: minimum,
      options: { batch: 2, method: "montecarlo", key, chains: 4, steps: 200, signal },
    }),
    sharpness: () => ({ m: minimum, options: { key, exact: false, probes: 2, signal } }),
    stabilityReport: () => ({
      m: minimum,
      options: { lr: 0.1, batch: 1, alignment: 0.1, key, chains: 4, steps: 200, signal },
    }),
    noiseAlignment: () => ({
      gradients: ones([3, P], { dtype }),
      g: operator,
      options: { loss: 1, frobenius: 1, signal },
    }),
    normCertificate: () => ({ model: "diagonal-linear", inputs: matrix, lr: 0.1 }),
    lrForTargetTrace: () => ({ trace: 1 }),
    initTwoLayerRelu: () => ({ key, options: { width: 2, inputs: 2, dtype } }),
    twoLayerRelu: () => ({ net: relu, inputs: ones([2, 3]) }),
    traceTwoLayer: () => ({ net: relu, inputs: ones([2, 3]) }),
    pathNorm: () => ({ net: relu }),
    effectiveWeights: () => ({ net: diagonal }),
    diagonalLinearNet: () => ({ net: diagonal, inputs: ones([2, 3]) }),
    traceDiagonalLinear: () => ({ net: diagonal, inputs: ones([2, 3]) }),
  },
});
