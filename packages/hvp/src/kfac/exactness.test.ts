/** K-FAC and E-KFAC are exact where theory says so (theme-curvature, "Must be true" 7). */

import { toDense, type AnyOperator } from "@curv/linsolve";
import { conv, dense, flatten, globalAvgPool, sequential } from "@curv/nn";
import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { empiricalFisherOperator, fisherOperator } from "../operators/gauss-newton.js";
import { binaryCrossEntropyOutput, crossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import { blockDiagonal, difference, dtype, gaussNewton, key, normal } from "./fixtures/matrices.js";
import { kfacOperator, type KfacOptions } from "./index.js";

function expectMatrix(operator: AnyOperator, wanted: Tensor, tolerance = 1e-12): void {
  expect(difference(toDense(operator), wanted)).toBeLessThan(tolerance * (1 + wanted.abs().max().itemSync()));
}

const outputLosses = [
  [crossEntropyOutput, random.randint(random.foldIn(key, 1), 0, 3, { shape: [1] })],
  [squaredErrorOutput, normal(2, [1, 3])],
  [binaryCrossEntropyOutput, tensor([[1, 0, 1]], { dtype })],
] as const;

describe("one layer and one datum: exact", { timeout: 60_000 }, () => {
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

describe("deep linear networks with squared error", { timeout: 60_000 }, () => {
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
