/** Everything that a run finds, and what a full run promises of it. */

import { besselRatioI } from "@curv/bessel";
import * as random from "@curv/tensor/random";
import type { Check } from "app-frame";
import { studyDigits, type DigitsStudy } from "./digits-study.js";
import { studyKnown, type KnownStudy } from "./known-study.js";
import { compareWithOthers, type Comparison } from "./others.js";
import type { Settings } from "./settings.js";
import type { Watch } from "./watch.js";

export interface Study {
  readonly settings: Settings;
  readonly known: KnownStudy;
  /** The pixels first. */
  readonly digits: readonly DigitsStudy[];
  readonly comparison: Comparison;
}

export async function study(settings: Settings, watch: Watch): Promise<Study> {
  const [knownKey, digitsKey] = random.split(random.key(settings.seed));
  const comparison = await compareWithOthers();
  const known = await studyKnown(settings, knownKey, watch);
  const digits = await studyDigits(settings, digitsKey, watch);
  return { settings, known, digits, comparison };
}

/** Of the maximum-likelihood κ of n samples: 1/√(nA′(κ)), A′ = 1 − A² − (p − 1)A/κ being Fisher's information of one. */
export function standardError(p: number, n: number, kappa: number): number {
  const a = besselRatioI(p / 2 - 1, kappa);
  return 1 / Math.sqrt(n * (1 - a * a - ((p - 1) * a) / kappa));
}

/**
 * None of a quick run. The limits of fits are the specification's, those of known mixtures follow from the samples' statistics; for clusters of
 * digits there is neither, so theirs are floors below what a first run gave: they tell when something breaks.
 */
export function checksOf({ settings, known, digits, comparison }: Study): Check[] {
  if (settings.quick) return [];
  const fits = known.results.flatMap((result) => result.fits);
  const [pixels] = digits.map(({ result }) => result);
  const close = known.results.every(({ p, rows, components }) =>
    components.every(({ fitted, expected }) => Math.abs(fitted - expected) < 4 * standardError(p, rows, expected)),
  );
  return [
    {
      claim: `a fit in ${settings.dimensions.join(", ")} dimensions takes at most 8 iterations`,
      holds: fits.every(({ iterations }) => iterations <= 8),
    },
    {
      claim: `… and at most 50 ms of processor time (median, ${settings.knownRows} rows)`,
      holds: known.milliseconds.every((time) => time <= 50),
    },
    { claim: "… and ends with |A(κ) − R̄| ≤ 1e-12", holds: fits.every(({ residual }) => Math.abs(residual) <= 1e-12) },
    {
      claim:
        "by mpmath with 60 digits: A(κ) and the solution of A(κ) = R̄ are right to 1e-12, log I to 1e-14 of max(1, |log I|)",
      holds: comparison.rows.every(
        ({ curv }) => curv.ratioError <= 1e-12 && curv.kappaError <= 1e-12 && curv.logError <= 1e-14,
      ),
    },
    {
      claim:
        "mixtures of known components: every row is told apart, every κ within four standard errors of what such samples should give",
      holds: close && known.results.every(({ purity }) => purity === 1),
    },
    {
      claim:
        "digits: all mixtures converge; floors below a first run, not of theory: purity of the pixels' clusters 0.6, of every other space's 0.5",
      holds: pixels.purity >= 0.6 && digits.every(({ result }) => result.converged && result.purity >= 0.5),
    },
    {
      claim:
        "… and a digit is likelier than noise, stripes, a negative or shuffled pixels with probability 0.95, in every space",
      holds: digits.every(({ result: { auroc } }) =>
        (["noise", "stripes", "negative", "shuffled pixels"] as const).every((kind) => auroc[kind] >= 0.95),
      ),
    },
  ];
}
