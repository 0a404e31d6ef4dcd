/** Factorisations of a matrix. */

import { eye, tensor, type Tensor } from "@curv/tensor";
import { cholesky, eigh, svd } from "@curv/tensor/linalg";
import type { Benchmark, Case, Contender, Peer } from "./comparison.js";
import { numbers, type Precision, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { type Jax, jaxArray, type JaxArray, startJax } from "./peers/jax-js.js";
import { blasPeer } from "./peers/blas.js";
import { startMlMatrix } from "./peers/ml-matrix.js";
import { pythonPeer } from "./peers/python.js";
import type * as MlMatrix from "ml-matrix";

type Task = "cholesky" | "eigh" | "svd";

interface Method {
  /** The factor that does not depend on signs; all factors are computed. */
  readonly ours: (a: Tensor) => Tensor;
  readonly mlMatrix: (library: typeof MlMatrix, a: MlMatrix.Matrix) => number[];
  readonly jax: (linalg: Jax["numpy"]["linalg"], a: JaxArray) => JaxArray[];
  readonly kept: number;
  /** Operations of the textbook's algorithm, with all factors, in units of n³ (Golub & Van Loan, 4th edition, §4.2.5, §8.3.3, §8.6.3). */
  readonly cost: number;
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

const methods: Readonly<Record<Task, Method>> = {
  cholesky: {
    ours: (a) => cholesky(a),
    mlMatrix: ({ CholeskyDecomposition }, a) => new CholeskyDecomposition(a).lowerTriangularMatrix.to1DArray(),
    jax: (linalg, a) => [linalg.cholesky(a)],
    kept: 0,
    cost: 1 / 3,
  },
  eigh: {
    ours: (a) => eigh(a).values,
    mlMatrix: ({ EigenvalueDecomposition }, a) =>
      ascending(new EigenvalueDecomposition(a, { assumeSymmetric: true }).realEigenvalues),
    jax: (linalg, a) => linalg.eigh(a),
    kept: 0,
    cost: 9,
  },
  svd: {
    ours: (a) => svd(a).s,
    mlMatrix: ({ SingularValueDecomposition }, a) => new SingularValueDecomposition(a).diagonal,
    jax: (linalg, a) => linalg.svd(a, { fullMatrices: false }),
    kept: 1,
    cost: 21,
  },
};

/** Sides of the matrices. */
type Sides = Readonly<Record<Task, number>>;

export function linalg(
  sides: Sides = { cholesky: 100, eigh: 100, svd: 100 },
  precisions: readonly Precision[] = ["float64", "float32"],
): Benchmark {
  return {
    title: "Factorisations of square matrices",
    note: "All factors, eager. eigh and cholesky: B Bᵀ/n + I for a full B; svd: B.",
    cases: precisions.flatMap((precision) =>
      (["cholesky", "eigh", "svd"] as const).map((task) => caseOf(task, sides[task], precision)),
    ),
  };
}

function caseOf(task: Task, n: number, precision: Precision): Case {
  const { ours, mlMatrix, jax: factors, kept, cost } = methods[task];
  const data = matrix(task, n, precision);
  const a = tensor(data).reshape([n, n]);
  const own = (name: string): Contender =>
    local(
      name,
      () => ours(a),
      (r) => Array.from(r.dataSync()),
    );
  const peers: Peer[] = [
    blasPeer("eager", own),
    {
      name: "ml-matrix",
      prepare: async () => {
        const library = await startMlMatrix();
        const x = library.Matrix.from1DArray(n, n, Array.from(data));
        const name = precision === "float32" ? `${library.description} (float64)` : library.description;
        return local(
          name,
          () => mlMatrix(library, x),
          (r) => r,
        );
      },
    },
    {
      name: "jax-js",
      prepare: async () => {
        const { jax, description } = await startJax();
        const x = jaxArray(jax, data, [n, n]);
        return local(
          description,
          () => factors(jax.numpy.linalg, x.ref).map((f) => f.dataSync()),
          (r) => Array.from(r[kept]),
        );
      },
    },
    pythonPeer("NumPy", { library: "numpy", task, precision, inputs: [valuesOf(data, [n, n])] }),
    pythonPeer("PyTorch", { library: "torch", task, precision, inputs: [valuesOf(data, [n, n])] }),
    pythonPeer("JAX jit", { library: "jax", task, precision, inputs: [valuesOf(data, [n, n])] }),
  ];
  const width = precision === "float32" ? 4 : 8;
  return {
    name: `${task} ${precision}`,
    work: { flops: cost * n ** 3, bytes: width * n * n * { cholesky: 2, eigh: 2, svd: 3 }[task], size: n, precision },
    ours: [own("curv")],
    peers,
    tolerance: precision === "float32" ? 1e-4 : 1e-11,
  };
}

/** Made by Curv's own product: three nested loops in JavaScript would take longer than the benchmark. */
function matrix(task: Task, n: number, precision: Precision): Float32Array | Float64Array {
  const b = numbers(n * n, 0, precision);
  if (task === "svd") return b;
  const full = tensor(Float64Array.from(b)).reshape([n, n]);
  const a = full
    .matmul(full.T)
    .div(n)
    .add(eye(n, n, { dtype: "float64" }))
    .dataSync();
  return precision === "float32" ? Float32Array.from(a) : Float64Array.from(a);
}
