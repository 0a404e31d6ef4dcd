/** Programs of users, written once: the only line that changes is which backend is in use. */

import { logIv } from "@curv/bessel";
import { lanczos, linearOperator } from "@curv/linsolve";
import { sinkhorn } from "@curv/ot";
import { arange, grad, hvp, jit, logSumExp, mean, takeAlong, tensor, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

/** Layers of a small network, as a tree. */
export interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;
}

/** Weights of a network with one hidden layer, drawn. */
export function initialise(inputs: number, hidden: number, outputs: number): Params {
  const [k1, k2] = random.split(random.key(1));
  return {
    w1: random.normal(k1, { shape: [inputs, hidden] }).mul(1 / Math.sqrt(inputs)),
    b1: zeros([hidden]),
    w2: random.normal(k2, { shape: [hidden, outputs] }).mul(1 / Math.sqrt(hidden)),
    b2: zeros([outputs]),
  };
}

export function network({ w1, b1, w2, b2 }: Params, x: Tensor): Tensor {
  return x.matmul(w1).add(b1).tanh().matmul(w2).add(b2);
}

/** Mean cross-entropy of logits and classes. */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const chosen = takeAlong(logits, labels.reshape([-1, 1]), 1).reshape([-1]);
  return mean(logSumExp(logits, -1).sub(chosen));
}

/** Hessian times vector of a network, compiled. */
export async function hessianProduct(): Promise<number[]> {
  const params = initialise(2, 8, 1);
  const direction = initialise(2, 8, 1);
  const x = random.normal(random.key(3), { shape: [64, 2] });
  const y = x.slice(null, [0, 1]).sin();
  const loss = (p: Params): Tensor => mean(network(p, x).sub(y).square());
  const Hv = jit((p: Params, v: Params): Params => hvp(loss, p, v))(params, direction);
  const parts = await Promise.all([Hv.w1, Hv.b1, Hv.w2, Hv.b2].map((t) => t.data()));
  return parts.flatMap((part) => [...part]);
}

/** Coefficients of the Lanczos process of a symmetric matrix. */
export async function lanczosCoefficients(): Promise<number[]> {
  const b = random.normal(random.key(4), { shape: [40, 40] });
  const a = b.matmul(b.transpose()).div(40);
  const operator = linearOperator({ matvec: (v: Tensor) => a.matmul(v), domain: zeros([40]), symmetric: true });
  const { alpha, beta } = await lanczos(operator, random.normal(random.key(5), { shape: [40] }), { steps: 8 });
  return [...alpha, ...beta];
}

/** Potentials of an entropic transport problem. */
export async function transport(): Promise<number[]> {
  const x = random.normal(random.key(6), { shape: [24, 2] });
  const y = random.normal(random.key(7), { shape: [30, 2] }).add(1);
  const uniform = (n: number): Tensor => zeros([n]).add(1 / n);
  const { f, g, converged } = await sinkhorn(uniform(24), uniform(30), { x, y }, { epsilon: 0.5, tol: 1e-4 });
  return [converged ? 1 : 0, ...(await f.data()), ...(await g.data())];
}

/** log I_v(x), on both sides of where its expression changes, and its gradient. */
export async function bessel(): Promise<number[]> {
  const x = arange(1, 21, { dtype: "float32" });
  const value = logIv(2.5, x);
  const slope = grad((z: Tensor) => logIv(2.5, z).sum())(x);
  return [...(await value.data()), ...(await slope.data())];
}

/** Labelled images: float32 pixels and classes, one row each. */
export interface Images {
  readonly pixels: Float32Array;
  readonly labels: Int32Array;
  readonly width: number;
}

interface AdamState {
  readonly params: Params;
  readonly m: Params;
  readonly v: Params;
  readonly t: Tensor;
}

function mapParams(f: (...leaves: Tensor[]) => Tensor, ...trees: Params[]): Params {
  const at = (name: keyof Params): Tensor => f(...trees.map((tree) => tree[name]));
  return { w1: at("w1"), b1: at("b1"), w2: at("w2"), b2: at("b2") };
}

/** One step of Adam (Kingma & Ba 2015, algorithm 1). */
export function adamStep({ params, m, v, t }: AdamState, x: Tensor, y: Tensor, rate: number): AdamState {
  const g = grad((p: Params) => crossEntropy(network(p, x), y))(params);
  const next = t.add(1);
  const m1 = mapParams((a, b) => a.mul(0.9).add(b.mul(0.1)), m, g);
  const v1 = mapParams((a, b) => a.mul(0.999).add(b.square().mul(0.001)), v, g);
  const [c1, c2] = [0.9, 0.999].map((beta) => next.mul(Math.log(beta)).exp().neg().add(1));
  const moved = mapParams((p, a, b) => p.sub(a.div(c1).mul(rate).div(b.div(c2).sqrt().add(1e-8))), params, m1, v1);
  return { params: moved, m: m1, v: v1, t: next };
}

/** Trains a network on images and returns the share of test images that it reads right. */
export async function trainDigits(
  train: Images,
  test: Images,
  {
    epochs = 5,
    batch = 128,
    hidden = 64,
    rate = 0.02,
  }: { epochs?: number; batch?: number; hidden?: number; rate?: number } = {},
): Promise<number> {
  const { width } = train;
  const rows = ({ pixels, labels }: Images, from: number, to: number): readonly [Tensor, Tensor] => [
    tensor(pixels.slice(from * width, to * width), { shape: [to - from, width] }),
    tensor(labels.slice(from, to)),
  ];
  const start = initialise(width, hidden, 10);
  const zero = mapParams((p) => p.mul(0), start);
  let state: AdamState = { params: start, m: zero, v: zero, t: zeros([]) };
  const step = jit(adamStep, { donate: [0] });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let from = 0; from + batch <= train.labels.length; from += batch) {
      const [x, y] = rows(train, from, from + batch);
      state = step(state, x, y, rate);
      x.dispose();
      y.dispose();
    }
  }
  const [x, y] = rows(test, 0, test.labels.length);
  const right = jit((p: Params, images: Tensor, labels: Tensor) =>
    mean(network(p, images).argMax(-1).equal(labels).cast("float32")),
  );
  return right(state.params, x, y).item();
}

/** Those that compare number by number. */
export const comparable: Readonly<Record<string, () => Promise<number[]>>> = {
  hessianProduct,
  lanczosCoefficients,
  transport,
  bessel,
};
