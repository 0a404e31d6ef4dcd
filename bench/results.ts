/** Results as files: dist/results/NAME.json for each benchmark, from which page.ts makes its plots. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { CaseResult } from "./comparison.js";
import type { Machine } from "./machine.js";
import type { RoundsOptions } from "./rounds.js";

/** What one process of `pnpm bench` measured. */
export interface Results {
  /** As on the command line. */
  readonly benchmark: string;
  readonly title: string;
  readonly note: string;
  /** ISO 8601. */
  readonly date: string;
  /** The same for all that one command measured. */
  readonly run: string;
  readonly machine: Machine;
  /** Quick runs measure too little to be quoted. */
  readonly quick: boolean;
  readonly options: RoundsOptions;
  /** Seconds are of one call: median, quartiles, best, and every round in its order. */
  readonly cases: readonly CaseResult[];
}

/**
 * Not in the repository (git, prettier and eslint leave out every dist/): numbers are of a machine and an hour. Those that we quote stand
 * in README.md, with both.
 */
export const resultsFolder: URL = new URL("dist/results/", import.meta.url);

export function writeResults(results: Results): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(new URL(`${results.benchmark}.json`, resultsFolder), `${JSON.stringify(results, null, 1)}\n`);
}

/** All that lie there, in the order of their names. */
export function readResults(): Results[] {
  return readdirSync(resultsFolder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => JSON.parse(readFileSync(new URL(file, resultsFolder), "utf8")) as Results);
}
