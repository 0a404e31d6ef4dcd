/**
 * Writes the table of `docs/guides/backends.md`: how exact each backend is, primitive by primitive, as the examples of the conformance suite show.
 *
 * `node --conditions=@curv/source --import=./bench/strip-types.mjs scripts/backend-accuracy.mjs` after `pnpm install`; some minutes.
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
  ["tfjs, webgl", () => inBrowser(tfjsPage, "webgl", false)],
  ["tfjs, webgpu", () => inBrowser(tfjsPage, "webgpu", false)],
];

const rows = new Map();
for (const [title, measure] of columns) {
  for (const { primitive, promised, supported, errors } of await measure()) {
    // Integers and booleans are exact or wrong: the conformance suite says so.
    if (supported && errors.float32 === undefined) continue;
    const row = rows.get(primitive) ?? { promised, cells: new Map() };
    row.cells.set(title, supported ? cell(errors.float32) : "refused");
    rows.set(primitive, row);
  }
  console.log(title);
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

const lines = [
  `| Primitive | May be off by | ${columns.map(([title]) => title).join(" | ")} |`,
  `| --- | --- | ${columns.map(() => "---").join(" | ")} |`,
  ...[...rows].map(([name, { promised, cells }]) => {
    return `| \`${name}\` | ${promise(promised)} | ${columns.map(([title]) => cells.get(title)).join(" | ")} |`;
  }),
];

const guide = new URL("docs/guides/backends.md", root);
const [begin, end] = ["<!-- accuracy: scripts/backend-accuracy.mjs -->\n", "<!-- end -->"];
const text = readFileSync(guide, "utf8");
const [before, rest] = text.split(begin);
const after = rest.slice(rest.indexOf(end));
writeFileSync(guide, `${before}${begin}\n${lines.join("\n")}\n\n${after}`);
