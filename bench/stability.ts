/**
 * What dynamical stability leaves of the minima of shallow models (arXiv 2305.17490):
 * `node --conditions=@curv/source --import=./strip-types.mjs stability.ts [diagonal|batches|relu|draws]`.
 */

import { jit, scan, take, tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import {
  diagonalLinearNet,
  effectiveWeights,
  initTwoLayerRelu,
  interpolant,
  normCertificate,
  pathNorm,
  stabilityReport,
  traceDiagonalLinear,
  traceTwoLayer,
  twoLayerRelu,
  type DiagonalLinearNet,
  type TwoLayerRelu,
} from "../packages/hvp/src/stability/index.js";
import { formatNumber, numberTable } from "./table.js";

const dtype = "float64";
const key = random.key(2305);

/** Steps of SGD with batches drawn without replacement within a batch; all examples where the batch is that large. */
function trainer<P>(
  model: (params: P, inputs: Tensor) => Tensor,
  inputs: Tensor,
  targets: Tensor,
  batch: number,
): (start: P, lr: number, steps: number, seed: random.Key) => { readonly params: P; readonly loss: number } {
  const n = inputs.shape[0];
  const lossOf = (p: P, x: Tensor, y: Tensor): Tensor => model(p, x).sub(y).square().mean().div(2);
  const gradient = valueAndGrad as unknown as (f: (p: P) => Tensor) => (p: P) => { readonly grad: P };
  const block = jit(
    ((params: P, lr: Tensor, keys: Tensor) =>
      scan(
        ((p: P, k: Tensor) => {
          const chosen =
            batch === 1 ? random.randint(k, 0, n, { shape: [1] }) : random.permutation(k, n).slice([0, batch]);
          const [x, y] = batch === n ? [inputs, targets] : [take(inputs, chosen, 0), take(targets, chosen, 0)];
          const { grad } = gradient((q: P) => lossOf(q, x, y))(p);
          return [tree.sub(p as never, tree.scale(lr, grad as never) as never), lr];
        }) as never,
        params as never,
        keys,
      )[0]) as never,
  ) as unknown as (params: P, lr: Tensor, keys: Tensor) => P;
  return (start, lr, steps, seed) => {
    let params = start;
    const length = 5000;
    for (let t = 0; t < steps; t += length) {
      const keys = random.splitKeys(random.foldIn(seed, t), Math.min(length, steps - t));
      params = block(params, tensor(lr, { dtype }), keys);
    }
    return { params, loss: lossOf(params, inputs, targets).itemSync() };
  };
}

function diagonalProblem(seed = 0): { inputs: Tensor; beta: Tensor; targets: Tensor; start: DiagonalLinearNet } {
  const [d, n] = [100, 40];
  const [dataKey, signKey] = random.split(seed === 0 ? key : random.foldIn(key, 1000 + seed));
  const inputs = random.normal(dataKey, { shape: [n, d], dtype });
  const beta = tensor(Float64Array.from({ length: d }, (_, j) => [1, -1, 1][j] ?? 0));
  const signs = random.rademacher(signKey, { shape: [d], dtype });
  const start = { a: signs.mul(0).add(0.5), b: signs.mul(0.25) };
  return { inputs, beta, targets: inputs.matmul(beta), start };
}

/** Scaled experiment 1: SGD with batches of one leaves sharp minima as its rate grows; gradient descent does not. */
async function diagonal(): Promise<void> {
  const { inputs, beta, targets, start } = diagonalProblem();
  const n = inputs.shape[0];
  const seed = random.foldIn(key, 1);
  const row = async (
    train: ReturnType<typeof trainer<DiagonalLinearNet>>,
    lr: number,
    steps: number,
    spec: readonly (number | string)[],
  ): Promise<(number | string)[]> => {
    const { params, loss } = train(start, lr, steps, seed);
    const [trace, norm, error] = [0, 1, 2].map((i) => spec[i] ?? "");
    if (!(loss < 1e-3)) {
      return [
        lr,
        2 / lr,
        Number.isFinite(loss) ? "no minimum" : "diverges",
        trace,
        "",
        norm,
        "",
        "",
        error,
        "",
        "",
        loss.toExponential(0),
      ];
    }
    const { bound } = await normCertificate("diagonal-linear", inputs, lr);
    const report = await stabilityReport(interpolant(diagonalLinearNet, params, { inputs, targets }), { lr, batch: 1 });
    return [
      lr,
      2 / lr,
      traceDiagonalLinear(params, inputs).itemSync(),
      trace,
      effectiveWeights(params).abs().sum().itemSync(),
      norm,
      bound,
      effectiveWeights(params).sub(beta).square().sum().itemSync(),
      error,
      report.margins.meanSquare,
      report.margins.gd,
      loss.toExponential(0),
    ];
  };
  const header = [
    "η",
    "2/η",
    "tr G",
    "(spec)",
    "‖β‖₁",
    "(spec)",
    "bound",
    "error",
    "(spec)",
    "η*/η",
    "2/(ηλ₁)",
    "loss",
  ];
  const single = trainer(diagonalLinearNet, inputs, targets, 1);
  const spec: [number, (number | string)[]][] = [
    [0.002, [29.9, 10.2, 2.18]],
    [0.02, [28, 9.66, 2]],
    [0.04, [23.5, 8.43, 1.61]],
    [0.06, [15.8, 6.57, 0.971]],
    [0.07, [13.7, 6.61, 1.23]],
    [0.08, [8.68, 4.07, 0.12]],
    [0.1, ["diverges"]],
  ];
  const rows: (number | string)[][] = [];
  for (const [lr, s] of spec) rows.push(await row(single, lr, 60_000, s));
  console.log("1. Diagonal linear network, d = 100, n = 40. SGD with B = 1, 60000 steps:");
  console.log(numberTable(header, rows));
  const descent = trainer(diagonalLinearNet, inputs, targets, n);
  const full: (number | string)[][] = [];
  for (const [lr, s] of [
    [0.002, ["", "", ""]],
    [0.02, ["", "", ""]],
    [0.08, ["", "", ""]],
    [0.1, [29.97, 10.2, 2.2]],
    [0.5, [29.4, "", ""]],
  ] as [number, (number | string)[]][]) {
    full.push(await row(descent, lr, Math.min(60_000, Math.round(4000 / lr)), s));
  }
  console.log("\nGradient descent:");
  console.log(numberTable(header, full));
  const traces = [rows, full].map((list) => list.map((r) => r[2]).filter((x) => typeof x === "number"));
  const falls = traces[0].every((t, i) => i === 0 || t < traces[0][i - 1]);
  const bounded = rows.every((r) => typeof r[2] !== "number" || r[2] <= 2 / (r[0] as number));
  const errors = (list: (number | string)[][]): number[] => list.map((r) => r[7]).filter((x) => typeof x === "number");
  const at = (lr: number): number => rows.find((r) => r[0] === lr)![7] as number;
  const least = Math.min(...errors(full));
  console.log(
    `\ntr G of SGD falls with η: ${falls}; tr G ≤ 2/η for each: ${bounded}; ` +
      `tr G of gradient descent varies by ${formatNumber(100 * (Math.max(...traces[1]) / Math.min(...traces[1]) - 1))} % (wanted < 3); ` +
      `least error of gradient descent over that of SGD at η = 0.08: ${formatNumber(least / at(0.08))} (wanted ≥ 8).\n`,
  );
}

/** How much of the first table is its draw of data: the same for six draws. */
async function draws(): Promise<void> {
  const rates = [0.08, 0.1];
  const rows = Array.from({ length: 6 }, (_, draw) => {
    const { inputs, beta, targets, start } = diagonalProblem(draw);
    const seed = random.foldIn(key, 1);
    const error = (p: DiagonalLinearNet): number => effectiveWeights(p).sub(beta).square().sum().itemSync();
    const descent = trainer(diagonalLinearNet, inputs, targets, inputs.shape[0]);
    const gd = Math.min(...[0.1, 0.5].map((lr) => error(descent(start, lr, Math.round(4000 / lr), seed).params)));
    const single = trainer(diagonalLinearNet, inputs, targets, 1);
    const sgd = rates.map((lr) => {
      const { params, loss } = single(start, lr, 60_000, seed);
      if (!(loss < 1e-3)) return [Number.isFinite(loss) ? "no minimum" : "diverges", ""];
      return [traceDiagonalLinear(params, inputs).itemSync(), gd / error(params)];
    });
    return [draw, gd, ...sgd.flat()];
  });
  console.log(
    "4. Six draws of the data: error of gradient descent, the lesser of two rates, and by how much SGD's is less:",
  );
  console.log(numberTable(["draw", "error of GD", ...rates.flatMap((lr) => [`tr G at ${lr}`, "GD / SGD"])], rows));
  const ratios = rows
    .map((r) => r[3])
    .filter((x): x is number => typeof x === "number")
    .sort((a, b) => a - b);
  console.log(
    `η = 0.08: ${ratios.length} of ${rows.length} converge; the ratio is at least 8 for ${ratios.filter((x) => x >= 8).length}, ` +
      `median ${formatNumber((ratios[(ratios.length - 1) >> 1] + ratios[ratios.length >> 1]) / 2)}.\n`,
  );
}

/** The same at one rate, for batches of other sizes. */
async function batches(): Promise<void> {
  const { inputs, targets, start } = diagonalProblem();
  const spec: Record<number, number> = { 1: 19.8, 4: 28.9, 16: 29.7, 40: 29.9 };
  const rows: (number | string)[][] = [];
  for (const batch of [1, 4, 16, 40]) {
    const { params, loss } = trainer(diagonalLinearNet, inputs, targets, batch)(
      start,
      0.05,
      batch === 1 ? 60_000 : 20_000,
      random.foldIn(key, 1),
    );
    const m = interpolant(diagonalLinearNet, params, { inputs, targets });
    const { margins } = await stabilityReport(m, { lr: 0.05, batch });
    const trace = traceDiagonalLinear(params, inputs).itemSync();
    rows.push([
      batch,
      trace,
      spec[batch],
      margins.meanSquare,
      margins.loss,
      0.05 * margins.meanSquare * trace,
      loss.toExponential(0),
    ]);
  }
  console.log("2. The same at η = 0.05, by batch:");
  console.log(numberTable(["B", "tr G", "(spec)", "η*/η", "loss margin", "η* tr G", "loss"], rows));
  console.log("For B > 1, tr G ≤ 2/η is not necessary: η* tr G passes 2.\n");
}

/** Scaled experiment 2: the path norm of two-layer networks. */
async function relu(): Promise<void> {
  const [width, d, n] = [100, 20, 100];
  const rows: (number | string)[][] = [];
  let worst = 0;
  for (const seed of [0, 1, 2]) {
    const [dataKey, teacherKey, startKey, runKey] = random.split(random.foldIn(key, 100 + seed), 4);
    const inputs = random.normal(dataKey, { shape: [n, d], dtype });
    const teacher = initTwoLayerRelu(teacherKey, { width: 3, inputs: d, dtype });
    const targets = twoLayerRelu({ ...teacher, outer: teacher.outer.mul(2) }, inputs);
    const start = initTwoLayerRelu(startKey, { width, inputs: d, dtype });
    for (const batch of [1, n]) {
      const train = trainer(twoLayerRelu, inputs, targets, batch);
      for (const lr of batch === 1 ? [0.005, 0.01, 0.015, 0.02, 0.025] : [0.005, 0.02, 0.06]) {
        const { params, loss } = train(start, lr, batch === 1 ? 40_000 : 10_000, runKey);
        if (!Number.isFinite(loss)) {
          rows.push([seed, batch, lr, 2 / lr, "diverges", "", "", ""]);
          continue;
        }
        const trace = traceTwoLayer(params, inputs).itemSync();
        const scaled = pathNorm(params).itemSync() * Math.sqrt(d);
        worst = Math.max(worst, scaled / trace);
        const { margins } = await stabilityReport(
          interpolant((p: TwoLayerRelu, x: Tensor) => twoLayerRelu(p, x), params, { inputs, targets }),
          { lr, batch },
        );
        rows.push([seed, batch, lr, 2 / lr, trace, scaled, margins.meanSquare, loss.toExponential(0)]);
      }
    }
  }
  console.log("3. Two-layer ReLU network, width 100, d = 20, n = 100, a teacher of width 3:");
  console.log(numberTable(["seed", "B", "η", "2/η", "tr G", "√d ‖θ‖_P", "η*/η", "loss"], rows));
  const converged = rows.filter((r) => r[1] === 1 && typeof r[5] === "number") as number[][];
  const falls = converged.every((r, i) => i === 0 || converged[i - 1][0] !== r[0] || r[5] < converged[i - 1][5]);
  const bounded = converged.every(([, , lr, , trace]) => trace <= 2 / lr);
  console.log(
    `Largest √d ‖θ‖_P / tr G: ${formatNumber(worst)} (wanted ≤ 1.15). ` +
      `SGD's path norm falls with η: ${falls}; its tr G ≤ 2/η: ${bounded}.`,
  );
}

const experiments = { diagonal, batches, relu, draws };
const names = process.argv.slice(2) as (keyof typeof experiments)[];
for (const name of names.length > 0 ? names : (Object.keys(experiments) as (keyof typeof experiments)[])) {
  await experiments[name]();
}
