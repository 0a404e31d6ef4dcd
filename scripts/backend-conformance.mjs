/**
 * The whole conformance suite on the modes and engines that only a browser has, in headless Chromium, in pieces: each primitive's outcome is kept
 * in a file, so that a run can be stopped, gone on with, and shared out.
 *
 * `node --conditions=@curv/source --import=./bench/strip-types.mjs scripts/backend-conformance.mjs gpujs webgl2 1/3` runs what is left of the first
 * third, `… gpujs webgl2 --again sin,cos` those anew, `… --report` writes what there is to `docs/guides/backends.md`.
 */

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const load = (path) => import(new URL(path, root).href);
const { table } = await load("packages/tensor/src/testing/table.ts");
/** @type {string[]} */
const primitives = table.map(({ primitive }) => primitive.name);
const kept = new URL("node_modules/.cache/curv/conformance/", root);

/** What each kind of page is opened with. */
const pages = {
  gpujs: { script: "packages/backend-gpujs/test/browser/conformance.page.ts", options: [] },
  tfjs: { script: "packages/backend-tfjs/test/browser/page.ts", options: [false] },
};

const [kind, mode, ...rest] = process.argv.slice(2);
if (kind === "--report") await (await load("scripts/backend-conformance-report.mjs")).report(kept, primitives);
else await run();

async function run() {
  const { script, options } = pages[kind];
  const folder = new URL(`${kind}-${mode}/`, kept);
  mkdirSync(folder, { recursive: true });
  const file = (name) => new URL(`${name}.json`, folder);
  const again = rest[0] === "--again" ? rest[1].split(",") : null;
  const [part, parts] = again !== null ? [1, 1] : (rest[0] ?? "1/1").split("/").map(Number);
  for (const name of again ?? []) rmSync(file(name), { force: true });
  const left = () =>
    (again ?? primitives).filter((name, i) => (again !== null || i % parts === part - 1) && !existsSync(file(name)));
  const { openPage } = await load("test/support/bundled-page.ts");
  // A page whose device is gone is of no more use: the next primitive gets a new one.
  while (left().length > 0) {
    const page = await openPage(fileURLToPath(new URL(script, root)));
    try {
      const adapter = String(await page.ask("open", mode, ...options)).split("; ")[0];
      for (const name of left()) {
        const start = performance.now();
        const outcomes = await page.ask("conformance", [name]).catch((error) => [{ name, error: String(error) }]);
        const failed = outcomes.filter(({ error }) => error !== null);
        const found = {
          adapter,
          passed: outcomes.length - failed.length,
          refused: outcomes.some((outcome) => outcome.name.endsWith("is refused by name")),
          failed,
        };
        writeFileSync(file(name), JSON.stringify(found, null, 2));
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        console.log(`${name}: ${found.passed} passed, ${failed.length} failed, ${seconds} s, ${left().length} left`);
        for (const { name: test, error } of failed) console.log(`  ${test}: ${error.slice(0, 300)}`);
        if (failed.some(({ error }) => /lost|crash|closed/i.test(error))) break;
      }
    } finally {
      await page.close();
    }
  }
}
