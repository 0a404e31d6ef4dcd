/** Numbers that the ends of a spectrum give. */

import { DomainError } from "@curv/tensor";
import {
  expectOptions,
  eigsh,
  gramOperator,
  type AnyOperator,
  type EigshOptions,
  expectArguments,
} from "@curv/linsolve";
import { squareSize } from "./products.js";

export type ExtremeOptions = Omit<EigshOptions, "k" | "which" | "verifyMultiplicity">;

export interface SpectralNorm {
  /** The largest singular value. */
  readonly norm: number;
  /** There is a singular value within this distance of `norm`. */
  readonly errorBound: number;
  readonly converged: boolean;
  readonly products: number;
}

/**
 * ‖A‖₂ by Lanczos: on A if it is symmetric, else on AᵀA, at two products a step.
 *
 * @throws As `eigsh`.
 */
export async function spectralNorm(a: AnyOperator, options: ExtremeOptions = {}): Promise<SpectralNorm> {
  expectArguments("spectralNorm", { a: [a, "operator"] });
  expectOptions("spectralNorm", options, {});
  const on = a.symmetric ? a : gramOperator(a);
  const found = await eigsh(on, { ...options, k: 1, which: "magnitude", verifyMultiplicity: false });
  const [value, residual] = await Promise.all([found.values.item(), found.residuals.item()]);
  const products = (found.products + found.verificationProducts) * (a.symmetric ? 1 : 2);
  const { converged } = found;
  if (a.symmetric) return { norm: Math.abs(value), errorBound: residual, converged, products };
  const norm = Math.sqrt(Math.max(value, 0));
  // √ of an interval around λ.
  return { norm, errorBound: norm > 0 ? residual / norm : Math.sqrt(residual), converged, products };
}

export interface ConditionNumber {
  /** Largest over smallest eigenvalue, both with the damping added. */
  readonly condition: number;
  readonly largest: number;
  readonly smallest: number;
  /** Residuals of the two eigenpairs: each is within that distance of an eigenvalue. */
  readonly residuals: readonly [largest: number, smallest: number];
  readonly converged: boolean;
  readonly products: number;
}

/**
 * The condition number of A + damping·I for symmetric A, from both ends of its spectrum.
 *
 * @throws DomainError if the smallest eigenvalue plus the damping is not positive, and as `eigsh`.
 */
export async function conditionNumber(
  a: AnyOperator,
  conditionOptions: ExtremeOptions & { readonly damping?: number } = {},
): Promise<ConditionNumber> {
  const n = squareSize(a, "conditionNumber");
  expectOptions("conditionNumber", conditionOptions, { damping: "number" });
  const { damping = 0, ...options } = conditionOptions;
  if (!(damping >= 0)) throw new DomainError(`conditionNumber: damping is ${damping}; wants a number >= 0.`);
  const k = Math.min(2, n);
  const found = await eigsh(a, { ...options, k, which: "bothEnds", verifyMultiplicity: false });
  const values = await found.values.data();
  const residuals = await found.residuals.data();
  const [largest, smallest] = [values[0] + damping, values[k - 1] + damping];
  if (!(smallest > 0)) {
    throw new DomainError(
      `conditionNumber: the smallest eigenvalue is ${values[k - 1]}, damping ${damping}; wants their sum to be positive.`,
    );
  }
  return {
    condition: largest / smallest,
    largest,
    smallest,
    residuals: [residuals[0], residuals[k - 1]],
    converged: found.converged,
    products: found.products + found.verificationProducts,
  };
}
