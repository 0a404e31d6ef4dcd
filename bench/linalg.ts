/** Factorisations of a matrix. */

import { tensor, type Tensor } from "@curv/tensor";
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
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

const methods: Readonly<Record<Task, Method>> = {
  cholesky: {
    ours: (a) => cholesky(a),
    mlMatrix: ({ CholeskyDecomposition }, a) => new CholeskyDecomposition(a).lowerTriangularMatrix.to1DArray(),
    jax: (linalg, a) => [linalg.cholesky(a)],
    kept: 0,
  },
  eigh: {
    ours: (a) => eigh(a).values,
    mlMatrix: ({ EigenvalueDecomposition }, a) =>
      ascending(new EigenvalueDecomposition(a, { assumeSymmetric: true }).realEigenvalues),
    jax: (linalg, a) => linalg.eigh(a),
    kept: 0,
  },
  svd: {
    ours: (a) => svd(a).s,
    mlMatrix: ({ SingularValueDecomposition }, a) => new SingularValueDecomposition(a).diagonal,
    jax: (linalg, a) => linalg.svd(a, { fullMatrices: false }),
    kept: 1,
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
  const { ours, mlMatrix, jax: factors, kept } = methods[task];
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
  return {
    name: `${task} ${precision}`,
    ours: [own("curv")],
    peers,
    tolerance: precision === "float32" ? 1e-4 : 1e-11,
  };
}

function matrix(task: Task, n: number, precision: Precision): Float32Array | Float64Array {
  const b = numbers(n * n, 0, precision);
  if (task === "svd") return b;
  const a = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += b[i * n + k] * b[j * n + k];
      a[i * n + j] = sum / n + (i === j ? 1 : 0);
    }
  }
  return a;
}
