/** Stochastic Lanczos quadrature: a symmetric operator's spectrum as a measure, and traces of functions of the operator from it. */

import { DomainError } from "@curv/tensor";
import { expectOptions, eighTridiagonal, lanczos, type AnyOperator, expectArguments } from "@curv/linsolve";
import type { Key } from "@curv/tensor/random";
import { drawProbes, type ProbeDistribution } from "./probes.js";
import { checkCount, meanAndStandardError, probedSize } from "./products.js";

export interface SpectralMeasureOptions {
  /** Random starts, each a run of `steps` products. Default 8. */
  readonly probes?: number;
  /** Lanczos steps, and vectors in memory: the quadrature is exact for polynomials up to degree 2·steps − 1. Default 64, and at most n. */
  readonly steps?: number;
  /** Default "rademacher". */
  readonly distribution?: ProbeDistribution;
  /** An earlier measure of the same operator, key and steps, to go on from. */
  readonly resume?: SpectralMeasure;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onProgress?: (progress: { readonly products: number; readonly of: number }) => void;
}

/** What Lanczos' runs saw of a spectrum. Plain data: it can be stored and read again. */
export interface SpectralMeasure {
  /** n: the number of eigenvalues. */
  readonly size: number;
  readonly runs: readonly SpectralRun[];
  readonly products: number;
}

/** The spectrum as seen from one start: Σ wᵢ f(θᵢ) is an estimate of tr f(A)/n. */
export interface SpectralRun {
  /** Ritz values θ, ascending. */
  readonly nodes: readonly number[];
  /** w ≥ 0 with sum 1: squares of the first components of the eigenvectors of T. */
  readonly weights: readonly number[];
  /** ‖A v − θ v‖ of each Ritz pair: within that distance of θ there is an eigenvalue. */
  readonly residuals: readonly number[];
}

/**
 * The spectral measure of a symmetric operator, from Lanczos runs with full reorthogonalisation. Traces of functions, log-determinants,
 * densities are all functions of it, without further products: {@link traceOf}, {@link logDeterminant}, {@link effectiveDimension},
 * {@link spectralDensity}.
 *
 * @throws ShapeError if A is not square; DomainError if it is not said to be symmetric, for options out of range, or a product with NaN.
 * Source: Ubaru, Chen & Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature (2017); Ghorbani, Krishnan & Xiao (2019).
 *
 * @example
 * const measure = await spectralMeasure(hessianOperator(loss, params, batch), random.key(0));
 * const { x, density } = spectralDensity(measure);
 */
export async function spectralMeasure(
  a: AnyOperator,
  key: Key,
  options: SpectralMeasureOptions = {},
): Promise<SpectralMeasure> {
  const caller = "spectralMeasure";
  const n = probedSize(a, key, options, caller);
  if (!a.symmetric) {
    throw new DomainError(`${caller}: the operator is not said to be symmetric; wants one with \`symmetric: true\`.`);
  }
  const { probes = 8, steps = Math.min(64, n), distribution = "rademacher", resume, signal, onProgress } = options;
  checkCount(probes, caller, "probes");
  checkCount(steps, caller, "steps", { most: n });
  const runs = [...(resume?.runs ?? [])];
  let products = resume?.products ?? 0;
  while (runs.length < probes) {
    const start = drawProbes(distribution, key, n, a.dtype, [runs.length, runs.length + 1]).squeeze(1);
    const before = products;
    const tell =
      onProgress &&
      (({ steps: taken }: { readonly steps: number }): void =>
        onProgress({ products: before + taken, of: probes * steps }));
    const run = await lanczos(a, start, { steps, ...(signal && { signal }), ...(tell && { onProgress: tell }) });
    products += run.alpha.length;
    runs.push(quadrature(run.alpha, run.beta));
  }
  return { size: n, runs, products };
}

/** Gauss quadrature of the tridiagonal matrix. */
function quadrature(alpha: readonly number[], beta: readonly number[]): SpectralRun {
  const last = alpha.length - 1;
  const { values, vectors } = eighTridiagonal(alpha, beta);
  return {
    nodes: Array.from(values),
    weights: vectors.map((y) => y[0] ** 2),
    residuals: vectors.map((y) => Math.abs(beta[last] * y[last])),
  };
}

export interface FunctionTrace {
  readonly trace: number;
  /** Standard error over the runs; NaN for a single one. It does not hold the error of the quadrature, which falls with the steps. */
  readonly standardError: number;
}

/**
 * tr f(A) = Σ f(λᵢ).
 *
 * @throws DomainError where f gives no finite number at a Ritz value, or for a measure without runs.
 *
 * @example
 * traceOf(measure, (x) => x ** 2); // ‖A‖²
 */
export function traceOf(measure: SpectralMeasure, f: (eigenvalue: number) => number): FunctionTrace {
  checkMeasure(measure, "traceOf");
  expectArguments("traceOf", { f: [f, "function"] });
  const { size, runs } = measure;
  if (runs.length === 0) throw new DomainError("traceOf: the measure has no runs; wants at least one.");
  const samples = runs.map(({ nodes, weights }) => {
    const values = nodes.map((x, i) => (weights[i] === 0 ? 0 : weights[i] * f(x)));
    const wrong = values.findIndex((y) => !Number.isFinite(y));
    if (wrong >= 0) {
      throw new DomainError(
        `traceOf: f is ${String(f(nodes[wrong]))} at the Ritz value ${nodes[wrong]}; wants a number.`,
      );
    }
    return size * values.reduce((a, b) => a + b, 0);
  });
  const { mean, standardError } = meanAndStandardError(samples);
  return { trace: mean, standardError };
}

/**
 * log det(A + damping·I) = tr log(A + damping·I).
 *
 * @throws DomainError where an eigenvalue plus the damping is not positive.
 */
export function logDeterminant(measure: SpectralMeasure, options: { readonly damping?: number } = {}): FunctionTrace {
  checkMeasure(measure, "logDeterminant");
  expectOptions("logDeterminant", options, { damping: "number" });
  const { damping = 0 } = options;
  const least = Math.min(...measure.runs.map(({ nodes }) => nodes[0]));
  if (!(least + damping > 0)) {
    throw new DomainError(
      `logDeterminant: the least Ritz value is ${least}, damping ${damping}; wants their sum to be positive.`,
    );
  }
  return traceOf(measure, (x) => Math.log(x + damping));
}

/**
 * Σ λᵢ/(λᵢ + damping): how many directions the data determine, beside a prior of precision `damping`. Negative eigenvalues count as zero.
 *
 * @throws DomainError for a damping that is not positive.
 * Source: MacKay (1992); Maddox, Benton & Wilson, Rethinking parameter counting (2020).
 */
export function effectiveDimension(measure: SpectralMeasure, options: { readonly damping: number }): FunctionTrace {
  checkMeasure(measure, "effectiveDimension");
  expectOptions("effectiveDimension", options, { damping: "number" });
  const { damping } = options;
  if (!(damping > 0)) throw new DomainError(`effectiveDimension: damping is ${damping}; wants a positive number.`);
  return traceOf(measure, (x) => Math.max(x, 0) / (Math.max(x, 0) + damping));
}

/**
 * The fraction of eigenvalues below `-tolerance`.
 *
 * @throws DomainError for a tolerance that is negative or no number.
 */
export function negativeFraction(measure: SpectralMeasure, tolerance = 0): FunctionTrace {
  checkMeasure(measure, "negativeFraction");
  expectArguments("negativeFraction", { tolerance: [tolerance, "number"] });
  if (!(tolerance >= 0)) throw new DomainError(`negativeFraction: tolerance is ${tolerance}; wants 0 or more.`);
  const { trace, standardError } = traceOf(measure, (x) => (x < -tolerance ? 1 : 0));
  return { trace: trace / measure.size, standardError: standardError / measure.size };
}

/** @throws DomainError for what {@link spectralMeasure} did not make. */
export function checkMeasure(measure: SpectralMeasure, caller: string): void {
  expectArguments(caller, { measure: [measure, "object"] });
  expectArguments(caller, { "measure.runs": [measure.runs, "list"] });
  for (const [i, run] of measure.runs.entries()) {
    expectArguments(caller, { [`measure.runs[${i}]`]: [run, "object"] });
    for (const part of ["nodes", "weights"] as const) {
      expectArguments(caller, { [`measure.runs[${i}].${part}`]: [run[part], "list"] });
    }
  }
}
