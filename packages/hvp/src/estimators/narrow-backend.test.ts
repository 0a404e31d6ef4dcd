/** The spectrum of a Hessian on a backend that has neither float64 nor reading at once. */

import { cpu, DTypeError, tensor, use, type Backend, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hessianOperator, hutchinsonTrace, spectralMeasure, traceOf } from "../index.js";

const refuse = (dtype: string): void => {
  if (dtype === "float64") throw new DTypeError("narrow: has no float64.");
};
const { downloadSync: _, ...rest } = cpu;
const narrow: Backend = {
  ...rest,
  name: "narrow",
  kind: "narrow",
  capabilities: { ...cpu.capabilities, dtypes: ["float32", "int32", "uint32", "bool"], syncRead: false },
  upload: (data, _shape, dtype) => {
    refuse(dtype);
    return data;
  },
  run: (primitive, inputs, params, outs) => {
    for (const { dtype } of outs) refuse(dtype);
    return cpu.run(primitive, inputs, params, outs);
  },
};
beforeAll(() => use(narrow));
afterAll(() => use("cpu"));

test("spectral measure and trace", async () => {
  const weights = tensor([1, 2, 3, 4, 5, 6]);
  const loss = (p: Tensor, x: Tensor): Tensor => x.mul(p.square()).sum().div(2);
  const hessian = hessianOperator(loss, tensor([1, 1, 1, 1, 1, 1]), weights, { check: false });
  const measure = await spectralMeasure(hessian, random.key(0), { probes: 2 });
  measure.runs.forEach(({ nodes }) => nodes.forEach((x, i) => expect(Math.abs(x - i - 1)).toBeLessThan(1e-4)));
  expect(Math.abs(traceOf(measure, (x) => x).trace - 21)).toBeLessThan(1e-3);
  const { trace } = await hutchinsonTrace(hessian, random.key(1), { probes: 4 });
  expect(Math.abs(trace - 21)).toBeLessThan(1e-4);
});
