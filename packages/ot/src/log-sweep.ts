/** Sinkhorn's sweeps in the log domain on host arrays: two passes over the costs each, and exponentials only where they count. */

import type { ShannonProblem } from "./lyapunov.js";

/** Potentials whose columns fit, and how their rows do. */
export interface Swept {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** {@link softRows} of y: the next sweep starts from them. */
  readonly soft: Float64Array;
  /** Row sums of the plan. */
  readonly rows: Float64Array;
  /** f(x, y). */
  readonly potential: number;
  /** L1 error of the marginals. */
  readonly error: number;
}

/** x that fits the rows, then y that fits the columns: f never falls. `soft`: {@link softRows} of the y before. */
export function sweep(problem: ShannonProblem, soft: Float64Array): Swept {
  const { r, c, eta } = problem;
  const x = soft.map((s, i) => (Math.log(r[i]) + 1) / eta - s);
  const y = softColumns(problem, x).map((s, j) => (Math.log(c[j]) + 1) / eta - s);
  const next = softRows(problem, y);
  const rows = next.map((s, i) => Math.exp(eta * (x[i] + s) - 1));
  let [total, linear, error] = [0, 0, 0];
  for (let i = 0; i < r.length; i++) {
    total += rows[i];
    linear += r[i] * x[i];
    error += Math.abs(rows[i] - r[i]);
  }
  for (let j = 0; j < c.length; j++) linear += c[j] * y[j];
  return { x, y, soft: next, rows, potential: linear - total / eta, error };
}

/** log(Σ_j exp(η (y_j − C_ij))) / η for every row i. */
export function softRows({ C, r, c, eta }: ShannonProblem, y: Float64Array): Float64Array {
  const [n, m] = [r.length, c.length];
  const least = negligible(m) / eta;
  const soft = new Float64Array(n);
  const row = new Float64Array(m);
  for (let i = 0; i < n; i++) {
    let top = -Infinity;
    for (let j = 0; j < m; j++) {
      const value = (row[j] = y[j] - C[i * m + j]);
      if (value > top) top = value;
    }
    let sum = 0;
    for (let j = 0; j < m; j++) {
      const below = row[j] - top;
      if (below > least) sum += Math.exp(eta * below);
    }
    soft[i] = top + Math.log(sum) / eta;
  }
  return soft;
}

/** log(Σ_i exp(η (x_i − C_ij))) / η for every column j. */
function softColumns({ C, r, c, eta }: ShannonProblem, x: Float64Array): Float64Array {
  const [n, m] = [r.length, c.length];
  const least = negligible(n) / eta;
  const top = new Float64Array(m).fill(-Infinity);
  const sum = new Float64Array(m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      const value = x[i] - C[i * m + j];
      if (value > top[j]) top[j] = value;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      const below = x[i] - C[i * m + j] - top[j];
      if (below > least) sum[j] += Math.exp(eta * below);
    }
  }
  return sum.map((s, j) => top[j] + Math.log(s) / eta);
}

/** `count` exponentials of less than this, beside one of 0, are together less than half a last digit. */
function negligible(count: number): number {
  return Math.log(Number.EPSILON / 2 / count);
}
