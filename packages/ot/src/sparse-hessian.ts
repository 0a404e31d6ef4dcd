/** The sparse Newton machinery of Sinkhorn-Newton-Sparse, for any plan: which elements stay, products, solves. */

import { ShapeError, tensor, type Tensor } from "@curv/tensor";
import { checkCount, checkFloats, checkNumber } from "./arguments.js";
import type { Potentials } from "./dual.js";
import { applyHessian, solveHessian, sparsifyPlan, type MaskRule, type SparsePlan } from "./sparsify.js";

export interface SparseHessianOptions {
  /** How much stays. Default `{ kind: "auto" }`. */
  readonly mask?: MaskRule;
  /** L1 error of the marginals that the plan has: rule `"auto"` drops no more than that share. Default 0. */
  readonly error?: number;
}

/** [[diag(P1), P̃], [P̃ᵀ, diag(Pᵀ1)]] with the whole marginals on the diagonal, and P̃ what stays of P: ε times the Hessian of −f. */
export interface SparseHessian {
  readonly plan: SparsePlan;
  /** P1, [n]. */
  readonly rows: Float64Array;
  /** Pᵀ1, [m]. */
  readonly columns: Float64Array;
}

/**
 * The Hessian of the entropic dual at a plan, with the elements that a mask keeps: O(n m) to make, O(kept) a product.
 *
 * @param P - A plan ≥ 0, [n, m].
 * @throws ShapeError, DTypeError, DomainError for what is no matrix of finite floats.
 * Source: Tang et al. (ICLR 2024), §3.2; the rule `"auto"`: Tang & Qiu (2024).
 *
 * @example
 * const hessian = await sparseHessian(plan(), { mask: { kind: "fixed", lambda: 2 / n } });
 * const { z } = await hessianSolve(hessian, { f: rowError, g: columnError });
 */
export async function sparseHessian(P: Tensor, options: SparseHessianOptions = {}): Promise<SparseHessian> {
  checkFloats(P, 2, "sparseHessian", "P");
  const { mask = { kind: "auto" }, error = 0 } = options;
  checkNumber(error, "sparseHessian", "error", { low: 0, closed: true });
  if (mask.kind === "fixed") checkNumber(mask.lambda, "sparseHessian", "mask.lambda", { low: 0, high: 1 });
  const [n, m] = P.shape;
  const data = Float64Array.from(await P.data());
  const [rows, columns] = [new Float64Array(n), new Float64Array(m)];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      rows[i] += data[i * m + j];
      columns[j] += data[i * m + j];
    }
  }
  return { plan: sparsifyPlan(data, rows, columns, mask, error), rows, columns };
}

/**
 * The product of a sparse Hessian with z = (f [n], g [m]), in float64.
 *
 * @throws ShapeError if z does not fit.
 */
export async function hessianApply(hessian: SparseHessian, z: Potentials): Promise<Potentials> {
  const { plan, rows, columns } = hessian;
  const out = new Float64Array(plan.n + plan.m);
  applyHessian(plan, rows, columns, await joined(hessian, z, "hessianApply"), out);
  return parted(hessian, out);
}

export interface HessianSolveOptions {
  /** Allowed residual, relative to the right-hand side's, both preconditioned. Default 1e-10. */
  readonly tol?: number;
  /** Default 4 (n + m). */
  readonly maxIter?: number;
}

/**
 * Solves a sparse Hessian for (f [n], g [m]) by conjugate gradients, preconditioned by the diagonal, with 10⁻¹² of the diagonal added: the
 * Hessian does not see (1, −1). In float64.
 *
 * @throws ShapeError if the right-hand side does not fit.
 */
export async function hessianSolve(
  hessian: SparseHessian,
  rhs: Potentials,
  options: HessianSolveOptions = {},
): Promise<{ readonly z: Potentials; readonly iterations: number; readonly converged: boolean }> {
  const { plan, rows, columns } = hessian;
  const { tol = 1e-10, maxIter = 4 * (plan.n + plan.m) } = options;
  checkNumber(tol, "hessianSolve", "tol", { low: 0, closed: true });
  checkCount(maxIter, "hessianSolve", "maxIter", 1);
  const b = await joined(hessian, rhs, "hessianSolve");
  const { z, iterations, isSound, isSolved } = solveHessian(plan, rows, columns, b, tol, maxIter);
  return { z: parted(hessian, z), iterations, converged: isSound && isSolved };
}

async function joined({ plan: { n, m } }: SparseHessian, { f, g }: Potentials, name: string): Promise<Float64Array> {
  checkFloats(f, 1, name, "f");
  checkFloats(g, 1, name, "g");
  if (f.shape[0] !== n || g.shape[0] !== m) {
    throw new ShapeError(`${name}: f has length ${f.shape[0]}, g ${g.shape[0]}; wants ${n} and ${m}.`);
  }
  const z = new Float64Array(n + m);
  z.set(Array.from(await f.data()));
  z.set(Array.from(await g.data()), n);
  return z;
}

function parted({ plan: { n } }: SparseHessian, z: Float64Array): Potentials {
  return { f: tensor(z.slice(0, n)), g: tensor(z.slice(n)) };
}
