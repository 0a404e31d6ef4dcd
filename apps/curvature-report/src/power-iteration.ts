/** The eigenvalue of largest modulus, by power iteration. */

import { DomainError, epsilon, jit, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breathe } from "./breathe.js";
import type { LinearOperator } from "./hessian-operator.js";

export interface PowerStep {
  /** The Rayleigh quotient θ = vᵀAv. */
  readonly eigenvalue: number;
  /** ‖Av − θv‖ / |θ|. */
  readonly residual: number;
}

export interface PowerOptions {
  /** Stop when ‖Av − θv‖ ≤ tol |θ|. Default 1e-3. */
  readonly tol?: number;
  /** Products with A, at most. Default 200. */
  readonly maxIter?: number;
  /** Eigenvectors found before, of norm 1. v stays orthogonal to them, so that the next eigenvalue is found. */
  readonly deflate?: readonly Tensor[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (step: PowerStep & { readonly iterations: number }) => void;
}

export interface Eigenpair extends PowerStep {
  /** Of norm 1 and shape [n]. */
  readonly eigenvector: Tensor;
  /** Whether `residual` came below the tolerance. */
  readonly converged: boolean;
  /** Products with A. */
  readonly iterations: number;
  readonly history: readonly PowerStep[];
}

/**
 * Power iteration v ← Av / ‖Av‖ from a random v, for a symmetric A: the eigenvalue of largest modulus, with its sign.
 *
 * The error of v falls like |λ₂/λ₁|ᵗ, that of θ like its square; an eigenvalue of A lies within `residual`·|θ| of θ. The stop rule looks
 * at the residual, because a Rayleigh quotient that hardly changes may be creeping. For two eigenvalues of one modulus and opposite signs
 * the residual stays large, and the result says so.
 *
 * @param key - Of the random start.
 * @throws DomainError if a product is not finite.
 */
export async function powerIteration(
  { size, dtype, matvec }: LinearOperator,
  key: random.Key,
  { tol = 1e-3, maxIter = 200, deflate = [], signal, onProgress }: PowerOptions = {},
): Promise<Eigenpair> {
  const project = (v: Tensor): Tensor => deflate.reduce((w, u) => w.sub(u.mul(u.dot(w))), v);
  const normalise = (v: Tensor): Tensor => v.div(v.square().sum().sqrt());
  const examine = jit((v: Tensor, w: Tensor) => {
    const theta = v.dot(w);
    return { theta, distance: w.sub(v.mul(theta)).square().sum().sqrt() };
  });

  const history: PowerStep[] = [];
  let v = normalise(project(random.normal(key, { shape: [size], dtype })));
  for (;;) {
    const w = project(matvec(v));
    const { theta, distance } = examine(v, w);
    const [eigenvalue, error] = [await theta.item(), await distance.item()];
    if (!Number.isFinite(eigenvalue) || !Number.isFinite(error)) {
      throw new DomainError(`powerIteration: product ${history.length + 1} is not finite.`);
    }
    const residual = error === 0 ? 0 : error / Math.abs(eigenvalue);
    history.push({ eigenvalue, residual });
    const iterations = history.length;
    onProgress?.({ eigenvalue, residual, iterations });
    const converged = residual <= Math.max(tol, epsilon(dtype));
    if (converged || iterations >= maxIter) {
      return { eigenvalue, eigenvector: v, converged, iterations, residual, history };
    }
    v = normalise(w);
    await breathe(signal);
  }
}
