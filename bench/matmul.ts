/** Square matrix products: how good the portable kernel is. */

import { matmul as product, tensor } from "@curv/tensor";
import type { Benchmark, Case, Contender, Peer } from "./comparison.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { blasPeer } from "./peers/blas.js";
import { freeCores } from "./free-cores.js";
import { jaxArray, startJax } from "./peers/jax-js.js";
import { startMlMatrix } from "./peers/ml-matrix.js";
import { pythonPeer } from "./peers/python.js";
import { threadsPeer } from "./peers/threads.js";
import { startTfjs } from "./peers/tfjs.js";

export function matmul(sizes: readonly number[] = [4, 64, 256, 1024]): Benchmark {
  return {
    title: "Products of two square matrices",
    note: "Eager calls. Arrays below 64 KiB are copied into the kernels' memory and out of it.",
    cases: (["float32", "float64"] as const).flatMap((precision) => sizes.map((n) => caseOf(n, precision))),
  };
}

/** Products by two threads beside one, and two loops that share nothing beside one: whether there are two cores at all. */
export function threads(n = 1024): Benchmark {
  return {
    title: "Products of two square matrices by two threads",
    note: "The control runs the roofline's loop in one thread and in two at once: two free cores would give 2.",
    cases: [
      ...(["float32", "float64"] as const).map((precision): Case => {
        const { name, ours, work, tolerance } = caseOf(n, precision);
        const again = (who: string): Contender => ({ ...ours[0], name: who });
        return { name, ours, work: work!, peers: [threadsPeer(2, again)], tolerance };
      }),
      freeCores(),
    ],
  };
}

function caseOf(n: number, precision: Precision): Case {
  const shape = [n, n] as const;
  const data = [numbers(n * n, 0, precision), numbers(n * n, 10_000_000, precision)];
  const [a, b] = data.map((d) => tensor(d).reshape(shape));
  const tfjs: Peer = {
    name: "tfjs",
    prepare: async () => {
      if (precision === "float64") throw new Error("tfjs has no float64");
      const { tf, description } = await startTfjs();
      const [x, y] = data.map((d) => tf.tensor2d(d as Float32Array, [n, n]));
      return local(
        description,
        () => tf.matMul(x, y),
        (r) => Array.from(r.dataSync()),
        (r) => r.dispose(),
      );
    },
  };
  const jaxJs: Peer = {
    name: "jax-js",
    prepare: async () => {
      const { jax, description } = await startJax();
      const [x, y] = data.map((d) => jaxArray(jax, d, shape));
      return local(
        description,
        () => jax.numpy.matmul(x.ref, y.ref).dataSync(),
        (r) => Array.from(r),
      );
    },
  };
  const mlMatrix: Peer = {
    name: "ml-matrix",
    prepare: async () => {
      if (n > 512) throw new Error("ml-matrix takes seconds; see the smaller products");
      const { Matrix, description } = await startMlMatrix();
      const [x, y] = data.map((d) => Matrix.from1DArray(n, n, Array.from(d)));
      return local(
        precision === "float32" ? `${description} (float64)` : description,
        () => x.mmul(y),
        (r) => r.to1DArray(),
      );
    },
  };
  const inputs = data.map((d) => valuesOf(d, shape));
  const own = (name: string): Contender =>
    local(
      name,
      () => product(a, b),
      (r) => Array.from(r.dataSync()),
    );
  const singly = (): Contender => {
    const [x, y] = [a, b].map((t) => t.cast("float32"));
    return local(
      "curv, float32",
      () => product(x, y),
      (r) => Array.from(r.dataSync()),
    );
  };
  return {
    name: `${n}×${n} ${precision}`,
    work: { flops: 2 * n ** 3, bytes: 3 * n * n * (precision === "float32" ? 4 : 8), size: n, precision },
    ours: [own("curv")],
    yardsticks: precision === "float64" ? [{ name: "curv, float32", prepare: singly }] : [],
    peers: [
      blasPeer("eager", own),
      tfjs,
      jaxJs,
      mlMatrix,
      pythonPeer("NumPy", { library: "numpy", task: "matmul", precision, inputs }),
      pythonPeer("PyTorch", { library: "torch", task: "matmul", precision, inputs }),
      pythonPeer("JAX jit", { library: "jax", task: "matmul", precision, inputs }),
    ],
    tolerance: precision === "float32" ? 1e-5 : 1e-13,
  };
}
