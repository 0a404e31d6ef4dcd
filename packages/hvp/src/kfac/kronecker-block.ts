/** One layer's curvature A ⊗ S as a matrix on V [o, a]: products, inverses, determinant, trace. Leading axes are a batch of blocks. */

import { addIdentity, broadcastTo, DomainError, eye, trace, where, type Tensor } from "@curv/tensor";
import { cholesky, choleskySolve, eigh } from "@curv/tensor/linalg";
import type { Eigenbasis, LayerFactors } from "./factors.js";

/** How the damped inverse of a block is computed. */
export type InverseMethod = "exact" | "factored";

/** V ↦ S V A, or V ↦ U_S (Λ ∘ (U_Sᵀ V U_A)) U_Aᵀ with corrected eigenvalues. */
export function blockProduct({ inputs, gradients, corrected }: LayerFactors): (v: Tensor) => Tensor {
  if (corrected !== undefined) return (v) => inEigenbasis(corrected, v, (w) => w.mul(corrected.eigenvalues));
  return (v) => gradients.matmul(v).matmul(inputs);
}

/**
 * Inverse of the damped block. `exact`: (A ⊗ S + λ I)⁻¹ by eigenvectors. `factored`: (A + π√λ I)⁻¹ ⊗ (S + √λ/π I)⁻¹ with π² the ratio of
 * the mean eigenvalues of A and S.
 *
 * @throws DomainError for `factored` with corrected eigenvalues, which are no product.
 * Source: Martens & Grosse (2015), section 6.3 and appendix B.
 */
export function blockInverse(
  factors: LayerFactors,
  damping: number | Tensor,
  method: InverseMethod,
): (v: Tensor) => Tensor {
  if (method === "exact") {
    const { basis, eigenvalues } = spectrum(factors);
    const damped = eigenvalues.add(damping);
    return (v) => inEigenbasis(basis, v, (w) => w.div(damped));
  }
  if (factors.corrected !== undefined) {
    throw new DomainError(
      'inverse: method is "factored", but the eigenvalues of E-KFAC are no product; wants "exact" damping.',
    );
  }
  const { inputs, gradients } = factors;
  const root = typeof damping === "number" ? Math.sqrt(damping) : damping.sqrt();
  const pi = traceRatio(inputs, gradients).expandDims(-1).expandDims(-1);
  const right = dampedInverse(inputs, pi.mul(root));
  const left = dampedInverse(gradients, pi.reciprocal().mul(root));
  return (v) => left.matmul(v).matmul(right);
}

/** log det(A ⊗ S + λ I). */
export function blockLogDeterminant(factors: LayerFactors, damping: number | Tensor): Tensor {
  return spectrum(factors).eigenvalues.add(damping).log().sum();
}

/** tr(A ⊗ S) = tr A · tr S. */
export function blockTrace({ inputs, gradients, corrected }: LayerFactors): Tensor {
  return corrected === undefined ? trace(inputs).mul(trace(gradients)).sum() : corrected.eigenvalues.sum();
}

/** Eigenvectors and eigenvalues [o, a]; rounding may leave those of a factor below zero, where they do not belong. */
function spectrum({ inputs, gradients, corrected }: LayerFactors): {
  readonly basis: Eigenbasis;
  readonly eigenvalues: Tensor;
} {
  if (corrected !== undefined) return { basis: corrected, eigenvalues: corrected.eigenvalues };
  const [a, s] = [eigh(inputs), eigh(gradients)];
  return {
    basis: { inputBasis: a.vectors, gradientBasis: s.vectors },
    eigenvalues: s.values.maximum(0).expandDims(-1).mul(a.values.maximum(0).expandDims(-2)),
  };
}

function inEigenbasis({ inputBasis, gradientBasis }: Eigenbasis, v: Tensor, f: (w: Tensor) => Tensor): Tensor {
  const w = f(gradientBasis.T.matmul(v).matmul(inputBasis));
  return gradientBasis.matmul(w).matmul(inputBasis.T);
}

/** π = √((tr A/dim A)/(tr S/dim S)); 1 where one of them is 0. */
function traceRatio(inputs: Tensor, gradients: Tensor): Tensor {
  const mean = (x: Tensor): Tensor => trace(x).div(x.shape[x.rank - 1]);
  const [a, s] = [mean(inputs), mean(gradients)];
  const both = a.mul(s).greater(0);
  return where(
    both,
    where(both, a, 1)
      .div(where(both, s, 1))
      .sqrt(),
    1,
  ).cast(inputs.dtype);
}

/** (X + c I)⁻¹ for c [..., 1, 1]. */
function dampedInverse(x: Tensor, c: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  return choleskySolve(cholesky(addIdentity(x, c)), broadcastTo(eye(n, n, { dtype: x.dtype }), x.shape));
}
