/**
 * `npm test`: every check of the repository, all of them even when one fails, with the time that each took.
 * The last line is the totals of the tests; a check other than the tests that fails counts as one more failure there.
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { totalsFile, totalsLine } from "./totals-reporter.mjs";

// Most of these keep one core busy, so they run side by side, the longest first; the tests keep all, and run alone after them.
const checks = ["lint", "build", "docs", "format:check", "typecheck", "check:packages"];
const tests = "test:run";

/**
 * @typedef {{ step: string, ok: boolean, seconds: number }} Result
 */

/**
 * Runs a script of package.json.
 *
 * @param {string} step
 * @param {"shown at once" | "shown at the end"} output - Of several at a time, shown at the end, or their lines would mix.
 * @returns {Promise<Result>}
 */
async function run(step, output) {
  const heading = `\n── ${step}`;
  const start = performance.now();
  if (output === "shown at once") console.log(heading);
  const child = spawn("pnpm", ["--silent", "run", step], {
    stdio: output === "shown at once" ? "inherit" : ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  /** @type {Buffer[]} */
  const written = [];
  child.stdout?.on("data", (bytes) => written.push(bytes));
  child.stderr?.on("data", (bytes) => written.push(bytes));
  const ok = await new Promise((resolve) => {
    child.on("error", (error) => {
      written.push(Buffer.from(`${error.message}\n`));
      resolve(false);
    });
    child.on("close", (status) => resolve(status === 0));
  });
  if (output === "shown at the end") process.stdout.write(Buffer.concat([Buffer.from(`${heading}\n`), ...written]));
  return { step, ok, seconds: (performance.now() - start) / 1000 };
}

rmSync(totalsFile, { force: true });
/** @type {Result[]} */
const results = [];
console.log(`Side by side, each shown when it ends: ${checks.join(", ")}.`);
const waiting = [...checks];
const lanes = Array.from({ length: Math.min(availableParallelism(), 4) }, async () => {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    results.push(await run(step, "shown at the end"));
  }
});
await Promise.all(lanes);
results.push(await run(tests, "shown at once"));

console.log();
for (const { step, ok, seconds } of results) {
  console.log(`${ok ? "ok    " : "FAILED"} ${step.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s`);
}

const totals = existsSync(totalsFile)
  ? JSON.parse(readFileSync(totalsFile, "utf8"))
  : { passed: 0, failed: 0, skipped: 0 };
for (const { step, ok } of results) {
  const counted = step === tests && totals.failed > 0;
  if (!ok && !counted) totals.failed++;
}
writeFileSync(totalsFile, JSON.stringify(totals));
console.log(totalsLine(totals));
process.exit(totals.failed > 0 ? 1 : 0);
