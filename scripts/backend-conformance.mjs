/**
 * The whole conformance suite on the modes and engines that a browser has, in headless Chromium, in pieces: each primitive's outcome is kept in a
 * file, so that a run can be stopped, gone on with, and shared out.
 *
 * `node --conditions=@curv/source --import=./bench/strip-types.mjs scripts/backend-conformance.mjs gpujs webgl2 1/3` runs what is left of the first
 * third, `… gpujs webgl2 --again sin,cos` those anew, `… --report` writes what there is to `docs/guides/backends.md`.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const load = (path) => import(new URL(path, root).href);
const { table } = await load("packages/tensor/src/testing/table.ts");
/** @type {string[]} */
const primitives = table.map(({ primitive }) => primitive.name);
const kept = new URL("node_modules/.cache/curv/conformance/", root);

/** What each kind of page is opened with. */
const pages = {
  gpujs: { title: "gpu.js", script: "packages/backend-gpujs/test/browser/conformance.page.ts", options: [] },
  tfjs: { title: "tfjs", script: "packages/backend-tfjs/test/browser/page.ts", options: [false] },
};

const [kind, mode, ...rest] = process.argv.slice(2);
if (kind === "--report") report();
else await run();

async function run() {
  const { script, options } = pages[kind];
  const folder = new URL(`${kind}-${mode}/`, kept);
  mkdirSync(folder, { recursive: true });
  const file = (name) => new URL(`${name}.json`, folder);
  const again = rest[0] === "--again" ? rest[1].split(",") : null;
  const [part, parts] = again !== null ? [1, 1] : (rest[0] ?? "1/1").split("/").map(Number);
  for (const name of again ?? []) rmSync(file(name), { force: true });
  const mine = again ?? primitives.filter((_, i) => i % parts === part - 1);
  const left = () => mine.filter((name) => !existsSync(file(name)));
  const { openPage } = await load("test/support/bundled-page.ts");
  // A page whose device is gone is of no more use: what is left gets a new one.
  while (left().length > 0) {
    const page = await openPage(fileURLToPath(new URL(script, root)));
    try {
      const adapter = String(await page.ask("open", mode, ...options)).split("; ")[0];
      for (const name of left()) {
        if (existsSync(file(name))) continue; // By another process.
        const start = performance.now();
        const outcomes = await page.ask("conformance", [name]);
        // What needs the host between two steps is refused by a typed error where the device cannot be waited for.
        const isRefusal = ({ error }) => /cannot read synchronously/.test(error ?? "");
        const failed = outcomes.filter((outcome) => outcome.error !== null && !isRefusal(outcome));
        const partly = outcomes.filter(isRefusal).length;
        const refused = outcomes.some((outcome) => outcome.name.endsWith("is refused by name"));
        const passed = outcomes.length - failed.length - partly;
        writeFileSync(file(name), JSON.stringify({ adapter, passed, refused, partly, failed }, null, 2));
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        console.log(
          `${name}: ${passed} passed, ${partly} refused, ${failed.length} failed, ${seconds} s, ${left().length} left`,
        );
        for (const { name: test, error } of failed) console.log(`  ${test}: ${error.slice(0, 300)}`);
        if (failed.some(({ error }) => /lost/i.test(error))) break;
      }
    } finally {
      await page.close();
    }
  }
}

/** One row for each mode of which there are outcomes. */
function report() {
  const rows = [];
  for (const [name, { title }] of Object.entries(pages)) {
    for (const folder of readdirSync(kept).filter((entry) => entry.startsWith(`${name}-`))) {
      const found = primitives.flatMap((primitive) => {
        const file = new URL(`${folder}/${primitive}.json`, kept);
        return existsSync(file) ? [{ primitive, ...JSON.parse(readFileSync(file, "utf8")) }] : [];
      });
      const inTicks = (list) => list.map(({ primitive }) => `\`${primitive}\``).join(", ");
      // That float64 is refused is tested with each primitive.
      const tests = found.reduce((n, { passed }) => n + passed - 1, 1);
      const failed = found.filter((outcome) => outcome.failed.length > 0);
      rows.push(
        [
          `${title}, ${folder.slice(name.length + 1)}`,
          `${found.length} of ${primitives.length}`,
          tests,
          failed.length === 0 ? "none" : inTicks(failed),
          inTicks(found.filter(({ refused }) => refused)),
          inTicks(found.filter(({ partly }) => partly > 0)) || "none",
        ].join(" | "),
      );
    }
  }
  const lines = [
    "| | Primitives run | Tests passed | Fail | Refused by name | Refused for some operands |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  const guide = new URL("docs/guides/backends.md", root);
  const [begin, end] = ["<!-- conformance: scripts/backend-conformance.mjs -->\n", "<!-- end -->"];
  const [before, after] = readFileSync(guide, "utf8").split(begin);
  const text = [...lines, ...rows.map((row) => `| ${row} |`)].join("\n");
  writeFileSync(guide, `${before}${begin}\n${text}\n\n${after.slice(after.indexOf(end))}`);
}
