/** The trace of an operator from random probes. */

import { DomainError } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breathe } from "./breathe.js";
import type { LinearOperator } from "./hessian-operator.js";

export interface RunningTrace {
  readonly trace: number;
  /** Standard error of `trace`; NaN after a single probe. */
  readonly standardError: number;
}

export interface HutchinsonOptions {
  /** Products with A, at most. Default 64. */
  readonly probes?: number;
  /** Stop early, from the tenth probe on, when the standard error is below tol·|trace|. Default 0: never early. */
  readonly tol?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (step: RunningTrace & { readonly iterations: number }) => void;
}

export interface TraceEstimate extends RunningTrace {
  /** Probes used. */
  readonly iterations: number;
  /** Whether the standard error is below tol·|trace|; with tol = 0, whether all probes were used. */
  readonly converged: boolean;
  /** standardError / |trace|. */
  readonly residual: number;
  /** The estimate after each probe. */
  readonly history: readonly RunningTrace[];
}

/** Probes before the standard error is believed. */
const leastProbes = 10;

/**
 * Hutchinson's estimator: tr A = E[vᵀAv] for random signs v.
 *
 * Unbiased; its variance is 2(‖A‖_F² − Σᵢ Aᵢᵢ²) for symmetric A, so a diagonal A needs one probe.
 *
 * @param key - Probe k depends on (key, k) alone: more probes begin with the same ones.
 * @throws DomainError if a product is not finite.
 * Source: Hutchinson (1990); variance: Avron & Toledo (2011), lemma 9.
 */
export async function hutchinsonTrace(
  { size, dtype, matvec }: LinearOperator,
  key: random.Key,
  { probes = 64, tol = 0, signal, onProgress }: HutchinsonOptions = {},
): Promise<TraceEstimate> {
  if (!Number.isInteger(probes) || probes < 1) {
    throw new DomainError(`hutchinsonTrace: probes is ${probes}; wants an integer >= 1.`);
  }
  const samples: number[] = [];
  const history: RunningTrace[] = [];
  for (;;) {
    const v = random.rademacher(random.foldIn(key, samples.length), { shape: [size], dtype });
    const sample = await v.dot(matvec(v)).item();
    if (!Number.isFinite(sample))
      throw new DomainError(`hutchinsonTrace: product ${samples.length + 1} is not finite.`);
    samples.push(sample);
    const running = meanAndStandardError(samples);
    history.push(running);
    const iterations = samples.length;
    onProgress?.({ ...running, iterations });
    const residual = running.standardError / Math.abs(running.trace);
    const accurate = iterations >= leastProbes && residual <= tol;
    if (accurate || iterations >= probes) {
      return { ...running, iterations, residual, converged: tol > 0 ? accurate : true, history };
    }
    await breathe(signal);
  }
}

/** Mean of independent samples, and s/√n. */
function meanAndStandardError(samples: readonly number[]): RunningTrace {
  const n = samples.length;
  const trace = samples.reduce((sum, x) => sum + x, 0) / n;
  const squares = samples.reduce((sum, x) => sum + (x - trace) ** 2, 0);
  return { trace, standardError: n === 1 ? NaN : Math.sqrt(squares / (n - 1) / n) };
}
