/** Loss, gradient and Hessian-vector product of a tanh network: a tiny one, where calls cost, and a large one, where products do. */

import { grad, hvp, jit, tensor, type Tensor } from "@curv/tensor";
import type { Benchmark, Case, Contender, Peer, Work } from "./comparison.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { blasPeer } from "./peers/blas.js";
import { jaxArray, type JaxArray, startJax } from "./peers/jax-js.js";
import { productsPeer } from "./peers/products.js";
import { pythonPeer } from "./peers/python.js";
import { startTfjs } from "./peers/tfjs.js";
import type * as Core from "@tensorflow/tfjs-core";

type TfTensor = Core.Tensor;

/** w1 b1 w2 b2 w3 b3, for each library's own arrays. */
export type Parameters<T> = [T, T, T, T, T, T];

export interface Sizes {
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
}

/** Many small operations and every rule. */
export const tiny: Sizes = { batch: 64, inputs: 2, hidden: 32, outputs: 1 };
/** 0.66 GFLOP for the gradient and 1.17 for the Hessian-vector product, nearly all in matrix products. */
export const large: Sizes = { batch: 512, inputs: 784, hidden: 256, outputs: 10 };

function parameterShapes({ inputs, hidden, outputs }: Sizes): number[][] {
  return [[inputs, hidden], [hidden], [hidden, hidden], [hidden], [hidden, outputs], [outputs]];
}

/** Shapes [m, k, n] of the products that a task cannot do without; of the first layer's input no gradient is wanted. */
export function productsOf(
  task: Task,
  { batch, inputs, hidden, outputs }: Sizes,
): (readonly [number, number, number])[] {
  const layers = [
    [inputs, hidden],
    [hidden, hidden],
    [hidden, outputs],
  ];
  // The value's pass; the gradient by the weights, and by the inputs. A Hessian product wants the tangents of all of them, each of which
  // is two products where both factors move, and of the gradient itself only what the tangents read.
  const counts: Record<Task, { forward: number; weights: number; input: number; first: number }> = {
    loss: { forward: 1, weights: 0, input: 0, first: 1 },
    grad: { forward: 1, weights: 1, input: 1, first: 2 },
    hvp: { forward: 3, weights: 2, input: 3, first: 3 },
  };
  const { forward, weights, input, first } = counts[task];
  return layers.flatMap(([k, n], layer) => {
    const once = [batch, k, n] as const;
    return new Array<typeof once>(layer === 0 ? first : forward + weights + input).fill(once);
  });
}

/** The products' work, and the parameters, directions and examples that must be read, the results written. */
export function mlpWork(task: Task, precision: Precision, sizes: Sizes): Work {
  const parameters = parameterShapes(sizes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const examples = sizes.batch * (sizes.inputs + sizes.outputs);
  const elements = examples + parameters * { loss: 1, grad: 2, hvp: 3 }[task];
  return {
    flops: productsOf(task, sizes).reduce((sum, [m, k, n]) => sum + 2 * m * k * n, 0),
    bytes: elements * (precision === "float32" ? 4 : 8),
    size: sizes.batch,
    precision,
  };
}

/** mean((mlp(x) − y)²). */
export function loss([w1, b1, w2, b2, w3, b3]: Parameters<Tensor>, x: Tensor, y: Tensor): Tensor {
  const h1 = x.matmul(w1).add(b1).tanh();
  const h2 = h1.matmul(w2).add(b2).tanh();
  return h2.matmul(w3).add(b3).sub(y).square().mean();
}

const jitLoss = jit(loss);
const jitGrad = jit(grad(loss));
const jitHvp = jit((p: Parameters<Tensor>, v: Parameters<Tensor>, x: Tensor, y: Tensor) => hvp(loss, p, v, x, y));

interface Data {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

interface Problem {
  readonly parameters: readonly Data[];
  readonly direction: readonly Data[];
  readonly x: Data;
  readonly y: Data;
}

function problem(sizes: Sizes, precision: Precision): Problem {
  const make = (shape: readonly number[], seed: number, scale: number): Data => {
    const n = shape.reduce((a, b) => a * b, 1);
    return { shape, data: numbers(n, seed, precision).map((v) => v * scale) };
  };
  const shapes = parameterShapes(sizes);
  return {
    parameters: shapes.map((shape, i) => make(shape, 1000 * i, shape.length === 2 ? 1 / Math.sqrt(shape[0]) : 0.1)),
    direction: shapes.map((shape, i) => make(shape, 1000 * i + 500, 1)),
    x: make([sizes.batch, sizes.inputs], 7000, 1),
    y: make([sizes.batch, sizes.outputs], 8000, 1),
  };
}

/** Tensors of the network, of a direction, and of the examples. */
export function curvProblem(
  precision: Precision,
  sizes: Sizes = tiny,
): { p: Parameters<Tensor>; v: Parameters<Tensor>; x: Tensor; y: Tensor } {
  const { parameters, direction, x, y } = problem(sizes, precision);
  const own = ({ shape, data }: Data): Tensor => tensor(data).reshape(shape);
  return {
    p: parameters.map(own) as Parameters<Tensor>,
    v: direction.map(own) as Parameters<Tensor>,
    x: own(x),
    y: own(y),
  };
}

export type Task = "loss" | "grad" | "hvp";

export function mlp(sizes: Sizes = tiny, precisions: readonly Precision[] = ["float32", "float64"]): Benchmark {
  const tasks = precisions.flatMap((precision) =>
    (["loss", "grad", "hvp"] as const).map((task) => ({ task, precision })),
  );
  return {
    title: `Loss, gradient and Hessian-vector product (forward over reverse) of a tanh network ${sizes.inputs}-${sizes.hidden}-${sizes.hidden}-${sizes.outputs}, batch ${sizes.batch}`,
    note: "The result's leaves are computed, not converted (jax-js is lazy: dataSync() on each leaf; tfjs: in tidy). PyTorch: eager, double backward; JAX: jit.",
    cases: tasks.map(({ task, precision }) => mlpCase(task, precision, sizes)),
  };
}

const leaves = (r: readonly Tensor[]): number[] => r.flatMap((x) => Array.from(x.dataSync()));

function ours(task: Task, precision: Precision, sizes: Sizes): Contender[] {
  const { p, v, x, y } = curvProblem(precision, sizes);
  const eager: Record<Task, () => readonly Tensor[]> = {
    loss: () => [loss(p, x, y)],
    grad: () => grad(loss)(p, x, y),
    hvp: () => hvp(loss, p, v, x, y),
  };
  const compiled: Record<Task, () => readonly Tensor[]> = {
    loss: () => [jitLoss(p, x, y)],
    grad: () => jitGrad(p, x, y),
    hvp: () => jitHvp(p, v, x, y),
  };
  return [local("curv eager", eager[task], leaves), local("curv jit", compiled[task], leaves)];
}

function tfjsPeer(task: Task, precision: Precision, data: Problem): Peer {
  return {
    name: "tfjs",
    prepare: async () => {
      if (precision === "float64") throw new Error("tfjs has no float64");
      const { tf, description } = await startTfjs();
      const own = (d: Data): TfTensor => tf.tensor(d.data as Float32Array, [...d.shape]);
      const p = data.parameters.map(own);
      const v = data.direction.map(own);
      const x = own(data.x) as Core.Tensor2D;
      const y = own(data.y);
      const value = (...[w1, b1, w2, b2, w3, b3]: TfTensor[]): TfTensor => {
        const h1 = tf.tanh(tf.add(tf.matMul(x, w1 as Core.Tensor2D), b1));
        const h2 = tf.tanh(tf.add(tf.matMul(h1 as Core.Tensor2D, w2 as Core.Tensor2D), b2));
        return tf.mean(tf.square(tf.sub(tf.add(tf.matMul(h2 as Core.Tensor2D, w3 as Core.Tensor2D), b3), y)));
      };
      const gradient = tf.grads(value as (...args: TfTensor[]) => Core.Scalar);
      // Reverse over reverse: tfjs has no forward mode.
      const slope = (...q: TfTensor[]): TfTensor =>
        gradient(q)
          .map((g, i) => tf.sum(tf.mul(g, v[i])))
          .reduce((a, b) => tf.add(a, b));
      const product = tf.grads(slope as (...args: TfTensor[]) => Core.Scalar);
      const call: Record<Task, () => TfTensor[]> = {
        loss: () => [value(...p)],
        grad: () => gradient(p),
        hvp: () => product(p),
      };
      return local(
        description,
        () => tf.tidy(call[task]),
        (r) => r.flatMap((t) => Array.from(t.dataSync())),
        (r) => tf.dispose(r),
      );
    },
  };
}

function jaxJsPeer(task: Task, data: Problem, compiled: boolean): Peer {
  return {
    name: `jax-js ${compiled ? "jit" : "eager"}`,
    prepare: async () => {
      const { jax, description } = await startJax();
      const np = jax.numpy;
      type Arrays = Parameters<JaxArray>;
      const own = (d: Data): JaxArray => jaxArray(jax, d.data, d.shape);
      const p = data.parameters.map(own) as Arrays;
      const v = data.direction.map(own) as Arrays;
      const x = own(data.x);
      const y = own(data.y);
      const again = (list: Arrays): Arrays => list.map((a) => a.ref) as Arrays;
      const value = ([w1, b1, w2, b2, w3, b3]: Arrays, xs: JaxArray, ys: JaxArray): JaxArray => {
        const h1 = np.tanh(np.matmul(xs, w1).add(b1));
        const h2 = np.tanh(np.matmul(h1, w2).add(b2));
        return np.mean(np.square(np.matmul(h2, w3).add(b3).sub(ys)));
      };
      const gradient = jax.grad(value);
      const product = (q: Arrays, u: Arrays, xs: JaxArray, ys: JaxArray): Arrays =>
        jax.jvp((r: Arrays) => gradient(r, xs, ys) as Arrays, [q], [u])[1] as Arrays;
      const wrap = <F>(f: F): F => (compiled ? (jax.jit(f as never) as F) : f);
      const [valueJ, gradientJ, productJ] = [wrap(value), wrap(gradient), wrap(product)];
      const call: Record<Task, () => JaxArray[]> = {
        loss: () => [valueJ(again(p), x.ref, y.ref)],
        grad: () => gradientJ(again(p), x.ref, y.ref) as JaxArray[],
        hvp: () => productJ(again(p), again(v), x.ref, y.ref),
      };
      return local(
        `${description} ${compiled ? "jit" : "eager"}`,
        () => call[task]().map((a) => a.dataSync()),
        (r) => r.flatMap((a) => Array.from(a)),
      );
    },
  };
}

export function mlpCase(task: Task, precision: Precision, sizes: Sizes): Case {
  const data = problem(sizes, precision);
  const inputs = [...data.parameters, data.x, data.y, ...(task === "hvp" ? data.direction : [])].map((d) =>
    valuesOf(d.data, d.shape),
  );
  return {
    name: `${task} ${precision}`,
    work: mlpWork(task, precision, sizes),
    ours: ours(task, precision, sizes),
    peers: [
      blasPeer("jit", (name) => ({ ...ours(task, precision, sizes)[1], name })),
      tfjsPeer(task, precision, data),
      // Of the large network it takes half a second a call: nobody would want to wait for it.
      ...(sizes.inputs < 100 ? [jaxJsPeer(task, data, false)] : []),
      jaxJsPeer(task, data, true),
      pythonPeer("PyTorch eager", { library: "torch", task, precision, inputs }),
      pythonPeer("JAX jit", { library: "jax", task, precision, inputs }),
    ],
    yardsticks: task === "loss" ? [] : [productsPeer(productsOf(task, sizes), precision)],
    tolerance: precision === "float32" ? 2e-5 : 1e-12,
  };
}
