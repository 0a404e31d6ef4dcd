/** What is refused, and how it is said (theme-curvature, "Must be true" 9). */

import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { linearOperator } from "@curv/linsolve";
import {
  customJvp,
  customVjp,
  DomainError,
  ones,
  stopGradient,
  tanh,
  tensor,
  TracingError,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import * as hvp from "./index.js";
import {
  crossEntropyOutput,
  empiricalFisherOperator,
  fisherOperator,
  fromLoader,
  gaussNewtonOperator,
  gradientCovarianceOperator,
  hessianOperator,
  inBatches,
  effectiveWeights,
  initTwoLayerRelu,
  lossSurface,
  negativeFraction,
  pathNorm,
  perSampleGradientRows,
  perSampleHessianProducts,
  selectParameters,
  spectralRates,
  traceDiagonalLinear,
  traceOf,
  traceTwoLayer,
} from "./index.js";

const key = random.key(0);
const model = mlp({ sizes: [3, 2] });
const params = model.init(key);
type Params = typeof params;
const batch = { inputs: random.normal(key, { shape: [4, 3] }), targets: tensor(Int32Array.of(0, 1, 0, 1)) };
type Batch = typeof batch;
const loss = (p: Params, { inputs, targets }: Batch): Tensor => softmaxCrossEntropy(model.apply(p, inputs), targets);

test("a loss that is no scalar", () => {
  const each = (p: Params, { inputs }: Batch): Tensor => model.apply(p, inputs);
  expect(() => hessianOperator(each, params, batch)).toThrow(
    /hessianOperator: the loss returned float32 of shape \[4, 2\]; wants a float scalar/,
  );
  expect(() => hessianOperator(undefined as never, params, batch)).toThrow(
    /hessianOperator: the loss is undefined; wants a function \(params, batch\) => scalar/,
  );
  expect(() => hessianOperator((() => 3) as never, params, batch)).toThrow(
    /the loss returned number; wants a scalar Tensor/,
  );
});

test("a loss that is not finite", () => {
  expect(() => hessianOperator((p: Params, b: Batch) => loss(p, b).mul(Infinity), params, batch)).toThrow(
    /the loss is Infinity at these parameters/,
  );
});

test("a loss that changes from call to call, unless the check is off", () => {
  let calls = 0;
  const noisy = (p: Params, b: Batch): Tensor => loss(p, b).add(++calls);
  expect(() => hessianOperator(noisy, params, batch)).toThrow(
    /for the same parameters and batch; wants one that is a function/,
  );
  expect(() => hessianOperator(noisy, params, batch, { check: false })).not.toThrow();
});

/** Zero, with this derivative along p. */
const hidden = (p: Params, by: number): Tensor => {
  const sum = p[0]!.weight.sum();
  return sum.sub(stopGradient(sum)).mul(by);
};

test("a gradient that changes while the loss does not", () => {
  let calls = 0;
  const noisy = (p: Params, b: Batch): Tensor => loss(p, b).add(hidden(p, ++calls));
  const message = /: elements of the gradient, at most [\d.]+, differ by 1\S* when they are computed again/;
  expect(() => hessianOperator(noisy, params, batch)).toThrow(message);
  expect(() => hessianOperator(noisy, params, batch)).toThrow(DomainError);
  expect(() => hessianOperator(noisy, params, batch, { mode: "finite-difference" })).toThrow(message);
  expect(() => hessianOperator(noisy, params, inBatches(batch, { batchSize: 2 }))).toThrow(message);
  expect(() => empiricalFisherOperator(noisy, params, batch)).toThrow(message);
  expect(() => [...perSampleGradientRows(noisy, params, batch)]).toThrow(message);
  expect(() => hessianOperator(noisy, params, batch, { check: false })).not.toThrow();
});

test.each(["forward-over-reverse", "reverse-over-reverse"] as const)("a product that changes alone, %s", (mode) => {
  let calls = 0;
  const noisy = (p: Params, b: Batch): Tensor => loss(p, b).add(hidden(p, 1).square().mul(++calls));
  const message = /: elements of a Hessian-vector product, at most [\d.]+, differ by/;
  expect(() => hessianOperator(noisy, params, batch, { mode })).toThrow(message);
  expect(() => hessianOperator(noisy, params, batch, { mode, check: false })).not.toThrow();
  expect(() => perSampleHessianProducts(noisy, params, batch)).toThrow(message);
  // What is made of gradients alone may be made of it.
  expect(() => empiricalFisherOperator(noisy, params, batch)).not.toThrow();
});

test("a model whose outputs, or whose derivative alone, change", () => {
  let calls = 0;
  const outputs = (p: Params, x: Tensor): Tensor => model.apply(p, x).mul(++calls);
  const derivative = (p: Params, x: Tensor): Tensor => model.apply(p, x).mul(hidden(p, ++calls).add(1));
  for (const make of [
    (m: typeof outputs, o?: { check: boolean }) => gaussNewtonOperator(m, crossEntropyOutput, params, batch, o),
    (m: typeof outputs, o?: { check: boolean }) => fisherOperator(m, crossEntropyOutput, params, batch, key, o),
  ]) {
    expect(() => make(outputs)).toThrow(/: elements of the model's outputs, at most [\d.]+, differ by/);
    expect(() => make(derivative)).toThrow(/: elements of a product, at most [\d.]+, differ by/);
    expect(() => make(outputs, { check: false })).not.toThrow();
  }
});

test("rounding is no change: what is the same to 1e-10, or 1e-5 in float32", () => {
  for (const [dtype, fine, coarse] of [
    ["float64", 1e-12, 1e-8],
    ["float32", 1e-6, 1e-3],
  ] as const) {
    const p = tensor([1, 2, 3], { dtype });
    let calls = 0;
    const shaken =
      (by: number) =>
      (x: Tensor): Tensor => {
        const sum = x.sum();
        return x
          .square()
          .sum()
          .add(sum.sub(stopGradient(sum)).mul(++calls % 2 === 0 ? by : -by));
      };
    expect(() => hessianOperator(shaken(fine), p, null)).not.toThrow();
    expect(() => hessianOperator(shaken(coarse), p, null)).toThrow(/elements of the gradient, at most/);
  }
});

test("the check takes a bounded number of calls, all with the first batch", () => {
  const seen: number[] = [];
  const counted = (p: Params, b: Batch): Tensor => {
    seen.push(b.targets.dataSync()[0]);
    return loss(p, b);
  };
  const two = fromLoader(() => [batch, { ...batch, targets: tensor(Int32Array.of(1, 1, 1, 1)) }]);
  hessianOperator(counted, params, two);
  expect(seen).toEqual([0, 0, 0, 0, 0, 0]);
});

test("an operation without a second derivative, by its name", () => {
  /** tanh whose derivative is by a loop that reverse mode cannot pass. */
  const looped = customVjp(
    (x: Tensor) => tanh(x),
    (x) => [tanh(x), x] as const,
    (x, bar) => {
      const [, product] = whileLoop(
        ([i]: readonly [Tensor, Tensor]) => i.less(1),
        ([i, y]: readonly [Tensor, Tensor]) => [i.add(1), y.mul(tanh(x).square().neg().add(1))] as const,
        [tensor(0, { dtype: "int32" }), bar] as const,
      );
      return [product] as const;
    },
  );
  /** The identity, with the complete QR factorisation in its derivative. */
  const factored = customJvp(
    (x: Tensor) => x.mul(1),
    ([x], [dx]) => ({ value: x.mul(1), tangent: dx.mul(qr(x.transpose(), { mode: "complete" }).r.abs().max()) }),
  );
  const through =
    (f: (x: Tensor) => Tensor) =>
    (p: Params, b: Batch): Tensor =>
      softmaxCrossEntropy(model.apply([{ ...p[0]!, weight: f(p[0]!.weight) }], b.inputs), b.targets);
  for (const [f, reason] of [
    [looped, "whileLoop: reverse mode needs a bound"],
    [factored, "qr: the complete factorisation has no derivative"],
  ] as const) {
    for (const mode of ["forward-over-reverse", "reverse-over-reverse"] as const) {
      const message = `hessianOperator: a Hessian-vector product cannot be computed: ${reason}`;
      expect(() => hessianOperator(through(f), params, batch, { mode })).toThrow(message);
      expect(() => hessianOperator(through(f), params, batch, { mode })).toThrow(TracingError);
    }
    // One derivative there is.
    const by = hessianOperator(through(f), params, batch, { mode: "finite-difference" });
    expect(
      by
        .matvec(ones([8]))
        .abs()
        .max()
        .itemSync(),
    ).toBeGreaterThan(0);
    expect(() => empiricalFisherOperator(through(f), params, batch)).not.toThrow();
  }
  // Products of the examples are forward mode alone, which passes loops.
  expect(() => perSampleHessianProducts(through(looped), params, batch)).not.toThrow();
  expect(() => perSampleHessianProducts(through(factored), params, batch)).toThrow(
    "perSampleHessianProducts: a Hessian-vector product cannot be computed: qr: the complete factorisation",
  );
});

test("data without examples, of different lengths, or with scalars", () => {
  const none = { inputs: zeros([0, 3]), targets: zeros([0], { dtype: "int32" }) };
  expect(() => hessianOperator(loss, params, none)).toThrow(/the data hold no examples/);
  const ragged = { ...batch, targets: tensor(Int32Array.of(0)) };
  expect(() => hessianOperator(loss, params, ragged)).toThrow(/data.targets has 1 examples, data.inputs has 4/);
  expect(() => hessianOperator(loss, params, { ...batch, targets: tensor(1) })).toThrow(/data.targets is a scalar/);
});

test("loaders that yield nothing, or something else each time", () => {
  expect(() =>
    hessianOperator(
      loss,
      params,
      fromLoader<Batch>(() => []),
    ),
  ).toThrow(/the loader yields no batch/);
  let pass = 0;
  const growing = fromLoader(() => Array.from({ length: ++pass }, () => batch));
  const operator = hessianOperator(loss, params, growing);
  operator.matvec(zeros([8]));
  expect(() => operator.matvec(zeros([8]))).toThrow(/yields 12 examples, and 8 in an earlier pass/);
});

test("options out of range", () => {
  expect(() => inBatches(batch, { batchSize: 0 })).toThrow(/inBatches: batchSize is 0; wants a positive integer/);
  const message = /inBatches: batchSize is undefined; wants a positive integer in the options, as \{ batchSize: 64 \}/;
  expect(() => inBatches(batch, 64 as never)).toThrow(message);
  expect(() => inBatches(batch, undefined as never)).toThrow(message);
  expect(() => hessianOperator(loss, params, batch, { mode: "backward" as never })).toThrow(
    /mode is "backward"; wants forward-over-reverse, reverse-over-reverse, finite-difference/,
  );
  const apply = (p: Params, x: Tensor): Tensor => model.apply(p, x);
  expect(() => fisherOperator(apply, crossEntropyOutput, params, batch, key, { samples: 0 })).toThrow(
    /samples is 0; wants a positive integer/,
  );
  expect(() => selectParameters(params, () => false)).toThrow(/keep is true of none of 0.bias, 0.weight/);
});

test("outputs without an axis of outputs", () => {
  const scalar = (p: Params, x: Tensor): Tensor => model.apply(p, x).sum(-1);
  expect(() => gaussNewtonOperator(scalar, crossEntropyOutput, params, batch)).toThrow(
    /outputs have shape \[4\]; wants \[examples, ..., outputs\]/,
  );
});

test("directions unlike the parameters", async () => {
  const other = [{ weight: zeros([2, 3]), bias: zeros([3]) }] as never;
  await expect(lossSurface(loss, params, batch, [other])).rejects.toThrow(
    /lossSurface: direction 0 has leaves of \[3\], \[2, 3\]; wants \[2\], \[2, 3\], as the parameters have/,
  );
});

test("products of another length, or of another tree", () => {
  const operator = hessianOperator(loss, params, batch);
  expect(() => operator.matvec(zeros([3]))).toThrow(/the operand has shape \[3\]; wants \[8\]/);
  expect(() => operator.apply([] as never)).toThrow(/apply: x/);
});

test("per-sample rows and the covariance check the loss, too", () => {
  const each = (p: Params, { inputs }: Batch): Tensor => model.apply(p, inputs);
  expect(() => [...perSampleGradientRows(each, params, batch)]).toThrow(/perSampleGradientRows: the loss returned/);
  expect(() => gradientCovarianceOperator(each, params, batch)).toThrow(/gradientCovarianceOperator/);
});

const unit = { nodes: [1], weights: [1], residuals: [0] };
const net = { inner: ones([2, 3]), outer: ones([2]) };
test.each<[string, () => unknown, RegExp]>([
  ["widths", () => initTwoLayerRelu(key, { width: 0, inputs: 2 }), /initTwoLayerRelu: width is 0; wants a positive/],
  [
    "inputs",
    () => initTwoLayerRelu(key, { width: 2, inputs: 1.5 }),
    /initTwoLayerRelu: inputs is 1.5; wants a positive/,
  ],
  [
    "a path norm",
    () => pathNorm({ inner: ones([2, 2]), outer: ones([1]) }),
    /pathNorm: inner has shape \[2, 2\], outer \[1\]/,
  ],
  ["no examples", () => traceTwoLayer(net, zeros([0, 3])), /traceTwoLayer: inputs has no rows/],
  [
    "no examples",
    () => traceDiagonalLinear({ a: ones([3]), b: ones([3]) }, zeros([0, 3])),
    /traceDiagonalLinear: inputs/,
  ],
  [
    "unlike weights",
    () => effectiveWeights({ a: ones([2]), b: ones([1]) }),
    /effectiveWeights: a has shape \[2\], b \[1\]/,
  ],
  ["a weight", () => spectralRates({ nodes: [1, 2], weights: [1, NaN] }), /spectralRates: weights\[1\] is NaN/],
  ["a weight", () => spectralRates({ nodes: [1, 2], weights: [-1, 2] }), /spectralRates: weights\[0\] is -1/],
  ["no runs", () => traceOf({ size: 3, products: 0, runs: [] }, (x) => x), /traceOf: the measure has no runs/],
  [
    "a tolerance",
    () => negativeFraction({ size: 3, products: 1, runs: [unit] }, NaN),
    /negativeFraction: tolerance is NaN/,
  ],
])("%s that make no sense", (_, call, message) => expect(call).toThrow(message));

test("rows of an interpolant with NaN, at once", () => {
  const rows = tensor(Float64Array.of(1, 2, 3, NaN, 5, 6), { shape: [3, 2] });
  expect(() => hvp.interpolantOf(rows)).toThrow(
    "interpolantOf: row 1 of jacobian has NaN or an infinity; wants finite numbers.",
  );
});

test("operators that are said to be symmetric and are not", async () => {
  const n = 10;
  const matrix = random.normal(key, { shape: [n, n], dtype: "float64" });
  const said = linearOperator({
    matvec: (v: Tensor) => matrix.matmul(v),
    domain: zeros([n], { dtype: "float64" }),
    positiveSemidefinite: true,
  });
  const message = /the operator is not symmetric/;
  await expect(hvp.spectralMeasure(said, key, { steps: 5 })).rejects.toThrow(message);
  await expect(hvp.spectralLearner(said, key, { steps: 5 })).rejects.toThrow(message);
  await expect(hvp.spectralNorm(said)).rejects.toThrow(message);
  await expect(hvp.conditionNumber(said)).rejects.toThrow(message);
  await expect(hvp.spikedCovariance(said, key, { dataset: 100, pairs: 2 })).rejects.toThrow(message);
  const b = ones([n], { dtype: "float64" });
  await expect(hvp.inverseProduct(said, b)).rejects.toThrow(message);
  await expect(hvp.inverseProduct(said, b, { method: "minres" })).rejects.toThrow(message);
});
