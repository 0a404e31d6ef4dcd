/** Programs that know nothing of a backend give on an engine what they give on the CPU in float32: only the line with `use` differs. */

import { logIv } from "@curv/bessel";
import { hessianOperator } from "@curv/hvp";
import { lanczos } from "@curv/linsolve";
import { sinkhorn } from "@curv/ot";
import {
  grad,
  jit,
  jvp,
  logSoftmax,
  mean,
  sum,
  takeAlong,
  tensor,
  use,
  vmap,
  argMax,
  full,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterEach, describe, expect, test } from "vitest";
import { backendFromTfjs } from "./index.js";

afterEach(() => use("cpu"));

type Program = () => Promise<Record<string, ArrayLike<number>>>;

interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
}

const network = (): Params => {
  const [a, b] = random.split(random.key(0));
  return { w1: random.normal(a, { shape: [2, 8] }), b1: zeros([8]), w2: random.normal(b, { shape: [8, 1] }) };
};

const batch = (): { x: Tensor; y: Tensor } => {
  const x = random.normal(random.key(5), { shape: [32, 2] });
  return { x, y: sum(x.square(), 1, { keepDims: true }) };
};

const loss = ({ w1, b1, w2 }: Params, { x, y }: { x: Tensor; y: Tensor }): Tensor =>
  mean(x.matmul(w1).add(b1).tanh().matmul(w2).sub(y).square());

const hvp: Program = async () => {
  const [p, data] = [network(), batch()];
  const { tangent } = jvp(
    grad((q: Params) => loss(q, data)),
    [p],
    [p],
  );
  return { w1: await tangent.w1.data(), b1: await tangent.b1.data(), w2: await tangent.w2.data() };
};

const curvature: Program = async () => {
  const operator = hessianOperator(loss, network(), batch());
  const { alpha, beta } = await lanczos(operator, random.normal(random.key(3), { shape: [32] }), { steps: 4 });
  return { diagonal: alpha, beside: beta.slice(0, 3) };
};

const transport: Program = async () => {
  const x = random.normal(random.key(1), { shape: [20, 2] });
  const y = random.normal(random.key(2), { shape: [15, 2] }).add(1);
  const cost = sum(x.reshape(20, 1, 2).sub(y).square(), -1);
  const plan = await sinkhorn(full([20], 1 / 20), full([15], 1 / 15), cost, { epsilon: 0.5 });
  return { value: Float64Array.of(plan.cost(), plan.regularizedCost), plan: await plan.plan().data() };
};

const bessel: Program = async () => {
  const x = tensor([0.5, 2, 10, 100, 1000]);
  const slope = vmap(grad((v: Tensor) => logIv(1.5, v)))(x);
  return { values: await logIv(1.5, x).data(), slopes: await slope.data() };
};

/** On both, the largest difference relative to the largest element. */
async function expectSame(program: Program, tolerance: number): Promise<void> {
  const expected = await program();
  for (const engine of ["cpu", "wasm"]) {
    await tf.setBackend(engine);
    use(backendFromTfjs(tf, { hostFallback: true }));
    const got = await program();
    for (const [name, values] of Object.entries(expected)) {
      const scale = Math.max(...Array.from(values, Math.abs));
      expect(got[name].length, name).toBe(values.length);
      const worst = Math.max(...Array.from(values, (v, i) => Math.abs(v - got[name][i])));
      expect(worst / scale, `${name} on ${engine}`).toBeLessThan(tolerance);
    }
    use("cpu");
  }
}

describe("the CPU's float32 results on the cpu and wasm engines", () => {
  test("a Hessian-vector product of a tanh network", { timeout: 60_000 }, () => expectSame(hvp, 5e-6));
  test("Lanczos on its Hessian", { timeout: 60_000 }, () => expectSame(curvature, 1e-3));
  test("Sinkhorn", { timeout: 60_000 }, () => expectSame(transport, 1e-4));
  test("log Iᵥ and its derivative", { timeout: 60_000 }, () => expectSame(bessel, 1e-6));
});

const pixels = 784;

/** `perClass` digits of each class from the `from`-th on, classes by turns. */
function digits(from: number, perClass: number): { images: Float32Array; labels: Int32Array } {
  const { resolve } = createRequire(import.meta.url);
  const images = new Float32Array(10 * perClass * pixels);
  const labels = new Int32Array(10 * perClass);
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(readFileSync(resolve(`mnist/src/digits/${label}.json`), "utf8")) as { data: number[] };
    for (let i = 0; i < perClass; i++) {
      const at = i * 10 + label;
      labels[at] = label;
      images.set(data.slice((from + i) * pixels, (from + i + 1) * pixels), at * pixels);
    }
  }
  return { images, labels };
}

interface Mlp {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;
}

const names = ["w1", "b1", "w2", "b2"] as const;
const forEachWeight = (f: (name: (typeof names)[number]) => Tensor): Mlp =>
  Object.fromEntries(names.map((name) => [name, f(name)])) as unknown as Mlp;
const logits = ({ w1, b1, w2, b2 }: Mlp, x: Tensor): Tensor => x.matmul(w1).add(b1).relu().matmul(w2).add(b2);

/** Kingma & Ba (2015), algorithm 1; `rate` is the step size with its corrections for the bias of m and v. */
const adamStep = (p: Mlp, m: Mlp, v: Mlp, rate: number, x: Tensor, labels: Tensor): [Mlp, Mlp, Mlp] => {
  const crossEntropy = (q: Mlp): Tensor =>
    mean(takeAlong(logSoftmax(logits(q, x)), labels.reshape(-1, 1), 1, { mode: "clip" })).neg();
  const g = grad(crossEntropy)(p);
  const m1 = forEachWeight((k) => m[k].mul(0.9).add(g[k].mul(0.1)));
  const v1 = forEachWeight((k) => v[k].mul(0.999).add(g[k].square().mul(0.001)));
  return [forEachWeight((k) => p[k].sub(m1[k].mul(rate).div(v1[k].sqrt().add(1e-8)))), m1, v1];
};

test("Adam trains a network on digits to 94 % of unseen ones, in flat memory", { timeout: 240_000 }, async () => {
  await tf.setBackend("wasm");
  use(backendFromTfjs(tf));
  const train = digits(60, 800);
  const unseen = digits(0, 60);
  const [a, b] = random.split(random.key(0));
  let p: Mlp = {
    w1: random.normal(a, { shape: [pixels, 100] }).mul(Math.sqrt(2 / pixels)),
    b1: zeros([100]),
    w2: random.normal(b, { shape: [100, 10] }).mul(Math.sqrt(2 / 100)),
    b2: zeros([10]),
  };
  let [m, v] = [forEachWeight((k) => zeros(p[k].shape)), forEachWeight((k) => zeros(p[k].shape))];
  const size = 64;
  const batches = Array.from({ length: train.labels.length / size }, (_, i) => ({
    x: tensor(train.images.subarray(i * size * pixels, (i + 1) * size * pixels), { shape: [size, pixels] }),
    labels: tensor(train.labels.subarray(i * size, (i + 1) * size)),
  }));
  const step = jit(adamStep);
  let held = 0;
  for (let t = 1; t <= 6 * batches.length; t++) {
    const { x, labels } = batches[t % batches.length];
    const rate = (0.002 * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
    const next = step(p, m, v, rate, x, labels);
    for (const tree of [p, m, v]) for (const k of names) tree[k].dispose();
    [p, m, v] = next;
    if (t === 2) held = tf.memory().numTensors;
  }
  expect(tf.memory().numTensors).toBe(held);
  const x = tensor(unseen.images, { shape: [unseen.labels.length, pixels] });
  const guesses = await argMax(logits(p, x), 1).data();
  const right = unseen.labels.reduce((n, label, i) => n + Number(guesses[i] === label), 0);
  expect(right / unseen.labels.length).toBeGreaterThanOrEqual(0.94);
});
