/** Locally optimal block preconditioned conjugate gradients. */

import { check, concat, DomainError, ShapeError, stopGradient, tensor, zeros, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectOptions } from "../arguments.js";
import { runIteration, statusCode, type DriverOptions } from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { productError, refuseAsymmetric, refuseNotFinite } from "../system.js";
import type { FloatDType } from "../vector-space.js";
import { activeOf, begin, conclude, goesOn, step, type Asking, type Problem, type State } from "./lobpcg-method.js";
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
