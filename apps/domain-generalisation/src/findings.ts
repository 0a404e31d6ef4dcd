/** What the numbers say: final accuracies, and the claims that a full run checks. */

import type { Check } from "app-frame";
import type { ExperimentResult, Results, Row } from "./experiment.js";

/** Means over a row's runs, at the last step. */
export interface Final {
  readonly train: number;
  readonly test: number;
}

export function finalOf({ runs }: Row): Final {
  const ends = runs.map(({ points }) => points[points.length - 1] ?? { train: NaN, test: NaN });
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return { train: mean(ends.map(({ train }) => train)), test: mean(ends.map(({ test }) => test)) };
}

/** The specification's figures for the same rows, from another implementation: train / test. */
export const reference: Readonly<Record<string, Readonly<Record<string, Final>>>> = {
  synthetic: {
    ERM: { train: 0.848, test: 0.102 },
    "gradient only (IGA)": { train: 0.772, test: 0.637 },
    HGP: { train: 0.772, test: 0.64 },
    "Hutchinson, exact diagonal": { train: 0.772, test: 0.636 },
  },
};

/** Names of the rows whose test accuracy the claims are about. */
const hessian = ["HGP", "Hutchinson, exact diagonal"] as const;

/** Claims of a full run; a quick one promises nothing. */
export function checks({ settings, experiments }: Results): Check[] {
  return settings.quick ? [] : experiments.flatMap(claimsOf);
}

function claimsOf({ part, rows }: ExperimentResult): Check[] {
  const final = (name: string): Final => finalOf(rows.find(({ method }) => method === name)!);
  const erm = final("ERM");
  switch (part) {
    case "synthetic":
      return [
        { claim: "synthetic: ERM is below 0.2 on the test environment", holds: erm.test < 0.2 },
        ...hessian.map((name) => ({
          claim: `synthetic: ${name} is above 0.58, and less than 0.2 below its training accuracy`,
          holds: final(name).test > 0.58 && final(name).train - final(name).test < 0.2,
        })),
      ];
    case "colored":
      return [
        { claim: "coloured digits: ERM is below 0.35 on the test environment", holds: erm.test < 0.35 },
        ...hessian.map((name) => ({
          claim: `coloured digits: ${name} is at least 0.20 above ERM`,
          holds: final(name).test >= erm.test + 0.2,
        })),
      ];
    case "label-shift":
      return hessian.map((name) => ({
        claim: `label shift: ${name} is not below ERM`,
        holds: final(name).test >= erm.test,
      }));
    case "rotated":
      // The specification orders nothing here.
      return [];
  }
}

export const titles: Readonly<Record<ExperimentResult["part"], string>> = {
  synthetic: "Synthetic shortcut",
  colored: "Coloured digits",
  "label-shift": "Label shift",
  rotated: "Rotated digits",
};
