/** Greenkhorn: Sinkhorn's iteration on one row or one column at a time, the one that fits worst. */

import { tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkEqualMass, checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { checkCost, costMatrix, type Cost } from "./cost.js";
import { breathe, type Driver } from "./driver.js";
import type { SinkhornProgress } from "./sinkhorn.js";

export interface GreenkhornOptions extends Driver<SinkhornProgress> {
  /** Strength ε > 0 of the entropy. */
  readonly epsilon: number;
  /** Allowed L1 error of both marginals. Default 1e-9, in float32 1e-5. */
  readonly tol?: number;
  /** Largest number of updates of a row or a column. Default 1000 (n + m). */
  readonly maxIter?: number;
}

export interface GreenkhornResult {
  /** P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε), [n, m]. */
  plan(): Tensor;
  /** Potentials, with Σ a f = Σ b g; those of weights 0 are 0. */
  readonly f: Tensor;
  readonly g: Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  /** Updates of a row or a column. */
  readonly iterations: number;
  /** L1 error of both marginals of the plan that is returned. */
  readonly residual: number;
  readonly history: readonly SinkhornProgress[];
}

/**
 * Entropic transport by greedy updates: each fits the row or the column whose sum r is furthest from its weight w, by
 * ρ(w, r) = r − w + w log(w/r). An update costs O(n + m) where a sweep costs O(nm). In float64 on the host.
 *
 * The plan is that of {@link sinkhorn}. Starts from a sweep in the log domain, so that no row underflows.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0 of the same sum, [m].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Altschuler, Weed & Rigollet, Near-linear time approximation algorithms for optimal transport via Sinkhorn iteration (2017), alg. 4.
 *
 * @example
 * const { plan, converged } = await greenkhorn(a, b, C, { epsilon: 0.1 });
 */
export async function greenkhorn(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: GreenkhornOptions,
): Promise<GreenkhornResult> {
  const name = "greenkhorn";
  const { n, m, leaf } = checkCost(cost, name);
  checkWeights(a, n, name, "a");
  checkWeights(b, m, name, "b");
  checkSameDType([leaf, a, b], name);
  checkEqualMass(a, b, name);
  const { epsilon, tol = a.dtype === "float32" ? 1e-5 : 1e-9, maxIter = 1000 * (n + m) } = options;
  checkNumber(epsilon, name, "epsilon", { low: 0 });
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(maxIter, name, "maxIter");
  const read = async (t: Tensor): Promise<Float64Array> => Float64Array.from(await t.data());
  const state = new GreedyScaling(await read(a), await read(b), await read(costMatrix(cost)), epsilon);
  const history: SinkhornProgress[] = [];
  let iterations = 0;
  let residual = state.restart();
  while (residual > tol && iterations < maxIter) {
    const count = Math.min(10 * (n + m), maxIter - iterations);
    for (let k = 0; k < count; k++) state.update();
    iterations += count;
    // Sums that were kept up to date by differences are computed anew.
    residual = state.restart();
    history.push({ iterations, residual });
    await breathe(options, history[history.length - 1]);
  }
  const { f, g, P, C } = state;
  let value = 0;
  for (let k = 0; k < P.length; k++) value += P[k] * C[k];
  const shift = state.centre();
  return {
    plan: () => tensor(P.slice(), { shape: [n, m] }).cast(a.dtype),
    f: tensor(f.map((x) => x - shift)).cast(a.dtype),
    g: tensor(g.map((x) => x + shift)).cast(a.dtype),
    cost: value,
    converged: residual <= tol,
    status: residual <= tol ? "converged" : "max-iterations",
    iterations,
    residual,
    history,
  };
}

/** The plan, its sums, and what each row and column still misses. */
class GreedyScaling {
  readonly f: Float64Array;
  readonly g: Float64Array;
  readonly P: Float64Array;
  private readonly rows: Float64Array;
  private readonly columns: Float64Array;

  constructor(
    private readonly a: Float64Array,
    private readonly b: Float64Array,
    readonly C: Float64Array,
    private readonly epsilon: number,
  ) {
    const [n, m] = [a.length, b.length];
    this.f = new Float64Array(n);
    this.g = new Float64Array(m);
    this.P = new Float64Array(n * m);
    this.rows = new Float64Array(n);
    this.columns = new Float64Array(m);
    for (let i = 0; i < n; i++) {
      if (a[i] === 0) continue;
      let least = Infinity;
      for (let j = 0; j < m; j++) if (b[j] > 0) least = Math.min(least, C[i * m + j]);
      let sum = 0;
      for (let j = 0; j < m; j++) sum += b[j] * Math.exp((least - C[i * m + j]) / epsilon);
      this.f[i] = least - epsilon * Math.log(sum);
    }
    for (let j = 0; j < m; j++) {
      if (b[j] === 0) continue;
      let least = Infinity;
      for (let i = 0; i < n; i++) if (a[i] > 0) least = Math.min(least, C[i * m + j] - this.f[i]);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        if (a[i] > 0) sum += a[i] * Math.exp((least + this.f[i] - C[i * m + j]) / epsilon);
      }
      this.g[j] = least - epsilon * Math.log(sum);
    }
  }

  /** The plan and its sums from the potentials; returns the L1 error of the marginals. */
  restart(): number {
    const { a, b, f, g, P, C, rows, columns, epsilon } = this;
    const m = b.length;
    rows.fill(0);
    columns.fill(0);
    for (let i = 0; i < a.length; i++) {
      for (let j = 0; j < m; j++) {
        const p = a[i] > 0 && b[j] > 0 ? a[i] * b[j] * Math.exp((f[i] + g[j] - C[i * m + j]) / epsilon) : 0;
        P[i * m + j] = p;
        rows[i] += p;
        columns[j] += p;
      }
    }
    let error = 0;
    for (let i = 0; i < a.length; i++) error += Math.abs(rows[i] - a[i]);
    for (let j = 0; j < m; j++) error += Math.abs(columns[j] - b[j]);
    return error;
  }

  /** Fits the row or the column that is furthest off. */
  update(): void {
    const { a, b, f, g, P, rows, columns, epsilon } = this;
    const [n, m] = [a.length, b.length];
    let worst = 0;
    let at = -1;
    for (let k = 0; k < n + m; k++) {
      const [weight, sum] = k < n ? [a[k], rows[k]] : [b[k - n], columns[k - n]];
      if (weight === 0) continue;
      const rho = weight * excess((sum - weight) / weight);
      if (!(rho > worst)) continue;
      worst = rho;
      at = k;
    }
    if (at < 0) return;
    const isRow = at < n;
    const index = isRow ? at : at - n;
    const [weights, own, others, potential] = isRow ? [a, rows, columns, f] : [b, columns, rows, g];
    const ratio = weights[index] / own[index];
    potential[index] += epsilon * Math.log(ratio);
    const [start, stride] = isRow ? [index * m, 1] : [index, m];
    for (let k = 0; k < others.length; k++) {
      const old = P[start + k * stride];
      const p = old * ratio;
      P[start + k * stride] = p;
      others[k] += p - old;
    }
    own[index] = weights[index];
  }

  /** t for which Σ a (f − t) = Σ b (g + t). */
  centre(): number {
    const inner = (w: Float64Array, z: Float64Array): number => w.reduce((s, x, i) => s + x * z[i], 0);
    const mass = (w: Float64Array): number => w.reduce((s, x) => s + x, 0);
    return (inner(this.a, this.f) - inner(this.b, this.g)) / (mass(this.a) + mass(this.b));
  }
}

/** t − log(1 + t), right to the last digits for small t, too. */
function excess(t: number): number {
  return Math.abs(t) < 1e-3 ? t * t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t / 6)))) : t - Math.log1p(t);
}
