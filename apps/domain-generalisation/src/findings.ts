/** What the numbers say: final accuracies, and the claims that a full run checks. */

import type { Check, Table } from "app-frame";
import type { ExperimentResult, Results, Row, Run } from "./experiment.js";

/** Means over a row's runs, at the last step. */
export interface Final {
  readonly train: number;
  readonly test: number;
}

export function finalOf({ runs }: Row): Final {
  const ends = runs.map(endOf);
  return { train: meanOf(ends.map(({ train }) => train)).mean, test: meanOf(ends.map(({ test }) => test)).mean };
}

/** Accuracies of the last step; NaN where the training failed before the first measurement. */
export function endOf({ points }: Run): Final {
  return points[points.length - 1] ?? { train: NaN, test: NaN };
}

export interface Mean {
  readonly mean: number;
  /** NaN for a single value. */
  readonly standardError: number;
}

/** Test accuracy over the restarts. */
export function testOf({ runs }: Row): Mean {
  return meanOf(runs.map((run) => endOf(run).test));
}

/**
 * Test accuracy less that of another method, restart by restart. Both trained on the same data from the same weights, so that what the
 * restarts have in common falls out of the difference, and its standard error is that of the comparison.
 */
export function pairedDifference({ runs }: Row, base: Row): Mean {
  return meanOf(runs.map((run, i) => endOf(run).test - endOf(base.runs[i]).test));
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** What the terminal and the page show of an experiment: one row for each method. */
export function finalTable({ part, rows }: ExperimentResult, quick: boolean): Table {
  const known = quick ? undefined : reference[part];
  const several = rows.some(({ runs }) => runs.length > 1);
  const base = rows.find(({ method }) => method === "ERM");
  const heads = [
    "Method",
    "Train",
    "Test",
    ...(several && base !== undefined ? ["Test − ERM's"] : []),
    ...(several ? ["Test, each restart"] : []),
    ...(known === undefined ? [] : ["Specification, train / test"]),
  ];
  const line = (row: Row): string[] => {
    const expected = known?.[row.method];
    return [
      row.method,
      finalOf(row).train.toFixed(3),
      several ? withError(testOf(row)) : finalOf(row).test.toFixed(3),
      ...(several && base !== undefined ? [row === base ? "" : withError(pairedDifference(row, base), true)] : []),
      ...(several ? [row.runs.map((run) => (run.failed ? "failed" : endOf(run).test.toFixed(3))).join(", ")] : []),
      ...(known === undefined
        ? []
        : [expected === undefined ? "" : `${expected.train.toFixed(3)} / ${expected.test.toFixed(3)}`]),
    ];
  };
  return { heads, rows: rows.map(line) };
}

function withError({ mean, standardError }: Mean, signed = false): string {
  return `${signed && mean >= 0 ? "+" : ""}${mean.toFixed(4)} ± ${standardError.toFixed(4)}`;
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
const hessianMethods = ["HGP", "Hutchinson, exact diagonal"] as const;

/** Claims of a full run, on the means over its restarts; a quick one promises nothing. */
export function checks({ settings, experiments }: Results): Check[] {
  return settings.quick ? [] : experiments.flatMap(claimsOf);
}

function claimsOf({ part, rows }: ExperimentResult): Check[] {
  const has = (name: string): boolean => rows.some(({ method }) => method === name);
  const final = (name: string): Final => finalOf(rows.find(({ method }) => method === name)!);
  // Without ERM there is nothing to compare with.
  if (!has("ERM")) return [];
  const erm = final("ERM");
  const hessian = hessianMethods.filter(has);
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
