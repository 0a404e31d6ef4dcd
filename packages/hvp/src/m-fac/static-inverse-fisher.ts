/** The inverse of a damped empirical Fisher of gradients that are all there: M-FAC's static algorithm. */

import {
  check,
  concat,
  diagonal,
  DomainError,
  DTypeError,
  eye,
  floor,
  isTensor,
  matmul,
  matrixTranspose,
  ShapeError,
  stopGradient,
  take,
  tensor,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { cholesky, triangularSolve } from "@curv/tensor/linalg";
import { expectOptions, linearOperator, type FloatDType, type LinearOperator } from "@curv/linsolve";
import { checkDamping, defaultDamping } from "./damping.js";
import { wideCombine, wideInner } from "./wide-primitives.js";

export interface StaticInverseFisherOptions {
  /** λ > 0. Default 1e-5. */
  readonly damping?: number;
  /** Only curvature within blocks of so many neighbouring parameters; the last may be shorter. Default: all in one block. */
  readonly blockSize?: number;
  /**
   * Gradients that are taken in at once. Any number gives the same inverse; with 1 the build is the recurrence as it stands in the paper.
   * Default: 8, less for blocks of fewer than 64 parameters, where products of a page and V would take much room, and for fewer than 40
   * gradients, so that V and what it is made from take at most 1.2 m d numbers.
   */
  readonly pageRows?: number;
  /** m. Needed only for gradients from an iterable that is no array, because F is their mean before the last has come. */
  readonly count?: number;
}

/** F⁻¹ for F = λI + (1/m) Σᵢ gᵢgᵢᵀ, as a symmetric positive semi-definite operator on vectors [d]. */
export interface StaticInverseFisher extends LinearOperator {
  /** m. */
  readonly count: number;
  readonly damping: number;
  readonly blockSize: number;
  /** F⁻¹ x for x [d], or F⁻¹ X for the columns of X [d, k]. */
  readonly apply: (x: Tensor) => Tensor;
  /** (F⁻¹)_ab, a scalar, in O(m). */
  readonly element: (a: number, b: number) => Tensor;
  /** The rows and columns of F⁻¹ at `indices` (int32 [s]), [s, s], in O(m s²). */
  readonly submatrix: (indices: Tensor) => Tensor;
  /** The diagonal (F⁻¹)_aa as a vector [d], in O(md). */
  readonly diagonal: () => Tensor;
}

/** What is kept: v_i = F_{i−1}⁻¹ g_i and c_i = m + g_i·v_i, where F_i holds the first i gradients. */
interface Factors {
  /** Pages [r, d] of V. */
  readonly pages: readonly Tensor[];
  /** float64 [blocks, rows]. */
  readonly c: readonly Tensor[];
}

/**
 * F⁻¹ for F = λI + (1/m) Σᵢ gᵢgᵢᵀ by the Sherman–Morrison formula, one gradient after the other:
 *
 * v_i = g_i/λ − Σ_{j<i} (v_j·g_i / c_j) v_j, c_i = m + g_i·v_i, and F⁻¹x = x/λ − Σ_j (v_j·x / c_j) v_j.
 *
 * O(d m²) to build, O(d m) a product; d × d numbers are never there. Inner products are float64, whatever the dtype. Gradients may be
 * zero, repeated, or more than there are parameters. Traceable and differentiable.
 *
 * V takes as much room as the gradients. From an iterable the gradients are taken one page after the other and let go, so that both are
 * never there at once: the paper's build in place.
 *
 * @param grads - [m, d], or tensors [d] or [r, d] from an array or an iterable.
 * @throws ShapeError for gradients of other shapes, none, or not `count`; DTypeError for integers; DomainError for a damping that is not
 * positive, a block or page size below 1, or a gradient with NaN or an infinity, naming its row.
 * Source: Frantar, Kurtic & Alistarh, M-FAC (2021), section 3.1 and algorithm 1.
 *
 * @example
 * const inverse = staticInverseFisher(grads, { damping: 1e-3, blockSize: 128 });
 * const scores = weights.square().div(inverse.diagonal().mul(2));
 */
export function staticInverseFisher(
  grads: Tensor | Iterable<Tensor>,
  options: StaticInverseFisherOptions = {},
): StaticInverseFisher {
  expectOptions("staticInverseFisher", options, { blockSize: "number", pageRows: "number", count: "number" });
  if (!isTensor(grads) && typeof (grads as Iterable<Tensor> | undefined | null)?.[Symbol.iterator] !== "function") {
    throw new DomainError(
      `staticInverseFisher: grads is ${String(grads)}; wants a Tensor [m, d], or an iterable of gradients.`,
    );
  }
  const { damping = defaultDamping, blockSize = Infinity } = options;
  checkDamping(damping, "staticInverseFisher");
  checkSize(blockSize, "blockSize");
  checkSize(options.pageRows ?? 8, "pageRows");
  const count = countOf(grads, options.count);
  // A page beside V is a fifth of its room at most: 1.2 m d numbers in all.
  const pageRows = options.pageRows ?? Math.max(1, Math.min(8, Math.floor(blockSize / 8), Math.floor(count / 5)));
  const source = isTensor(grads) ? pagesOf(grads, pageRows) : groups(grads, pageRows);
  let factors: Factors = { pages: [], c: [] };
  let form: { readonly dim: number; readonly dtype: FloatDType; readonly blockSize: number } | null = null;
  let seen = 0;
  for (const page of source) {
    form ??= formOf(page[0], blockSize);
    const first = seen;
    for (const part of page) {
      checkPage(part, form, seen);
      seen += part.shape[0];
    }
    factors = takeIn(page, factors, { damping, count, first, ...form });
  }
  if (form === null || seen !== count) {
    throw new ShapeError(`staticInverseFisher: grads holds ${seen} gradients; wants ${Math.max(1, count)}.`);
  }
  return inverseFrom(factors, { damping, count, ...form });
}

interface Setting {
  readonly damping: number;
  readonly count: number;
  readonly dim: number;
  readonly dtype: FloatDType;
  readonly blockSize: number;
}

/**
 * V and c with a page of gradients more. Within the page, T_ij = g_iᵀ F⁻¹ g_j with the F of the pages before; T + mI = L diag(c) Lᵀ with
 * unit L unrolls the formula, since L v = F⁻¹ g: for a page of one gradient, c = m + g·v and v = F⁻¹ g.
 */
function takeIn(
  page: readonly Tensor[],
  { pages, c }: Factors,
  { damping, count, blockSize, dtype, first }: Setting & { readonly first: number },
): Factors {
  const rows = rowsIn(page);
  const gram = wideInner(page, page, blockSize); // [blocks, r, r]
  checkFinite(gram, first);
  const identity = eye(rows, rows, { dtype: "float64" });
  let t = gram.div(damping);
  let along: Tensor | null = null;
  if (pages.length > 0) {
    const products = wideInner(pages, page, blockSize); // v_j·g_i: [blocks, j, i]
    along = products.div(concat(c, 1).expandDims(2));
    t = t.sub(matmul(matrixTranspose(products), along));
  }
  const l = cholesky(t.add(identity.mul(count)));
  const pivots = diagonal(l); // [blocks, r]
  const inverse = triangularSolve(l.div(pivots.expandDims(1)), identity.broadcastTo(l.shape), { unit: true }); // L⁻¹
  const own = inverse.div(damping);
  const coefficients = along === null ? own : concat([own, matmul(inverse, matrixTranspose(along)).neg()], 2);
  const v = wideCombine(coefficients, [...page, ...pages], { blockSize, dtype });
  return { pages: [...pages, v], c: [...c, pivots.square()] };
}

function inverseFrom({ pages, c: parts }: Factors, setting: Setting): StaticInverseFisher {
  const { damping, count, dim, dtype, blockSize } = setting;
  const c = concat(parts, 1); // [blocks, m]
  /** For the rows of X [k, d]. */
  const applyRows = (x: Tensor): Tensor => {
    const weights = wideInner(pages, [x], blockSize).div(c.expandDims(2)); // [blocks, m, k]
    return wideCombine(matrixTranspose(weights).neg(), pages, { blockSize, dtype, base: x, scale: 1 / damping });
  };
  const matvec = (x: Tensor): Tensor => applyRows(x.expandDims(0)).squeeze(0);
  const matmat = (x: Tensor): Tensor => applyRows(x.transpose()).transpose();
  const operator = linearOperator({
    matvec,
    matmat,
    domain: zeros([dim], { dtype }),
    positiveSemidefinite: true,
  });
  const submatrix = (indices: Tensor): Tensor => {
    checkIndices(indices, dim);
    const blocks = floor(indices.cast("float64").div(blockSize)).cast("int32");
    const columns = concat(
      pages.map((page) => take(page, indices, 1)),
      0,
    ).cast("float64"); // [m, s]
    const scaled = columns.div(matrixTranspose(take(c, blocks, 0)));
    const same = blocks.expandDims(1).equal(blocks).cast("float64");
    const delta = indices.expandDims(1).equal(indices).cast("float64");
    return delta
      .div(damping)
      .sub(matmul(matrixTranspose(columns), scaled).mul(same))
      .cast(dtype);
  };
  return {
    ...operator,
    count,
    damping,
    blockSize,
    apply: (x) => (x.rank === 2 ? operator.matmat(x) : operator.apply(x)),
    submatrix,
    element: (a, b) => submatrix(tensor(Int32Array.of(a, b))).slice(0, 1),
    diagonal: () => {
      const block = tensor(Int32Array.from({ length: dim }, (_, a) => Math.floor(a / blockSize)));
      let sum = zeros([dim], { dtype: "float64" });
      pages.forEach((page, i) => {
        const each = parts[i].shape[0] === 1 ? parts[i].transpose() : matrixTranspose(take(parts[i], block, 0));
        sum = sum.add(page.cast("float64").square().div(each).sum(0));
      });
      return sum
        .neg()
        .add(1 / damping)
        .cast(dtype);
    },
  };
}

// ---- Gradients, as they come ---------------------------------------------------------------------------------------------------------

function rowsIn(page: readonly Tensor[]): number {
  return page.reduce((sum, { shape }) => sum + shape[0], 0);
}

function* pagesOf(grads: Tensor, pageRows: number): Generator<readonly Tensor[]> {
  if (grads.rank !== 2) {
    throw new ShapeError(`staticInverseFisher: grads has shape [${grads.shape.join(", ")}]; wants [m, d].`);
  }
  const [m] = grads.shape;
  for (let from = 0; from < m; from += pageRows) yield [grads.slice([from, Math.min(m, from + pageRows)])];
}

/** Tensors [d] and [r, d] in groups of `pageRows` rows, except that a larger tensor is a group of its own. */
function* groups(grads: Iterable<Tensor>, pageRows: number): Generator<readonly Tensor[]> {
  let group: Tensor[] = [];
  for (const some of grads) {
    if (!isTensor(some) || some.rank < 1 || some.rank > 2) {
      const got = isTensor(some)
        ? `has shape [${some.shape.join(", ")}]`
        : `is ${some === null ? "null" : typeof some}`;
      throw new ShapeError(`staticInverseFisher: a gradient of grads ${got}; wants tensors [d] or [r, d].`);
    }
    for (const [page] of some.rank === 1 ? [[some.expandDims(0)]] : pagesOf(some, pageRows)) {
      if (group.length > 0 && rowsIn(group) + page.shape[0] > pageRows) {
        yield group;
        group = [];
      }
      group.push(page);
    }
  }
  if (group.length > 0) yield group;
}

function countOf(grads: Tensor | Iterable<Tensor>, given: number | undefined): number {
  const count = isTensor(grads)
    ? grads.shape[0]
    : Array.isArray(grads)
      ? (grads as readonly Tensor[]).filter(isTensor).reduce((sum, x) => sum + (x.rank === 1 ? 1 : x.shape[0]), 0)
      : given;
  if (count === undefined) {
    throw new DomainError("staticInverseFisher: count is missing; an iterable wants the number of gradients in it.");
  }
  return count;
}

function formOf(page: Tensor, blockSize: number): { dim: number; dtype: FloatDType; blockSize: number } {
  const [dim] = page.shape.slice(-1);
  const { dtype } = page;
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`staticInverseFisher: grads are ${dtype}; wants float32 or float64.`);
  }
  return { dim, dtype, blockSize: Math.min(blockSize, dim) };
}

function checkPage(page: Tensor, form: { readonly dim: number; readonly dtype: FloatDType }, seen: number): void {
  if (page.shape[1] !== form.dim) {
    throw new ShapeError(
      `staticInverseFisher: gradient ${seen} has length ${page.shape[1]}; wants ${form.dim}, as the first has.`,
    );
  }
  if (page.dtype !== form.dtype) {
    throw new DTypeError(
      `staticInverseFisher: gradient ${seen} is ${page.dtype}; wants ${form.dtype}, as the first is.`,
    );
  }
}

/** A gradient is finite if its square is. */
function checkFinite(gram: Tensor, first: number): void {
  const squares = diagonal(gram); // [blocks, r]
  const [blocks, rows] = squares.shape;
  check([stopGradient(squares)], [2], (values) => {
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < blocks; k++) {
        const value = values[k * rows + i];
        if (!Number.isFinite(value)) {
          return new DomainError(
            `staticInverseFisher: gradient ${first + i} has NaN, an infinity or numbers whose squares overflow; wants finite numbers.`,
          );
        }
      }
    }
    return null;
  });
}

function checkSize(size: number, name: string): void {
  if (!(size >= 1 && (Number.isInteger(size) || size === Infinity))) {
    throw new DomainError(`staticInverseFisher: ${name} is ${size}; wants an integer of 1 or more.`);
  }
}

function checkIndices(indices: Tensor, dim: number): void {
  if (indices.rank !== 1 || indices.dtype !== "int32") {
    throw new ShapeError(`submatrix: indices is ${indices.dtype} [${indices.shape.join(", ")}]; wants int32 [s].`);
  }
  check([indices], [1], (values) => {
    const wrong = values.findIndex((a) => !(a >= 0 && a < dim));
    return wrong < 0 ? null : new DomainError(`submatrix: index ${values[wrong]}; wants 0 to ${dim - 1}.`);
  });
}
