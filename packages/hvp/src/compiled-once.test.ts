/** The product of a Hessian is traced once: methods that go step by step call what was compiled, and hold its memory only once. */

import { lanczos } from "@curv/linsolve";
import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { hessianOperator, inBatches, spectralMeasure } from "./index.js";

test("by lanczos and the spectral measure", async () => {
  let traces = 0;
  const loss = (p: Tensor, x: Tensor): Tensor => {
    traces++;
    return x.square().matmul(p.square()).mean();
  };
  const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
  const start = draw(0, [12]);
  const hessian = hessianOperator(loss, draw(1, [12]), inBatches(draw(2, [20, 12]), { batchSize: 5 }), {
    check: false,
  });
  const before = traces;
  hessian.matvec(start);
  const once = traces;
  expect(once).toBeGreaterThan(before);
  const { alpha } = await lanczos(hessian, start, { steps: 6 });
  expect(alpha).toHaveLength(6);
  await spectralMeasure(hessian, random.key(3), { probes: 2, steps: 6 });
  expect(traces).toBe(once);
});
