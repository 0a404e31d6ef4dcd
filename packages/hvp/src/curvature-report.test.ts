/** The report's numbers are those of the dense Hessian, and its page holds them. */

import { toDense } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import type { Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test, vi } from "vitest";
import { curvatureReport, hessianOperator, inBatches, layersOf } from "./index.js";

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
  expect(stages).toEqual(["eigenvalues", "trace", "density", "layers"]);

  // Each layer's own block: that of a selection of its parameters.
  const blocks = layersOf(params);
  expect([...report.layers.keys()]).toEqual([...blocks.keys()]);
  for (const [name, { selected, merge }] of blocks) {
    const block = hessianOperator((p, b: typeof batch) => loss(merge(p), b), selected, batch);
    const { largest, size, paths } = report.layers.get(name)!;
    const wanted = eigvalsh(toDense(block)).max().itemSync();
    expect(size).toBe(block.shape[0]);
    expect(Math.abs(largest.value - wanted)).toBeLessThanOrEqual(largest.residual + 1e-12);
    expect(largest.residual).toBeLessThan(0.02 * wanted);
    expect(paths).toEqual([`${name}.bias`, `${name}.weight`]);
  }
});

test("the page is one file that says what was measured", async () => {
  const report = await curvatureReport(loss, params, batch, { title: "A <small> model", top: 2, probes: 8 });
  expect(report.page).toContain("<title>A &lt;small&gt; model</title>");
  expect(report.page).toContain(String(Number(report.lambdaMax.toPrecision(4))));
  expect(report.page.match(/<svg/g)).toHaveLength(2);
  expect(report.page).not.toMatch(/NaN|undefined|<script|https?:/);
  expect(report.page).toContain("@media print");
  expect(report.page).toContain("prefers-color-scheme: dark");
  // Names, signs and indices as one writes them, and every eigenvalue with its residual.
  expect(report.page).toContain("2/λ<sub>max</sub></td>");
  const shown = report.page.replace(/<style>[^]*<\/style>/, "").replace(/<[^>]*>/g, "|");
  expect(shown).not.toMatch(/λ_|[|±] ?-\d|e-\d/);
  const layers = [...report.layers.values()];
  for (const { paths } of layers) expect(shown).toContain(`|${paths.join(", ")}|`);
  for (const { value, residual } of [...report.largest, report.smallest, ...layers.map(({ largest }) => largest)]) {
    expect(residual).toBeGreaterThanOrEqual(0);
    const number = String(Number(value.toPrecision(4)))
      .replace("-", "−")
      .replace(/e.*/, "");
    expect(shown).toMatch(new RegExp(`\\|${number}(·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)? ± [\\d.]+`));
  }
  const named = await curvatureReport(loss, params, batch, { top: 1, probes: 2, layerNames: { 0: "hidden <1>" } });
  expect(named.page).toContain("<td>hidden &lt;1&gt;</td>");
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
