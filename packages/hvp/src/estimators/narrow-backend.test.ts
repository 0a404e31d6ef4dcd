/** The spectrum of a Hessian on a backend that has neither float64 nor reading at once. */

import { tensor, use, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { narrow } from "../../../linsolve/test/support/narrow-backend.js";
import { hessianOperator, hutchinsonTrace, spectralMeasure, traceOf } from "../index.js";

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
