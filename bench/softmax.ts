/** Softmax and cross-entropy of many classes, with the gradient: reductions over long rows between elementwise passes. */

import { jit, logSoftmax, tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import type { Benchmark, Peer, Work } from "./comparison.js";
import { expFlops } from "./math.js";
import { numbers, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { pythonPeer } from "./peers/python.js";
import { startTfjs } from "./peers/tfjs.js";
import type * as Core from "@tensorflow/tfjs-core";

const loss = (logits: Tensor, labels: Tensor): Tensor => logSoftmax(logits).mul(labels).sum().neg();
const valueAndGradient = jit((logits: Tensor, labels: Tensor) => valueAndGrad(loss)(logits, labels));

/** An exponential, and about ten simple operations for each logit. */
export function softmaxWork(rows: number, classes: number): Work {
  const n = rows * classes;
  return { flops: n * (expFlops.float32 + 10), bytes: 4 * 3 * n, size: classes, precision: "float32" };
}

export function softmax([rows, classes]: readonly [number, number] = [512, 10000]): Benchmark {
  const precision = "float32";
  const shape = [rows, classes];
  const x = numbers(rows * classes, 0, precision);
  const y = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++) y[i * classes + ((i * 7919) % classes)] = 1;
  const [logits, labels] = [x, y].map((d) => tensor(d).reshape([...shape]));
  const tfjs: Peer = {
    name: "tfjs",
    prepare: async () => {
      const { tf, description } = await startTfjs();
      const [a, b] = [x, y].map((d) => tf.tensor2d(d as Float32Array, [rows, classes]));
      const f = tf.valueAndGrad((u: Core.Tensor) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(u), b))) as Core.Scalar);
      return local(
        description,
        () => tf.tidy(() => f(a)),
        (r) => [...Array.from(r.value.dataSync()), ...Array.from(r.grad.dataSync())],
        (r) => tf.dispose(r as never),
      );
    },
  };
  const inputs = [x, y].map((d) => valuesOf(d, shape));
  return {
    title: `Softmax, cross-entropy and its gradient for [${rows}, ${classes}] logits`,
    note: "Value and gradient; Curv and JAX: jit.",
    cases: [
      {
        name: precision,
        work: softmaxWork(rows, classes),
        ours: [
          local(
            "curv jit",
            () => valueAndGradient(logits, labels),
            ({ value, grad }) => [...Array.from(value.dataSync()), ...Array.from((grad as Tensor).dataSync())],
          ),
        ],
        peers: [
          tfjs,
          pythonPeer("PyTorch eager", { library: "torch", task: "softmaxLoss", precision, inputs }),
          pythonPeer("JAX jit", { library: "jax", task: "softmaxLoss", precision, inputs }),
        ],
        tolerance: 1e-4,
      },
    ],
  };
}
