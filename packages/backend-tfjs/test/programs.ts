/** Programs of users, written once: none names a backend. */

import { logIv } from "@curv/bessel";
import { hessianOperator } from "@curv/hvp";
import { lanczos } from "@curv/linsolve";
import { sinkhorn } from "@curv/ot";
import {
  argMax,
  full,
  grad,
  jit,
  jvp,
  logSoftmax,
  mean,
  sum,
  takeAlong,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Arrays of numbers by name. */
export type Program = () => Promise<Record<string, ArrayLike<number>>>;

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

/** Each with the largest difference from the CPU's float32 result that it may have, relative to the largest element. */
export const programs: Readonly<Record<string, readonly [Program, number]>> = {
  "a Hessian-vector product of a tanh network": [hvp, 5e-6],
  "Lanczos on its Hessian": [curvature, 1e-3],
  Sinkhorn: [transport, 1e-4],
  "log Iᵥ and its derivative": [bessel, 1e-6],
};

/** The largest difference of a program's arrays from those expected, relative to the largest element of each. */
export function difference(
  got: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, ArrayLike<number>>>,
): number {
  let worst = 0;
  for (const [name, values] of Object.entries(expected)) {
    if (got[name].length !== values.length) throw new Error(`${name} has another length`);
    const scale = Math.max(...Array.from(values, Math.abs));
    worst = Math.max(worst, ...Array.from(values, (v, i) => Math.abs(v - got[name][i]) / scale));
  }
  return worst;
}

// ---- Digits -----------------------------------------------------------------------------------------------------------------

/** Images of `pixels` numbers each, and what digits they are. */
export interface Digits {
  readonly pixels: number;
  readonly images: Float32Array;
  readonly labels: Int32Array;
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

/**
 * Trains a network with one hidden layer by Adam, whose rate falls to 0 linearly, and returns the share of unseen digits that it reads right.
 *
 * @param onStep - Called after each step, when what the step no longer needs is freed.
 */
export async function trainDigits(
  train: Digits,
  unseen: Digits,
  {
    epochs,
    hidden,
    rate,
    onStep = () => undefined,
  }: { epochs: number; hidden: number; rate: number; onStep?: (step: number) => unknown },
): Promise<number> {
  const { pixels } = train;
  const [a, b] = random.split(random.key(0));
  let p: Mlp = {
    w1: random.normal(a, { shape: [pixels, hidden] }).mul(Math.sqrt(2 / pixels)),
    b1: zeros([hidden]),
    w2: random.normal(b, { shape: [hidden, 10] }).mul(Math.sqrt(2 / hidden)),
    b2: zeros([10]),
  };
  let [m, v] = [forEachWeight((k) => zeros(p[k].shape)), forEachWeight((k) => zeros(p[k].shape))];
  const size = 128;
  const batches = Array.from({ length: train.labels.length / size }, (_, i) => ({
    x: tensor(train.images.subarray(i * size * pixels, (i + 1) * size * pixels), { shape: [size, pixels] }),
    labels: tensor(train.labels.subarray(i * size, (i + 1) * size)),
  }));
  const step = jit(adamStep);
  const steps = epochs * batches.length;
  for (let t = 1; t <= steps; t++) {
    const { x, labels } = batches[t % batches.length];
    const falling = rate * (1 - (t - 1) / steps);
    const corrected = (falling * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
    const next = step(p, m, v, corrected, x, labels);
    for (const tree of [p, m, v]) for (const k of names) tree[k].dispose();
    [p, m, v] = next;
    onStep(t);
  }
  const x = tensor(unseen.images, { shape: [unseen.labels.length, pixels] });
  const guesses = await argMax(logits(p, x), 1).data();
  return unseen.labels.reduce((n, label, i) => n + Number(guesses[i] === label), 0) / unseen.labels.length;
}
