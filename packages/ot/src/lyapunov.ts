/** The potential that Sinkhorn-Newton-Sparse maximises, f(x, y) = −Σ P / η + r·x + c·y with P_ij = exp(η (x_i + y_j − C_ij) − 1). */

export interface ShannonProblem {
  readonly C: Float64Array;
  /** Marginals > 0. */
  readonly r: Float64Array;
  readonly c: Float64Array;
  readonly eta: number;
}

/** A point, the plan there, and what follows from it. */
export interface Evaluation {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly P: Float64Array;
  readonly rows: Float64Array;
  readonly columns: Float64Array;
  /** f(x, y). */
  readonly potential: number;
  /** ‖P1 − r‖₁ + ‖Pᵀ1 − c‖₁. */
  readonly error: number;
}

/** One pass over the costs. */
export function evaluate(
  { C, r, c, eta }: ShannonProblem,
  x: Float64Array,
  y: Float64Array,
  P?: Float64Array,
): Evaluation {
  const [n, m] = [r.length, c.length];
  const plan = P ?? new Float64Array(n * m);
  const rows = new Float64Array(n);
  const columns = new Float64Array(m);
  let total = 0;
  let linear = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < m; j++) {
      const p = Math.exp(eta * (x[i] + y[j] - C[i * m + j]) - 1);
      plan[i * m + j] = p;
      sum += p;
      columns[j] += p;
    }
    rows[i] = sum;
    total += sum;
    linear += r[i] * x[i];
  }
  let error = 0;
  for (let i = 0; i < n; i++) error += Math.abs(rows[i] - r[i]);
  for (let j = 0; j < m; j++) {
    error += Math.abs(columns[j] - c[j]);
    linear += c[j] * y[j];
  }
  return { x, y, P: plan, rows, columns, potential: linear - total / eta, error };
}
