/** Operators against PyTorch's double backward, on networks of every kind (fixtures and their script: packages/nn/src/fixtures/torch-curvature.*). */

import { eigsh, toDense } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import * as nn from "@curv/nn";
import { jit, stack, tensor, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { flatten, leavesWithPath, ravel, unflatten } from "@curv/tensor/tree";
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { crossEntropyOutput, gaussNewtonOperator, hessianOperator, inBatches } from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

type Nested = number | readonly Nested[];
type Named = Readonly<Record<string, Nested>>;

interface Fixture {
  readonly name: string;
  readonly train: boolean;
  readonly x: Nested;
  readonly labels: readonly number[];
  readonly params: Named;
  readonly state: Named;
  readonly directions: readonly Named[];
  readonly products: readonly Named[];
  readonly ggnProducts: readonly Named[];
  readonly eigenvalues: readonly number[];
  /** Batches of 4, where batch norm couples the examples. */
  readonly batched?: { readonly products: readonly Named[]; readonly ggnProducts: readonly Named[] };
}

const dtype = "float64";
const convNet = nn.sequential([
  nn.conv({ in: 2, out: 3, kernel: 3, padding: 1, bias: false }),
  nn.batchNorm({ features: 3 }),
  nn.activation("tanh"),
  nn.avgPool({ window: 2 }),
  nn.conv({ in: 3, out: 4, kernel: 3, padding: 1, bias: false }),
  nn.batchNorm({ features: 4 }),
  nn.activation("tanh"),
  nn.flatten(),
  nn.dense({ in: 16, out: 3 }),
]);
const networks: Record<string, nn.Layer> = {
  mlp: nn.mlp({ sizes: [4, 6, 5, 3], activation: "tanh" }),
  "conv net, train": convNet,
  "conv net, eval": convNet,
  gru: nn.sequential([nn.gru({ in: 3, out: 4, output: "last" }), nn.dense({ in: 4, out: 3 })]),
  lstm: nn.sequential([nn.lstm({ in: 3, out: 4, output: "last" }), nn.dense({ in: 4, out: 3 })]),
  "attention block": nn.sequential([
    nn.residual(nn.sequential([nn.layerNorm({ features: 4 }), nn.multiHeadAttention({ features: 4, heads: 2 })])),
    nn.residual(
      nn.sequential([
        nn.layerNorm({ features: 4 }),
        nn.dense({ in: 4, out: 8 }),
        nn.activation("gelu"),
        nn.dense({ in: 8, out: 4 }),
      ]),
    ),
    nn.flatten(),
    nn.dense({ in: 12, out: 3 }),
  ]),
};

/** A tree like this one, with the named values. */
function fill(like: unknown, values: Named): unknown {
  const { structure } = flatten(like as never);
  const leaves = leavesWithPath(like as never).map(({ path }) => tensor(values[path.join(".")] as number[], { dtype }));
  return unflatten(structure, leaves);
}

function vectorOf(tree: unknown): Tensor {
  return ravel(tree as never).vector;
}

const fixtures = JSON.parse(
  readFileSync(new URL("../../nn/src/fixtures/torch-curvature.json", import.meta.url), "utf8"),
) as Fixture[];

describe.each(fixtures)("$name", ({ name, train, x, labels, params: given, state: stateValues, ...wanted }) => {
  const model = networks[name];
  const params = fill(model.init(random.key(0), { dtype }), given);
  const state = fill(model.initState({ dtype }), stateValues);
  const batch = { inputs: tensor(x as number[], { dtype }), targets: tensor(Int32Array.from(labels)) };
  const apply = (p: unknown, inputs: Tensor): Tensor => model.apply(p, inputs, { train, state });
  const loss = (p: unknown, { inputs, targets }: typeof batch): Tensor =>
    softmaxCrossEntropy(apply(p, inputs), targets);
  const directions = stack(wanted.directions.map((v) => vectorOf(fill(params, v))));
  const hessian = hessianOperator(loss, params, batch);
  const reverse = hessianOperator(loss, params, batch, { mode: "reverse-over-reverse" });
  const gaussNewton = gaussNewtonOperator(apply, crossEntropyOutput, params, batch);

  test.each([
    ["Hessian", hessian, wanted.products],
    ["Hessian, reverse over reverse", reverse, wanted.products],
    ["Gauss–Newton", gaussNewton, wanted.ggnProducts],
  ] as const)("%s: matvec, matmat, under jit, 1e-10", (_, operator, products) => {
    const exact = stack(products.map((v) => vectorOf(fill(params, v))));
    const size = exact.abs().max().itemSync();
    const off = (found: Tensor): number => found.sub(exact).abs().max().itemSync() / size;
    expect(off(stack(wanted.directions.map((_v, i) => operator.matvec(directions.slice(i)))))).toBeLessThan(1e-10);
    expect(off(operator.matmat(directions.transpose()).transpose())).toBeLessThan(1e-10);
    const all = jit((vs: Tensor) => operator.matmat(vs.transpose()).transpose());
    expect(off(all(directions))).toBeLessThan(1e-10);
  });

  test("both ways to the Hessian agree to 1e-12", () => {
    const [a, b] = [hessian, reverse].map((operator) => toDense(operator));
    const size = a.abs().max().itemSync();
    expect(a.sub(b).abs().max().itemSync()).toBeLessThan(1e-12 * size);
    expect(a.sub(a.transpose()).abs().max().itemSync()).toBeLessThan(1e-12 * size);
  });

  test("all eigenvalues, and the top ones by Lanczos", async () => {
    const exact = wanted.eigenvalues;
    const largest = Math.max(...exact.map(Math.abs));
    const dense = toDense(hessian);
    eigvalsh(dense.add(dense.transpose()).div(2))
      .dataSync()
      .forEach((value, i) => expect(Math.abs(value - exact[i])).toBeLessThan(1e-10 * largest));
    const { values, converged } = await eigsh(hessian, { k: 4, which: "largest" });
    expect(converged).toBe(true);
    values
      .dataSync()
      .forEach((value, i) => expect(Math.abs(value - exact[exact.length - 1 - i])).toBeLessThan(1e-9 * largest));
  });

  // Batch norm in training couples the examples: there a mean over batches is another loss, and PyTorch's the same one.
  if (wanted.batched !== undefined) {
    test("in batches of 4, each normalised by itself", () => {
      const batches = inBatches(batch, { batchSize: 4 });
      const operators = [
        [hessianOperator(loss, params, batches), hessian, wanted.batched!.products],
        [gaussNewtonOperator(apply, crossEntropyOutput, params, batches), gaussNewton, wanted.batched!.ggnProducts],
      ] as const;
      for (const [operator, whole, products] of operators) {
        products.forEach((product, i) => {
          const exact = vectorOf(fill(params, product));
          const size = exact.abs().max().itemSync();
          const off = (found: Tensor): number => found.sub(exact).abs().max().itemSync() / size;
          expect(off(operator.matvec(directions.slice(i)))).toBeLessThan(1e-10);
          // Which the whole batch at once is not.
          expect(off(whole.matvec(directions.slice(i)))).toBeGreaterThan(1e-2);
        });
      }
    });
    return;
  }
  test("in batches of 4", () => {
    const parts = hessianOperator(loss, params, inBatches(batch, { batchSize: 4 }));
    const v = directions.slice(0);
    expect(parts.matvec(v).sub(hessian.matvec(v)).abs().max().itemSync()).toBeLessThan(1e-11);
  });
});
