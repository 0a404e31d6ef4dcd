/** Locally optimal block preconditioned conjugate gradients. */

import {
  argSort,
  check,
  concat,
  diag,
  DomainError,
  logicalAnd,
  logicalNot,
  matmul,
  ones,
  ShapeError,
  stopGradient,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { eigh, qr } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectOptions } from "../arguments.js";
import { runIteration, statusCode, type DriverOptions, type IterationState } from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { productError, refuseAsymmetric, refuseNotFinite } from "../system.js";
import type { FloatDType } from "../vector-space.js";
import { symmetricEigen } from "./symmetric-eigen.js";

export interface LobpcgCoreOptions {
  /** How many eigenpairs: the block. Default 4. At most a fifth of n, so that three blocks fit with room. */
  readonly k?: number;
  /** Default "largest". */
  readonly which?: "largest" | "smallest";
  /** An operator near the inverse of A (of A − λI, for "smallest"). */
  readonly preconditioner?: AnyOperator;
  /** A pair has converged when ‖A v − λ v‖ ≤ tol |λ|. Default 1e-8 in float64, 1e-4 in float32. */
  readonly tol?: number;
  /** Default 200. */
  readonly maxIter?: number;
  /** Columns to start with [n, k]. Default random, from `key`. */
  readonly start?: Tensor;
  /** Default key(0). */
  readonly key?: random.Key;
}

export interface LobpcgOptions extends LobpcgCoreOptions, Omit<DriverOptions, "onProgress"> {
  /** Refuse an operator that is not symmetric, by two products. Default true. */
  readonly check?: boolean;
  /** Called after each iteration. */
  readonly onProgress?: (progress: { readonly iterations: number; readonly converged: number }) => void;
}

export interface LobpcgResult {
  /** The most wanted first [k]. */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair, computed anew [k]. */
  readonly residuals: Tensor;
  readonly converged: boolean;
  readonly status: "converged" | "maxIter";
  readonly iterations: number;
  /** Products with A, those for the residuals included. */
  readonly products: number;
  /** The largest ‖A v − λ v‖ after each iteration. */
  readonly history: readonly number[];
}

/** Results of the traceable function. */
export interface LobpcgCoreResult {
  /** The most wanted first [k]. */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair, computed anew [k]. */
  readonly residuals: Tensor;
  /** bool: all pairs have. */
  readonly converged: Tensor;
  /** int32. */
  readonly iterations: Tensor;
  /** int32: products with A, those for the residuals included, but not those of converged pairs: with zeros, to keep the shapes. */
  readonly products: Tensor;
}

/** Ascending eigenvalues, and eigenvectors as columns, of a small symmetric matrix. */
interface SmallEigen {
  readonly values: Tensor;
  readonly vectors: Tensor;
}

/**
 * A computation that asks for the eigenpairs of small symmetric matrices on its way: the traceable core answers with `eigh`, the driver with
 * the host's in float64, which it has to wait for. So the method is written once.
 */
type Asking<R> = Generator<Tensor, R, SmallEigen>;

interface State extends IterationState {
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

interface Problem {
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
function activeOf({ lengths, theta }: State, { tol }: Problem): Tensor {
  return logicalNot(lengths.lessEqual(theta.abs().mul(tol)));
}

function* begin(problem: Problem): Asking<State> {
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
function goesOn(s: State, problem: Problem): Tensor {
  const due = logicalAnd(s.iterations.less(problem.maxIter), s.since.less(drift));
  return logicalAnd(due, logicalAnd(s.bad.equal(0), activeOf(s, problem).any()));
}

/** Rayleigh–Ritz on the vectors, the preconditioned residuals of those that have not converged, and the last directions. */
function* step(s: State, problem: Problem): Asking<State> {
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
function conclude(s: State, problem: Problem): State {
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

/** Looks at all arguments; products are the core's. */
function checkedProblem(a: AnyOperator, options: LobpcgCoreOptions, caller: string): Problem {
  square(a, caller);
  expectOptions(caller, options, {
    k: "number", which: "text", preconditioner: "operator", tol: "number", maxIter: "number", start: "tensor", key: "key",
  }); // prettier-ignore
  const n = a.shape[1];
  const float64 = a.dtype === "float64";
  const { k = 4, which = "largest", tol = float64 ? 1e-8 : 1e-4, maxIter = 200, key = random.key(0) } = options;
  const { preconditioner } = options;
  if (!Number.isInteger(k) || k < 1 || 5 * k > n) {
    throw new DomainError(`${caller}: k is ${k}; wants an integer from 1 to ${Math.floor(n / 5)}, a fifth of ${n}.`);
  }
  if (which !== "largest" && which !== "smallest") {
    throw new DomainError(`${caller}: which is ${JSON.stringify(which)}; wants "largest" or "smallest".`);
  }
  if (!(tol >= 0)) throw new DomainError(`${caller}: tol is ${tol}; wants a number >= 0.`);
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new DomainError(`${caller}: maxIter is ${maxIter}; wants an integer >= 0.`);
  }
  const start = options.start ?? random.normal(key, { shape: [n, k], dtype: a.dtype });
  if (start.rank !== 2 || start.shape[0] !== n || start.shape[1] !== k) {
    throw new ShapeError(`${caller}: start has shape [${start.shape.join(", ")}]; wants [${n}, ${k}].`);
  }
  refuseNotFinite(start.reshape([-1]), caller, "start");
  return { k, which, tol, maxIter, start, matmat: a.matmat, precondition: preconditioner?.matmat ?? ((r) => r) };
}

/**
 * The k largest or smallest eigenpairs of symmetric A, all at once, so that multiple eigenvalues are found together: Rayleigh–Ritz on the
 * vectors, their preconditioned residuals, and the last directions. At most k products an iteration; converged pairs ask for none.
 *
 * With a good preconditioner it needs far fewer products than Lanczos; without one `eigsh` does. Its eigenproblems of at most 3k × 3k are
 * solved on the host, in float64.
 *
 * @throws DomainError for options that make no sense, an operator that is not symmetric (unless `check` is false), or a product with NaN,
 * naming its number; ShapeError for a start of another shape; the signal's reason.
 * Source: Knyazev, Toward the optimal preconditioned eigensolver (2001); the orthogonal basis of Hetmaniuk & Lehoucq (2006).
 */
export async function lobpcg(a: AnyOperator, options: LobpcgOptions = {}): Promise<LobpcgResult> {
  const caller = "lobpcg";
  const checked = checkedProblem(a, options, caller);
  const { signal, onProgress } = options;
  if (options.check !== false) await refuseAsymmetric(a, caller);
  const { k } = checked;
  let count = k;
  // What has converged asks for no product.
  const problem: Problem = {
    ...checked,
    matmat: (v) => {
      if (count === k) return a.matmat(v);
      const rest = zeros([v.shape[0], k - count], { dtype: v.dtype });
      return concat([a.matmat(v.slice(null, [0, count])), rest], 1);
    },
  };
  /** How many pairs have converged. */
  const look = async (s: State): Promise<number> => {
    const bad = await s.bad.item();
    if (bad > 0) throw productError(bad, caller);
    count = await activeOf(s, problem).cast("int32").sum().item();
    return k - count;
  };
  const history: number[] = [];
  let state = await onHost(begin(problem));
  await look(state);
  while ((await state.status.item()) === 0) {
    while ((await goesOn(state, problem).item()) === 1) {
      state = await onHost(step(state, problem));
      const done = await look(state);
      history.push(await state.residual.item());
      onProgress?.({ iterations: history.length, converged: done });
      await new Promise((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
    }
    count = k;
    state = conclude(state, problem);
    await look(state);
    signal?.throwIfAborted();
  }
  const converged = (await state.status.item()) === statusCode("converged");
  return {
    values: state.theta,
    vectors: state.x,
    residuals: state.lengths,
    converged,
    status: converged ? "converged" : "maxIter",
    iterations: history.length,
    products: await state.products.item(),
    history,
  };
}

/**
 * {@link lobpcg} as a traceable function, without the host: its small eigenproblems are solved by `eigh`, in A's dtype. Converged pairs are kept
 * (soft locking) by masks. That A is symmetric is believed, not tried: see `cgCore`.
 */
export function lobpcgCore(a: AnyOperator, options: LobpcgCoreOptions = {}): LobpcgCoreResult {
  const caller = "lobpcgCore";
  const problem = checkedProblem(a, options, caller);
  const end = runIteration<State>({
    name: caller,
    start: traced(begin(problem)),
    goesOn: (s) => goesOn(s, problem),
    step: (s) => traced(step(s, problem)),
    conclude: (s) => conclude(s, problem),
  });
  check([stopGradient(end.bad)], [0], ([product]) => (product > 0 ? productError(product, caller) : null));
  const { theta, x, lengths, status, iterations, products } = end;
  const converged = status.equal(statusCode("converged"));
  return { values: theta, vectors: x, residuals: lengths, converged, iterations, products };
}

/** Answers with `eigh`. */
function traced<R>(computation: Asking<R>): R {
  let asked = computation.next();
  while (asked.done !== true) asked = computation.next(eigh(asked.value));
  return asked.value;
}

/** Answers with the host's eigenpairs, in float64. */
async function onHost<R>(computation: Asking<R>): Promise<R> {
  let asked = computation.next();
  while (asked.done !== true) {
    const matrix = asked.value;
    const dtype = matrix.dtype as FloatDType;
    const size = matrix.shape[0];
    const entries = await matrix.data();
    const symmetric = Float64Array.from(entries, (x, p) => (x + entries[(p % size) * size + Math.floor(p / size)]) / 2);
    const { values, vectors } = symmetricEigen(symmetric, size);
    const rows = new Float64Array(size * size);
    vectors.forEach((v, i) => rows.set(v, i * size));
    asked = computation.next({
      values: tensor(values, { dtype }),
      vectors: tensor(rows, { shape: [size, size], dtype }).transpose(),
    });
  }
  return asked.value;
}
