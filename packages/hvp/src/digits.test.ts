/** A trained network on handwritten digits (theme-curvature, "Reproduce"): its top eigenvalues by two methods, its trace by two estimators. */

import { eigsh, lobpcg } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { grad, jit, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { axpy } from "@curv/tensor/tree";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { hessianOperator, hutchinsonTrace, spectralMeasure, traceOf } from "./index.js";

const perClass = 60;
const pixels = 784;

/** The first digits of each class, class after class by turns. */
function digits(): { readonly inputs: Tensor; readonly targets: Tensor } {
  const { resolve } = createRequire(import.meta.url);
  const images: number[] = [];
  const labels: number[] = [];
  const classes = Array.from(
    { length: 10 },
    (_, c) => (JSON.parse(readFileSync(resolve(`mnist/src/digits/${c}.json`), "utf8")) as { data: number[] }).data,
  );
  for (let i = 0; i < perClass; i++) {
    classes.forEach((data, label) => {
      images.push(...data.slice(i * pixels, (i + 1) * pixels));
      labels.push(label);
    });
  }
  return {
    inputs: tensor(Float32Array.from(images), { shape: [10 * perClass, pixels] }),
    targets: tensor(Int32Array.from(labels)),
  };
}

test("MLP 784-32-10 after some epochs", { timeout: 300_000 }, async () => {
  const model = mlp({ sizes: [pixels, 32, 10], activation: "tanh" });
  const batch = digits();
  const loss = (p: ReturnType<typeof model.init>, { inputs, targets }: typeof batch): Tensor =>
    softmaxCrossEntropy(model.apply(p, inputs), targets);
  let params = model.init(random.key(0));
  const step = jit((p: typeof params, b: typeof batch) => axpy(-0.2, grad(loss)(p, b), p));
  for (let i = 0; i < 60; i++) {
    const from = (i % 12) * 50;
    params = step(params, {
      inputs: batch.inputs.slice([from, from + 50]),
      targets: batch.targets.slice([from, from + 50]),
    });
  }
  const hessian = hessianOperator(loss, params, batch);
  expect(hessian.shape[0]).toBe(25_450);

  const lanczos = await eigsh(hessian, { k: 10, tol: 1e-3, verifyMultiplicity: false });
  const block = await lobpcg(hessian, { k: 10, tol: 1e-3 });
  expect(lanczos.converged).toBe(true);
  expect(block.converged).toBe(true);
  const [a, b] = [lanczos.values.dataSync(), block.values.dataSync()];
  a.forEach((value, i) => expect(Math.abs(value / b[i] - 1)).toBeLessThan(1e-4));

  const { trace, standardError } = await hutchinsonTrace(hessian, random.key(1), { probes: 24 });
  const moment = traceOf(await spectralMeasure(hessian, random.key(2), { probes: 3, steps: 8 }), (x) => x);
  const error = Math.hypot(standardError, moment.standardError);
  expect(Math.abs(trace - moment.trace)).toBeLessThan(4 * error);
  // Ten directions of 25,450 hold a good part of the curvature.
  expect(Array.from(a).reduce((x, y) => x + y, 0) / trace).toBeGreaterThan(0.2);
});
