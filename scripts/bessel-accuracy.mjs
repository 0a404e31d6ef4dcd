/**
 * Draws the error maps of `docs/guides/special-functions.md` and writes its tables.
 *
 * `node --conditions=@curv/source --import=./bench/strip-types.mjs scripts/bessel-accuracy.mjs` after `pnpm install`; seconds. With
 * `--reference PYTHON` that Python (with mpmath and SciPy) makes the reference values first; minutes. With `--peers FOLDER` the table of
 * the packages of npm is made too, of `bessel` and `@stdlib/math-base-special-bessel*` as they are installed in that folder.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = new URL("../", import.meta.url);
const load = (path) => import(new URL(path, root).href);
const { reference: python, peers } = parseArgs({
  options: { reference: { type: "string" }, peers: { type: "string" } },
}).values;

if (python !== undefined) {
  const script = new URL("packages/bessel/src/fixtures/error_maps.py", root);
  execFileSync(python, [fileURLToPath(script)], { stdio: "inherit" });
}

const { cells, errorCurves, errorMaps, perDecade, reference, summary } = await load(
  "packages/bessel/test/error-maps.ts",
);
const { curvesSvg, svg } = await load("packages/bessel/test/error-map-svg.ts");
const { column } = await load("packages/bessel/test/grid.ts");
const bessel = await load("packages/bessel/src/index.ts");
const { tensor } = await load("packages/tensor/src/index.ts");
const { besselBranch, besselI, besselK } = bessel;
const { besselJ, besselY } = await load("packages/bessel/src/cylinder/index.ts");

const data = reference();
const maps = errorMaps(data);
const curves = errorCurves(data);
const guide = new URL("docs/guides/special-functions.md", root);

drawErrors();
drawBranches();
writeFileSync(new URL("docs/guides/special-functions/errors-one-argument.svg", root), curvesSvg(curves));
write("errors", errorTable());
write("rungs", rungTable());
if (peers !== undefined) write("peers", peerTable(createRequire(join(resolve(peers), "package.json"))));

function drawErrors() {
  const bounds = [0.5, 1, 2, 4, 32, 1e4];
  const legend = [
    { label: "≤ ½", colour: "#f7fbff" },
    { label: "≤ 1", colour: "#c6dbef" },
    { label: "≤ 2", colour: "#6baed6" },
    { label: "≤ 4", colour: "#2171b5" },
    { label: "≤ 32", colour: "#fdae6b" },
    { label: "≤ 10,000", colour: "#e6550d" },
    { label: "more", colour: "#a50f15" },
    { label: "zero, infinite or no number", colour: "#111" },
    { label: "true value below 10⁻²⁹⁰ or above 10²⁹⁰", colour: "#ccc" },
  ];
  for (const map of maps) {
    const panels = map.panels.map(({ title, errors }) => ({
      title: `${map.name}, ${title}`,
      classes: classesOf(errors),
    }));
    const classesOfMap = panels.flatMap(({ classes }) => classes);
    const used = legend.filter((_, k) => k < legend.length - 1 || classesOfMap.includes(k));
    picture(`errors-${map.name}.svg`, {
      ...map,
      panels,
      legend: used,
      order: map.axes[0],
      argument: map.axes[1],
    });

    function classesOf(errors) {
      return Array.from(errors, (e, i) => {
        if (!map.known(i)) return bounds.length + 2;
        if (e !== e) return bounds.length + 1;
        const k = bounds.findIndex((bound) => e <= bound);
        return k < 0 ? bounds.length : k;
      });
    }
  }
}

function drawBranches() {
  const legend = [
    { label: "mu3", colour: "#d9f0d3" },
    { label: "mu20", colour: "#7fbf7b" },
    { label: "u4", colour: "#f1eef6" },
    { label: "u6", colour: "#bdc9e1" },
    { label: "u9", colour: "#74a9cf" },
    { label: "u13", colour: "#2b8cbe" },
    { label: "series", colour: "#fdcc8a" },
    { label: "integral", colour: "#fc8d59" },
    { label: "temme", colour: "#d7301f" },
  ];
  const { v, x } = maps[0];
  const points = cells(data.modified);
  const panels = ["I", "K"].map((kind) => ({
    title: `log ${kind}`,
    classes: Array.from(points.v, (order, i) => {
      const branch = besselBranch(order, points.x[i], kind);
      return legend.findIndex(({ label }) => label === branch);
    }),
  }));
  picture("branches.svg", { v, x, panels, legend, order: "v", argument: "x" });
}

function picture(name, content) {
  writeFileSync(new URL(`docs/guides/special-functions/${name}`, root), svg(content, perDecade));
}

function errorTable() {
  const rows = [...maps, ...curves].flatMap((map) =>
    map.panels.map(({ title, errors }) => {
      const { withinOne, withinFour, notFinite, worst } = summary(errors, map.known);
      return [`\`${map.name}\``, title, percent(withinOne), percent(withinFour), size(worst), percent(notFinite)];
    }),
  );
  return table(["Function", "", "Within 1", "Within 4", "Worst", "Not finite or zero"], rows);
}

/** Of the 20,000 points of the tests: how many a rung has, and median, 99.9th percentile and largest error there, in 2^-52 max(1, |value|). */
function rungTable() {
  const [v, x] = [column("v"), column("x")];
  const cases = ["I", "K"].flatMap((kind) => {
    const f = bessel[`log${kind}v`];
    const wanted = column(`log${kind}v`);
    const branches = Array.from(v, (order, i) => besselBranch(order, x[i], kind));
    const values = [v.map((order, i) => f(order, x[i])), f(tensor(v), tensor(x)).dataSync()];
    return values.map((got) => {
      const errors = got.map((y, i) => (Math.abs(y - wanted[i]) * 2 ** 52) / Math.max(1, Math.abs(wanted[i])));
      return (rungs) => errors.filter((_, i) => rungs.includes(branches[i])).toSorted();
    });
  });
  const below = "below the ladder";
  const rows = ["mu3", "mu20", "u4", "u6", "u9", "u13", below].map((rung) => {
    const of = cases.map((errors) => errors(rung === below ? ["series", "integral", "temme"] : [rung]));
    const cell = (e) => [0.5, 0.999, 1].map((q) => size(e[Math.ceil(q * e.length) - 1])).join(", ");
    return [rung, of[0].length, ...of.map(cell)];
  });
  return table(["Rung", "Points", "log I", "log I of a tensor", "log K", "log K of a tensor"], rows);
}

/** Functions of integer orders: the median and the largest error of each, and the share of results that are no numbers. */
function peerTable(requirePeer) {
  const version = (name) => JSON.parse(readFileSync(requirePeer.resolve(`${name}/package.json`), "utf8")).version;
  const xl = requirePeer("bessel");
  const stdlib = (kind, n) => requirePeer(`@stdlib/math-base-special-bessel${kind}${n}`);
  const kinds = [
    ["J", besselJ, xl.besselj, "j"],
    ["Y", besselY, xl.bessely, "y"],
    ["I", besselI, xl.besseli],
    ["K", besselK, xl.besselk],
  ];
  const rows = [];
  for (const [k, [name, ours, theirs, kind]] of kinds.entries()) {
    for (const n of [0, 1, 2, 10, 50]) {
      const points = data.integers.filter((row) => row[0] === n);
      // The modulus needs both J and Y.
      const known = points.filter((row) => (k < 2 ? row[2] !== null && row[3] !== null : row[2 + k] !== null));
      const scale = (row) => (k < 2 && row[1] >= n ? Math.hypot(row[2], row[3]) : Math.abs(row[2 + k]));
      const cell = (f) =>
        describe(known.map((row) => Math.abs(f(row) - row[2 + k]) / scale(row) / (f(row) === 0 ? 0 : 1)));
      rows.push([
        `${name}, order ${n}`,
        cell((row) => ours(n, row[1])),
        cell((row) => row[6 + k] ?? NaN),
        cell((row) => quietly(() => theirs(row[1], n))),
        kind !== undefined && n < 2 ? cell((row) => stdlib(kind, n)(row[1])) : "",
      ]);
    }
  }
  const stdlibVersion = version("@stdlib/math-base-special-besselj0");
  const heads = ["", "Curv", `SciPy ${data.scipy}`, `\`bessel\` ${version("bessel")}`, `\`@stdlib\` ${stdlibVersion}`];
  return table(heads, rows);
}

function quietly(f) {
  try {
    return f();
  } catch {
    return NaN;
  }
}

/** "median, worst" of the finite errors, and how many are not. */
function describe(errors) {
  const finite = errors.filter(Number.isFinite).sort((a, b) => a - b);
  if (finite.length === 0) return "fails";
  const short = (e) => (e === 0 ? "0" : e.toExponential(0));
  const failed = errors.length - finite.length;
  const values = `${short(finite[finite.length >> 1])}, ${short(finite[finite.length - 1])}`;
  return failed > 0 ? `${values}; ${percent(failed / errors.length)} fail` : values;
}

/** Shares are rounded down where something is missing of all, errors up. */
function percent(share) {
  return `${share === 0 || share === 1 ? 100 * share : Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1)} %`;
}

function size(error) {
  return error < 1000 ? (Math.ceil(error * 10) / 10).toFixed(1) : error.toExponential(1).replace("+", "");
}

function table(heads, rows) {
  const line = (row) => `| ${row.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

function write(name, content) {
  const text = readFileSync(guide, "utf8");
  const [begin, end] = [`<!-- ${name}: scripts/bessel-accuracy.mjs -->\n`, "<!-- end -->"];
  const [before, rest] = text.split(begin);
  if (rest === undefined) throw new Error(`The guide has no place for "${name}".`);
  writeFileSync(guide, `${before}${begin}\n${content}\n\n${rest.slice(rest.indexOf(end))}`);
  execFileSync(fileURLToPath(new URL("node_modules/.bin/prettier", root)), ["--write", fileURLToPath(guide)]);
}
