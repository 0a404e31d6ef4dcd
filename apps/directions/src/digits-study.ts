/** Mixtures fitted to digits: their clusters beside the labels, and how likely they find digits and strangers. */

import { besselRatioI } from "@curv/bessel";
import { mixtureLogProb } from "@curv/bessel/von-mises-fisher";
import * as random from "@curv/tensor/random";
import { breathe } from "app-frame";
import { pixels } from "app-frame/digits";
import { directionsOf, loadDigits, type Digit, type Picture } from "./digits.js";
import { fourierFeatures, type FeatureMap } from "./features.js";
import { likeliestComponents, likeliestMixture } from "./likeliest-mixture.js";
import { auroc, confusionOf, majorities, normalisedMutualInformation, purity, type Confusion } from "./scores.js";
import type { Counts, Settings } from "./settings.js";
import { strangerNames, strangers, type Stranger } from "./strangers.js";
import { told, type Watch } from "./watch.js";

export interface Cluster {
  /** Share of the training digits. */
  readonly weight: number;
  readonly concentration: number;
  /** A_p(κ): cosine of a digit of this component and its mean direction, on average. */
  readonly meanLength: number;
  /** The commonest digit. */
  readonly label: number;
}

export interface DigitsResult {
  /** 784: the pixels themselves. */
  readonly p: number;
  readonly counts: Counts;
  readonly iterations: number;
  readonly converged: boolean;
  /** Mean log density of the training digits, in nats. */
  readonly logLikelihood: number;
  readonly clusters: readonly Cluster[];
  /** Of the training digits. */
  readonly confusion: Confusion;
  readonly purity: number;
  readonly normalisedMutualInformation: number;
  /** Share of the test digits whose label is the commonest one of their cluster. */
  readonly testAccuracy: number;
  /** Probability that a test digit is likelier than a stranger. */
  readonly auroc: Readonly<Record<Stranger, number>>;
}

export interface DigitsStudy {
  readonly result: DigitsResult;
  /** Mean directions as pictures; of the pixels alone. */
  readonly means: readonly Picture[];
  /** Log densities of the test digits, and of each kind of strangers. */
  readonly scores: ReadonlyMap<"digits" | Stranger, readonly number[]>;
}

/** The pixels, then the features in each dimension. */
export async function studyDigits(settings: Settings, key: random.Key, watch: Watch): Promise<DigitsStudy[]> {
  const [order, others, maps, starts] = random.split(key, 4);
  const digits = await loadDigits(order);
  const spaces = [
    { p: pixels, counts: settings.pixels },
    ...settings.dimensions.map((p) => ({ p, counts: settings.features })),
  ];
  const studies: DigitsStudy[] = [];
  for (const [place, { p, counts }] of spaces.entries()) {
    const map: FeatureMap = place === 0 ? (x) => x : fourierFeatures(p, random.foldIn(maps, p));
    const train = digits.slice(0, counts.train);
    const test = digits.slice(counts.train, counts.train + counts.test);
    const study = await studySpace(p, map, train, test, settings, [random.foldIn(starts, p), others], watch);
    const { result } = study;
    studies.push(study);
    await told(watch, `digits in ${p} dimensions: purity ${result.purity.toFixed(3)}, ${result.iterations} iterations`);
  }
  return studies;
}

async function studySpace(
  p: number,
  map: FeatureMap,
  train: readonly Digit[],
  test: readonly Digit[],
  { components, starts }: Settings,
  [startKey, otherKey]: readonly [random.Key, random.Key],
  watch: Watch,
): Promise<DigitsStudy> {
  const featuresOf = (pictures: readonly Picture[]) => map(directionsOf(pictures));
  const mixture = await likeliestMixture(featuresOf(train.map((d) => d.picture)), components, starts, startKey, watch);
  const confusion = confusionOf(
    train.map(({ label }) => label),
    Array.from(mixture.responsibilities.argMax(1).dataSync()),
    components,
  );
  const names = majorities(confusion);

  const held = featuresOf(test.map(({ picture }) => picture));
  const right = likeliestComponents(held, mixture).filter((k, i) => names[k] === test[i].label);
  const scores = new Map<"digits" | Stranger, readonly number[]>();
  scores.set("digits", Array.from(mixtureLogProb(held, mixture).dataSync()));
  for (const [kind, name] of strangerNames.entries()) {
    await breathe(watch.signal);
    const keys = random.split(random.foldIn(otherKey, kind), test.length);
    const pictures = test.map(({ picture }, i) => strangers[name](picture, keys[i]));
    scores.set(name, Array.from(mixtureLogProb(featuresOf(pictures), mixture).dataSync()));
  }
  const own = scores.get("digits")!;
  const concentrations = Array.from(mixture.concentrations.dataSync());
  const weights = mixture.weights.dataSync();
  const means = mixture.means.dataSync();
  return {
    result: {
      p,
      counts: { train: train.length, test: test.length },
      iterations: mixture.iterations,
      converged: mixture.converged,
      logLikelihood: mixture.logLikelihood,
      clusters: concentrations.map((concentration, k) => ({
        weight: weights[k],
        concentration,
        meanLength: besselRatioI(p / 2 - 1, concentration),
        label: names[k],
      })),
      confusion,
      purity: purity(confusion),
      normalisedMutualInformation: normalisedMutualInformation(confusion),
      testAccuracy: right.length / test.length,
      auroc: Object.fromEntries(strangerNames.map((name) => [name, auroc(own, scores.get(name)!)])) as Record<
        Stranger,
        number
      >,
    },
    means: p === pixels ? names.map((_, k) => Float64Array.from(means.slice(k * p, (k + 1) * p))) : [],
    scores,
  };
}
