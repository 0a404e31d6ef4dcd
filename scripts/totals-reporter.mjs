/**
 * Vitest reporter: why each skipped test was skipped, which tests failed, and as the very last line the totals that really ran,
 * `N passed, N failed, N skipped`. The line is also left in a file, for scripts that print more after the tests.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const totalsFile = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  "node_modules",
  ".cache",
  "curv",
  "totals.json",
);

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Totals
 */

/** @param {Totals} totals */
export function totalsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

export default class TotalsReporter {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    // An error outside of every test (a rejected promise, a file that could not be loaded) failed something too.
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skipped = [];
    const failed = [];
    for (const module of modules) {
      const before = totals.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") totals.passed++;
        else if (state === "skipped") {
          totals.skipped++;
          skipped.push(`${module.relativeModuleId} > ${test.fullName}: ${skipReason(test)}`);
        } else {
          totals.failed++; // failed, or still pending because the run broke off
          failed.push(`${module.relativeModuleId} > ${test.fullName}`);
        }
      }
      if (module.state() === "failed" && totals.failed === before) {
        totals.failed++;
        failed.push(module.relativeModuleId);
      }
    }
    this.print(totals, skipped, failed);
  }

  /**
   * @param {Totals} totals
   * @param {string[]} skipped
   * @param {string[]} failed
   */
  print(totals, skipped, failed) {
    mkdirSync(dirname(totalsFile), { recursive: true });
    writeFileSync(totalsFile, JSON.stringify(totals));
    // Vitest's own summary is written after this call returns; the totals come after it.
    process.once("exit", () => {
      for (const line of skipped) console.log(`skipped: ${line}`);
      // Last, for whoever sees only the end of a log.
      for (const line of failed) console.log(`failed: ${line}`);
      console.log(totalsLine(totals));
    });
  }
}

/** @param {import("vitest/node").TestCase} test */
function skipReason(test) {
  const result = test.result();
  if ("note" in result && result.note) return result.note;
  if (test.options.mode === "run") return "its set-up failed";
  return test.options.mode === "todo" ? "to be written" : "no reason given";
}
