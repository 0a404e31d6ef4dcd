/** How many kernels compiled functions take, fused and not: the figures of the README. */

import { hvp, makeGraph, mean, zeros, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { gpujs } from "../src/index.js";
import { adamStep, initialise, network, type Params } from "./workloads.js";

const kernels = (lines: readonly string[]): number =>
  lines.filter((line) => line.trimStart().startsWith("kernel")).length;

test("a Hessian-vector product and a step of Adam", async () => {
  const fused = await gpujs({ mode: "webasm" });
  const plain = await gpujs({ mode: "webasm", fuse: false });
  const x = zeros([64, 2]);
  const y = zeros([64, 1]);
  const small = initialise(2, 8, 1);
  const loss = (p: Params): Tensor => mean(network(p, x).sub(y).square());
  const product = makeGraph((p: Params, v: Params) => hvp(loss as never, p, v as never), small, small);
  expect([kernels(fused.explain(product)), kernels(plain.explain(product))]).toEqual([11, 35]);

  const params = initialise(196, 64, 10);
  const state = { params, m: params, v: params, t: zeros([]) };
  const step = makeGraph(adamStep, state, zeros([128, 196]), zeros([128], { dtype: "int32" }), 0.01);
  // Products in tiles want their results put in order, which is fused into what reads them, if anything does.
  expect([kernels(fused.explain(step)), kernels(plain.explain(step))]).toEqual([31, 99]);
  const scalar = await gpujs({ mode: "cpu" });
  expect(kernels(scalar.explain(step))).toBe(28);
});
