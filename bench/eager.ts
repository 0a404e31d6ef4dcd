/** What one operation on a few numbers costs when nothing is compiled: the overhead of every eager program. */

import { add, mul, reshape, sum, tanh, tensor } from "@curv/tensor";
import type { Benchmark, Case, Peer } from "./comparison.js";
import { tfjsPeer, type Operation } from "./elementwise.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { jaxArray, startJax } from "./peers/jax-js.js";
import { pythonPeer } from "./peers/python.js";

interface EagerOperation extends Operation {
  /** As python.py names it. */
  readonly task: string;
}

const operations: readonly EagerOperation[] = [
  {
    name: "add",
    task: "add",
    ours: (x, y) => add(x, y),
    tfjs: (tf, x, y) => tf.add(x, y),
    jax: (_np, x, y) => x.ref.add(y.ref),
    operands: 2,
  },
  {
    name: "mul by a number",
    task: "mulNumber",
    ours: (x) => mul(x, 2.5),
    tfjs: (tf, x) => tf.mul(x, 2.5),
    jax: (_np, x) => x.ref.mul(2.5),
    operands: 1,
  },
  {
    name: "tanh",
    task: "tanh",
    ours: (x) => tanh(x),
    tfjs: (tf, x) => tf.tanh(x),
    jax: (np, x) => np.tanh(x.ref),
    operands: 1,
  },
  {
    name: "sum",
    task: "sum",
    ours: (x) => sum(x),
    tfjs: (tf, x) => tf.sum(x),
    jax: (np, x) => np.sum(x.ref),
    operands: 1,
  },
  {
    name: "reshape",
    task: "reshape",
    ours: (x) => reshape(x, [4, 4]),
    tfjs: (tf, x) => tf.reshape(x, [4, 4]),
    jax: (_np, x) => x.ref.reshape([4, 4]),
    operands: 1,
  },
];

const targets: Readonly<Record<Precision, number>> = { float32: 0.3e-6, float64: 0.5e-6 };

export function eager(): Benchmark {
  return {
    title: "Eager operations on 16 elements",
    note: "One call, its result dropped (tfjs: disposed). jax-js is lazy: its time includes dataSync(), which makes it compute.",
    cases: (["float32", "float64"] as const).flatMap((precision) => operations.map((op) => caseOf(op, precision))),
  };
}

function caseOf(op: EagerOperation, precision: Precision): Case {
  const data = [numbers(16, 0, precision), numbers(16, 100, precision)];
  const [x, y] = data.map((d) => tensor(d));
  const jaxJs: Peer = {
    name: "jax-js",
    prepare: async () => {
      const { jax, description } = await startJax();
      const [a, b] = data.map((d) => jaxArray(jax, d, [16]));
      return local(
        description,
        () => op.jax(jax.numpy, a, b).dataSync(),
        (r) => Array.from(r),
      );
    },
  };
  const inputs = data.slice(0, op.operands).map((d) => valuesOf(d, [16]));
  return {
    name: `${op.name} ${precision}`,
    ours: [
      local(
        "curv",
        () => op.ours(x, y),
        (r) => Array.from(r.dataSync()),
      ),
    ],
    peers: [
      tfjsPeer(op.tfjs, data, precision),
      jaxJs,
      pythonPeer("PyTorch eager", { library: "torch", task: op.task, precision, inputs }),
    ],
    tolerance: precision === "float32" ? 1e-6 : 1e-14,
    ...(op.name === "add" && { target: targets[precision] }),
  };
}
