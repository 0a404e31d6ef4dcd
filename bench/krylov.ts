/** Conjugate gradients on a grid's Laplacian, and with a dense matrix: what a step costs beside its product. */

import { jit, tensor, type Tensor } from "@curv/tensor";
import { cgCore, csrFromEntries, denseOperator, sparseOperator, type LinearOperator } from "@curv/linsolve";
import type { Benchmark, Case } from "./comparison.js";
import { numbers, valuesOf } from "./inputs.js";
import { local } from "./local.js";
import { pythonPeer } from "./peers/python.js";

/** Steps of each run: the tolerance is out of reach. */
const steps = 100;

export function krylov({ side, order }: { side: number; order: number } = { side: 200, order: 1000 }): Benchmark {
  return {
    title: `${steps} steps of conjugate gradients, float64`,
    note: "Curv: cgCore, jit. SciPy: sparse.linalg.cg, with a CSR matrix or a NumPy array.",
    cases: [
      caseOf(`Laplacian of a ${side} × ${side} grid`, laplacian(side), side * side, 5 * side * side, "gridCg", [
        [side],
      ]),
      caseOf(`dense matrix of order ${order}`, dense(order), order, order * order, "denseCg", []),
    ],
  };
}

function caseOf(
  name: string,
  a: LinearOperator,
  n: number,
  nonZeros: number,
  task: string,
  extra: readonly number[][],
): Case {
  const data = numbers(n, 0, "float64");
  const b = tensor(data);
  const run = jit((v: Tensor) => cgCore(a, v, { rtol: 1e-300, maxIter: steps }).x);
  const inputs = [valuesOf(data, [n]), ...extra.map((x) => valuesOf(x, [x.length]))];
  return {
    name,
    // A step: a product, two inner products, three vectors updated. Matrix and vector may stay in a cache, so they are read once.
    work: { flops: steps * (2 * nonZeros + 10 * n), bytes: 8 * (nonZeros + 2 * n), size: n, precision: "float64" },
    ours: [
      local(
        "curv jit",
        () => run(b),
        (x) => Array.from(x.dataSync()),
      ),
    ],
    peers: [pythonPeer("SciPy", { library: "numpy", task, precision: "float64", inputs })],
    tolerance: 1e-6,
  };
}

/** The five-point Laplacian plus 0.1, well enough conditioned for 100 steps to mean the same everywhere. */
function laplacian(side: number): LinearOperator {
  const [i, j, v]: [number[], number[], number[]] = [[], [], []];
  for (let p = 0; p < side * side; p++) {
    const [x, y] = [p % side, Math.floor(p / side)];
    const neighbours = [x > 0 && p - 1, x + 1 < side && p + 1, y > 0 && p - side, y + 1 < side && p + side];
    for (const q of neighbours) {
      if (q === false) continue;
      i.push(p);
      j.push(q);
      v.push(-1);
    }
    i.push(p);
    j.push(p);
    v.push(4.1);
  }
  return sparseOperator(csrFromEntries(side * side, side * side, i, j, v), { positiveSemidefinite: true });
}

/** 1/(1 + |i − j|) + 3 on the diagonal. */
function dense(n: number): LinearOperator {
  const a = Float64Array.from({ length: n * n }, (_, k) => {
    const distance = Math.abs(Math.floor(k / n) - (k % n));
    return 1 / (1 + distance) + (distance === 0 ? 3 : 0);
  });
  return denseOperator(tensor(a, { shape: [n, n] }), { positiveSemidefinite: true });
}
