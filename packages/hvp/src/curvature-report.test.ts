/** The report's numbers are those of the dense Hessian, and its page holds them. */

import { toDense } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import type { Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test, vi } from "vitest";
import { curvatureReport, hessianOperator, inBatches } from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(3);
const model = mlp({ sizes: [4, 6, 3], activation: "tanh" });
const params = model.init(random.foldIn(key, 1), { dtype });
const batch = {
  inputs: random.normal(random.foldIn(key, 2), { shape: [40, 4], dtype }),
  targets: random.randint(random.foldIn(key, 3), 0, 3, { shape: [40] }),
};
const loss = (p: typeof params, { inputs, targets }: typeof batch): Tensor =>
  softmaxCrossEntropy(model.apply(p, inputs), targets);

test("numbers", async () => {
  const stages: string[] = [];
  const report = await curvatureReport(loss, params, inBatches(batch, { batchSize: 16 }), {
    tol: 1e-8,
    onProgress: ({ stage, done }) => {
      if (stages.at(-1) !== stage) stages.push(stage);
      expect(done).toBeLessThanOrEqual(1);
    },
  });
  const values = eigvalsh(toDense(hessianOperator(loss, params, batch))).dataSync();
  const n = values.length;
  expect(report.parameters).toBe(n);
  expect(report.converged).toBe(true);
  expect(report.largest.map(({ value }) => value)).toHaveLength(5);
  report.largest.forEach(({ value }, i) => expect(value).toBeCloseTo(values[n - 1 - i], 7));
  expect(report.lambdaMax).toBe(report.largest[0].value);
  expect(Math.abs(report.smallest.value - values[0])).toBeLessThanOrEqual(report.smallest.residual + 1e-12);
  const trace = Array.from(values).reduce((a, b) => a + b, 0);
  expect(Math.abs(report.trace.trace - trace)).toBeLessThan(4 * report.trace.standardError);
  expect(report.largestStableLearningRate).toBeCloseTo(2 / values[n - 1], 6);
  expect(report.loss).toBeCloseTo(loss(params, batch).itemSync(), 12);
  const negative = Array.from(values).filter((x) => x < -1e-3 * values[n - 1]).length / n;
  expect(Math.abs(report.negativeFraction - negative)).toBeLessThan(0.15);
  expect(stages).toEqual(["eigenvalues", "trace", "density"]);
});

test("the page is one file that says what was measured", async () => {
  const report = await curvatureReport(loss, params, batch, { title: "A <small> model", top: 2, probes: 8 });
  expect(report.page).toContain("<title>A &lt;small&gt; model</title>");
  expect(report.page).toContain(String(Number(report.lambdaMax.toPrecision(4))));
  expect(report.page.match(/<svg/g)).toHaveLength(2);
  expect(report.page).not.toMatch(/NaN|undefined|<script|https?:/);
  expect(report.page).toContain("@media print");
  // Labels stay inside of the picture, and none is long.
  for (const [, x, anchor, label] of report.page.matchAll(
    /<text x="([^"]*)" y="[^"]*" text-anchor="(\w+)">([^<]*)</g,
  )) {
    const size = 7 * label.length * (anchor === "middle" ? 0.5 : 1);
    expect(Number(x) - size, label).toBeGreaterThanOrEqual(0);
    if (anchor === "middle") expect(Number(x) + size, label).toBeLessThanOrEqual(700);
  }
});

test("it can be stopped, and refuses nonsense", async () => {
  const controller = new AbortController();
  const run = curvatureReport(loss, params, batch, {
    signal: controller.signal,
    onProgress: ({ stage }) => {
      if (stage === "trace") controller.abort();
    },
  });
  await expect(run).rejects.toThrow(/abort/);
  await expect(curvatureReport(loss, params, batch, { top: 0 })).rejects.toThrow(/top is 0; wants a positive integer/);
});
