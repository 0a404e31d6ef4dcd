/** The learning rate at which SGD near an interpolating minimum loses its mean-square stability. */

import { diag, DomainError, kron, matmul, ones, tensor, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectOptions, denseOperator, eigsh, linearOperator, type LinearOperator } from "@curv/linsolve";
import { checkPositive } from "../batch-size/arguments.js";
import { checkCount } from "../estimators/products.js";
import { checkInterpolant, isHeuristic, type Interpolant } from "./interpolant.js";
import { simulatedThreshold, type ChainOptions } from "./monte-carlo.js";
import { largestRank, rangeCoordinates, type RangeCoordinates } from "./range-coordinates.js";

export interface MeanSquareOptions extends ChainOptions {
  /** B, from 1 to n. */
  readonly batch: number;
  /** Whether batches are drawn with replacement. Default false. */
  readonly replacement?: boolean;
  /**
   * - `lanczos`: the second-moment map as an operator on the symmetric matrices of the range of G; min(n, p) ≤ 500. The default there.
   * - `dense`: its matrix of order r², r the rank of G; r ≤ 40. The slow, obvious way.
   * - `montecarlo`: by simulation; the default beyond 500. Known to some percent only.
   */
  readonly method?: "lanczos" | "dense" | "montecarlo";
}

export interface MeanSquareThreshold {
  /** η*: SGD is stable in mean square iff its learning rate is at most this. */
  readonly eta: number;
  /** Standard error of `eta`: 0 for what is not simulated. It does not hold what chains are still above η* after their steps. */
  readonly standardError: number;
  readonly method: "lanczos" | "dense" | "montecarlo";
  /** Factor by which the second moments of δ in the range of G grow in a step, in the long run: < 1 below η*. */
  readonly spectralRadiusAt: (eta: number) => Promise<number>;
  /** Whether the eigenvalue has converged; by simulation, whether there were 5 n q steps and η* has stopped to drift. It drifts downwards. */
  readonly converged: boolean;
  /** Whether this is no interpolating minimum of a squared error, and the threshold a guess. */
  readonly heuristic: boolean;
}

/**
 * The exact threshold of mean-square stability of SGD. The second moments M = E[δδᵀ] evolve as M ← T(M) = M − 2η C(M) + η² D(M) with
 *
 *   C(M) = ½(G M + M G),   D(M) = (1−q) G M G + (q/n) Σ Hᵢ M Hᵢ,
 *
 * q = (n−B)/(B(n−1)) without replacement, 1/B with: SGD is a lottery of full steps and of steps on one example. T does not grow iff
 * η ≤ η* = 2/λ_max(C⁻¹D) on the range of G.
 *
 * Cost of `lanczos`: O(n r² + r³) for each of some dozen products, after one eigendecomposition of order min(n, p).
 *
 * @throws DomainError for a batch outside 1 to n, rows with NaN or all zero, a method whose limits are passed.
 * Source: Mulayoff & Michaeli, Exact mean square linear stability analysis for SGD (2023); Wu & Su (2023), arXiv 2305.17490.
 *
 * @example
 * const { eta } = await meanSquareThreshold(minimum, { batch: 8 });
 */
export async function meanSquareThreshold(m: Interpolant, options: MeanSquareOptions): Promise<MeanSquareThreshold> {
  const caller = "meanSquareThreshold";
  checkInterpolant(m, caller);
  expectOptions(caller, options, { batch: "number", method: "text", key: "key", chains: "number", steps: "number" });
  const { batch, replacement = false, signal } = options;
  const smaller = Math.min(m.examples, m.params);
  const { method = smaller <= largestRank ? "lanczos" : "montecarlo" } = options;
  const q = singleStepWeight(m.examples, batch, replacement, caller);
  const heuristic = isHeuristic(m);
  switch (method) {
    case "montecarlo": {
      const { eta, standardError, converged, growthAt } = await simulatedThreshold(m, q, options, caller);
      const spectralRadiusAt = async (lr: number): Promise<number> => Math.exp((await growthAt(checkedRate(lr))).mean);
      return { eta, standardError, method, spectralRadiusAt, converged, heuristic };
    }
    case "dense":
    case "lanczos": {
      const limit = method === "dense" ? 40 : largestRank;
      if (smaller > largestRank) {
        throw new DomainError(
          `${caller}: min(n, p) is ${smaller}; wants at most ${largestRank} for ${method}, or montecarlo.`,
        );
      }
      const coordinates = rangeCoordinates(m, caller);
      const rank = coordinates.values.shape[0];
      if (rank > limit)
        throw new DomainError(`${caller}: the rank of G is ${rank}; wants at most ${limit} for ${method}.`);
      const maps = method === "dense" ? denseMaps(coordinates, q) : matrixFreeMaps(coordinates, q);
      const top = await largestEigenvalue(maps.pencil, signal);
      return {
        eta: 2 / top.value,
        standardError: 0,
        method,
        spectralRadiusAt: async (lr) => (await largestEigenvalue(maps.step(checkedRate(lr)), signal)).value,
        converged: top.converged,
        heuristic,
      };
    }
    default:
      throw new DomainError(
        `${caller}: method is ${JSON.stringify(method)}; wants "lanczos", "dense" or "montecarlo".`,
      );
  }
}

/** q: how much a step on a batch is like a step on one example. */
export function singleStepWeight(n: number, batch: number, replacement: boolean, caller: string): number {
  checkCount(batch, caller, "batch", { most: n });
  if (replacement) return 1 / batch;
  return batch === n ? 0 : (n - batch) / (batch * (n - 1));
}

function checkedRate(lr: number): number {
  checkPositive(lr, "spectralRadiusAt", "eta");
  return lr;
}

interface Maps {
  /** C^(−½) D C^(−½), which is symmetric and has the eigenvalues of C⁻¹D. */
  readonly pencil: LinearOperator;
  /** T for a learning rate. It maps positive semi-definite matrices to such: its largest eigenvalue is its spectral radius. */
  readonly step: (eta: number) => LinearOperator;
}

/** On M [r, r] as vectors. G is diagonal, so C is too: C(M)_ab = ½(g_a + g_b) M_ab. */
function matrixFreeMaps({ rows, values }: RangeCoordinates, q: number): Maps {
  const [n, r] = rows.shape;
  const c = values.expandDims(1).add(values).div(2);
  const gg = values
    .expandDims(1)
    .mul(values)
    .mul(1 - q);
  const d = (m: Tensor): Tensor => {
    const quadratic = matmul(rows, m).mul(rows).sum(1); // bᵢᵀ M bᵢ
    return gg.mul(m).add(matmul(rows.transpose(), rows.mul(quadratic.expandDims(1))).mul(q / n));
  };
  const root = c.sqrt();
  const onMatrices = (f: (m: Tensor) => Tensor): LinearOperator =>
    linearOperator({
      matvec: (v: Tensor) => f(v.reshape([r, r])).reshape([r * r]),
      domain: ones([r * r], { dtype: "float64" }),
      symmetric: true,
    });
  return {
    pencil: onMatrices((m) => d(m.div(root)).div(root)),
    step: (eta) => onMatrices((m) => m.sub(c.mul(m).mul(2 * eta)).add(d(m).mul(eta ** 2))),
  };
}

/** The same as matrices of order r². */
function denseMaps({ rows, values }: RangeCoordinates, q: number): Maps {
  const [n, r] = rows.shape;
  const g = diag(values);
  const one = diag(ones([r], { dtype: "float64" }));
  const c = kron(g, one).add(kron(one, g)).div(2);
  // Σ Hᵢ ⊗ Hᵢ = Wᵀ W with rows bᵢ ⊗ bᵢ.
  const w = rows
    .expandDims(2)
    .mul(rows.expandDims(1))
    .reshape([n, r * r]);
  const d = kron(g, g)
    .mul(1 - q)
    .add(matmul(w.transpose(), w).mul(q / n));
  const size = matmul(c, ones([r * r], { dtype: "float64" })).sqrt(); // C is diagonal
  return {
    pencil: denseOperator(d.div(size).div(size.expandDims(1)), { symmetric: true }),
    step: (eta) =>
      denseOperator(
        diag(ones([r * r], { dtype: "float64" }))
          .sub(c.mul(2 * eta))
          .add(d.mul(eta ** 2)),
        {
          symmetric: true,
        },
      ),
  };
}

async function largestEigenvalue(
  a: LinearOperator,
  signal: AbortSignal | undefined,
): Promise<{ readonly value: number; readonly converged: boolean }> {
  const n = a.shape[0];
  // Compiling Lanczos' steps costs more than all eigenvalues of a small matrix.
  if (n <= 256) {
    const matrix = a.matmat(diag(ones([n], { dtype: "float64" })));
    return { value: await eigvalsh(matrix.add(matrix.transpose()).div(2)).max().item(), converged: true };
  }
  // The eigenvector is a positive semi-definite matrix: the identity is not orthogonal to it.
  const r = Math.round(Math.sqrt(n));
  const start = tensor(Float64Array.from({ length: n }, (_, i) => (i % (r + 1) === 0 ? 1 : 0)));
  const noise = random.normal(random.key(0), { shape: [n], dtype: "float64" }).mul(1e-3);
  const { values, converged } = await eigsh(a, {
    k: 1,
    tol: 1e-8,
    start: start.add(noise),
    verifyMultiplicity: false,
    check: false,
    ...(signal && { signal }),
  });
  return { value: await values.item(), converged };
}
