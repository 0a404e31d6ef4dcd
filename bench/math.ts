/** Elementary functions of a million numbers, and a chain of six cheap operations: what a pass over memory costs. */

import { exp, jit, log, maximum, tanh, tensor } from "@curv/tensor";
import type { Benchmark, Case, Peer } from "./comparison.js";
import { tfjsPeer, type Operation } from "./elementwise.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { jaxArray, type JaxArray, startJax } from "./peers/jax-js.js";
import { pythonPeer } from "./peers/python.js";
type Flops = Readonly<Record<Precision, number>>;

/**
 * Floating-point operations of an exponential by Curv's formula (packages/tensor/src/cpu/wasm/vector-math.ts), as of the others below:
 * what a polynomial of that accuracy costs. The whole-number operations beside them are not counted.
 */
export const expFlops: Flops = { float64: 33, float32: 23 };

interface MathOperation extends Operation {
  readonly flops: Flops;
}

const operations: readonly MathOperation[] = [
  {
    name: "exp",
    flops: expFlops,
    ours: (x) => exp(x),
    tfjs: (tf, x) => tf.exp(x),
    jax: (np, x) => np.exp(x.ref),
    operands: 1,
  },
  {
    name: "tanh",
    flops: { float64: 39, float32: 29 },
    ours: (x) => tanh(x),
    tfjs: (tf, x) => tf.tanh(x),
    jax: (np, x) => np.tanh(x.ref),
    operands: 1,
  },
  {
    name: "log",
    flops: { float64: 28, float32: 20 },
    ours: (x) => log(x),
    tfjs: (tf, x) => tf.log(x),
    jax: (np, x) => np.log(x.ref),
    operands: 1,
  },
  {
    name: "chain",
    flops: { float64: 6, float32: 6 },
    ours: (x, y) => maximum(x.mul(y).add(x).mul(0.5).sub(y), -0.25).mul(y),
    tfjs: (tf, x, y) => tf.mul(tf.maximum(tf.sub(tf.mul(tf.add(tf.mul(x, y), x), 0.5), y), -0.25), y),
    jax: (np, x, y) => np.maximum(x.ref.mul(y.ref).add(x.ref).mul(0.5).sub(y.ref), -0.25).mul(y.ref),
    operands: 2,
  },
];

export function math(n = 1_000_000): Benchmark {
  return {
    title: `Functions of ${n} positive numbers`,
    note: "Curv, jax-js and JAX: jit; jax-js with the copy out. PyTorch: eager. The result is made and freed.",
    cases: (["float64", "float32"] as const).flatMap((precision) => operations.map((op) => caseOf(op, n, precision))),
  };
}

function caseOf(op: MathOperation, n: number, precision: Precision): Case {
  const data = [numbers(n, 0, precision), numbers(n, 10_000_000, precision)].map((d) => d.map(Math.abs));
  const [x, y] = data.map((d) => tensor(d));
  const f = jit(op.ours);
  const jaxJs: Peer = {
    name: "jax-js jit",
    prepare: async () => {
      if (precision === "float64") throw new Error("jax-js computes float64 without vectors; see its float32");
      const { jax, description } = await startJax();
      const [a, b] = data.map((d) => jaxArray(jax, d, [n]));
      const g = jax.jit(((u: JaxArray, v: JaxArray) => op.jax(jax.numpy, u, v)) as never) as unknown as (
        u: JaxArray,
        v: JaxArray,
      ) => JaxArray;
      return local(
        `${description} jit`,
        () => g(a.ref, b.ref).dataSync(),
        (r) => Array.from(r),
      );
    },
  };
  const inputs = data.slice(0, op.operands).map((d) => valuesOf(d, [n]));
  const width = precision === "float32" ? 4 : 8;
  return {
    name: `${op.name} ${precision}`,
    work: { flops: n * op.flops[precision], bytes: n * width * (op.operands + 1), size: n, precision },
    ours: [
      local(
        "curv jit",
        () => f(x, y),
        (r) => Array.from(r.dataSync()),
      ),
    ],
    peers: [
      tfjsPeer((tf, a, b) => tf.tidy(() => op.tfjs(tf, a, b)), data, precision),
      jaxJs,
      pythonPeer("PyTorch", { library: "torch", task: op.name, precision, inputs }),
      pythonPeer("JAX jit", { library: "jax", task: op.name, precision, inputs }),
    ],
    tolerance: precision === "float32" ? 1e-5 : 1e-13,
  };
}
