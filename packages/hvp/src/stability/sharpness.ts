/** How sharp a minimum is, and how unevenly its examples make it so. */

import { matmul, tensor, zeros, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import {
  expectOptions,
  eigsh,
  linearOperator,
  type AnyOperator,
  type LinearOperator,
  expectArguments,
} from "@curv/linsolve";
import { frobeniusNorm, hutchinsonTrace } from "../estimators/hutchinson.js";
import { checkInterpolant, type Interpolant } from "./interpolant.js";
import { blocks, gramMatrix, largestRank, rangeCoordinates, scatterMatrix, wideRows } from "./range-coordinates.js";
import { checkCount } from "../estimators/products.js";

export interface SharpnessOptions {
  /** For what is estimated by random vectors. Default key(0). */
  readonly key?: random.Key;
  /**
   * Compute everything from all eigenvalues (true), or trace and Frobenius norm by Hutchinson's estimators (false). Default: true for an interpolant
   * with min(n, p) ≤ 500; beyond that the trace of an interpolant is exact all the same, and the Frobenius norm for n ≤ 2000.
   */
  readonly exact?: boolean;
  /** Random vectors for each of trace and Frobenius norm. Default 32. */
  readonly probes?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Sharpness {
  /** tr G. */
  readonly trace: number;
  /** ‖G‖₂. */
  readonly lambdaMax: number;
  /** ‖G‖_F. */
  readonly frobenius: number;
  /** s, with s² the largest eigenvalue of (1/n) Σ Hᵢ² − G²; null for an operator, which does not know its examples. */
  readonly nonUniformity: number | null;
  /** Standard errors; 0 where it is exact. */
  readonly standardError: { readonly trace: number; readonly frobenius: number };
  /** Whether the eigenvalues have converged. */
  readonly converged: boolean;
}

/**
 * Trace, spectral norm, Frobenius norm and non-uniformity of the curvature at a minimum.
 *
 * @param m - A minimum, or its Hessian or Gauss–Newton matrix as an operator.
 * @throws DomainError for rows with NaN, or all zero, and as the estimators do.
 * Source: Wu & Su (2023), arXiv 2305.17490; non-uniformity: Wu, Ma & E, How SGD selects the global minima (2018).
 *
 * @example
 * const { trace, lambdaMax } = await sharpness(interpolant(model.apply, params, data));
 */
export async function sharpness(m: Interpolant | AnyOperator, options: SharpnessOptions = {}): Promise<Sharpness> {
  const caller = "sharpness";
  expectArguments(caller, { m: [m, "object"] });
  expectOptions(caller, options, { key: "key", probes: "number" });
  checkCount(options.probes ?? 1, caller, "probes");
  if (isInterpolant(m)) checkInterpolant(m, caller);
  else expectArguments(caller, { m: [m, "operator"] });
  if (!isInterpolant(m)) return { ...(await ofOperator(m, options)), nonUniformity: null };
  const { exact = Math.min(m.examples, m.params) <= largestRank, signal } = options;
  signal?.throwIfAborted();
  if (exact) return fromEigenvalues(m, caller);

  const norms = Array.from(blocks(m, caller), (block) => Array.from(block.square().sum(1).dataSync())).flat();
  const trace = norms.reduce((a, b) => a + b, 0) / m.examples;
  const g = curvatureOperator(m, caller);
  const estimates = await ofOperator(g, options);
  const gram = options.exact !== false && m.examples <= 2000;
  // S v = (1/n) Σ ‖aᵢ‖² aᵢ(aᵢᵀv) − G(G v).
  const scatter = weightedOperator(m, caller, norms);
  const s = linearOperator({
    matvec: (v: Tensor) => scatter.matvec(v).sub(g.matvec(g.matvec(v))),
    domain: zeros([m.params], { dtype: "float64" }),
    positiveSemidefinite: true,
    eager: true,
  });
  const top = await eigsh(s, { ...extreme, ...(signal && { signal }) });
  return {
    lambdaMax: estimates.lambdaMax,
    trace: options.exact === false ? estimates.trace : trace,
    frobenius: gram ? gramMatrix(m, caller).square().sum().sqrt().itemSync() / m.examples : estimates.frobenius,
    nonUniformity: Math.sqrt(Math.max(0, await top.values.item())),
    standardError: {
      trace: options.exact === false ? estimates.standardError.trace : 0,
      frobenius: gram ? 0 : estimates.standardError.frobenius,
    },
    converged: estimates.converged && top.converged,
  };
}

/** One eigenvalue at the top. */
const extreme = { k: 1, tol: 1e-6, verifyMultiplicity: false, check: false } as const;

function fromEigenvalues(m: Interpolant, caller: string): Sharpness {
  const coordinates = rangeCoordinates(m, caller);
  const { values, squaredNorms } = coordinates;
  const scatter = eigvalsh(scatterMatrix(coordinates));
  return {
    trace: squaredNorms.mean().itemSync(),
    lambdaMax: values.max().itemSync(),
    frobenius: values.square().sum().sqrt().itemSync(),
    nonUniformity: Math.sqrt(Math.max(0, scatter.max().itemSync())),
    standardError: { trace: 0, frobenius: 0 },
    converged: true,
  };
}

type Estimates = Omit<Sharpness, "nonUniformity">;

async function ofOperator(g: AnyOperator, options: SharpnessOptions): Promise<Estimates> {
  const { key = random.key(0), probes = 32, signal } = options;
  const [traceKey, normKey, eigenKey] = random.split(key, 3);
  const shared = { probes, ...(signal && { signal }) };
  const trace = await hutchinsonTrace(g, traceKey, shared);
  const frobenius = await frobeniusNorm(g, normKey, shared);
  const top = await eigsh(g, {
    ...extreme,
    which: "magnitude",
    tol: g.dtype === "float64" ? 1e-6 : 1e-4,
    key: eigenKey,
    ...(signal && { signal }),
  });
  return {
    trace: trace.trace,
    lambdaMax: Math.abs(await top.values.item()),
    frobenius: frobenius.norm,
    standardError: { trace: trace.standardError, frobenius: frobenius.standardError },
    converged: top.converged,
  };
}

/** G = (1/n) Σ aᵢaᵢᵀ as an operator on vectors [p], float64, from passes over the rows. */
export function curvatureOperator(m: Interpolant, caller: string): LinearOperator {
  return weightedOperator(m, caller, null);
}

/** (1/n) Σ wᵢ aᵢaᵢᵀ. */
function weightedOperator(m: Interpolant, caller: string, weights: readonly number[] | null): LinearOperator {
  const w = weights === null ? null : tensor(Float64Array.from(weights));
  return linearOperator({
    matvec: (v: Tensor) => {
      let sum = zeros([m.params], { dtype: "float64" });
      let at = 0;
      for (const block of wideRows(m, caller)) {
        const along = matmul(block, v);
        const to = at + block.shape[0];
        sum = sum.add(matmul(w === null ? along : along.mul(w.slice([at, to])), block));
        at = to;
      }
      return sum.div(m.examples);
    },
    domain: zeros([m.params], { dtype: "float64" }),
    positiveSemidefinite: true,
    eager: true,
  });
}

function isInterpolant(m: Interpolant | AnyOperator): m is Interpolant {
  return "rows" in m;
}
