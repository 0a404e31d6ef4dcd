/** Sharpness, shallow models and their certificates (paper 16, "Must be true" 5 and 7, and a part of "Reproduce"). */

import { grad, jit, matmul, scan, take, tensor, vmap, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { denseOperator } from "@curv/linsolve";
import { mlp } from "@curv/nn";
import { describe, expect, test, vi } from "vitest";
import { inBatches } from "../data.js";
import { gaussNewtonOperator } from "../operators/gauss-newton.js";
import { hessianOperator } from "../operators/hessian.js";
import { binaryCrossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import {
  diagonalLinearNet,
  effectiveWeights,
  initTwoLayerRelu,
  interpolant,
  interpolantOf,
  lrForTargetTrace,
  meanSquareThreshold,
  normCertificate,
  pathNorm,
  sharpness,
  traceDiagonalLinear,
  traceTwoLayer,
  twoLayerRelu,
  type DiagonalLinearNet,
  type TwoLayerRelu,
} from "./index.js";

// Seconds of work, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(17);
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.foldIn(key, seed), { shape, dtype });

function dense(a: Tensor): { trace: number; lambdaMax: number; frobenius: number; nonUniformity: number } {
  const n = a.shape[0];
  const g = matmul(a.transpose(), a).div(n);
  const lengths = a.square().sum(1, { keepDims: true });
  const scatter = matmul(a.transpose(), a.mul(lengths)).div(n).sub(matmul(g, g));
  return {
    trace: lengths.mean().itemSync(),
    lambdaMax: eigvalsh(g).max().itemSync(),
    frobenius: g.square().sum().sqrt().itemSync(),
    nonUniformity: Math.sqrt(eigvalsh(scatter).max().itemSync()),
  };
}

describe("sharpness", () => {
  test.each([
    [30, 8],
    [8, 30],
  ])("is that of the dense matrices: n = %i, p = %i", async (n, p) => {
    const a = draw(n, [n, p]).mul(draw(p, [n, 1]).exp());
    const wanted = dense(a);
    const exact = await sharpness(interpolantOf(a));
    const free = await sharpness(interpolantOf(a), { exact: false, probes: 200 });
    for (const name of ["trace", "lambdaMax", "frobenius", "nonUniformity"] as const) {
      expect(Math.abs(exact[name]! / wanted[name] - 1)).toBeLessThan(1e-10);
    }
    expect(exact.standardError).toEqual({ trace: 0, frobenius: 0 });
    expect(free.converged).toBe(true);
    for (const name of ["lambdaMax", "nonUniformity"] as const) {
      expect(Math.abs(free[name]! / wanted[name] - 1)).toBeLessThan(1e-6);
    }
    // 7.
    for (const name of ["trace", "frobenius"] as const) {
      expect(free.standardError[name]).toBeGreaterThan(0);
      expect(Math.abs(free[name] - wanted[name])).toBeLessThan(3 * free.standardError[name]);
    }
  });

  test("7: of an operator, within 3 standard errors", async () => {
    const a = draw(3, [40, 20]);
    const wanted = dense(a);
    const operator = denseOperator(matmul(a.transpose(), a).div(40), { positiveSemidefinite: true });
    const got = await sharpness(operator, { key, probes: 100 });
    expect(got.nonUniformity).toBe(null);
    expect(got.lambdaMax).toBeCloseTo(wanted.lambdaMax, 6);
    expect(Math.abs(got.trace - wanted.trace)).toBeLessThan(3 * got.standardError.trace);
    expect(Math.abs(got.frobenius - wanted.frobenius)).toBeLessThan(3 * got.standardError.frobenius);
  });

  test("beyond 500 examples and parameters: no eigendecomposition, exact trace and Frobenius norm", async () => {
    const [n, p] = [510, 505];
    const a = draw(4, [n, p]).div(20);
    const got = await sharpness(interpolantOf(a), { probes: 2 });
    const wanted = dense(a);
    expect(got.trace).toBeCloseTo(wanted.trace, 10);
    expect(got.frobenius).toBeCloseTo(wanted.frobenius, 10);
    expect(got.standardError).toEqual({ trace: 0, frobenius: 0 });
    expect(got.lambdaMax / wanted.lambdaMax).toBeCloseTo(1, 5);
    expect(got.nonUniformity! / wanted.nonUniformity).toBeCloseTo(1, 5);
  });
});

describe("interpolant of a model", () => {
  const model = mlp({ sizes: [3, 6, 1], activation: "tanh" });
  const params = model.init(random.foldIn(key, 50), { dtype });
  const inputs = draw(51, [10, 3]);
  const targets = model.apply(params, inputs);

  test("its curvature is the Gauss–Newton matrix, in batches too, and it interpolates its own outputs", async () => {
    const g = gaussNewtonOperator(model.apply, squaredErrorOutput, params, { inputs });
    const top = await sharpness(g, { probes: 2 });
    for (const data of [{ inputs, targets }, inBatches({ inputs, targets }, { batchSize: 4 })]) {
      const m = interpolant(model.apply, params, data);
      expect(m).toMatchObject({ examples: 10, params: 31, residual: 0, squaredError: true });
      expect([...m.rows()].reduce((sum, r) => sum + r.shape[0], 0)).toBe(10);
      const got = await sharpness(m);
      expect(got.lambdaMax / top.lambdaMax).toBeCloseTo(1, 8);
    }
  });

  test("away from the targets it says so; of another loss, too", async () => {
    const m = interpolant(model.apply, params, { inputs, targets: targets.add(1) });
    expect(m.residual).toBeGreaterThan(1e-6);
    expect((await meanSquareThreshold(m, { batch: 2 })).heuristic).toBe(true);
    const labels = targets.greater(0).cast(dtype);
    const options = { outputLoss: binaryCrossEntropyOutput };
    const logistic = interpolant(model.apply, params, { inputs, targets: labels }, options);
    expect(logistic).toMatchObject({ squaredError: false, residual: null });
    const g = gaussNewtonOperator(model.apply, binaryCrossEntropyOutput, params, { inputs });
    const top = await sharpness(g, { probes: 2 });
    expect((await sharpness(logistic)).lambdaMax / top.lambdaMax).toBeCloseTo(1, 8);
  });

  test("away from the targets its curvature is still the Gauss–Newton matrix, and not the Hessian", async () => {
    const far = { inputs, targets: targets.add(3) };
    const loss = (p: typeof params, batch: typeof far): Tensor =>
      model.apply(p, batch.inputs).sub(batch.targets).square().mean().div(2);
    const g = gaussNewtonOperator(model.apply, squaredErrorOutput, params, { inputs });
    const [mine, gaussNewton, hessian] = [
      await sharpness(interpolant(model.apply, params, far)),
      await sharpness(g, { probes: 2 }),
      await sharpness(hessianOperator(loss, params, far), { probes: 2 }),
    ];
    expect(mine.lambdaMax / gaussNewton.lambdaMax).toBeCloseTo(1, 6);
    expect(Math.abs(hessian.lambdaMax / mine.lambdaMax - 1)).toBeGreaterThan(0.05);
  });

  test("two outputs are refused, and targets of another number", () => {
    const wide = mlp({ sizes: [3, 6, 2] });
    const p = wide.init(key, { dtype });
    expect(() => interpolant(wide.apply, p, { inputs, targets })).toThrow("wants one output");
    expect(() => interpolant(model.apply, params, { inputs, targets: inputs })).toThrow("targets [10, 3]");
  });
});

describe("two-layer ReLU networks", () => {
  const [width, d, n] = [7, 5, 40];
  const net = initTwoLayerRelu(random.foldIn(key, 60), { width, inputs: d, dtype });
  const inputs = draw(61, [n, d]);

  test("5: the closed trace is the mean squared norm of the examples' gradients", () => {
    const gradients = vmap((x: Tensor) => grad((p: TwoLayerRelu) => twoLayerRelu(p, x.expandDims(0)).sum())(net))(
      inputs,
    );
    const squared = gradients.inner.square().sum([1, 2]).add(gradients.outer.square().sum(1));
    expect(traceTwoLayer(net, inputs).sub(squared.mean()).abs().itemSync()).toBeLessThan(1e-10);
  });

  test("5: rescaling leaves the function and the path norm, and changes the trace", () => {
    const c = draw(62, [width]).exp();
    const scaled: TwoLayerRelu = { inner: net.inner.mul(c.expandDims(1)), outer: net.outer.div(c) };
    const difference = twoLayerRelu(scaled, inputs).sub(twoLayerRelu(net, inputs)).abs().max().itemSync();
    expect(difference).toBeLessThan(1e-12);
    expect(pathNorm(scaled).sub(pathNorm(net)).abs().itemSync()).toBeLessThan(1e-12);
    const ratio = traceTwoLayer(scaled, inputs).div(traceTwoLayer(net, inputs)).itemSync();
    expect(Math.abs(ratio - 1)).toBeGreaterThan(0.05);
  });

  test("5: the least of ½ Σ (‖w‖² + d a²) over rescalings is √d times the path norm", () => {
    const half = (p: TwoLayerRelu): number => p.inner.square().sum().add(p.outer.square().sum().mul(d)).itemSync() / 2;
    const rescaled = (c: Tensor): TwoLayerRelu => ({ inner: net.inner.mul(c.expandDims(1)), outer: net.outer.div(c) });
    const best = net.outer.abs().mul(Math.sqrt(d)).div(net.inner.square().sum(1).sqrt()).sqrt();
    const bound = Math.sqrt(d) * pathNorm(net).itemSync();
    expect(half(rescaled(best))).toBeCloseTo(bound, 10);
    for (const seed of [1, 2, 3]) {
      expect(half(rescaled(best.mul(draw(seed, [width]).mul(0.3).exp())))).toBeGreaterThan(bound);
    }
  });

  test("for isotropic inputs the trace is at least √d times the path norm", () => {
    const many = draw(63, [4000, d]);
    const [trace, path] = [traceTwoLayer(net, many).itemSync(), pathNorm(net).itemSync()];
    const half = net.inner.square().sum().add(net.outer.square().sum().mul(d)).itemSync() / 2;
    expect(Math.abs(trace / half - 1)).toBeLessThan(0.1);
    expect(Math.sqrt(d) * path).toBeLessThan(1.05 * trace);
  });

  test("what does not fit is refused", () => {
    expect(() => traceTwoLayer(net, draw(1, [4, d + 1]))).toThrow(`inputs [4, ${d + 1}]`);
    expect(() => twoLayerRelu({ ...net, outer: draw(1, [3]) }, inputs)).toThrow("outer [3]");
  });
});

describe("certificates", () => {
  test("diagonal linear: from the trace to the weights, for any inputs", async () => {
    const inputs = draw(70, [30, 6]).mul(tensor([1, 2, 0.5, 1, 3, 1], { dtype }));
    const net: DiagonalLinearNet = { a: draw(71, [6]), b: draw(72, [6]) };
    const trace = traceDiagonalLinear(net, inputs).itemSync();
    const gradients = vmap((x: Tensor) =>
      grad((p: DiagonalLinearNet) => diagonalLinearNet(p, x.expandDims(0)).sum())(net),
    )(inputs);
    const squared = gradients.a.square().sum(1).add(gradients.b.square().sum(1)).mean().itemSync();
    expect(trace).toBeCloseTo(squared, 10);
    // At the learning rate at which this trace is just stable, the norm is within the certificate.
    const { bound, norm, rademacher } = await normCertificate("diagonal-linear", inputs, lrForTargetTrace(trace));
    expect(norm).toBe("l1");
    expect(effectiveWeights(net).abs().sum().itemSync()).toBeLessThanOrEqual(bound);
    const least = inputs.square().mean(0).min().itemSync();
    expect(bound).toBeCloseTo(trace / (2 * least), 10);
    expect(rademacher).toBeCloseTo(bound * inputs.abs().max().itemSync() * Math.sqrt((2 * Math.log(12)) / 30), 10);
    expect(() => diagonalLinearNet(net, draw(1, [2, 5]))).toThrow("inputs [2, 5]");
  });

  test("two-layer: 2/(η √d) for inputs of variance 1", async () => {
    const inputs = draw(73, [5000, 16]);
    const { bound, norm, rademacher } = await normCertificate("two-layer-relu", inputs, 0.1);
    expect(norm).toBe("path");
    expect(Math.abs(bound / 5 - 1)).toBeLessThan(0.02);
    const longest = Math.sqrt(inputs.square().sum(1).max().itemSync());
    expect(rademacher).toBeCloseTo((2 * bound * longest) / Math.sqrt(5000), 10);
    expect((await normCertificate("two-layer-relu", inputs.mul(2), 0.1)).bound).toBeCloseTo(bound / 4, 10);
  });

  test("what is refused", async () => {
    const inputs = draw(74, [4, 3]);
    await expect(normCertificate("two-layer-relu", inputs, -1)).rejects.toThrow("lr is -1");
    await expect(normCertificate("x" as never, inputs, 1)).rejects.toThrow('model is "x"');
    await expect(normCertificate("diagonal-linear", inputs.slice(0), 1)).rejects.toThrow("[3]");
    await expect(normCertificate("diagonal-linear", inputs.div(0), 1)).rejects.toThrow("infinity");
    expect(() => lrForTargetTrace(0)).toThrow("trace is 0");
  });
});

describe("a part of the scaled experiment: the diagonal linear network, d = 100, n = 40", () => {
  const [d, n] = [100, 40];
  const inputs = draw(80, [n, d]);
  const beta = tensor(Float64Array.from({ length: d }, (_, j) => [1, -1, 1][j] ?? 0));
  const targets = matmul(inputs, beta);
  const signs = random.rademacher(random.foldIn(key, 81), { shape: [d], dtype });
  const start: DiagonalLinearNet = { a: signs.mul(0).add(0.5), b: signs.mul(0.25) };
  const loss = (net: DiagonalLinearNet): Tensor => diagonalLinearNet(net, inputs).sub(targets).square().mean().div(2);

  /** Steps with batches of one, or of all; tr G, the loss and the distance to the true weights at the end. */
  const train = (lr: number, batch: 1 | 40, steps: number): { trace: number; loss: number; error: number } => {
    const run = jit(
      (from: DiagonalLinearNet, rows: Tensor, values: Tensor, indices: Tensor) =>
        scan(
          ({ a, b }: DiagonalLinearNet, i: Tensor) => {
            const [x, y] = batch === 1 ? [take(rows, i, 0), take(values, i, 0)] : [rows, values];
            const residual = matmul(x, a.mul(b)).sub(y);
            const slope = batch === 1 ? x.mul(residual) : matmul(residual, x).div(n);
            return [{ a: a.sub(slope.mul(b).mul(lr)), b: b.sub(slope.mul(a).mul(lr)) }, i] as const;
          },
          from,
          indices,
        )[0],
    );
    const end = run(start, inputs, targets, random.randint(random.foldIn(key, 82), 0, n, { shape: [steps] }));
    return {
      trace: traceDiagonalLinear(end, inputs).itemSync(),
      loss: loss(end).itemSync(),
      error: effectiveWeights(end).sub(beta).square().sum().itemSync(),
    };
  };

  test("SGD at a large rate ends where tr G ≤ 2/η, and sparser; gradient descent stays where it was", async () => {
    const [small, large] = [train(0.02, 1, 20_000), train(0.07, 1, 40_000)];
    const descent = train(0.1, 40, 4000);
    for (const { loss: left } of [small, large, descent]) expect(left).toBeLessThan(1e-6);
    expect(large.trace).toBeLessThanOrEqual(2 / 0.07);
    expect(small.trace).toBeGreaterThan(1.3 * large.trace);
    expect(small.error).toBeGreaterThan(1.3 * large.error);
    // Stable for gradient descent, not for SGD with the same rate.
    expect(descent.trace).toBeGreaterThan(2 / 0.1);
  });
});
