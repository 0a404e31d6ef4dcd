/** Mixtures whose truth is known: what the fits find of it, how exactly, and in what time. */

import { besselRatioI, inverseBesselRatioI } from "@curv/bessel";
import * as vonMisesFisher from "@curv/bessel/von-mises-fisher";
import { concat, stack, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { processorTime } from "./clock.js";
import { likeliestMixture } from "./likeliest-mixture.js";
import { confusionOf, median, purity } from "./scores.js";
import type { Settings } from "./settings.js";
import { told, type Watch } from "./watch.js";

/** κ/p of the components: from nearly uniform to narrow. */
export const concentrationShares: readonly number[] = [0.25, 0.5, 1, 2];

export interface KnownComponent {
  /** κ of the component that was sampled. */
  readonly truth: number;
  /** What samples of this size should give: κ at R̄ = √(A² + (1 − A²)/n), since directions across add up to some length, too. */
  readonly expected: number;
  /** κ by the mixture. */
  readonly fitted: number;
  /** Between the directions of both. */
  readonly cosine: number;
}

export interface FitResult {
  readonly meanLength: number;
  readonly concentration: number;
  readonly iterations: number;
  /** A_p(κ) − R̄. */
  readonly residual: number;
}

export interface KnownResult {
  readonly p: number;
  /** Of each component. */
  readonly rows: number;
  /** Of the mixture's clusters against the components that rows came from. */
  readonly purity: number;
  readonly iterations: number;
  readonly components: readonly KnownComponent[];
  /** Of each component's rows alone. */
  readonly fits: readonly FitResult[];
}

export interface KnownStudy {
  readonly results: readonly KnownResult[];
  /** Processor time of a fit, all steps included; median, in milliseconds. */
  readonly milliseconds: readonly number[];
  /** Of the solution of A_p(κ) = R̄ alone; mean, in microseconds. */
  readonly microseconds: readonly number[];
}

export async function studyKnown(settings: Settings, key: random.Key, watch: Watch): Promise<KnownStudy> {
  const results: KnownResult[] = [];
  const milliseconds: number[] = [];
  const microseconds: number[] = [];
  for (const p of settings.dimensions) {
    const { result, time } = await studyDimension(p, settings, random.foldIn(key, p), watch);
    results.push(result);
    milliseconds.push(time);
    microseconds.push(await solutionTime(p, result.fits));
    await told(
      watch,
      `known mixture in ${p} dimensions: purity ${result.purity.toFixed(3)}, a fit in ${time.toFixed(1)} ms`,
    );
  }
  return { results, milliseconds, microseconds };
}

async function solutionTime(p: number, fits: readonly FitResult[]): Promise<number> {
  const rounds = 500;
  const time = await processorTime(async () => {
    for (let k = 0; k < rounds; k++) for (const { meanLength } of fits) inverseBesselRatioI(p / 2 - 1, meanLength);
  });
  return (1000 * time) / (rounds * fits.length);
}

async function studyDimension(
  p: number,
  { knownRows: n, repeats, starts }: Settings,
  key: random.Key,
  watch: Watch,
): Promise<{ result: KnownResult; time: number }> {
  const [own, startKey] = random.split(key);
  const truths = concentrationShares.map((share, k) => {
    const [direction, draws] = random.split(random.foldIn(own, k));
    const mean = random.sphere(direction, p, { dtype: "float64" });
    const concentration = tensor(share * p, { dtype: "float64" });
    return { mean, kappa: share * p, x: vonMisesFisher.sample(draws, { mean, concentration }, { shape: [n] }) };
  });
  const times: number[] = [];
  const fits: FitResult[] = [];
  for (const { x } of truths) {
    const { meanLength, concentration, iterations, residual } = await vonMisesFisher.fit(x); // warm, too
    fits.push({ meanLength, concentration, iterations, residual });
    for (let k = 0; k < repeats; k++) times.push(await processorTime(() => vonMisesFisher.fit(x)));
  }
  const all = concat(
    truths.map(({ x }) => x),
    0,
  );
  const mixture = await likeliestMixture(all, truths.length, starts, startKey, watch);
  const clusters = Array.from(mixture.responsibilities.argMax(1).dataSync());
  const table = confusionOf(
    clusters.map((_, i) => Math.floor(i / n)),
    clusters,
    truths.length,
  );
  const cosines = stack(truths.map(({ mean }) => mean)).matmul(mixture.means.T);
  const nearest = cosines.argMax(1).dataSync();
  const components = truths.map(({ kappa }, k) => {
    const a = besselRatioI(p / 2 - 1, kappa);
    return {
      truth: kappa,
      expected: inverseBesselRatioI(p / 2 - 1, Math.sqrt(a * a + (1 - a * a) / n)),
      fitted: mixture.concentrations.slice(nearest[k]).itemSync(),
      cosine: cosines.slice(k, nearest[k]).itemSync(),
    };
  });
  const result = { p, rows: n, purity: purity(table), iterations: mixture.iterations, components, fits };
  return { result, time: median(times) };
}
