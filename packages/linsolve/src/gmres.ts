/** Generalised minimal residuals. */

import {
  concat,
  DomainError,
  dynamicUpdateSlice,
  eye,
  hypot,
  logicalOr,
  matmul,
  outer,
  take,
  tensor,
  where,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { triangularSolve } from "@curv/tensor/linalg";
import { expectArguments, expectOptions } from "./arguments.js";
import type { DriverOptions } from "./iteration.js";
import type { AnyOperator, LinearOperator } from "./linear-operator.js";
import {
  norm,
  solve,
  solveCore,
  type Method,
  type MethodState,
  type SolveCoreResult,
  type SolveOptions,
  type SolveResult,
} from "./system.js";

interface GmresState extends MethodState {
  /** Orthonormal basis [m + 1, n], rows. */
  readonly basis: Tensor;
  /** The rotated Hessenberg matrix [m + 1, m], upper triangular as far as it goes. */
  readonly triangle: Tensor;
  /** The product of all rotations [m + 1, m + 1]. */
  readonly rotations: Tensor;
  /** Norm of the residual at the start of the cycle. */
  readonly beta: Tensor;
  /** int32: columns so far. */
  readonly columns: Tensor;
}

/** Saad & Schultz (1986), preconditioned from the right, so that residuals are true ones. */
function method(restart: number): Method<GmresState> {
  const m = restart;
  const unit = (at: Tensor, length: number, like: Tensor): Tensor =>
    tensor(Int32Array.from({ length }, (_, i) => i))
      .equal(at)
      .cast(like.dtype);
  return {
    name: "gmres",
    symmetric: false,
    // A cycle may bring little; only one that brings nothing has stalled.
    stall: 1 - 1e-6,
    start: (_system, x, r) => {
      const beta = norm(r);
      const none = zeros([m, r.shape[0]], { dtype: r.dtype });
      return {
        x,
        basis: concat([r.div(where(beta.equal(0), 1, beta)).expandDims(0), none], 0),
        triangle: zeros([m + 1, m], { dtype: r.dtype }),
        rotations: eye(m + 1, m + 1, { dtype: r.dtype }),
        beta,
        columns: zeros([], { dtype: "int32" }),
        residual: beta,
        flag: zeros([], { dtype: "int32" }),
      };
    },
    step: ({ matvec, precondition, epsilon }, { x, basis, triangle, rotations, beta, columns: j }) => {
      const image = matvec(precondition(take(basis, j, 0)));
      // Gram–Schmidt, twice: rows that are not there yet are zero.
      const h1 = matmul(basis, image);
      const once = image.sub(matmul(h1, basis));
      const h2 = matmul(basis, once);
      const w = once.sub(matmul(h2, basis));
      const length = norm(w);
      const [here, next] = [unit(j, m + 1, w), unit(j.add(1), m + 1, w)];
      const h = h1.add(h2).add(next.mul(length));
      const rotated = matmul(rotations, h);
      const [a, b] = [rotated.mul(here).sum(), rotated.mul(next).sum()];
      const rho = hypot(a, b);
      const zero = rho.equal(0);
      const [c, s] = [where(zero, 1, a.div(where(zero, 1, rho))), where(zero, 0, b.div(where(zero, 1, rho)))];
      const [top, bottom] = [matmul(here, rotations), matmul(next, rotations)];
      const turned = rotations
        .add(outer(here, top.mul(c).add(bottom.mul(s)).sub(top)))
        .add(outer(next, bottom.mul(c).sub(top.mul(s)).sub(bottom)));
      const column = rotated.mul(here.add(next).mul(-1).add(1)).add(here.mul(rho));
      // The space is invariant: its solution is exact, or there is none.
      const full = length.lessEqual(norm(image).mul(10 * epsilon));
      const done = logicalOr(full, j.add(1).greaterEqual(m));
      return {
        x,
        beta,
        basis: dynamicUpdateSlice(basis, w.div(where(length.equal(0), 1, length)).expandDims(0), [j.add(1), 0]),
        triangle: triangle.add(outer(column, unit(j, m, w))),
        rotations: turned,
        columns: j.add(1),
        residual: matmul(turned, unit(zeros([], { dtype: "int32" }), m + 1, w))
          .mul(next)
          .sum()
          .mul(beta)
          .abs(),
        flag: where(done, -1, 0).cast("int32"),
      };
    },
    finish: ({ precondition }, { x, basis, triangle, rotations, beta, columns }) => {
      const upper = triangle.slice([0, m]);
      const g = rotations.slice([0, m], 0).mul(beta);
      const index = tensor(Int32Array.from({ length: m }, (_, i) => i));
      const pivots = matmul(upper.mul(eye(m, m, { dtype: g.dtype })), zeros([m], { dtype: g.dtype }).add(1));
      // Columns that are not there, and one without a pivot, take no part.
      const unused = logicalOr(index.greaterEqual(columns), pivots.equal(0));
      const y = triangularSolve(
        upper.add(
          outer(zeros([m], { dtype: g.dtype }).add(1), unused.cast(g.dtype)).mul(eye(m, m, { dtype: g.dtype })),
        ),
        where(unused, 0, g),
        { lower: false },
      );
      return x.add(precondition(matmul(y, basis.slice([0, m]))));
    },
  };
}

export interface GmresOptions<X = Tensor> extends SolveOptions<X> {
  /** Steps until the basis is thrown away and the method starts anew. Default 30, and at most the number of unknowns. */
  readonly restart?: number;
}

function restartOf(a: AnyOperator, options: GmresOptions<unknown>): number {
  expectArguments("gmres", { a: [a, "operator"] });
  expectOptions("gmres", options, { restart: "number" });
  const { restart = 30 } = options;
  if (!Number.isInteger(restart) || restart < 1) {
    throw new DomainError(`gmres: restart is ${restart}; wants an integer >= 1.`);
  }
  return Math.max(1, Math.min(restart, a.shape[1]));
}

/**
 * x with A x = b for any square A, by generalised minimal residuals: one product with A a step, and `restart` + 1 vectors of memory. Residuals
 * never rise.
 *
 * Counts what SciPy's `gmres` tells a callback of type "pr_norm": steps inside of the cycles. A preconditioner stands on the right, so that
 * residuals are those of A x = b; SciPy's stands on the left.
 *
 * Source: Saad & Schultz, GMRES: a generalized minimal residual algorithm (1986).
 */
export async function gmres<X>(
  a: LinearOperator<X>,
  b: X,
  options: GmresOptions<X> & DriverOptions = {},
): Promise<SolveResult<X>> {
  return solve(method(restartOf(a, options)), a, b, options);
}

/** {@link gmres} as a traceable function; b may be [n, k]. */
export function gmresCore<X>(a: LinearOperator<X>, b: X, options: GmresOptions<X> = {}): SolveCoreResult<X> {
  return solveCore(method(restartOf(a, options)), a, b, options);
}
