/** Solution of triangular systems. */

import { externalFactorisations } from "../external-factorisations.js";
import { triangleOrder } from "../wasm/factorisation.js";
import { multiplyAdd } from "./multiply.js";
import { copied, inWorkSpace, kernelsFor } from "./work-space.js";

export interface TriangularSolveOptions {
  /** Which triangle of A is used; the other is never read. Default true. */
  readonly lower?: boolean;
  /** Solve with Aᵀ. Default false. */
  readonly transpose?: boolean;
  /** Take the diagonal as ones without reading it. Default false. */
  readonly unit?: boolean;
}

const NB = triangleOrder;
/** Right-hand sides from which packing A for a matrix product pays. */
const WIDE = 4;

/**
 * B ← op(A)⁻¹B in place, for a triangle A of [n, n] and B of [n, columns], op(A) = A or Aᵀ.
 *
 * Nothing fails: a zero on the diagonal gives Inf and NaN. Componentwise backward stable; n²·columns flops.
 */
export function triangularSolve(
  a: Float64Array,
  n: number,
  b: Float64Array,
  columns: number,
  { lower = true, transpose = false, unit = false }: TriangularSolveOptions = {},
): void {
  const external = externalFactorisations(n * n);
  if (external !== null && columns > 0) {
    external.solveTriangle(a, n, b, columns, { lower, transpose, unit });
    return;
  }
  const solve = (a: Float64Array, b: Float64Array): void =>
    solveTriangle(a, 0, transpose ? 1 : n, transpose ? n : 1, n, lower !== transpose, unit, b, 0, columns, columns);
  if (columns < WIDE) solve(a, b);
  else {
    inWorkSpace(n * n, n * (n + columns), () => {
      const x = copied(b, n * columns);
      solve(copied(a, n * n), x);
      b.set(x);
    });
  }
}

/**
 * The same on blocks: T(i, j) = a[ao + i·ar + j·ac] of [n, n], lower or upper as it stands, B at b[bo + i·br + j].
 *
 * Row blocks of 64: what the solved rows contribute is one matrix product, the rest is substitution by rows. Entry by entry it is
 * b − t₀b₀ − t₁b₁ − …, rounded in that order whatever the blocks.
 */
export function solveTriangle(
  a: Float64Array,
  ao: number,
  ar: number,
  ac: number,
  n: number,
  lower: boolean,
  unit: boolean,
  b: Float64Array,
  bo: number,
  br: number,
  columns: number,
): void {
  if (columns === 0) return;
  if (!lower) {
    // An upper triangle read from its last row and column is a lower one.
    ao += (n - 1) * (ar + ac);
    ar = -ar;
    ac = -ac;
    bo += (n - 1) * br;
    br = -br;
  }
  const block = columns < WIDE ? n : NB;
  for (let first = 0; first < n; first += block) {
    const end = Math.min(first + block, n);
    multiplyAdd(end - first, columns, first, -1, a, ao + first * ar, ar, ac, b, bo, br, 1, b, bo + first * br, br);
    if (
      columns >= WIDE &&
      substitute(a, ao + first * (ar + ac), ar, ac, end - first, unit, b, bo + first * br, br, 1, columns)
    )
      continue;
    for (let i = first; i < end; i++) {
      const row = bo + i * br;
      const t = ao + i * ar;
      if (columns === 1) {
        let sum = b[row];
        for (let p = first; p < i; p++) sum -= a[t + p * ac] * b[bo + p * br];
        b[row] = unit ? sum : sum / a[t + i * ac];
        continue;
      }
      subtractRows(a, t, ac, first, i, b, bo, br, row, columns);
      if (!unit) {
        const pivot = a[t + i * ac];
        for (let l = 0; l < columns; l++) b[row + l] /= pivot;
      }
    }
  }
}

/**
 * B ← T⁻¹B by the vector kernel, for a lower triangle T of at most 64 rows and B of any strides.
 *
 * @returns Whether it could be done.
 */
export function substitute(
  a: Float64Array,
  ao: number,
  ar: number,
  ac: number,
  n: number,
  unit: boolean,
  b: Float64Array,
  bo: number,
  br: number,
  bc: number,
  columns: number,
): boolean {
  const kernels = kernelsFor(a, b, b);
  if (kernels === null) return false;
  const { triangle } = kernels;
  const packed = new Float64Array(a.buffer, triangle, triangleOrder * n);
  for (let i = 0; i < n; i++) {
    for (let p = 0, x = ao + i * ar; p <= i; p++, x += ac) packed[i * triangleOrder + p] = a[x];
  }
  const panel = triangle + 8 * triangleOrder * triangleOrder;
  kernels.substitute(n, columns, triangle, b.byteOffset + 8 * bo, 8 * br, 8 * bc, unit ? 1 : 0, panel);
  return true;
}

/** b[row] −= Σ_p a[t + p·ac] b[p] over p in [first, end), four rows at a time. */
function subtractRows(
  a: Float64Array,
  t: number,
  ac: number,
  first: number,
  end: number,
  b: Float64Array,
  bo: number,
  br: number,
  row: number,
  columns: number,
): void {
  let p = first;
  for (; p + 4 <= end; p += 4) {
    const t0 = a[t + p * ac];
    const t1 = a[t + (p + 1) * ac];
    const t2 = a[t + (p + 2) * ac];
    const t3 = a[t + (p + 3) * ac];
    const x0 = bo + p * br;
    const x1 = x0 + br;
    const x2 = x1 + br;
    const x3 = x2 + br;
    for (let l = 0; l < columns; l++) {
      b[row + l] = b[row + l] - t0 * b[x0 + l] - t1 * b[x1 + l] - t2 * b[x2 + l] - t3 * b[x3 + l];
    }
  }
  for (; p < end; p++) {
    const tp = a[t + p * ac];
    const x = bo + p * br;
    for (let l = 0; l < columns; l++) b[row + l] -= tp * b[x + l];
  }
}
