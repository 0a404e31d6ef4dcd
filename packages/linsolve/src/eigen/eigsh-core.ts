/** Thick-restart Lanczos as a traceable function. */

import {
  argSort,
  check,
  cond,
  diag,
  diagonal,
  dynamicUpdateSlice,
  logicalAnd,
  logicalOr,
  matmul,
  minimum,
  outer,
  stopGradient,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { runIteration, statusCode, type Iteration, type IterationState } from "../iteration.js";
import type { AnyOperator } from "../linear-operator.js";
import { finite, productError } from "../system.js";
import {
  checkedEigsh,
  expandBasis,
  unitBeside,
  type EigshCoreOptions,
  type EigshProblem,
  type Which,
} from "./eigsh.js";

export interface EigshCoreResult {
  /** The most wanted first [k]: descending for "largest" and by magnitude, ascending for "smallest", ends by turns for "bothEnds". */
  readonly values: Tensor;
  /** Orthonormal columns [n, k]. */
  readonly vectors: Tensor;
  /** ‖A v − λ v‖ of each pair, computed anew [k]. */
  readonly residuals: Tensor;
  /** bool: all pairs have. */
  readonly converged: Tensor;
  /** int32. */
  readonly restarts: Tensor;
  /** int32: products with A until the pairs had converged; k more compute the residuals. */
  readonly products: Tensor;
}

interface State extends IterationState {
  /** Rows [basisSize + 1, n], of which `size` + 1 are there; the others are zero. */
  readonly basis: Tensor;
  /** The upper triangle of V A Vᵀ [basisSize, basisSize]. */
  readonly t: Tensor;
  readonly size: Tensor;
  readonly restarts: Tensor;
  /** int32: how often the space was exhausted. */
  readonly fresh: Tensor;
  readonly values: Tensor;
  /** Rows [k, n]. */
  readonly vectors: Tensor;
}

/** A step adds a vector, a conclusion restarts with the best Ritz vectors. `residual` is the norm of what a step leaves. */
function iterationOf(a: AnyOperator, problem: EigshProblem): Iteration<State> {
  const { k, which, basisSize: m, tol, maxProducts, start, againKey } = problem;
  const { dtype } = a;
  const n = a.shape[1];
  const epsilon = dtype === "float64" ? 2 ** -52 : 2 ** -23;
  const limit = Math.min(Math.ceil(maxProducts), 2 ** 31 - 1);
  const places = tensor(Int32Array.from({ length: m }, (_, i) => i));
  const none = zeros([], { dtype: "int32" });
  const empty = zeros([m + 1, n], { dtype });
  const withRow = (basis: Tensor, row: Tensor, at: Tensor): Tensor =>
    dynamicUpdateSlice(basis, row.expandDims(0), [at, none]);
  // Converged pairs beyond k stay as well: they would only be found again.
  const most = Math.min(m - 1, k + Math.floor((m - k) / 2));
  return {
    name: "eigshCore",
    start: {
      basis: withRow(empty, unitBeside(start, empty, null), none),
      t: zeros([m, m], { dtype }),
      size: none,
      residual: zeros([], { dtype }),
      restarts: none,
      fresh: none,
      values: zeros([k], { dtype }),
      vectors: zeros([k, n], { dtype }),
      iterations: none,
      status: none,
    },
    goesOn: ({ size, residual }) => logicalAnd(size.less(m), finite(residual)),
    step: (s) => {
      const { size: j } = s;
      const product = a.matvec(take(s.basis, j, 0));
      const { basis, along, length, image } = expandBasis(product, s.basis, j, null);
      const column = places.equal(j).cast(dtype);
      // The space is invariant: go on beside it, to find what is not in it.
      const exhausted = logicalOr(length.lessEqual(image.mul(10 * epsilon)), image.equal(0));
      const again = logicalAnd(exhausted, j.add(1).less(m));
      const renewed = cond(
        again,
        (rows: Tensor, fresh: Tensor) => {
          const drawn = random.normal(random.foldIn(againKey, fresh), { shape: [n], dtype });
          const others = withRow(rows, drawn.mul(0), j.add(1));
          return withRow(others, unitBeside(drawn, others, null), j.add(1));
        },
        (rows: Tensor) => rows,
        basis,
        s.fresh,
      );
      return {
        ...s,
        basis: renewed,
        t: s.t.add(outer(along.slice([0, m]), column)),
        residual: where(exhausted, 0, length),
        size: j.add(1),
        fresh: s.fresh.add(again.cast("int32")),
        iterations: s.iterations.add(1),
      };
    },
    conclude: (s) => {
      const isFinite = finite(s.residual);
      const upper = where(isFinite, s.t, 0);
      const { values, vectors } = eigh(upper.add(upper.transpose()).sub(diag(diagonal(upper))));
      const order = wantedFirst(values, which);
      const theta = take(values, order);
      const y = take(vectors, order, 1);
      // The last row of y tells how much of each Ritz vector's image lies outside.
      const bound = y
        .slice(m - 1)
        .abs()
        .mul(s.residual);
      const small = theta
        .abs()
        .max()
        .mul(epsilon * epsilon ** (2 / 3));
      const size = theta.abs().mul(tol);
      const isConverged = bound.lessEqual(where(size.greater(small), size, small));
      const done = isConverged.slice([0, k]).cast("int32").sum();
      const kept = minimum(m - 1, minimum(done, Math.floor((m - k) / 2)).add(k));
      const rows = matmul(y.slice(null, [0, most]).transpose(), s.basis.slice([0, m]));
      const stays = places.less(kept).cast(dtype);
      const basis = dynamicUpdateSlice(empty, rows.mul(stays.slice([0, most]).expandDims(1)), [0, 0]);
      const all = logicalOr(done.equal(k), m === n);
      let status: Tensor = where(s.iterations.less(limit), 0, statusCode("maxIter"));
      status = where(all, statusCode("converged"), status);
      return {
        basis: withRow(basis, s.basis.slice(m), kept),
        t: diag(theta.mul(stays)),
        residual: s.residual,
        size: kept,
        restarts: s.restarts.add(where(status.equal(0), 1, 0).cast("int32")),
        fresh: s.fresh,
        values: theta.slice([0, k]),
        vectors: matmul(y.slice(null, [0, k]).transpose(), s.basis.slice([0, m])),
        iterations: s.iterations,
        status: where(isFinite, status, statusCode("notFinite")).cast("int32"),
      };
    },
  };
}

/** The places of ascending values, the most wanted first. */
function wantedFirst(values: Tensor, which: Which): Tensor {
  const m = values.shape[0];
  if (which === "magnitude") return argSort(values.abs(), -1, { descending: true });
  const fromEnds = (i: number): number => (i % 2 === 0 ? m - 1 - i / 2 : (i - 1) / 2);
  const place = { smallest: (i: number) => i, largest: (i: number) => m - 1 - i, bothEnds: fromEnds }[which];
  return tensor(Int32Array.from({ length: m }, (_, i) => place(i)));
}

/**
 * `eigsh` as a traceable function: the same run, product by product, with its projected problems solved by `eigh` in A's dtype. Not
 * differentiable.
 *
 * The pass for multiplicities is the driver's: a Krylov space of one vector holds one copy of a multiple eigenvalue, and others may be missing
 * here. That A is symmetric is believed, not tried: see `cgCore`.
 *
 * @throws DomainError for a k or basisSize that does not fit, or for a product with NaN, naming its number.
 * Source: Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000).
 */
export function eigshCore(a: AnyOperator, options: EigshCoreOptions = {}): EigshCoreResult {
  const caller = "eigshCore";
  const end = runIteration(iterationOf(a, checkedEigsh(a, options, caller)));
  check([stopGradient(end.status), end.iterations], [0, 0], ([status], [product]) =>
    status === statusCode("notFinite") ? productError(product, caller) : null,
  );
  const vectors = end.vectors.transpose();
  const left = a.matmat(vectors).sub(vectors.mul(end.values));
  return {
    values: end.values,
    vectors,
    residuals: left.square().sum(0).sqrt(),
    converged: end.status.equal(statusCode("converged")),
    restarts: end.restarts,
    products: end.iterations,
  };
}
