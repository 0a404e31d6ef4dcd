/** A step of training of a small convolutional network on 28 × 28 images. */

import { conv, jit, logSoftmax, maxPool, relu, tensor, type Tensor, valueAndGrad } from "@curv/tensor";
import type { Benchmark, Case, Contender, Peer, Work } from "./comparison.js";
import { numbers, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { blasPeer } from "./peers/blas.js";
import { jaxArray, type JaxArray, startJax } from "./peers/jax-js.js";
import { pythonPeer } from "./peers/python.js";
import { startTfjs, type Tfjs } from "./peers/tfjs.js";
import type * as Core from "@tensorflow/tfjs-core";

type TfTensor = Core.Tensor;

/** Filters w1 [16, 1, 3, 3] and b1, w2 [32, 16, 3, 3] and b2, dense w3 [1568, 10] and b3. */
export type CnnParameters<T> = [T, T, T, T, T, T];

const channels = [16, 32] as const;
const classes = 10;
const side = 28;
const features = channels[1] * (side / 4) ** 2;
const shapes: readonly (readonly number[])[] = [
  [channels[0], 1, 3, 3],
  [channels[0]],
  [channels[1], channels[0], 3, 3],
  [channels[1]],
  [features, classes],
  [classes],
];
/** Large, so that a wrong gradient is seen in the new parameters. */
const learningRate = 1;

/** Mean cross-entropy of [batch, 1, 28, 28] images; two convolutions that keep their input's size, each with ReLU and 2 × 2 pooling. */
export function cnnLoss([w1, b1, w2, b2, w3, b3]: CnnParameters<Tensor>, x: Tensor, y: Tensor): Tensor {
  const h1 = maxPool(relu(conv(x, w1, { padding: "same" }).add(b1.reshape([-1, 1, 1]))), { window: 2 });
  const h2 = maxPool(relu(conv(h1, w2, { padding: "same" }).add(b2.reshape([-1, 1, 1]))), { window: 2 });
  const logits = h2.reshape([x.shape[0], features]).matmul(w3).add(b3);
  return logSoftmax(logits).mul(y).sum().div(-x.shape[0]);
}

const trainingStep = jit((p: CnnParameters<Tensor>, x: Tensor, y: Tensor) => {
  const { grad } = valueAndGrad(cnnLoss)(p, x, y);
  return p.map((w, i) => w.sub(grad[i].mul(learningRate)));
});

interface Data {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function problem(batch: number): { parameters: Data[]; direction: Data[]; x: Data; y: Data } {
  const make = (shape: readonly number[], seed: number, scale: number): Data => {
    const n = shape.reduce((a, b) => a * b, 1);
    return { shape, data: (numbers(n, seed, "float32") as Float32Array).map((v) => v * scale) };
  };
  const fanIn = [9, 0, 9 * channels[0], 0, features, 0];
  const labels = new Float32Array(batch * classes);
  for (let i = 0; i < batch; i++) labels[i * classes + ((i * 7) % classes)] = 1;
  return {
    parameters: shapes.map((shape, i) => make(shape, 1000 * i, fanIn[i] === 0 ? 0.1 : Math.sqrt(2 / fanIn[i]))),
    direction: shapes.map((shape, i) => make(shape, 1000 * i + 500, 1)),
    x: make([batch, 1, side, side], 7000, 1),
    y: { shape: [batch, classes], data: labels },
  };
}

/** Tensors of the network, of a direction, and of the examples. */
export function cnnProblem(batch: number): {
  p: CnnParameters<Tensor>;
  v: CnnParameters<Tensor>;
  x: Tensor;
  y: Tensor;
} {
  const { parameters, direction, x, y } = problem(batch);
  const own = ({ shape, data }: Data): Tensor => tensor(data).reshape([...shape]);
  return {
    p: parameters.map(own) as CnnParameters<Tensor>,
    v: direction.map(own) as CnnParameters<Tensor>,
    x: own(x),
    y: own(y),
  };
}

/** Multiplications and additions of a pass through the three linear layers. */
function passFlops(batch: number): { readonly first: number; readonly later: number } {
  const first = 2 * batch * side ** 2 * channels[0] * 9;
  const second = 2 * batch * (side / 2) ** 2 * channels[1] * channels[0] * 9;
  return { first, later: second + 2 * batch * features * classes };
}

/** Forward, gradient by the parameters, gradient by the inputs of all layers but the first. */
export function cnnGradientWork(batch: number): Work {
  const { first, later } = passFlops(batch);
  const parameters = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return {
    flops: 2 * first + 3 * later,
    bytes: 4 * (2 * parameters + batch * (side ** 2 + classes)),
    size: batch,
    precision: "float32",
  };
}

export function cnn(batch = 128): Benchmark {
  return {
    title: `A training step of a convolutional network (3×3 conv 16, 3×3 conv 32, dense 10) on 28 × 28 images, batch ${batch}`,
    note: "New parameters by gradient descent. Curv, jax-js, JAX: jit; PyTorch: eager. tfjs has no kernel for the gradient by a filter: we wrote it as a convolution.",
    cases: [cnnCase(batch)],
  };
}

/** @param series - Given to cases that differ in their batch only. */
export function cnnCase(batch: number, series?: string): Case {
  const data = problem(batch);
  const inputs = [...data.parameters, data.x, data.y].map((d) => valuesOf(d.data, d.shape));
  const own = (name: string): Contender => {
    const { p, x, y } = cnnProblem(batch);
    return local(
      name,
      () => trainingStep(p, x, y),
      (r) => r.flatMap((t) => Array.from(t.dataSync())),
    );
  };
  return {
    name: `batch ${batch} float32`,
    ...(series !== undefined && { series }),
    work: cnnGradientWork(batch),
    ours: [own("curv jit")],
    peers: [
      blasPeer("jit", own),
      tfjsPeer(data, batch),
      jaxJsPeer(data, batch),
      pythonPeer("PyTorch eager", { library: "torch", task: "cnnStep", precision: "float32", inputs }),
      pythonPeer("JAX jit", { library: "jax", task: "cnnStep", precision: "float32", inputs }),
    ],
    tolerance: 1e-4,
  };
}

/** Filters are [height, width, in, out] there, and images have their channels last. */
function tfjsPeer({ parameters, x, y }: ReturnType<typeof problem>, batch: number): Peer {
  const toTheirs = [[2, 3, 1, 0], [0], [2, 3, 1, 0], [0]];
  return {
    name: "tfjs",
    prepare: async () => {
      const { tf, description } = await startTfjs();
      const own = ({ data, shape }: Data): TfTensor => tf.tensor(data, [...shape]);
      const p = parameters.map(own).map((t, i) => (i < 4 ? tf.transpose(t, toTheirs[i]) : t));
      const map = [channels[1], side / 4, side / 4, classes];
      p[4] = tf.reshape(tf.transpose(tf.reshape(p[4], map), [1, 2, 0, 3]), [features, classes]);
      const images = tf.transpose(own(x), [0, 2, 3, 1]) as Core.Tensor4D;
      const labels = own(y);
      const pooled = (h: Core.Tensor4D, b: TfTensor): Core.Tensor4D => tf.maxPool(tf.relu(tf.add(h, b)), 2, 2, "valid");
      const loss = (...[w1, b1, w2, b2, w3, b3]: TfTensor[]): Core.Scalar => {
        const h1 = pooled(firstConvolution(tf, images)(w1 as Core.Tensor4D), b1);
        const h2 = pooled(convolution(tf)(h1, w2 as Core.Tensor4D), b2);
        const logits = tf.add(tf.matMul(tf.reshape(h2, [batch, features]) as Core.Tensor2D, w3 as Core.Tensor2D), b3);
        return tf.div(tf.sum(tf.mul(tf.logSoftmax(logits), labels)), -batch);
      };
      const gradient = tf.grads(loss as (...args: TfTensor[]) => Core.Scalar);
      return local(
        description,
        () => tf.tidy(() => gradient(p).map((g, i) => tf.sub(p[i], tf.mul(g, learningRate)))),
        (r) => {
          const ours = r.map((t, i) => (i === 0 || i === 2 ? tf.transpose(t, [3, 2, 0, 1]) : t));
          ours[4] = tf.transpose(tf.reshape(r[4], [side / 4, side / 4, channels[1], classes]), [2, 0, 1, 3]);
          return ours.flatMap((t) => Array.from(t.dataSync()));
        },
        (r) => tf.dispose(r),
      );
    },
  };
}

/** Its images are no variables: of their gradient nothing is computed. */
function firstConvolution(tf: Tfjs, x: Core.Tensor4D): (w: Core.Tensor4D) => Core.Tensor4D {
  return tf.customGrad((w) => ({
    value: tf.conv2d(x, w as Core.Tensor4D, 1, "same"),
    gradFunc: (dy) => filterGradient(tf, x, dy as Core.Tensor4D),
  })) as (w: Core.Tensor4D) => Core.Tensor4D;
}

function convolution(tf: Tfjs): (x: Core.Tensor4D, w: Core.Tensor4D) => Core.Tensor4D {
  return tf.customGrad((...args) => {
    const [x, w, save] = args as unknown as [Core.Tensor4D, Core.Tensor4D, (saved: TfTensor[]) => void];
    save([x, w]);
    return {
      value: tf.conv2d(x, w, 1, "same"),
      gradFunc: (dy: TfTensor, saved: TfTensor[]) => {
        const [a, f] = saved as Core.Tensor4D[];
        return [
          tf.conv2dTranspose(dy as Core.Tensor4D, f, a.shape, 1, "same"),
          filterGradient(tf, a, dy as Core.Tensor4D),
        ];
      },
    };
  }) as (x: Core.Tensor4D, w: Core.Tensor4D) => Core.Tensor4D;
}

/** dw = x ∗ dy, the examples in the place of the channels. */
function filterGradient(tf: Tfjs, x: Core.Tensor4D, dy: Core.Tensor4D): Core.Tensor4D {
  const padded = tf.pad(x, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  const images = tf.transpose(padded, [3, 1, 2, 0]);
  const filters = tf.transpose(dy, [1, 2, 0, 3]);
  return tf.transpose(tf.conv2d(images, filters, 1, "valid"), [1, 2, 0, 3]);
}

function jaxJsPeer({ parameters, x, y }: ReturnType<typeof problem>, batch: number): Peer {
  return {
    name: "jax-js jit",
    prepare: async () => {
      const { jax, description } = await startJax();
      const { numpy: np, lax, nn } = jax;
      type Arrays = CnnParameters<JaxArray>;
      const [images, labels, ...p] = [x, y, ...parameters].map((d) => jaxArray(jax, d.data, d.shape));
      const pooled = (h: JaxArray, n: number, length: number): JaxArray =>
        np.max(nn.relu(h).reshape([batch, n, length / 2, 2, length / 2, 2]), [3, 5]);
      const convolved = (h: JaxArray, w: JaxArray, b: JaxArray, n: number): JaxArray =>
        lax.convGeneralDilated(h, w, [1, 1], "SAME").add(b.reshape([n, 1, 1]));
      const loss = ([w1, b1, w2, b2, w3, b3]: Arrays, xs: JaxArray, ys: JaxArray): JaxArray => {
        const h1 = pooled(convolved(xs, w1, b1, channels[0]), channels[0], side);
        const h2 = pooled(convolved(h1, w2, b2, channels[1]), channels[1], side / 2);
        const logits = np.matmul(h2.reshape([batch, features]), w3).add(b3);
        return np.sum(nn.logSoftmax(logits).mul(ys)).div(-batch);
      };
      const gradient = jax.grad(loss);
      const step = jax.jit(((q: Arrays, xs: JaxArray, ys: JaxArray) => {
        const g = gradient(q.map((w) => w.ref) as Arrays, xs, ys) as Arrays;
        return q.map((w, i) => w.sub(g[i].mul(learningRate)));
      }) as never) as unknown as (q: Arrays, xs: JaxArray, ys: JaxArray) => JaxArray[];
      return local(
        `${description} jit`,
        () => step(p.map((w) => w.ref) as Arrays, images.ref, labels.ref).map((a) => a.dataSync()),
        (r) => r.flatMap((a) => Array.from(a)),
      );
    },
  };
}
