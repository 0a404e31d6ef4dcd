/**
 * `npm test`: every check of the repository, all of them even when one fails, with the time that each took.
 * The last line is the totals of the tests; a check other than the tests that fails counts as one more failure there.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { totalsFile, totalsLine } from "./totals-reporter.mjs";

const steps = ["build", "typecheck", "lint", "format:check", "check:packages", "test:run", "docs"];

rmSync(totalsFile, { force: true });
const results = steps.map((step) => {
  console.log(`\n── ${step}`);
  const start = performance.now();
  const { status } = spawnSync("pnpm", ["--silent", "run", step], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  return { step, ok: status === 0, seconds: (performance.now() - start) / 1000 };
});

console.log();
for (const { step, ok, seconds } of results) {
  console.log(`${ok ? "ok    " : "FAILED"} ${step.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s`);
}

const totals = existsSync(totalsFile)
  ? JSON.parse(readFileSync(totalsFile, "utf8"))
  : { passed: 0, failed: 0, skipped: 0 };
for (const { step, ok } of results) {
  const counted = step === "test:run" && totals.failed > 0;
  if (!ok && !counted) totals.failed++;
}
writeFileSync(totalsFile, JSON.stringify(totals));
console.log(totalsLine(totals));
process.exit(totals.failed > 0 ? 1 : 0);
