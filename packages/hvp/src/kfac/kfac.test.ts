/** K-FAC and E-KFAC where theory knows what they are (theme-curvature, "Must be true" 7). */

import { toDense, type AnyOperator } from "@curv/linsolve";
import {
  activation,
  conv,
  dense,
  flatten,
  globalAvgPool,
  layerNorm,
  mlp,
  multiHeadAttention,
  residual,
  sequential,
  type Layer,
} from "@curv/nn";
import { eye, jit, tensor, trace, vmap, type Tensor } from "@curv/tensor";
import { eigvalsh, slogdet } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { leavesWithPath, ravel } from "@curv/tensor/tree";
import { describe, expect, test } from "vitest";
import { fromLoader, inBatches } from "../data.js";
import { gaussNewtonDiagonal } from "../gauss-newton-diagonal.js";
import { empiricalFisherOperator, fisherOperator, gaussNewtonOperator } from "../operators/gauss-newton.js";
import { binaryCrossEntropyOutput, crossEntropyOutput, squaredErrorOutput, type OutputLoss } from "../output-loss.js";
import {
  kfacFactors,
  kfacFromFactors,
  kfacOperator,
  updateFactors,
  type KfacOptions,
  type TappedModel,
} from "./index.js";

const dtype = "float64";
const key = random.key(3);
const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.foldIn(key, seed), { shape, dtype });

function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.sub(b).abs().max().itemSync();
}

const traceOf = (a: Tensor): number => trace(a).itemSync();

const frobenius = (a: Tensor): number => a.square().sum().sqrt().itemSync();

/** The diagonal blocks of a matrix on the parameters, one for each layer; everything between layers is zero. */
function blockDiagonal(matrix: Tensor, params: unknown): Tensor {
  const layers = leavesWithPath(params as never).flatMap(({ path, leaf }) => {
    return new Array<string>(leaf.size).fill(path.slice(0, -1).join("."));
  });
  const numbers = tensor(layers.map((name) => layers.indexOf(name)));
  return matrix.mul(numbers.expandDims(0).equal(numbers.expandDims(1)).cast(dtype));
}

function gaussNewton<P>(model: Layer<P>, loss: OutputLoss, params: P, inputs: Tensor): Tensor {
  return toDense(gaussNewtonOperator((p: P, x: Tensor) => model.apply(p, x), loss, params, { inputs }));
}

function expectMatrix(operator: AnyOperator, wanted: Tensor, tolerance = 1e-12): void {
  expect(difference(toDense(operator), wanted)).toBeLessThan(tolerance * (1 + wanted.abs().max().itemSync()));
}

const outputLosses = [
  [crossEntropyOutput, random.randint(random.foldIn(key, 1), 0, 3, { shape: [1] })],
  [squaredErrorOutput, normal(2, [1, 3])],
  [binaryCrossEntropyOutput, tensor([[1, 0, 1]], { dtype })],
] as const;

describe("one layer and one datum: exact", () => {
  const model = dense({ in: 4, out: 3 });
  const params = model.init(key, { dtype });
  const inputs = normal(4, [1, 4]);

  const choices = outputLosses.flatMap(([loss, targets]) =>
    [false, true].map((ekfac) => ({ name: loss.name, loss, targets, ekfac })),
  );

  test.each(choices)("$name, every Fisher matrix, ekfac $ekfac", ({ loss, targets, ekfac }) => {
    const apply = (p: typeof params, x: Tensor): Tensor => model.apply(p, x);
    const mean = (p: typeof params, b: { inputs: Tensor; targets: Tensor }): Tensor =>
      loss.losses(apply(p, b.inputs), b.targets).mean();
    const data = { inputs, targets };
    const of = (options: KfacOptions): AnyOperator => kfacOperator(model, loss, params, data, { ekfac, ...options });
    expectMatrix(of({}), gaussNewton(model, loss, params, inputs));
    expectMatrix(
      of({ fisher: "empirical", approximation: "reduce" }),
      toDense(empiricalFisherOperator(mean, params, data)),
    );
    // The same draws as those of fisherOperator.
    const drawn = fisherOperator(apply, loss, params, data, key, { samples: 3 });
    expectMatrix(of({ fisher: "monteCarlo", key, samples: 3 }), toDense(drawn));
  });

  test("a convolution whose window is the whole image", () => {
    const whole = sequential([conv({ in: 2, out: 3, kernel: [3, 2] }), flatten()]);
    const p = whole.init(key, { dtype });
    const image = normal(5, [1, 2, 3, 2]);
    expectMatrix(
      kfacOperator(whole, crossEntropyOutput, p, { inputs: image }),
      gaussNewton(whole, crossEntropyOutput, p, image),
    );
  });

  test("the factor of two: y = w x, x = 3, squared error ½(y − t)² has curvature 9", () => {
    const one = dense({ in: 1, out: 1, bias: false });
    const k = kfacOperator(
      one,
      squaredErrorOutput,
      { weight: tensor([[0.5]], { dtype }) },
      {
        inputs: tensor([[3]], { dtype }),
      },
    );
    expect(toDense(k).arraySync()).toEqual([[9]]);
    expect(k.factors.layers[""].inputs.arraySync()).toEqual([[9]]);
    expect(k.factors.layers[""].gradients.arraySync()).toEqual([[1]]);
  });
});

describe("deep linear networks with squared error", () => {
  test("K-FAC and E-KFAC are the block diagonal of the Gauss–Newton matrix", () => {
    const model = sequential([
      dense({ in: 3, out: 4 }),
      dense({ in: 4, out: 2, bias: false }),
      dense({ in: 2, out: 3 }),
    ]);
    const params = model.init(key, { dtype });
    const inputs = normal(10, [6, 3]);
    const wanted = blockDiagonal(gaussNewton(model, squaredErrorOutput, params, inputs), params);
    expectMatrix(kfacOperator(model, squaredErrorOutput, params, { inputs }), wanted);
    expectMatrix(kfacOperator(model, squaredErrorOutput, params, { inputs }, { ekfac: true }), wanted);
    // With another loss the gradients depend on the inputs, and K-FAC is an approximation.
    const other = blockDiagonal(gaussNewton(model, crossEntropyOutput, params, inputs), params);
    expect(difference(toDense(kfacOperator(model, crossEntropyOutput, params, { inputs })), other)).toBeGreaterThan(
      1e-3,
    );
  });

  test("expand is exact where rows are treated apart, reduce is not", () => {
    const model = sequential([dense({ in: 3, out: 4 }), dense({ in: 4, out: 2 })]);
    const params = model.init(key, { dtype });
    const inputs = normal(11, [3, 5, 3]);
    const wanted = blockDiagonal(gaussNewton(model, squaredErrorOutput, params, inputs), params);
    const of = (approximation: "expand" | "reduce"): Tensor =>
      toDense(kfacOperator(model, squaredErrorOutput, params, { inputs }, { approximation }));
    expect(difference(of("expand"), wanted)).toBeLessThan(1e-12);
    expect(difference(of("reduce"), wanted)).toBeGreaterThan(1e-2);
  });

  test("reduce is exact where the output is a mean over rows, expand is not", () => {
    // Convolutions with windows of one pixel treat pixels apart.
    const model = sequential([
      conv({ in: 3, out: 4, kernel: 1 }),
      conv({ in: 4, out: 2, kernel: 1, bias: false }),
      globalAvgPool(),
      dense({ in: 2, out: 2 }),
    ]);
    const params = model.init(key, { dtype });
    const inputs = normal(12, [4, 3, 2, 3]);
    const wanted = blockDiagonal(gaussNewton(model, squaredErrorOutput, params, inputs), params);
    const of = (approximation: "expand" | "reduce"): Tensor =>
      toDense(kfacOperator(model, squaredErrorOutput, params, { inputs }, { approximation }));
    expect(difference(of("reduce"), wanted)).toBeLessThan(1e-12);
    expect(difference(of("expand"), wanted)).toBeGreaterThan(1e-2);
  });
});

describe("a network of all kinds of layers", { timeout: 60_000 }, () => {
  const model = sequential([
    conv({ in: 2, out: 4, kernel: [3, 2], stride: [2, 1], padding: "same", dilation: [1, 2], groups: 2 }),
    activation("tanh"),
    residual(sequential([conv({ in: 4, out: 4, kernel: 1, bias: false }), activation("tanh")])),
    flatten(),
    dense({ in: 24, out: 3 }),
  ]);
  const params = model.init(key, { dtype });
  const data = {
    inputs: normal(20, [9, 2, 4, 3]),
    targets: random.randint(random.foldIn(key, 21), 0, 3, { shape: [9] }),
  };
  const exact = gaussNewton(model, crossEntropyOutput, params, data.inputs);
  const of = (options: KfacOptions = {}): ReturnType<typeof kfacOperator<typeof params, Tensor>> =>
    kfacOperator(model, crossEntropyOutput, params, data, options);
  const choices = (["exact", "empirical", "monteCarlo"] as const).flatMap((fisher) =>
    (["expand", "reduce"] as const).flatMap((approximation) =>
      [false, true].map((ekfac): KfacOptions => ({ fisher, approximation, ekfac, key, samples: 2 })),
    ),
  );

  test.each(choices)(
    "$fisher, $approximation, ekfac $ekfac: symmetric, PSD, vectorised, compiled, inverse",
    (options) => {
      const k = of(options);
      const matrix = toDense(k);
      expect(difference(matrix, matrix.transpose())).toBeLessThan(1e-14);
      const values = eigvalsh(matrix);
      expect(values.min().itemSync()).toBeGreaterThan(-1e-13);
      const size = matrix.shape[0];
      const damping = 0.01;
      const damped = matrix.add(eye(size, size, { dtype }).mul(damping));
      const product = toDense(k.inverse({ damping })).matmul(damped);
      expect(difference(product, eye(size, size, { dtype }))).toBeLessThan(1e-8);
      expect(k.trace().itemSync()).toBeCloseTo(values.sum().itemSync(), 10);
      expect(k.logDeterminant(damping).itemSync()).toBeCloseTo(slogdet(damped).logAbsDet.itemSync(), 8);
      const v = normal(22, [size]);
      expect(difference(jit((w: Tensor) => k.matvec(w))(v), matrix.matmul(v))).toBeLessThan(1e-13);
      const many = normal(23, [3, size]);
      expect(difference(vmap((w: Tensor) => k.matvec(w))(many), many.matmul(matrix))).toBeLessThan(1e-13);
    },
  );

  test.each(["expand", "reduce"] as const)(
    "E-KFAC has the trace of the exact blocks and is nearer to them, %s",
    (approximation) => {
      const plain = of({ approximation });
      const corrected = of({ approximation, ekfac: true });
      expect(corrected.trace().itemSync()).toBeCloseTo(traceOf(exact), 12);
      // Groups of a convolution are blocks of their own, which blockDiagonal leaves together: that both lack what is between them.
      const blocks = blockDiagonal(exact, params);
      const [a, b] = [plain, corrected].map((k) => frobenius(toDense(k).sub(blocks)));
      expect(b).toBeLessThan(0.98 * a);
    },
  );

  test.each(choices.filter(({ approximation, ekfac }) => ekfac === (approximation === "reduce")))(
    "$fisher, $approximation, ekfac $ekfac: the same in batches and from a loader",
    (options) => {
      // Draws belong to a batch: those of other batches are others.
      const whole = options.fisher === "monteCarlo" ? null : toDense(of(options));
      const parts = toDense(
        kfacOperator(model, crossEntropyOutput, params, inBatches(data, { batchSize: 4 }), options),
      );
      const loaded = fromLoader(function* () {
        for (const [from, to] of [
          [0, 4],
          [4, 8],
          [8, 9],
        ]) {
          yield { inputs: data.inputs.slice([from, to]), targets: data.targets.slice([from, to]) };
        }
      });
      const stream = toDense(kfacOperator(model, crossEntropyOutput, params, loaded, options));
      // Bases of E-KFAC are unique up to rounding only where the eigenvalues are apart.
      const tolerance = options.ekfac ? 1e-8 : 1e-12;
      if (whole !== null) expect(difference(parts, whole)).toBeLessThan(tolerance);
      expect(difference(parts, stream)).toBeLessThan(tolerance);
    },
  );

  test.each(choices)("$fisher, $approximation, ekfac $ekfac: factors, compiled", (options) => {
    const compiled = jit((p: typeof params, d: typeof data) => kfacFactors(model, crossEntropyOutput, p, d, options));
    const k = kfacFromFactors(params, compiled(params, data));
    expect(difference(toDense(k), toDense(of(options)))).toBeLessThan(options.ekfac ? 1e-8 : 1e-12);
  });

  test("Monte-Carlo: the error falls like 1/√samples", () => {
    const wanted = toDense(of());
    const meanSquare = (samples: number): number => {
      const factorsOf = jit((k: random.Key) =>
        kfacFactors(model, crossEntropyOutput, params, data, { fisher: "monteCarlo", key: k, samples }),
      );
      const errors = random.split(key, 24).map((k) => {
        return frobenius(toDense(kfacFromFactors(params, factorsOf(k))).sub(wanted)) / frobenius(wanted);
      });
      return errors.reduce((sum, e) => sum + e ** 2, 0) / errors.length;
    };
    const [few, many] = [meanSquare(4), meanSquare(64)];
    expect(many).toBeLessThan(0.1 ** 2);
    // 16 expected; the mean squares of 24 draws are good to a factor of 2.
    expect(few / many).toBeGreaterThan(7);
    expect(few / many).toBeLessThan(36);
  });

  test("factored damping: the inverse of each factor", () => {
    const k = of();
    const damping = 0.02;
    const { inputs, gradients } = k.factors.layers["4"];
    const meanEigenvalue = (x: Tensor): number => traceOf(x) / x.shape[0];
    const pi = Math.sqrt(meanEigenvalue(inputs) / meanEigenvalue(gradients));
    const v = { bias: normal(24, [3]), weight: normal(25, [3, 24]) };
    const zeros = k.domain.unravel(normal(26, [k.shape[0]]).mul(0)) as unknown as unknown[];
    const result = k
      .inverse({ damping, method: "factored" })
      .apply(zeros.with(4, v) as never) as unknown as (typeof v)[];
    const add = (x: Tensor, c: number): Tensor => x.add(eye(x.shape[0], x.shape[0], { dtype }).mul(c));
    // (S + √λ/π) Y (A + π√λ) gives V back.
    const y = [...Array(3).keys()].map((i) => [
      ...(result[4].weight.slice(i).arraySync() as number[]),
      result[4].bias.slice(i).itemSync(),
    ]);
    const back = add(gradients, Math.sqrt(damping) / pi)
      .matmul(tensor(y, { dtype }))
      .matmul(add(inputs, Math.sqrt(damping) * pi));
    expect(difference(back.slice(null, [0, 24]), v.weight)).toBeLessThan(1e-10);
    expect(difference(back.slice(null, 24), v.bias)).toBeLessThan(1e-10);
  });
});

describe("sequences", () => {
  const net = sequential([multiHeadAttention({ features: 4, heads: 2 }), dense({ in: 4, out: 3 })]);
  const params = net.init(key, { dtype });
  const inputs = normal(30, [3, 5, 4]);
  const exact = gaussNewton(net, crossEntropyOutput, params, inputs);

  test("attention is four dense layers, with E-KFAC's trace that of the exact blocks", () => {
    const k = kfacOperator(net, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(Object.keys(k.factors.layers).sort()).toEqual(["0.key", "0.out", "0.query", "0.value", "1"]);
    expect(k.trace().itemSync()).toBeCloseTo(traceOf(exact), 12);
    const plain = toDense(kfacOperator(net, crossEntropyOutput, params, { inputs }));
    const blocks = blockDiagonal(exact, params);
    expect(frobenius(toDense(k).sub(blocks))).toBeLessThan(frobenius(plain.sub(blocks)));
    // The last layer treats rows apart; there, the exact block of the bias is S.
    const { gradients } = k.factors.layers["1"];
    const bias = leavesWithPath(params as never).findIndex(({ path }) => path.join(".") === "1.bias");
    const before = leavesWithPath(params as never)
      .slice(0, bias)
      .reduce((n, { leaf }) => n + leaf.size, 0);
    expect(difference(exact.slice([before, before + 3], [before, before + 3]), gradients)).toBeLessThan(1e-14);
  });

  test("Monte-Carlo converges to the exact one though attention mixes rows", () => {
    const wanted = toDense(kfacOperator(net, crossEntropyOutput, params, { inputs }));
    const drawn = toDense(
      kfacOperator(net, crossEntropyOutput, params, { inputs }, { fisher: "monteCarlo", key, samples: 2000 }),
    );
    expect(frobenius(drawn.sub(wanted)) / frobenius(wanted)).toBeLessThan(0.04);
  });

  test("a layer that is called twice has the rows of both calls", () => {
    const shared = dense({ in: 3, out: 3 });
    type P = ReturnType<typeof shared.init>;
    const twice: TappedModel<P, Tensor> = (p, x, tap) => {
      const call = (z: Tensor): Tensor => tap(shared.apply(p, z), { path: [], layer: shared, input: z });
      return call(call(x).tanh());
    };
    const p = shared.init(key, { dtype });
    const x = normal(31, [4, 3]);
    const k = kfacOperator(twice, squaredErrorOutput, p, { inputs: x }, { ekfac: true });
    const matrix = toDense(
      gaussNewtonOperator((q: P, z: Tensor) => twice(q, z, (y) => y), squaredErrorOutput, p, { inputs: x }),
    );
    expect(k.trace().itemSync()).toBeCloseTo(traceOf(matrix), 12);
    // The trace of A ⊗ S, by hand: E|x|² over both calls, times the sum of both E|g|².
    const hidden = shared.apply(p, x).tanh();
    const first = x.square().sum(1).add(1).mean().itemSync();
    const second = hidden.square().sum(1).add(1).mean().itemSync();
    expect(traceOf(k.factors.layers[""].inputs)).toBeCloseTo((first + second) / 2, 12);
  });
});

describe("other parameters", () => {
  const net = sequential([
    dense({ in: 3, out: 4 }),
    layerNorm({ features: 4 }),
    activation("tanh"),
    dense({ in: 4, out: 3 }),
  ]);
  const params = net.init(key, { dtype });
  const inputs = normal(40, [6, 3]);
  const targets = random.randint(random.foldIn(key, 41), 0, 3, { shape: [6] });
  const of = (options: KfacOptions): ReturnType<typeof kfacOperator<typeof params, Tensor>> =>
    kfacOperator(net, crossEntropyOutput, params, { inputs, targets }, options);

  test("are refused, with their names, unless it is said what becomes of them", () => {
    expect(() => of({})).toThrow(/1\.bias, 1\.weight belong to no dense or conv layer.*others: "diagonal" or "zero"/);
  });

  test("diagonal: exactly that of the Fisher matrix", () => {
    const apply = (p: typeof params, x: Tensor): Tensor => net.apply(p, x);
    const ofNorm = (tree: typeof params): Tensor => ravel(tree[1]).vector;
    const k = of({ others: "diagonal" });
    const wanted = ofNorm(gaussNewtonDiagonal(apply, crossEntropyOutput, params, { inputs }));
    const ones = k.domain.unravel(normal(44, [k.shape[0]]).mul(0).add(1));
    expect(difference(ofNorm(k.apply(ones)), wanted)).toBeLessThan(1e-14);
    expect(difference(k.factors.diagonal["1.weight"], wanted.slice([4, 8]))).toBeLessThan(1e-14);
    expect(difference(k.factors.diagonal["1.bias"], wanted.slice([0, 4]))).toBeLessThan(1e-14);
    const v = k.domain.unravel(normal(42, [k.shape[0]]));
    expect(difference(ofNorm(k.apply(v)), ofNorm(v).mul(wanted))).toBeLessThan(1e-14);
    expect(difference(ofNorm(k.inverse({ damping: 0.1 }).apply(v)), ofNorm(v).div(wanted.add(0.1)))).toBeLessThan(
      1e-13,
    );
    const observed = empiricalFisherOperator(
      (p: typeof params, b: { inputs: Tensor; targets: Tensor }) =>
        crossEntropyOutput.losses(apply(p, b.inputs), b.targets).mean(),
      params,
      { inputs, targets },
    );
    const empirical = toDense(observed)
      .mul(eye(k.shape[0], k.shape[0], { dtype }))
      .sum(1);
    const diagonal = of({ others: "diagonal", fisher: "empirical" }).factors.diagonal["1.weight"];
    expect(difference(diagonal, ofNorm(k.domain.unravel(empirical)).slice([4, 8]))).toBeLessThan(1e-14);
  });

  test("zero: an inverse divides by the damping", () => {
    const k = of({ others: "zero" });
    const v = k.domain.unravel(normal(43, [k.shape[0]]));
    expect(k.apply(v)[1].weight!.abs().max().itemSync()).toBe(0);
    expect(difference(k.inverse({ damping: 0.5 }).apply(v)[1].weight!, v[1].weight!.div(0.5))).toBe(0);
    const damped = toDense(k).add(eye(k.shape[0], k.shape[0], { dtype }).mul(0.5));
    expect(k.logDeterminant(0.5).itemSync()).toBeCloseTo(slogdet(damped).logAbsDet.itemSync(), 9);
    expect(k.logDeterminant().itemSync()).toBe(-Infinity);
  });

  test("a container that hides its layers is found out", () => {
    const hiding: Layer<typeof params> = {
      ...net,
      apply: (p, x, { tap: _tap, ...options } = {}) => net.apply(p, x, options as never),
    } as Layer<typeof params>;
    expect(() => kfacOperator(hiding, crossEntropyOutput, params, { inputs })).toThrow(
      /no dense or conv layer was seen/,
    );
  });
});

describe("moving averages", () => {
  const net = mlp({ sizes: [3, 4, 2], activation: "tanh" });
  const params = net.init(key, { dtype });
  const factorsOf = (seed: number, ekfac: boolean): ReturnType<typeof kfacFactors> =>
    kfacFactors(net, squaredErrorOutput, params, { inputs: normal(seed, [6, 3]) }, { ekfac });

  test("of factors; pure", () => {
    const [a, b] = [factorsOf(50, false), factorsOf(51, false)];
    const before = a.layers["0"].inputs.arraySync();
    const c = updateFactors(a, b);
    const wanted = a.layers["0"].inputs.mul(0.95).add(b.layers["0"].inputs.mul(0.05));
    expect(difference(c.layers["0"].inputs, wanted)).toBeLessThan(1e-15);
    expect(a.layers["0"].inputs.arraySync()).toEqual(before);
    expect(difference(updateFactors(a, b, 1).layers["0"].inputs, a.layers["0"].inputs)).toBe(0);
    expect(difference(updateFactors(a, b, 0).layers["0"].gradients, b.layers["0"].gradients)).toBe(0);
  });

  test("with decay 1 − 1/k, the mean of all batches", () => {
    const seeds = [52, 53, 54];
    const mean = seeds.map((s) => factorsOf(s, false)).reduce((sum, next, i) => updateFactors(sum, next, i / (i + 1)));
    const inputs = seeds
      .map((s) => factorsOf(s, false).layers["0"].inputs)
      .reduce((x, y) => x.add(y))
      .div(3);
    expect(difference(mean.layers["0"].inputs, inputs)).toBeLessThan(1e-15);
  });

  test("of E-KFAC: the trace is the mean of the traces, equal factors stay, the nearest in the new basis", () => {
    const [a, b] = [factorsOf(55, true), factorsOf(56, true)];
    const total = (f: typeof a): number => kfacFromFactors(params, f).trace().itemSync();
    const c = updateFactors(a, b, 0.5);
    expect(total(c)).toBeCloseTo((total(a) + total(b)) / 2, 12);
    const matrixOf = (f: typeof a): Tensor => toDense(kfacFromFactors(params, f));
    expect(difference(matrixOf(updateFactors(a, a, 0.5)), matrixOf(a))).toBeLessThan(1e-12);
    const mean = matrixOf(a).add(matrixOf(b)).div(2);
    const plain = kfacFromFactors(params, {
      layers: Object.fromEntries(
        Object.entries(c.layers).map(([n, { inputs, gradients }]) => [n, { inputs, gradients }]),
      ),
      diagonal: {},
    });
    expect(frobenius(matrixOf(c).sub(mean))).toBeLessThan(frobenius(toDense(plain).sub(mean)));
  });

  test("refuse what does not fit", () => {
    const a = factorsOf(57, false);
    expect(() => updateFactors(a, a, 1.5)).toThrow(/decay is 1.5/);
    expect(() => updateFactors(a, { layers: {}, diagonal: {} })).toThrow(/layers are 0, 2 and none/);
    expect(() => updateFactors(a, factorsOf(57, true))).toThrow(/only one of the factors/);
  });
});

describe("float32 and errors", () => {
  const model = mlp({ sizes: [3, 4, 2], activation: "tanh" });
  const inputs = random.normal(key, { shape: [6, 3], dtype: "float32" });
  const params = model.init(key, { dtype: "float32" });

  test("float32: finite, near float64", () => {
    const k = kfacOperator(model, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(k.dtype).toBe("float32");
    const cast = params.map(
      (p) => p && { weight: p.weight.cast(dtype), bias: p.bias!.cast(dtype) },
    ) as unknown as typeof params;
    const wanted = kfacOperator(model, crossEntropyOutput, cast, { inputs: inputs.cast(dtype) }, { ekfac: true });
    expect(difference(toDense(k).cast(dtype), toDense(wanted))).toBeLessThan(1e-5);
    for (const method of ["exact", "factored"] as const) {
      const plain = kfacOperator(model, crossEntropyOutput, params, { inputs });
      expect(
        toDense(plain.inverse({ damping: 1e-3, method }))
          .abs()
          .max()
          .itemSync(),
      ).toBeLessThan(1100);
    }
  });

  test("a dead layer: no gradients, no NaN", () => {
    const zero = params.map((p) => p && { weight: p.weight.mul(0), bias: p.bias }) as unknown as typeof params;
    const k = kfacOperator(model, squaredErrorOutput, zero, { inputs });
    expect(k.factors.layers["0"].gradients.abs().max().itemSync()).toBe(0);
    const inverse = toDense(k.inverse({ damping: 0.1, method: "factored" }));
    expect(Number.isFinite(inverse.sum().itemSync())).toBe(true);
  });

  test("say what is wrong", () => {
    const of = (options: object, data: object = { inputs }): unknown =>
      kfacOperator(model, crossEntropyOutput, params, data as { inputs: Tensor }, options);
    expect(() => of({ fisher: "type2" })).toThrow(/fisher is "type2"; wants exact, monteCarlo, empirical/);
    expect(() => of({ approximation: "sum" })).toThrow(/approximation is "sum"/);
    expect(() => of({ fisher: "monteCarlo" })).toThrow(/wants a key/);
    expect(() => of({ samples: 0 })).toThrow(/samples is 0/);
    expect(() => of({ fisher: "empirical" })).toThrow(/without targets/);
    expect(() => of({}, { inputs: inputs.mul(NaN) })).toThrow(/kfacOperator: layers\["0"\]\.inputs is not finite/);
    const k = kfacOperator(model, crossEntropyOutput, params, { inputs });
    expect(() => k.inverse({ damping: 0 })).toThrow(/damping is 0; wants a finite number > 0/);
    expect(() => k.inverse({ damping: tensor(-1) })).toThrow(/damping is -1/);
    expect(() => k.inverse({ damping: 1, method: "kron" as never })).toThrow(/method is "kron"/);
    expect(() => k.logDeterminant(-1)).toThrow(/damping is -1/);
    const e = kfacOperator(model, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(() => e.inverse({ damping: 1, method: "factored" })).toThrow(/no product/);
    const other = mlp({ sizes: [3, 5, 2], activation: "tanh" });
    expect(() => kfacFromFactors(other.init(key), k.factors)).toThrow(
      /factors of "0" have shapes \[4, 4\] and \[4, 4\]/,
    );
    expect(() => kfacFromFactors([], k.factors)).toThrow(/do not have/);
    const misplaced: TappedModel<{ net: typeof params }, Tensor> = (p, x, tap) => model.apply(p.net, x, { tap });
    expect(() => kfacOperator(misplaced, crossEntropyOutput, { net: params }, { inputs })).toThrow(
      /says that it is "0"/,
    );
    const flat: TappedModel<typeof params, Tensor> = (p, x, tap) =>
      model.apply(p, x.reshape([-1]).slice([0, 3]), { tap }).expandDims(0);
    expect(() => kfacOperator(flat, crossEntropyOutput, params, { inputs })).toThrow(
      /wants the 1 examples as the first axis/,
    );
  });
});
