/** Eigenvectors of a symmetric tridiagonal matrix by divide and conquer: matrix products instead of rotations. */

import { multiplyAdd } from "./multiply.js";
import { hypot, maxAbs } from "./norm.js";
import { rotationQueue, rotationSpace } from "./plane-rotations.js";
import { secularRoot } from "./secular-equation.js";
import { tridiagonalQl } from "./tridiagonal-ql.js";
import { doubles, giveBack } from "./work-space.js";

const EPS = 2 ** -53;
/** Up to this order the QL iteration. */
const LEAF = 64;

/** Numbers of work space that {@link divideAndConquer} takes. */
export function divideAndConquerSpace(n: number): number {
  return 3 * n * n + n + 4 * LEAF * LEAF + rotationSpace(LEAF, LEAF);
}

/**
 * T = V diag(w) Vᵀ. T is torn in two by a matrix of rank one, both halves are decomposed, and put together: the eigenvalues are the roots
 * of a secular equation, the eigenvectors those of a diagonal matrix plus one of rank one, times those of the halves. Pairs that the
 * coupling does not move (as often most of them) are left out.
 *
 * ‖TV − VW‖ and ‖VᵀV − I‖ are of the order of nε‖T‖ and nε.
 *
 * @param d - Diagonal; receives w in no order.
 * @param e - Subdiagonal, e[i] = T[i + 1, i]; destroyed.
 * @param rows - [n, n], zeros; receives Vᵀ, a row for each element of `d`.
 * @returns 0, or how many eigenvalues did not converge.
 * Source: Gu & Eisenstat, A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem (1995).
 */
export function divideAndConquer(d: Float64Array, e: Float64Array, rows: Float64Array): number {
  const n = d.length;
  // What is negligible is so beside couplings and vectors of size 1.
  const scale = powerOfTwoNear(Math.max(maxAbs(d), maxAbs(e)));
  for (let i = 0; i < n; i++) d[i] /= scale;
  for (let i = 0; i < n - 1; i++) e[i] /= scale;
  const space = { u: doubles(n * n), parts: doubles(n * Math.ceil(n / 2)) };
  const info = decompose({ n, d, e, rows, ...space }, 0, n);
  giveBack(space.u);
  for (let i = 0; i < n; i++) d[i] *= scale;
  return info;
}

function powerOfTwoNear(x: number): number {
  return x === 0 ? 1 : 2 ** Math.min(1022, Math.max(-1022, Math.round(Math.log2(x))));
}

interface Problem {
  readonly n: number;
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly rows: Float64Array;
  /** Work space, of n² numbers and of half of that. */
  readonly u: Float64Array;
  readonly parts: Float64Array;
}

/** Decomposes T[low..high − 1] into d[low..] and the diagonal block of `rows`. */
function decompose(problem: Problem, low: number, high: number): number {
  const { d, e } = problem;
  if (high - low <= LEAF) return leaf(problem, low, high);
  const middle = (low + high) >> 1;
  // T = diag(T₁, T₂) + |β| v vᵀ, v = (0, …, 0, 1, ±1, 0, …, 0).
  const beta = e[middle - 1];
  d[middle - 1] -= Math.abs(beta);
  d[middle] -= Math.abs(beta);
  const info = decompose(problem, low, middle) + decompose(problem, middle, high);
  if (info === 0 && beta !== 0) return join(problem, low, middle, high, beta);
  return info;
}

function leaf({ n, d, e, rows }: Problem, low: number, high: number): number {
  const size = high - low;
  const vectors = doubles(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const own = d.slice(low, high);
  const info = tridiagonalQl(own, e.slice(low, high - 1), rotationQueue(vectors, size, size, size));
  d.set(own, low);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) rows[(low + j) * n + low + i] = vectors[i * size + j];
  giveBack(vectors);
  return info;
}

/** Where an eigenvector of the halves is not zero. */
type Support = 0 | 1 | 2;
const [TOP, BOTH, BOTTOM]: Support[] = [0, 1, 2];

function join(problem: Problem, low: number, middle: number, high: number, beta: number): number {
  const { n, d, rows, u } = problem;
  const size = high - low;
  // The coupling in the eigenvectors of the halves, of length √2: normalised.
  const z = new Float64Array(size);
  const scale = Math.SQRT1_2;
  for (let j = low; j < middle; j++) z[j - low] = scale * rows[j * n + middle - 1];
  for (let j = middle; j < high; j++) z[j - low] = (beta < 0 ? -scale : scale) * rows[j * n + middle];
  const rho = 2 * Math.abs(beta);
  const kept = deflate(problem, low, middle, high, z, rho);
  const k = kept.length;
  if (k === 0) return 0;

  const poles = Float64Array.from(kept, ({ index }) => d[index]);
  const weights = Float64Array.from(kept, ({ index }) => z[index - low]);
  let length = 0;
  for (const w of weights) length = hypot(length, w);
  const normalised = weights.map((w) => w / length);
  const strength = rho * length * length;
  // Row i of U: the differences d_j − λ_i, then the eigenvector that they give.
  const roots = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    roots[i] = k === 1 ? poles[0] + strength : secularRoot(i, k, poles, normalised, strength, u, i * k);
    if (Number.isNaN(roots[i])) return k - i;
  }
  if (k === 1) u[0] = 1;
  else secularVectors(k, poles, normalised, u, columnsBySupport(kept));
  multiplyRows(problem, low, middle, high, kept);
  kept.forEach(({ index }, i) => (d[index] = roots[i]));
  return 0;
}

interface Kept {
  /** Of the row, and of its eigenvalue. */
  readonly index: number;
  readonly support: Support;
}

/**
 * The pairs that the coupling moves, with ascending eigenvalues that are apart. Others it does not reach; and of two whose eigenvalues
 * hardly differ, a rotation takes one out of its reach.
 */
function deflate(
  { n, d, rows }: Problem,
  low: number,
  middle: number,
  high: number,
  z: Float64Array,
  rho: number,
): Kept[] {
  const order = Array.from({ length: high - low }, (_, j) => low + j).sort((a, b) => d[a] - d[b]);
  let largest = 0;
  for (const j of order) largest = Math.max(largest, Math.abs(d[j]), Math.abs(z[j - low]));
  const negligible = 8 * EPS * largest;
  const kept: Kept[] = [];
  let last: Kept | null = null;
  for (const index of order) {
    if (rho * Math.abs(z[index - low]) <= negligible) continue;
    let next: Kept = { index, support: index < middle ? TOP : BOTTOM };
    if (last !== null) {
      const [zLast, zNext] = [z[last.index - low], z[index - low]];
      const r = hypot(zLast, zNext);
      const [c, s] = [zNext / r, zLast / r];
      if (Math.abs((d[index] - d[last.index]) * c * s) <= negligible) {
        // The last one takes all of z's zero, the next one all of its length.
        z[index - low] = r;
        z[last.index - low] = 0;
        rotateRows(rows, n, last.index, index, low, high, c, s);
        const [below, above] = [d[last.index], d[index]];
        d[index] = below * s * s + above * c * c;
        d[last.index] = below * c * c + above * s * s;
        if (last.support !== next.support) next = { index, support: BOTH };
      } else kept.push(last);
    }
    last = next;
  }
  if (last !== null) kept.push(last);
  return kept;
}

/** Rows p and q become c p − s q and s p + c q. */
function rotateRows(
  rows: Float64Array,
  n: number,
  p: number,
  q: number,
  low: number,
  high: number,
  c: number,
  s: number,
): void {
  for (let j = low; j < high; j++) {
    const [x, y] = [rows[p * n + j], rows[q * n + j]];
    rows[p * n + j] = c * x - s * y;
    rows[q * n + j] = s * x + c * y;
  }
}

/** The columns of U: first those of eigenvectors of the top, then of both, then of the bottom. */
function columnsBySupport(kept: readonly Kept[]): Int32Array {
  const column = new Int32Array(kept.length);
  let next = 0;
  for (const support of [TOP, BOTH, BOTTOM]) {
    kept.forEach((pair, j) => {
      if (pair.support === support) column[j] = next++;
    });
  }
  return column;
}

/**
 * Row i of U becomes the i-th eigenvector of diag(d) + ρ ẑẑᵀ. ẑ is not z, but what the computed roots are exact for: the vectors are then
 * orthogonal, however close the roots are.
 */
function secularVectors(k: number, d: Float64Array, z: Float64Array, u: Float64Array, column: Int32Array): void {
  // |ẑ_j|² ∝ Π_i (λ_i − d_j) / Π_{i ≠ j} (d_i − d_j)
  const exact = new Float64Array(k).fill(1);
  for (let i = 0; i < k; i++) {
    const row = i * k;
    for (let j = 0; j < k; j++) exact[j] *= i === j ? u[row + j] : u[row + j] / (d[j] - d[i]);
  }
  for (let j = 0; j < k; j++) exact[j] = Math.sign(z[j]) * Math.sqrt(Math.abs(exact[j]));
  const vector = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const row = i * k;
    let square = 0;
    for (let j = 0; j < k; j++) {
      const x = (vector[j] = exact[j] / u[row + j]);
      square += x * x;
    }
    const scale = 1 / Math.sqrt(square);
    for (let j = 0; j < k; j++) u[row + column[j]] = scale * vector[j];
  }
}

/** The kept rows become U times the kept rows; each product only with the part where they are not zero. */
function multiplyRows(
  { n, rows, u, parts }: Problem,
  low: number,
  middle: number,
  high: number,
  kept: readonly Kept[],
): void {
  const k = kept.length;
  const bySupport = [TOP, BOTH, BOTTOM].map((support) => kept.filter((pair) => pair.support === support));
  const [top, both, bottom] = bySupport.map((pairs) => pairs.map(({ index }) => index));
  for (const [sources, start, end, first] of [
    [[...top, ...both], low, middle, 0],
    [[...both, ...bottom], middle, high, top.length],
  ] as const) {
    const width = end - start;
    const from = parts.subarray(0, sources.length * width);
    sources.forEach((index, i) => from.set(rows.subarray(index * n + start, index * n + end), i * width));
    const product = doubles(k * width);
    multiplyAdd(k, width, sources.length, 1, u, first, k, 1, from, 0, width, 1, product, 0, width);
    kept.forEach(({ index }, i) => rows.set(product.subarray(i * width, (i + 1) * width), index * n + start));
    giveBack(product);
  }
}
