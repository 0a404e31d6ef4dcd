/** Every operator is the dense matrix that autodiff gives by another way (theme-curvature, "Must be true" 1 and 2). */

import { toDense, transposeOperator, type AnyOperator } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { batchNorm, cnn, mlp } from "@curv/nn";
import { at, concat, eye, grad, hessian, jacrev, jit, stack, swapAxes, tensor, vmap, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { describe, expect, test, vi } from "vitest";
import {
  binaryCrossEntropyOutput,
  crossEntropyOutput,
  empiricalFisherOperator,
  fisherOperator,
  fromLoader,
  gaussNewtonDiagonal,
  gaussNewtonOperator,
  gradientCovarianceOperator,
  hessianOperator,
  inBatches,
  inputHessianOperator,
  jacobianOperator,
  layersOf,
  perSampleGaussNewtonProducts,
  perSampleGradientRows,
  perSampleGradients,
  perSampleHessianProducts,
  selectParameters,
  squaredErrorOutput,
  type OutputLoss,
} from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(0);
const n = 7;
const model = mlp({ sizes: [3, 5, 4], activation: "tanh" });
const params = model.init(random.foldIn(key, 1), { dtype });
type Params = typeof params;
const batch = {
  inputs: random.normal(random.foldIn(key, 2), { shape: [n, 3], dtype }),
  targets: random.randint(random.foldIn(key, 3), 0, 4, { shape: [n] }),
};
type Batch = typeof batch;
const apply = (p: Params, x: Tensor): Tensor => model.apply(p, x);
const loss = (p: Params, { inputs, targets }: Batch): Tensor => softmaxCrossEntropy(apply(p, inputs), targets);
const { vector: theta, unravel } = ravel(params);
const size = theta.size;

function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.sub(b).abs().max().itemSync();
}

/** All products of an operator, plain, vectorised and compiled, against a matrix. */
function expectMatrix(operator: AnyOperator, dense: Tensor, tolerance = 1e-10): void {
  expect(operator.shape).toEqual(dense.shape);
  const [rows, columns] = dense.shape;
  const v = random.normal(random.foldIn(key, 10), { shape: [columns], dtype });
  const u = random.normal(random.foldIn(key, 11), { shape: [rows], dtype });
  const many = random.normal(random.foldIn(key, 12), { shape: [columns, 3], dtype });
  expect(difference(operator.matvec(v), dense.matmul(v))).toBeLessThan(tolerance);
  expect(difference(operator.rmatvec(u), dense.transpose().matmul(u))).toBeLessThan(tolerance);
  expect(difference(operator.matmat(many), dense.matmul(many))).toBeLessThan(tolerance);
  expect(difference(toDense(operator), dense)).toBeLessThan(tolerance);
  if (operator.eager) return;
  expect(
    difference(vmap((w: Tensor) => operator.matvec(w))(many.transpose()), dense.matmul(many).transpose()),
  ).toBeLessThan(tolerance);
  expect(difference(jit((w: Tensor) => operator.matvec(w))(v), dense.matmul(v))).toBeLessThan(tolerance);
  expect(difference(toDense(transposeOperator(operator)), dense.transpose())).toBeLessThan(tolerance);
}

const denseHessian = hessian((t: Tensor) => loss(unravel(t), batch))(theta);
/** J [n, C, P]. */
const jacobian = jacrev((t: Tensor) => apply(unravel(t), batch.inputs))(theta);

/** (1/n) Σ Jᵢᵀ Hᵢ Jᵢ, with Hᵢ by autodiff of the loss. */
function denseGaussNewton(outputLoss: OutputLoss, targets: Tensor): Tensor {
  const outputs = apply(params, batch.inputs);
  let sum: Tensor | null = null;
  for (let i = 0; i < n; i++) {
    const h = hessian((o: Tensor) => outputLoss.losses(o.expandDims(0), targets.slice([i, i + 1])).sum())(
      at(outputs, i),
    );
    const j = at(jacobian, i);
    const term = j.transpose().matmul(h).matmul(j);
    sum = sum === null ? term : sum.add(term);
  }
  return sum!.div(n);
}

describe("the Hessian", () => {
  test.each(["forward-over-reverse", "reverse-over-reverse"] as const)("is the dense one, %s", (mode) => {
    expectMatrix(hessianOperator(loss, params, batch, { mode }), denseHessian);
  });

  test("both ways agree to 1e-12, and it is symmetric", () => {
    const [a, b] = (["forward-over-reverse", "reverse-over-reverse"] as const).map((mode) =>
      toDense(hessianOperator(loss, params, batch, { mode })),
    );
    expect(difference(a, b)).toBeLessThan(1e-12);
    expect(difference(a, a.transpose())).toBeLessThan(1e-12);
  });

  test("by differences to 1e-8, a zero direction too", () => {
    const operator = hessianOperator(loss, params, batch, { mode: "finite-difference" });
    const v = random.normal(random.foldIn(key, 4), { shape: [size], dtype });
    const exact = denseHessian.matmul(v);
    expect(difference(operator.matvec(v), exact) / exact.abs().max().itemSync()).toBeLessThan(1e-8);
    expect(operator.matvec(v.mul(0)).abs().max().itemSync()).toBe(0);
  });

  test("by differences in float32 to 1e-3", () => {
    const single = model.init(random.foldIn(key, 1));
    const half = { ...batch, inputs: batch.inputs.cast("float32") };
    const operator = hessianOperator(loss, single, half, { mode: "finite-difference" });
    const v = random.normal(random.foldIn(key, 4), { shape: [size] });
    const exact = hessianOperator(loss, single, half).matvec(v);
    expect(difference(operator.matvec(v), exact)).toBeLessThan(1e-3 * exact.abs().max().itemSync());
  });

  test.each([1, 2, 3, 4, 7, 100])("is the same in batches of %i", (batchSize) => {
    const whole = toDense(hessianOperator(loss, params, batch));
    const parts = hessianOperator(loss, params, inBatches(batch, { batchSize }));
    expect(parts.eager).toBe(false);
    expect(difference(toDense(parts), whole)).toBeLessThan(1e-12);
    expectMatrix(parts, denseHessian);
  });

  test("is the same from a loader, with a short last batch", () => {
    const loaded = fromLoader(function* () {
      for (const [from, to] of [
        [0, 3],
        [3, 6],
        [6, 7],
      ]) {
        yield { inputs: batch.inputs.slice([from, to]), targets: batch.targets.slice([from, to]) };
      }
    });
    const operator = hessianOperator(loss, params, loaded);
    expect(operator.eager).toBe(true);
    expectMatrix(operator, denseHessian);
  });

  test("takes and gives trees", () => {
    const v = unravel(random.normal(random.foldIn(key, 5), { shape: [size], dtype }));
    const product = hessianOperator(loss, params, batch).apply(v);
    expect(difference(ravel(product).vector, denseHessian.matmul(ravel(v).vector))).toBeLessThan(1e-10);
  });

  test("of a function of the parameters alone, without data", () => {
    const operator = hessianOperator((x: Tensor) => x.pow(4).sum(), tensor([1, 2], { dtype }), null);
    expect(toDense(operator).arraySync()).toEqual([
      [12, 0],
      [0, 48],
    ]);
  });

  test("with respect to inputs: blocks of the examples", () => {
    const operator = inputHessianOperator(loss, params, batch);
    const dense = hessian((x: Tensor) => loss(params, { ...batch, inputs: x.reshape([n, 3]) }))(
      batch.inputs.reshape([-1]),
    );
    expectMatrix(operator, dense);
    expect(dense.slice([0, 3], [3, 6]).abs().max().itemSync()).toBe(0);
  });

  test("of some parameters is the block of the whole", () => {
    const rows = ravel(selectParameters(params, ([layer]) => layer === 0).selected).vector.size;
    const blocks = [...layersOf(params).values()].map(({ selected, merge }) =>
      toDense(hessianOperator((p, b: Batch) => loss(merge(p), b), selected, batch)),
    );
    // Leaves of a layer come in the same order in the selection and in the whole: bias, kernel.
    expect(difference(blocks[0], denseHessian.slice([0, rows], [0, rows]))).toBeLessThan(1e-12);
    expect(blocks.map((b) => b.shape[0]).reduce((a, b) => a + b)).toBe(size);
  });
});

describe("a convolutional network with batch norm", () => {
  const net = cnn({
    input: [1, 4, 4],
    channels: [2, 3],
    out: 3,
    activation: "tanh",
    norm: (features) => batchNorm({ features }),
  });
  const weights = net.init(random.foldIn(key, 20), { dtype });
  const state = net.initState({ dtype });
  const images = {
    inputs: random.normal(random.foldIn(key, 21), { shape: [5, 1, 4, 4], dtype }),
    targets: random.randint(random.foldIn(key, 22), 0, 3, { shape: [5] }),
  };
  const flat = ravel(weights);

  test.each([false, true])("in training mode: %s", (train) => {
    const of = (p: typeof weights, { inputs, targets }: typeof images): Tensor =>
      softmaxCrossEntropy(net.apply(p, inputs, { train, state }), targets);
    const dense = hessian((t: Tensor) => of(flat.unravel(t), images))(flat.vector);
    const operator = hessianOperator(of, weights, images);
    expectMatrix(operator, dense);
    expectMatrix(hessianOperator(of, weights, images, { mode: "reverse-over-reverse" }), dense);
  });

  test("Gauss–Newton", () => {
    const of = (p: typeof weights, x: Tensor): Tensor => net.apply(p, x, { state });
    const operator = gaussNewtonOperator(of, squaredErrorOutput, weights, images);
    const j = jacrev((t: Tensor) => of(flat.unravel(t), images.inputs))(flat.vector).reshape([-1, flat.vector.size]);
    expectMatrix(operator, j.transpose().matmul(j).div(5));
  });
});

describe("Gauss–Newton and Fisher", () => {
  const outputLosses = [
    [crossEntropyOutput, batch.targets],
    [squaredErrorOutput, random.normal(random.foldIn(key, 30), { shape: [n, 4], dtype })],
    [binaryCrossEntropyOutput, random.bernoulli(random.foldIn(key, 31), 0.5, { shape: [n, 4] }).cast(dtype)],
  ] as const;

  test.each(outputLosses)("$name: the dense matrix, with a root and a diagonal", (outputLoss, targets) => {
    const dense = denseGaussNewton(outputLoss, targets);
    expectMatrix(gaussNewtonOperator(apply, outputLoss, params, batch), dense);
    expectMatrix(gaussNewtonOperator(apply, outputLoss, params, inBatches(batch, { batchSize: 3 })), dense);
    const diagonal = ravel(gaussNewtonDiagonal(apply, outputLoss, params, batch)).vector;
    const wanted = dense.mul(eye(size, size, { dtype })).sum(1);
    expect(difference(diagonal, wanted)).toBeLessThan(1e-12);
    const parts = gaussNewtonDiagonal(apply, outputLoss, params, inBatches(batch, { batchSize: 4 }));
    expect(difference(ravel(parts).vector, wanted)).toBeLessThan(1e-12);
    const outputs = apply(params, batch.inputs);
    const root = outputLoss.hessianRoot(outputs);
    const u = random.normal(random.foldIn(key, 32), { shape: outputs.shape, dtype });
    const product = root
      .matmul(swapAxes(root, -1, -2))
      .matmul(u.expandDims(-1))
      .squeeze(-1);
    expect(difference(product, outputLoss.hessianProduct(outputs, u))).toBeLessThan(1e-14);
  });

  test.each(outputLosses)("$name: positive semi-definite", (outputLoss) => {
    const values = eigvalsh(toDense(gaussNewtonOperator(apply, outputLoss, params, batch)));
    expect(values.min().itemSync()).toBeGreaterThan(-1e-14);
  });

  test.each(outputLosses)("$name: the Hessian for a model that is linear in its parameters", (outputLoss, targets) => {
    const weights = random.normal(random.foldIn(key, 33), { shape: [3, 4], dtype });
    const linear = (w: Tensor, x: Tensor): Tensor => x.matmul(w);
    const mean = (w: Tensor, b: typeof batch): Tensor => outputLoss.losses(linear(w, b.inputs), b.targets).mean();
    const a = toDense(gaussNewtonOperator(linear, outputLoss, weights, batch));
    expect(difference(a, toDense(hessianOperator(mean, weights, { ...batch, targets })))).toBeLessThan(1e-12);
  });

  test("the Hessian where a squared error is zero", () => {
    const targets = apply(params, batch.inputs);
    const mean = (p: Params, b: Batch): Tensor => squaredErrorOutput.losses(apply(p, b.inputs), b.targets).mean();
    const h = toDense(hessianOperator(mean, params, { inputs: batch.inputs, targets }));
    expect(difference(h, toDense(gaussNewtonOperator(apply, squaredErrorOutput, params, batch)))).toBeLessThan(1e-12);
  });

  test.each(outputLosses)("$name: the mean of Monte-Carlo Fisher matrices, within 5 standard errors", (outputLoss) => {
    const exact = toDense(gaussNewtonOperator(apply, outputLoss, params, batch));
    const samples = 5000;
    const v = random.normal(random.foldIn(key, 34), { shape: [size], dtype });
    const quadratic = jit((k: Tensor) => {
      const operator = fisherOperator(apply, outputLoss, params, batch, k);
      return operator.matvec(v).mul(v).sum();
    });
    const draws = Array.from({ length: samples }, (_, i) => quadratic(random.foldIn(key, 1000 + i)).itemSync());
    const mean = draws.reduce((a, b) => a + b) / samples;
    const deviation = Math.sqrt(draws.reduce((a, b) => a + (b - mean) ** 2, 0) / (samples - 1));
    const wanted = exact.matmul(v).mul(v).sum().itemSync();
    expect(Math.abs(mean - wanted)).toBeLessThan((5 * deviation) / Math.sqrt(samples));
  });

  test("Monte-Carlo: one matrix for a key, PSD, and better with more samples", () => {
    const exact = toDense(gaussNewtonOperator(apply, crossEntropyOutput, params, batch));
    const error = (samples: number): number => {
      const operator = fisherOperator(apply, crossEntropyOutput, params, batch, key, { samples });
      const dense = toDense(operator);
      expect(difference(dense, toDense(operator))).toBe(0);
      expectMatrix(operator, dense, 1e-12);
      return dense.sub(exact).square().sum().sqrt().itemSync();
    };
    expect(error(256)).toBeLessThan(error(4) / 4);
  });
});

describe("gradients of the examples", () => {
  const rows = stack(
    Array.from({ length: n }, (_, i) => {
      const one = { inputs: batch.inputs.slice([i, i + 1]), targets: batch.targets.slice([i, i + 1]) };
      return ravel(grad(loss)(params, one)).vector;
    }),
  );
  const mean = rows.mean(0);

  test("as a tree, as rows, in batches", () => {
    const tree = perSampleGradients(loss, params, batch);
    expect(difference(tree[0]!.weight, vmap((r: Tensor) => unravel(r)[0]!.weight)(rows))).toBeLessThan(1e-14);
    expect(difference(concat([...perSampleGradientRows(loss, params, batch)]), rows)).toBeLessThan(1e-14);
    const parts = [...perSampleGradientRows(loss, params, inBatches(batch, { batchSize: 3 }))];
    expect(parts.map((x) => x.shape[0])).toEqual([3, 3, 1]);
    expect(difference(concat(parts), rows)).toBeLessThan(1e-14);
  });

  test("their second moment, and their covariance", () => {
    const moment = rows.transpose().matmul(rows).div(n);
    const covariance = moment.sub(mean.expandDims(1).mul(mean));
    for (const data of [batch, inBatches(batch, { batchSize: 3 })]) {
      expectMatrix(empiricalFisherOperator(loss, params, data), moment);
      expectMatrix(gradientCovarianceOperator(loss, params, data), covariance);
    }
  });

  test("their Hessians' products: the mean is the Hessian's", () => {
    const v = random.normal(random.foldIn(key, 40), { shape: [size], dtype });
    const products = concat([
      ...perSampleHessianProducts(loss, params, inBatches(batch, { batchSize: 2 }))(unravel(v)),
    ]);
    expect(products.shape).toEqual([n, size]);
    expect(difference(products.mean(0), denseHessian.matmul(v))).toBeLessThan(1e-12);
    const third = hessian((t: Tensor) =>
      loss(unravel(t), { inputs: batch.inputs.slice([3, 4]), targets: batch.targets.slice([3, 4]) }),
    )(theta);
    expect(difference(at(products, 3), third.matmul(v))).toBeLessThan(1e-12);
    const gaussNewton = concat([
      ...perSampleGaussNewtonProducts(
        apply,
        crossEntropyOutput,
        params,
        inBatches(batch, { batchSize: 4 }),
      )(unravel(v)),
    ]);
    const whole = gaussNewtonOperator(apply, crossEntropyOutput, params, batch);
    expect(difference(gaussNewton.mean(0), whole.matvec(v))).toBeLessThan(1e-12);
  });
});

test("the Jacobian, both ways", () => {
  const operator = jacobianOperator(apply, params, batch.inputs);
  expectMatrix(operator, jacobian.reshape([-1, size]));
  expect(operator.range.size).toBe(n * 4);
});
