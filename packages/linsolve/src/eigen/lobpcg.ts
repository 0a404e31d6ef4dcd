/** Locally optimal block preconditioned conjugate gradients. */

import { concat, DomainError, matmul, ShapeError, take, tensor, where, type Tensor } from "@curv/tensor";
import { qr } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expectOptions } from "../arguments.js";
import type { DriverOptions } from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { square } from "../operators/algebra.js";
import { refuseAsymmetric, refuseNotFinite } from "../system.js";
import { symmetricEigen, type SymmetricEigen } from "./symmetric-eigen.js";

export interface LobpcgOptions extends Omit<DriverOptions, "onProgress"> {
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
}

/**
 * The k largest or smallest eigenpairs of symmetric A, all at once, so that multiple eigenvalues are found together: Rayleigh–Ritz on the
 * vectors, their preconditioned residuals, and the last directions. At most k products an iteration; converged pairs ask for none.
 *
 * With a good preconditioner it needs far fewer products than Lanczos; without one `eigsh` does. Its eigenproblems of at most 3k × 3k are
 * solved on the host, in float64.
 *
 * Source: Knyazev, Toward the optimal preconditioned eigensolver (2001); the orthogonal basis of Hetmaniuk & Lehoucq (2006).
 */
export async function lobpcg(a: AnyOperator, options: LobpcgOptions = {}): Promise<LobpcgResult> {
  square(a, "lobpcg");
  expectOptions("lobpcg", options, {
    k: "number", which: "text", preconditioner: "operator", tol: "number", maxIter: "number", start: "tensor", key: "key",
  }); // prettier-ignore
  const n = a.shape[1];
  const float64 = a.dtype === "float64";
  const { k = 4, which = "largest", tol = float64 ? 1e-8 : 1e-4, maxIter = 200, key = random.key(0) } = options;
  const { preconditioner, signal, onProgress } = options;
  if (!Number.isInteger(k) || k < 1 || 5 * k > n) {
    throw new DomainError(`lobpcg: k is ${k}; wants an integer from 1 to ${Math.floor(n / 5)}, a fifth of ${n}.`);
  }
  if (which !== "largest" && which !== "smallest") {
    throw new DomainError(`lobpcg: which is ${JSON.stringify(which)}; wants "largest" or "smallest".`);
  }
  if (!(tol >= 0)) throw new DomainError(`lobpcg: tol is ${tol}; wants a number >= 0.`);
  if (!Number.isInteger(maxIter) || maxIter < 0) {
    throw new DomainError(`lobpcg: maxIter is ${maxIter}; wants an integer >= 0.`);
  }
  const start = options.start ?? random.normal(key, { shape: [n, k], dtype: a.dtype });
  if (start.rank !== 2 || start.shape[0] !== n || start.shape[1] !== k) {
    throw new ShapeError(`lobpcg: start has shape [${start.shape.join(", ")}]; wants [${n}, ${k}].`);
  }
  refuseNotFinite(start.reshape([-1]), "lobpcg", "start");
  if (options.check !== false) await refuseAsymmetric(a, "lobpcg");

  let products = 0;
  const image = async (v: Tensor): Promise<Tensor> => {
    const y = a.matmat(v);
    products += v.shape[1];
    if (!Number.isFinite(await y.sum().item())) {
      throw new DomainError(`lobpcg: a product of the operator has NaN or an infinity, among the first ${products}.`);
    }
    return y;
  };
  /** The k most wanted Ritz vectors of an orthonormal basis S, as combinations of its columns. */
  const ritz = async (s: Tensor, as: Tensor): Promise<{ readonly theta: Tensor; readonly y: Tensor }> => {
    const { values, vectors } = await eigenOf(matmul(s.transpose(), as));
    const last = values.length - 1;
    const order = Array.from({ length: k }, (_, i) => (which === "largest" ? last - i : i));
    const theta = order.map((i) => values[i]);
    return {
      theta: tensor(theta, { dtype: a.dtype }),
      y: columns(
        order.map((i) => vectors[i]),
        a.dtype,
      ),
    };
  };

  let x = qr(start).q;
  let ax = await image(x);
  let { theta, y } = await ritz(x, ax);
  [x, ax] = [matmul(x, y), matmul(ax, y)];
  // The last directions and their images; none at first.
  let [p, ap]: [Tensor | null, Tensor | null] = [null, null];
  let [iterations, done] = [0, 0];
  for (;;) {
    const r = ax.sub(x.mul(theta));
    const lengths = await r.square().sum(0).sqrt().data();
    const sizes = await theta.data();
    const active = Array.from(lengths.keys()).filter((i) => !(lengths[i] <= tol * Math.abs(sizes[i])));
    done = k - active.length;
    if (iterations > 0) onProgress?.({ iterations, converged: done });
    if (active.length === 0 || iterations >= maxIter) break;
    iterations++;
    const residual = take(r, active, 1);
    const direction = preconditioner === undefined ? residual : preconditioner.matmat(residual);
    const w = qr(beside(qr(beside(direction, x)).q, x)).q;
    const aw = await image(w);
    let [s, as] = [concat([x, w], 1), concat([ax, aw], 1)];
    if (p !== null && ap !== null) {
      const inside = await orthonormalised(p, ap, s, as);
      if (inside !== null) [s, as] = [concat([s, inside.p], 1), concat([as, inside.ap], 1)];
    }
    ({ theta, y } = await ritz(s, as));
    const tail = y.slice([k, null]);
    [p, ap] = [matmul(s.slice(null, [k, null]), tail), matmul(as.slice(null, [k, null]), tail)];
    [x, ax] = [matmul(s, y), matmul(as, y)];
    // Images that are only combined drift away from A x.
    if (iterations % 20 === 0) {
      x = qr(x).q;
      ax = await image(x);
    }
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  const residuals = (await image(x)).sub(x.mul(theta)).square().sum(0).sqrt();
  return {
    values: theta,
    vectors: x,
    residuals,
    converged: done === k,
    status: done === k ? "converged" : "maxIter",
    iterations,
    products,
  };
}

/** What is left of the columns of v beside those of an orthonormal basis. */
function beside(v: Tensor, basis: Tensor): Tensor {
  return v.sub(matmul(basis, matmul(basis.transpose(), v)));
}

/** Eigenpairs of a small symmetric matrix, ascending, on the host. */
async function eigenOf(t: Tensor): Promise<SymmetricEigen> {
  const size = t.shape[0];
  const entries = await t.data();
  const symmetric = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) symmetric[i * size + j] = (entries[i * size + j] + entries[j * size + i]) / 2;
  }
  return symmetricEigen(symmetric, size);
}

/** A matrix with these columns. */
function columns(vectors: readonly Float64Array[], dtype: "float32" | "float64"): Tensor {
  const rows = Float64Array.from(vectors.flatMap((v) => Array.from(v)));
  return tensor(rows, { shape: [vectors.length, vectors[0].length], dtype }).transpose();
}

/**
 * The directions beside a basis, orthonormal by the eigenvectors of their Gram matrix, with their images; null where they are nearly inside
 * of it.
 *
 * Source: Stathopoulos & Wu, A block orthogonalization procedure with constant synchronization requirements (2002).
 */
async function orthonormalised(
  p: Tensor,
  ap: Tensor,
  s: Tensor,
  as: Tensor,
): Promise<{ readonly p: Tensor; readonly ap: Tensor } | null> {
  const dtype = p.dtype as "float32" | "float64";
  const least = Math.sqrt(dtype === "float64" ? 2 ** -52 : 2 ** -23);
  let [q, aq] = [p, ap];
  for (let pass = 0; pass < 2; pass++) {
    const along = matmul(s.transpose(), q);
    [q, aq] = [q.sub(matmul(s, along)), aq.sub(matmul(as, along))];
    // Columns of one length first: the condition of what is left is that of their directions.
    const length = q.square().sum(0).sqrt();
    const scale = where(length.equal(0), 1, length).reciprocal();
    [q, aq] = [q.mul(scale), aq.mul(scale)];
    const { values, vectors } = await eigenOf(matmul(q.transpose(), q));
    if (!(values[0] > least)) return null;
    const turn = columns(
      vectors.map((v, i) => v.map((x) => x / Math.sqrt(values[i]))),
      dtype,
    );
    [q, aq] = [matmul(q, turn), matmul(aq, turn)];
  }
  return { p: q, ap: aq };
}
