/**
 * Curvature of ResNet-20 at scale: the largest eigenvalue by 20 Lanczos steps and the trace by 16 probes, with what they cost beside a gradient
 * and what they hold: `node --expose-gc --conditions=@curv/source --import=./strip-types.mjs resnet.ts [images] [batch]`, with
 * CURV_BENCH_CLOCK=cpu on a busy machine. `npm run bench -- curvature` has PyTorch beside one product.
 */

import { hessianOperator, hutchinsonTrace, inBatches } from "@curv/hvp";
import { lanczos } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { groupNorm, resnet } from "@curv/nn";
import { diag, grad, jit, tensor, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { seconds } from "./clock.js";

const [images = 256, batch = 32] = process.argv.slice(2).map(Number);
const [steps, probes] = [20, 16];

// Group norm: a function of the parameters alone, and values of the size that training has.
const model = resnet({ depth: 20, out: 10, norm: (features) => groupNorm({ groups: 8, features }) });
const params = model.init(random.key(0));
const data = {
  inputs: random.normal(random.key(1), { shape: [images, 3, 32, 32] }),
  targets: random.randint(random.key(2), 0, 10, { shape: [images] }),
};
const loss = (p: typeof params, { inputs, targets }: typeof data): Tensor =>
  softmaxCrossEntropy(model.apply(p, inputs), targets);
const { size } = ravel(params as never).vector;

/** Seconds of each of `rounds` calls, after one that warms up; sorted. */
function timed(rounds: number, f: () => Tensor): number[] {
  f().dataSync();
  const times = Array.from({ length: rounds }, () => {
    const start = seconds();
    f().dataSync();
    return seconds() - start;
  });
  return times.sort((x, y) => x - y);
}

const mebibyte = 2 ** 20;
/** There with --expose-gc. */
const { gc } = globalThis as { gc?: () => void };
/** Memory of the process that something holds, in MiB: what waits for the collector is collected first. */
const held = (): number => {
  gc?.();
  gc?.();
  return process.memoryUsage().rss / mebibyte;
};
const rows: (readonly [string, string])[] = [];
const row = (name: string, text: string): void => {
  rows.push([name, text]);
  console.log(`${name.padEnd(34)} ${text}`);
};

row("images, in batches of", `${images}, ${batch}`);
row("parameters", String(size));

// The gradient as anybody takes it: all images at once, and in the same batches as the Hessian.
const gradientOf = jit(
  (p: typeof params, b: typeof data) => ravel(grad(loss as never)(p as never, b as never) as never).vector,
);
const parts = Array.from({ length: images / batch }, (_, i) => ({
  inputs: data.inputs.slice([i * batch, (i + 1) * batch]),
  targets: data.targets.slice([i * batch, (i + 1) * batch]),
}));
const gradient = timed(5, () => parts.map((b) => gradientOf(params, b)).reduce((sum, g) => sum.add(g)));
row("gradient", `${gradient[2].toFixed(2)} s (${gradient[0].toFixed(2)} to ${gradient[4].toFixed(2)})`);
row("memory held", `${held().toFixed(0)} MiB`);

const hessian = hessianOperator(loss, params, batch < images ? inBatches(data, { batchSize: batch }) : data);
const v = random.normal(random.key(3), { shape: [size] });
const product = timed(5, () => hessian.matvec(v));
row("product", `${product[2].toFixed(2)} s (${product[0].toFixed(2)} to ${product[4].toFixed(2)})`);
row("product / gradient", `${(product[2] / gradient[2]).toFixed(2)}`);
const before = held();
row("memory held", `${before.toFixed(0)} MiB`);

let start = seconds();
let most = before;
const run = await lanczos(hessian, random.normal(random.key(4), { shape: [size] }), {
  steps,
  onProgress: () => (most = Math.max(most, held())),
});
const T = diag(tensor(run.alpha, { dtype: "float64" }));
const beside = tensor(run.beta.slice(0, -1), { dtype: "float64" });
const { values, vectors } = eigh(T.add(diag(beside, 1)).add(diag(beside, -1)));
const ritz = (await values.data()) as Float64Array;
const bottom = (await vectors.data())[steps * steps - 1];
// Lanczos' own residual says nothing below the round-off of the products, which are float32.
const residual = Math.max(run.beta[steps - 1] * Math.abs(bottom), 2 ** -23 * Math.abs(ritz[steps - 1]));
row(
  `largest eigenvalue, ${steps} steps`,
  `${ritz[steps - 1].toFixed(4)} ± ${residual.toExponential(1)}, ${(seconds() - start).toFixed(1)} s`,
);
row("memory above that of products", `${(most - before).toFixed(0)} MiB`);
row("4 × parameters × basis", `${((4 * size * steps * 4) / mebibyte).toFixed(0)} MiB`);

start = seconds();
const { trace, standardError } = await hutchinsonTrace(hessian, random.key(5), { probes });
row(
  `trace, ${probes} probes`,
  `${trace.toFixed(2)} ± ${standardError.toFixed(2)}, ${(seconds() - start).toFixed(1)} s`,
);
row("largest memory", `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, with what waits for the collector`);
