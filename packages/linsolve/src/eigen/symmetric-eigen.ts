/**
 * Eigenpairs of a small symmetric matrix, on the host and in float64 whatever the backend computes in: the projected problem of Lanczos'
 * methods, whose few numbers have been read already.
 */

import { expectArguments } from "../arguments.js";
import { ConvergenceError, DomainError } from "@curv/tensor";

export interface SymmetricEigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** `vectors[i]` is the eigenvector of `values[i]`, of length 1. */
  readonly vectors: readonly Float64Array[];
}

/**
 * All eigenpairs of a symmetric tridiagonal matrix, like the T of a Lanczos run, by the implicit QL method in float64. O(m³).
 *
 * Plain numbers in and out, as {@link lanczos} gives them: no backend is asked for what it may not have.
 *
 * @param alpha - The diagonal, m numbers.
 * @param beta - Beside the diagonal: m − 1 numbers, or more, of which the others do not count.
 * @throws DomainError for too few numbers, or NaN and infinities among them; ConvergenceError where QL does not converge (never seen).
 * Source: Martin & Wilkinson, The implicit QL algorithm (1968). Like SciPy's `eigh_tridiagonal`, whose vectors are columns.
 *
 * @example
 * const { alpha, beta } = await lanczos(operator, start, { steps: 20 });
 * const { values } = eighTridiagonal(alpha, beta); // Ritz values, ascending
 */
export function eighTridiagonal(alpha: ArrayLike<number>, beta: ArrayLike<number>): SymmetricEigen {
  expectArguments("eighTridiagonal", { alpha: [alpha, "numbers"], beta: [beta, "numbers"] });
  const m = alpha.length;
  if (beta.length < m - 1) {
    throw new DomainError(`eighTridiagonal: beta has ${beta.length} numbers; wants ${m - 1}, one less than alpha.`);
  }
  const diagonal = Float64Array.from(alpha);
  const beside = Float64Array.from({ length: m }, (_, i) => (i + 1 < m ? beta[i] : 0));
  for (const [name, numbers] of Object.entries({ alpha: diagonal, beta: beside })) {
    const at = numbers.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) throw new DomainError(`eighTridiagonal: ${name}[${at}] is ${numbers[at]}; wants finite numbers.`);
  }
  const size = powerOfTwo(diagonal, beside);
  const over = (x: number): number => x / size;
  return scaled(diagonalise(diagonal.map(over), beside.map(over), identity(m)), size);
}

/** All eigenpairs of a symmetric matrix [m, m], row by row: Householder's reduction to a tridiagonal one, then QL. */
export function symmetricEigen(matrix: Float64Array, m: number): SymmetricEigen {
  const size = powerOfTwo(matrix);
  const a = Array.from({ length: m }, (_, i) => matrix.slice(i * m, (i + 1) * m).map((x) => x / size));
  const q = identity(m);
  for (let k = 0; k + 2 < m; k++) {
    // H = I − (2/vᵀv) v vᵀ takes the column below the diagonal to a multiple of e₁; v lives in the rows behind k.
    const v = Float64Array.from(a[k].subarray(k + 1));
    const length = Math.hypot(...v);
    if (length === 0) continue;
    const image = v[0] < 0 ? length : -length;
    // Of length between 1 and 2, before anything is squared: the squares of small numbers lose their digits.
    v.forEach((x, i) => (v[i] = x / length));
    v[0] += image < 0 ? 1 : -1;
    const square = dot(v, v);
    // H A H = A − v wᵀ − w vᵀ.
    const p = Float64Array.from(v, (_, i) => (2 / square) * dot(a[k + 1 + i].subarray(k + 1), v));
    const half = dot(v, p) / square;
    const w = p.map((x, i) => x - half * v[i]);
    for (let i = 0; i < v.length; i++) {
      const row = a[k + 1 + i].subarray(k + 1);
      for (let j = 0; j < row.length; j++) row[j] -= v[i] * w[j] + w[i] * v[j];
    }
    a[k][k + 1] = image;
    // Qᵀ ← H Qᵀ.
    const along = new Float64Array(m);
    v.forEach((x, i) => addMultiple(along, (2 / square) * x, q[k + 1 + i]));
    v.forEach((x, i) => addMultiple(q[k + 1 + i], -x, along));
  }
  const diagonal = Float64Array.from(a, (row, i) => row[i]);
  const beside = Float64Array.from(a, (row, i) => (i + 1 < m ? row[i + 1] : 0));
  return scaled(diagonalise(diagonal, beside, q), size);
}

/**
 * The power of two that belongs to the largest of the numbers. A matrix over it has the same eigenvectors, and no digit is lost: a rotation
 * by numbers below 2⁻¹⁰²² would be none, because they have no 53 digits.
 */
function powerOfTwo(...numbers: readonly Float64Array[]): number {
  const largest = numbers.reduce((most, list) => list.reduce((a, x) => Math.max(a, Math.abs(x)), most), 0);
  return largest === 0 ? 1 : 2 ** Math.max(Math.floor(Math.log2(largest)), -1074);
}

function scaled({ values, vectors }: SymmetricEigen, size: number): SymmetricEigen {
  return { values: values.map((x) => x * size), vectors };
}

const epsilon = 2 ** -52;

/** Implicit QL on a tridiagonal matrix, whose rotations are applied to the rows of q. `beside` ends with a number that is not used. */
function diagonalise(diagonal: Float64Array, beside: Float64Array, q: Float64Array[]): SymmetricEigen {
  const m = diagonal.length;
  const [d, e] = [diagonal, beside];
  const tiny = epsilon ** 2 * d.reduce((most, x, i) => Math.max(most, Math.abs(x), Math.abs(e[i])), 0);
  const isZero = (i: number): boolean =>
    Math.abs(e[i]) <= epsilon * (Math.abs(d[i]) + Math.abs(d[i + 1])) || Math.abs(e[i]) <= tiny;
  for (let first = 0; first < m; first++) {
    for (let sweep = 0; ; sweep++) {
      // The block from `first` to `last` hangs together.
      let last = first;
      while (last < m - 1 && !isZero(last)) last++;
      if (last === first) break;
      if (sweep === 100) {
        throw new ConvergenceError(`symmetric eigenvalues: no convergence after ${sweep} sweeps of QL.`);
      }
      // Wilkinson's shift.
      const ratio = (d[first + 1] - d[first]) / (2 * e[first]);
      const root = Math.hypot(ratio, 1);
      let g = d[last] - d[first] + e[first] / (ratio + (ratio < 0 ? -root : root));
      let [sine, cosine, shift] = [1, 1, 0];
      let i = last - 1;
      for (; i >= first; i--) {
        const [f, b] = [sine * e[i], cosine * e[i]];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) break;
        [sine, cosine] = [f / r, g / r];
        g = d[i + 1] - shift;
        const t = (d[i] - g) * sine + 2 * cosine * b;
        shift = sine * t;
        d[i + 1] = g + shift;
        g = cosine * t - b;
        rotate(q[i], q[i + 1], cosine, sine);
      }
      if (i >= first) {
        d[i + 1] -= shift;
      } else {
        d[first] -= shift;
        e[first] = g;
      }
      e[last] = 0;
    }
  }
  const order = Array.from(d.keys()).sort((i, j) => d[i] - d[j]);
  return { values: Float64Array.from(order, (i) => d[i]), vectors: order.map((i) => q[i]) };
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let k = 0; k < x.length; k++) {
    const [a, b] = [x[k], y[k]];
    x[k] = cosine * a - sine * b;
    y[k] = sine * a + cosine * b;
  }
}

function identity(m: number): Float64Array[] {
  return Array.from({ length: m }, (_, i) => {
    const row = new Float64Array(m);
    row[i] = 1;
    return row;
  });
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function addMultiple(y: Float64Array, c: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] += c * x[i];
}
