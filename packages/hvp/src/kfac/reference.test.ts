/** K-FAC and E-KFAC of a convolutional network against PyTorch (fixtures/torch-kfac.py). */

import { readFileSync } from "node:fs";
import { activation, conv, dense, flatten, sequential } from "@curv/nn";
import { arange, tensor, type Tensor } from "@curv/tensor";
import { leavesWithPath } from "@curv/tensor/tree";
import { describe, expect, test } from "vitest";
import { crossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import { kfacOperator, type KfacOptions } from "./index.js";

type Named = Readonly<Record<string, readonly number[]>>;

interface Case extends KfacOptions {
  readonly loss: "crossEntropyOutput" | "squaredErrorOutput";
  readonly product: Named;
  readonly inverse: Named;
  readonly factored?: Named;
  readonly trace: number;
  readonly logdet: number;
}

const dtype = "float64";
const { cases, damping } = JSON.parse(readFileSync(new URL("fixtures/torch-kfac.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
  readonly damping: number;
};

function waves(shape: readonly number[], phase: number, scale = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return arange(1, size + 1, { dtype })
    .pow(1.5)
    .add(phase)
    .sin()
    .mul(scale)
    .reshape(shape);
}

const net = sequential([
  conv({ in: 2, out: 3, kernel: 3, stride: 2, padding: 1 }),
  activation("tanh"),
  flatten(),
  dense({ in: 12, out: 3 }),
]);
type Params = ReturnType<typeof net.init>;

/** Trees whose leaves come in PyTorch's order, weight before bias. */
function tree(phase: number, scale?: number): Params {
  return [
    { weight: waves([3, 2, 3, 3], phase, scale), bias: waves([3], phase + 1, scale) },
    null,
    null,
    { weight: waves([3, 12], phase + 2, scale), bias: waves([3], phase + 3, scale) },
  ];
}

const params = tree(0, 0.6);
const v = tree(10);
const inputs = waves([24, 2, 4, 4], 0.5);
const losses = {
  crossEntropyOutput: {
    outputLoss: crossEntropyOutput,
    targets: tensor(Int32Array.from({ length: 24 }, (_, i) => ((i * 7) % 5) % 3)),
  },
  squaredErrorOutput: { outputLoss: squaredErrorOutput, targets: waves([24, 3], 2.5) },
};

function expectNamed(got: Params, wanted: Named): void {
  const leaves = leavesWithPath(got);
  expect(leaves.map(({ path }) => path.join(".")).sort()).toEqual(Object.keys(wanted).sort());
  for (const { path, leaf } of leaves) {
    const error = leaf.reshape(-1).sub(tensor([...wanted[path.join(".")]], { dtype }));
    expect(error.abs().max().itemSync()).toBeLessThan(1e-10);
  }
}

describe.each(cases)("$loss, $fisher, $approximation, ekfac $ekfac", (c) => {
  const { outputLoss, targets } = losses[c.loss];
  const { fisher, approximation, ekfac } = c;
  const k = kfacOperator(net, outputLoss, params, { inputs, targets }, { fisher, approximation, ekfac } as KfacOptions);

  test("product, inverses, trace, determinant", () => {
    expectNamed(k.apply(v), c.product);
    expectNamed(k.inverse({ damping }).apply(v), c.inverse);
    if (c.factored) expectNamed(k.inverse({ damping, method: "factored" }).apply(v), c.factored);
    expect(k.trace().itemSync()).toBeCloseTo(c.trace, 10);
    expect(k.logDeterminant(damping).itemSync()).toBeCloseTo(c.logdet, 9);
  });
});
