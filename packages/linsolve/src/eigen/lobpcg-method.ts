/** LOBPCG as steps that ask for the eigenpairs of their small matrices: what its traceable core and its driver share. */

import {
  argSort,
  concat,
  diag,
  logicalAnd,
  logicalNot,
  matmul,
  ones,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";
import { statusCode, type IterationState } from "../iteration.js";

/** Ascending eigenvalues, and eigenvectors as columns, of a small symmetric matrix. */
export interface SmallEigen {
  readonly values: Tensor;
  readonly vectors: Tensor;
}

/**
 * A computation that asks for the eigenpairs of small symmetric matrices on its way: the traceable core answers with `eigh`, the driver with
 * the host's in float64, which it has to wait for. So the method is written once.
 */
export type Asking<R> = Generator<Tensor, R, SmallEigen>;

export interface State extends IterationState {
  /** Ritz vectors, the last directions (zero at first), and the images of both [n, k]. */
  readonly x: Tensor;
  readonly ax: Tensor;
  readonly p: Tensor;
  readonly ap: Tensor;
  readonly theta: Tensor;
  /** ‖A v − λ v‖ [k]. */
  readonly lengths: Tensor;
  /** int32: iterations since the images were computed, not combined. */
  readonly since: Tensor;
  /** int32: products so far; the number of the first that is not finite, or 0. */
  readonly products: Tensor;
  readonly bad: Tensor;
}

/** Iterations until the images are computed anew: those that are only combined drift away from A x. */
const drift = 20;

export interface Problem {
  readonly k: number;
  readonly which: "largest" | "smallest";
  readonly tol: number;
  readonly maxIter: number;
  /** Columns to start with [n, k]. */
  readonly start: Tensor;
  /** A V for V [n, k]. */
  readonly matmat: (v: Tensor) => Tensor;
  readonly precondition: (r: Tensor) => Tensor;
}

/** Products with V, whose live columns count; the number of the first that is not finite, in whose place are zeros. */
function image({ products, bad }: Pick<State, "products" | "bad">, v: Tensor, live: Tensor, { k, matmat }: Problem) {
  const y = matmat(v);
  const fine = y.sub(y).sum(0).equal(0);
  const places = tensor(Int32Array.from({ length: k }, (_, i) => i + 1));
  const first = where(fine, k + 1, places).min();
  const isFirst = logicalAnd(bad.equal(0), first.lessEqual(k));
  return {
    image: where(fine, y, 0),
    products: products.add(live.sum().cast("int32")),
    bad: where(isFirst, products.add(first), bad).cast("int32"),
  };
}

/** The k most wanted Ritz pairs of an orthonormal basis S; columns that `alive` has 0 for are zero. */
function* rayleighRitz(s: Tensor, as: Tensor, alive: Tensor, { k, which }: Problem) {
  const sign = which === "largest" ? -1 : 1;
  const t = matmul(s.transpose(), as);
  const symmetric = t.add(t.transpose()).mul(sign / 2);
  // Columns of zeros are none of the wanted: their value is above all others.
  const size = symmetric.square().sum().sqrt();
  const above = where(size.equal(0), 1, size.mul(2));
  const { values, vectors } = yield symmetric.add(diag(alive.neg().add(1).mul(above)));
  const y = vectors.slice(null, [0, k]);
  return { theta: values.slice([0, k]).mul(sign), y, x: matmul(s, y), ax: matmul(as, y) };
}

function columnNorms(v: Tensor): Tensor {
  return v.square().sum(0).sqrt();
}

function residualsOf({ x, ax, theta }: Pick<State, "x" | "ax" | "theta">): Tensor {
  return ax.sub(x.mul(theta));
}

/** bool [k]: pairs that have not converged; NaN is none that has. */
export function activeOf({ lengths, theta }: State, { tol }: Problem): Tensor {
  return logicalNot(lengths.lessEqual(theta.abs().mul(tol)));
}

export function* begin(problem: Problem): Asking<State> {
  const { start, k } = problem;
  const none = zeros([], { dtype: "int32" });
  const x = qr(start).q;
  const all = ones([k], { dtype: start.dtype });
  const { image: ax, ...counted } = image({ products: none, bad: none }, x, all, problem);
  const { y: _, ...ritz } = yield* rayleighRitz(x, ax, all, problem);
  const p = x.mul(0);
  const lengths = columnNorms(residualsOf(ritz));
  return {
    ...ritz,
    ...counted,
    p,
    ap: p,
    lengths,
    residual: lengths.max(),
    since: none,
    iterations: none,
    status: none,
  };
}

/** bool: whether another step is due before images are computed anew. */
export function goesOn(s: State, problem: Problem): Tensor {
  const due = logicalAnd(s.iterations.less(problem.maxIter), s.since.less(drift));
  return logicalAnd(due, logicalAnd(s.bad.equal(0), activeOf(s, problem).any()));
}

/** Rayleigh–Ritz on the vectors, the preconditioned residuals of those that have not converged, and the last directions. */
export function* step(s: State, problem: Problem): Asking<State> {
  const { k } = problem;
  const { x, ax } = s;
  const { dtype } = x;
  const active = activeOf(s, problem).cast("int32");
  // The active ones first, in their order: a column of zeros before another would take a direction from it.
  const places = tensor(Int32Array.from({ length: k }, (_, i) => i));
  const order = argSort(places.sub(active.mul(k)));
  const live = take(active, order).cast(dtype);
  const direction = problem.precondition(take(residualsOf(s), order, 1).mul(live)).mul(live);
  const w = qr(beside(qr(beside(direction, x)).q.mul(live), x)).q.mul(live);
  const { image: aw, ...counted } = image(s, w, live, problem);
  const last = yield* orthonormalised(s.p, s.ap, concat([x, w], 1), concat([ax, aw], 1));
  const [basis, images] = [concat([x, w, last.p], 1), concat([ax, aw, last.ap], 1)];
  const alive = concat([ones([k], { dtype }), live, last.kept], 0);
  const { y, ...ritz } = yield* rayleighRitz(basis, images, alive, problem);
  const tail = y.slice([k, null]);
  const lengths = columnNorms(residualsOf(ritz));
  return {
    ...ritz,
    ...counted,
    p: matmul(basis.slice(null, [k, null]), tail),
    ap: matmul(images.slice(null, [k, null]), tail),
    lengths,
    residual: lengths.max(),
    since: s.since.add(1),
    iterations: s.iterations.add(1),
    status: s.status,
  };
}

/** Images and residuals anew, which tell whether it has ended. */
export function conclude(s: State, problem: Problem): State {
  const x = qr(s.x).q;
  const { image: ax, ...counted } = image(s, x, ones([problem.k], { dtype: x.dtype }), problem);
  const lengths = columnNorms(residualsOf({ x, ax, theta: s.theta }));
  const now = { ...s, ...counted, x, ax, lengths, residual: lengths.max(), since: s.since.mul(0) };
  let status: Tensor = where(now.iterations.less(problem.maxIter), 0, statusCode("maxIter"));
  status = where(activeOf(now, problem).any(), status, statusCode("converged"));
  status = where(now.bad.equal(0), status, statusCode("notFinite"));
  return { ...now, status: status.cast("int32") };
}

/** What is left of the columns of v beside those of an orthonormal basis. */
function beside(v: Tensor, basis: Tensor): Tensor {
  return v.sub(matmul(basis, matmul(basis.transpose(), v)));
}

/**
 * The directions beside a basis, orthonormal by the eigenvectors of their Gram matrix, with their images; `kept` has 0 for columns of zeros,
 * which stand for what lies nearly inside of the basis.
 *
 * Source: Stathopoulos & Wu, A block orthogonalization procedure with constant synchronization requirements (2002).
 */
function* orthonormalised(
  p: Tensor,
  ap: Tensor,
  s: Tensor,
  as: Tensor,
): Asking<{ readonly p: Tensor; readonly ap: Tensor; readonly kept: Tensor }> {
  const least = Math.sqrt(p.dtype === "float64" ? 2 ** -52 : 2 ** -23);
  let [q, aq, kept] = [p, ap, p.slice(0)];
  for (let pass = 0; pass < 2; pass++) {
    const along = matmul(s.transpose(), q);
    [q, aq] = [q.sub(matmul(s, along)), aq.sub(matmul(as, along))];
    // Columns of one length first: the condition of what is left is that of their directions.
    const length = columnNorms(q);
    const scale = where(length.equal(0), 1, length).reciprocal();
    [q, aq] = [q.mul(scale), aq.mul(scale)];
    const { values, vectors } = yield matmul(q.transpose(), q);
    const isKept = values.greater(least);
    const turn = vectors.mul(where(isKept, where(isKept, values, 1).sqrt().reciprocal(), 0));
    [q, aq, kept] = [matmul(q, turn), matmul(aq, turn), isKept.cast(p.dtype)];
  }
  return { p: q, ap: aq, kept };
}
