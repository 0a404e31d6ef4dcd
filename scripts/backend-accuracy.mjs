/**
 * Writes the table of `docs/guides/backends.md`: how exact each backend is, primitive by primitive, as the examples of the conformance suite show.
 *
 * `node --conditions=@curv/source --import=./bench/strip-types.mjs scripts/backend-accuracy.mjs` after `pnpm install`; some minutes.
 * With titles of columns as arguments only those are measured; the others stay as they stand in the guide. Those of a browser want a Chromium;
 * "tfjs, native" is measured where CURV_TFJS_NODE names the folder of an `@tensorflow/tfjs-node` with its binding.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = new URL("../", import.meta.url);
const load = (path) => import(new URL(path, root).href);
const { cpu } = await load("packages/tensor/src/cpu/backend.ts");
const { accuracy } = await load("packages/tensor/src/testing/accuracy.ts");
const { gpujs } = await load("packages/backend-gpujs/src/index.ts");
const { backendFromTfjs } = await load("packages/backend-tfjs/src/index.ts");

/** A dependency of a package. */
const dependency = (name, of) => {
  const { resolve } = createRequire(new URL(`packages/${of}/package.json`, root));
  return import(pathToFileURL(resolve(name)).href);
};

const tf = await dependency("@tensorflow/tfjs", "backend-tfjs");
await dependency("@tensorflow/tfjs-backend-wasm", "backend-tfjs");

/** The native engine of TensorFlow.js. */
async function native() {
  const module = await import(pathToFileURL(`${process.env.CURV_TFJS_NODE}/dist/index.js`).href);
  const native = module.default ?? module;
  await native.setBackend("tensorflow");
  return backendFromTfjs(native);
}

async function tfjs(engine) {
  await tf.setBackend(engine);
  await tf.ready();
  return backendFromTfjs(tf.default ?? tf);
}

/** What a page in headless Chromium finds, on WebGL2 and WebGPU in software. */
async function inBrowser(script, ...options) {
  const { openPage } = await load("test/support/bundled-page.ts");
  const page = await openPage(fileURLToPath(new URL(script, root)));
  try {
    await page.ask("open", ...options);
    return await page.ask("accuracy");
  } finally {
    await page.close();
  }
}

const gpujsPage = "packages/backend-gpujs/test/browser/conformance.page.ts";
const tfjsPage = "packages/backend-tfjs/test/browser/page.ts";
const here = async (backend) => accuracy(backend, ["float32"]);

/** @type {[title: string, measure: () => Promise<any>][]} */
const columns = [
  ["CPU", () => here(cpu)],
  ["gpu.js, webasm", async () => here(await gpujs({ mode: "webasm" }))],
  ["gpu.js, webgl2", () => inBrowser(gpujsPage, "webgl2")],
  ["gpu.js, webgpu", () => inBrowser(gpujsPage, "webgpu")],
  ["tfjs, cpu", async () => here(await tfjs("cpu"))],
  ["tfjs, wasm", async () => here(await tfjs("wasm"))],
  ["tfjs, native", async () => here(await native())],
  ["tfjs, webgl", () => inBrowser(tfjsPage, "webgl", false)],
  ["tfjs, webgpu", () => inBrowser(tfjsPage, "webgpu", false)],
];

const guide = new URL("docs/guides/backends.md", root);
const [begin, end] = ["<!-- accuracy: scripts/backend-accuracy.mjs -->\n", "<!-- end -->"];

/** Cells by primitive and title, as the guide has them. */
function standing() {
  const table = readFileSync(guide, "utf8").split(begin)[1].split(end)[0];
  const lines = table.split("\n").filter((line) => line.startsWith("|"));
  const cells = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())); // prettier-ignore
  const [titles] = cells;
  return new Map(
    cells.slice(2).map(([name, promised, ...values]) => {
      const own = new Map(values.map((value, i) => [titles[i + 2], value]));
      return [name.replaceAll("`", ""), { promised, cells: own }];
    }),
  );
}

const asked = process.argv.slice(2);
const found = [];
for (const [title, measure] of columns) {
  if (asked.length > 0 && !asked.includes(title)) continue;
  if (asked.length === 0 && title === "tfjs, native" && !process.env.CURV_TFJS_NODE) continue;
  found.push([title, await measure()]);
  console.log(title);
}
// Measuring takes minutes: the table may have got other columns meanwhile.
const rows = asked.length === 0 ? new Map() : standing();
for (const [title, measured] of found) {
  for (const { primitive, promised, supported, errors } of measured) {
    // Integers and booleans are exact or wrong: the conformance suite says so.
    if (supported && errors.float32 === undefined && !rows.has(primitive)) continue;
    const row = rows.get(primitive) ?? { promised: promise(promised), cells: new Map() };
    row.cells.set(title, !supported ? "refused" : errors.float32 === undefined ? "" : cell(errors.float32));
    rows.set(primitive, row);
  }
}

/** The error as a share of what is promised. */
function cell(error) {
  if (error === Infinity) return "wrong";
  return error === 0 ? "exact" : error < 0.005 ? "0.00" : error.toPrecision(2);
}

function promise({ ulps = 0, sums = 0, norm = 0 }) {
  const parts = [ulps > 0 && `${ulps + 0.5} ulp`, sums > 0 && `${sums} ε Σ`, norm > 0 && `${norm} ε ‖y‖`].filter(
    Boolean,
  );
  return parts.length > 0 ? parts.join(" + ") : "rounded";
}

const measured = columns
  .map(([title]) => title)
  .filter((title) => [...rows.values()].some(({ cells }) => cells.has(title)));
const lines = [
  `| Primitive | May be off by | ${measured.join(" | ")} |`,
  `| --- | --- | ${measured.map(() => "---").join(" | ")} |`,
  ...[...rows].map(([name, { promised, cells }]) => {
    return `| \`${name}\` | ${promised} | ${measured.map((title) => cells.get(title) ?? "").join(" | ")} |`;
  }),
];

const text = readFileSync(guide, "utf8");
const [before, rest] = text.split(begin);
const after = rest.slice(rest.indexOf(end));
writeFileSync(guide, `${before}${begin}\n${lines.join("\n")}\n\n${after}`);
