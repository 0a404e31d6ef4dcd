/** K-FAC's factors of an attention block against PyTorch (fixtures/torch-kfac-attention.py). */

import { readFileSync } from "node:fs";
import { activation, dense, flatten, layerNorm, multiHeadAttention, residual, sequential } from "@curv/nn";
import { tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { flatten as flattenTree, leavesWithPath, unflatten } from "@curv/tensor/tree";
import { expect, test } from "vitest";
import { crossEntropyOutput } from "../output-loss.js";
import { difference, dtype } from "./fixtures/matrices.js";
import { kfacOperator, type KfacOptions } from "./index.js";

type Rows = readonly (readonly number[])[];
interface Case extends Pick<KfacOptions, "fisher" | "approximation"> {
  readonly layers: Readonly<Record<string, { readonly inputs: Rows; readonly gradients: Rows }>>;
}
interface Block {
  readonly name: string;
  readonly x: number[][][];
  readonly labels: readonly number[];
  readonly params: Readonly<Record<string, number[]>>;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const { cases } = read("fixtures/torch-kfac-attention.json") as { readonly cases: readonly Case[] };
const block = (read("../../../nn/src/fixtures/torch-curvature.json") as readonly Block[]).find(
  ({ name }) => name === "attention block",
)!;

const net = sequential([
  residual(sequential([layerNorm({ features: 4 }), multiHeadAttention({ features: 4, heads: 2 })])),
  residual(
    sequential([layerNorm({ features: 4 }), dense({ in: 4, out: 8 }), activation("gelu"), dense({ in: 8, out: 4 })]),
  ),
  flatten(),
  dense({ in: 12, out: 3 }),
]);
const like = net.init(random.key(0), { dtype });
const params = unflatten(
  flattenTree(like as never).structure,
  leavesWithPath(like as never).map(({ path }) => tensor(block.params[path.join(".")], { dtype })),
) as unknown as typeof like;
const data = { inputs: tensor(block.x, { dtype }), targets: tensor(Int32Array.from(block.labels)) };

test.each(cases)("$fisher, $approximation: A and S of queries, keys, values, output and the dense layers", (c) => {
  const { fisher, approximation } = c;
  const options = { fisher, approximation, others: "zero" } as KfacOptions;
  const { layers } = kfacOperator(net, crossEntropyOutput, params, data, options).factors;
  expect(Object.keys(layers).sort()).toEqual(Object.keys(c.layers).sort());
  expect(Object.keys(layers)).toHaveLength(7);
  for (const [name, { inputs, gradients }] of Object.entries(c.layers)) {
    expect(
      difference(layers[name].inputs, tensor(inputs.flat(), { shape: [inputs.length, inputs.length], dtype })),
    ).toBeLessThan(1e-11);
    const wanted = tensor(gradients.flat(), { shape: [gradients.length, gradients.length], dtype });
    expect(difference(layers[name].gradients, wanted)).toBeLessThan(1e-11);
  }
});

test("the two approximations differ where weights are shared, and agree where they are not", () => {
  const [expand, reduce] = cases;
  expect(reduce.layers["3"]).toEqual(expand.layers["3"]);
  for (const name of Object.keys(expand.layers)) {
    if (name !== "3") expect(reduce.layers[name]).not.toEqual(expand.layers[name]);
  }
});
