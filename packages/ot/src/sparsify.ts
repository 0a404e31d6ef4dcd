/** Which elements of the plan the Hessian keeps, and products and solves with what is left. */

/** How many elements stay. */
export type MaskRule =
  /** Of each row and each column the largest elements, all but a share min(`deltaMax`, error) of the mass. */
  | { readonly kind: "auto"; readonly deltaMax?: number }
  /** The ⌈λ (n + m)²⌉ largest elements of the Hessian, ties included: the paper's rule. */
  | { readonly kind: "fixed"; readonly lambda: number }
  /** All: Newton's method. */
  | { readonly kind: "dense" };

/** Compressed rows of the elements that stay. */
export interface SparsePlan {
  readonly n: number;
  readonly m: number;
  /** [n + 1]. */
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
}

/** The elements of a plan P [n, m] (row by row, with sums `rows` and `columns`) that `rule` keeps at a marginal error of `error`. */
export function sparsifyPlan(
  P: Float64Array,
  rows: Float64Array,
  columns: Float64Array,
  rule: MaskRule,
  error: number,
): SparsePlan {
  const [n, m] = [rows.length, columns.length];
  const floor = new Float64Array(n);
  const columnFloor = new Float64Array(m);
  if (rule.kind === "fixed") {
    const threshold = orderStatistic(P, rows, columns, Math.ceil(rule.lambda * (n + m) ** 2));
    floor.fill(threshold);
    columnFloor.fill(threshold);
  } else if (rule.kind === "auto") {
    const delta = Math.min(rule.deltaMax ?? 1e-2, error);
    for (let i = 0; i < n; i++) floor[i] = smallestKept(P, i * m, 1, m, delta * rows[i]);
    for (let j = 0; j < m; j++) columnFloor[j] = smallestKept(P, j, m, n, delta * columns[j]);
  }
  const start = new Int32Array(n + 1);
  let count = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) if (keeps(P[i * m + j], floor[i], columnFloor[j])) count++;
    start[i + 1] = count;
  }
  const column = new Int32Array(count);
  const value = new Float64Array(count);
  let k = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      const p = P[i * m + j];
      if (!keeps(p, floor[i], columnFloor[j])) continue;
      column[k] = j;
      value[k++] = p;
    }
  }
  return { n, m, start, column, value };
}

function keeps(p: number, rowFloor: number, columnFloor: number): boolean {
  return p > 0 && (p >= rowFloor || p >= columnFloor);
}

/** The smallest element of a row or column that stays when the longest prefix of at most `budget` mass goes, smallest first. */
function smallestKept(P: Float64Array, offset: number, stride: number, length: number, budget: number): number {
  // Elements up to budget / length together cannot exceed the budget: they go without being sorted.
  const certain = budget / length;
  const rest: number[] = [];
  let dropped = 0;
  for (let k = 0; k < length; k++) {
    const p = P[offset + k * stride];
    if (p <= certain) dropped += p;
    else rest.push(p);
  }
  rest.sort((x, y) => x - y);
  for (const p of rest) {
    dropped += p;
    if (dropped > budget) return p;
  }
  return Infinity;
}

/** The k-th largest element of the Hessian [[diag(rows), P], [Pᵀ, diag(columns)]], by bisection over the bits of a double: 64 counts. */
function orderStatistic(P: Float64Array, rows: Float64Array, columns: Float64Array, k: number): number {
  const bits = new BigUint64Array(1);
  const number = new Float64Array(bits.buffer);
  const atLeast = (threshold: number): number => {
    let count = 0;
    for (const p of P) if (p >= threshold) count += 2;
    for (const r of rows) if (r >= threshold) count++;
    for (const c of columns) if (c >= threshold) count++;
    return count;
  };
  let low = 0n;
  let high = 0x7ff0000000000000n;
  while (high - low > 1n) {
    bits[0] = (low + high) >> 1n;
    if (atLeast(number[0]) >= k) low = bits[0];
    else high = bits[0];
  }
  bits[0] = low;
  return number[0];
}

/** out = [[diag(rows), P], [Pᵀ, diag(columns)]] z with the whole marginals on the diagonal, for z = (x [n], y [m]). */
export function applyHessian(
  { n, m, start, column, value }: SparsePlan,
  rows: Float64Array,
  columns: Float64Array,
  z: Float64Array,
  out: Float64Array,
): void {
  for (let j = 0; j < m; j++) out[n + j] = columns[j] * z[n + j];
  for (let i = 0; i < n; i++) {
    const x = z[i];
    let sum = rows[i] * x;
    for (let k = start[i]; k < start[i + 1]; k++) {
      const j = n + column[k];
      sum += value[k] * z[j];
      out[j] += value[k] * x;
    }
    out[i] = sum;
  }
}

export interface HessianSolution {
  readonly z: Float64Array;
  readonly iterations: number;
  /** False: conjugate gradients met a direction without curvature, or numbers that are not finite. */
  readonly isSound: boolean;
  /** The residual is within the tolerance. */
  readonly isSolved: boolean;
}

/** Conjugate gradients with the diagonal as preconditioner, and 10⁻¹² of the diagonal added: f does not see (1, −1). */
export function solveHessian(
  plan: SparsePlan,
  rows: Float64Array,
  columns: Float64Array,
  b: Float64Array,
  tol: number,
  maxIter: number,
): HessianSolution {
  const size = b.length;
  const diagonal = new Float64Array(size);
  diagonal.set(rows);
  diagonal.set(columns, plan.n);
  const z = new Float64Array(size);
  const r = b.slice();
  const p = new Float64Array(size);
  const Ap = new Float64Array(size);
  let rho = 0;
  for (let i = 0; i < size; i++) {
    p[i] = r[i] / diagonal[i];
    rho += r[i] * p[i];
  }
  const goal = rho * tol * tol;
  let iterations = 0;
  while (iterations < maxIter && rho > goal) {
    applyHessian(plan, rows, columns, p, Ap);
    let curvature = 0;
    for (let i = 0; i < size; i++) {
      Ap[i] += 1e-12 * diagonal[i] * p[i];
      curvature += p[i] * Ap[i];
    }
    if (!(curvature > 1e-300)) break;
    const alpha = rho / curvature;
    let next = 0;
    for (let i = 0; i < size; i++) {
      z[i] += alpha * p[i];
      r[i] -= alpha * Ap[i];
      next += (r[i] * r[i]) / diagonal[i];
    }
    const beta = next / rho;
    for (let i = 0; i < size; i++) p[i] = r[i] / diagonal[i] + beta * p[i];
    rho = next;
    iterations++;
  }
  return { z, iterations, isSound: Number.isFinite(rho) && (iterations > 0 || rho <= goal), isSolved: rho <= goal };
}
