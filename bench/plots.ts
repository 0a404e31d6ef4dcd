/** The figures of the page, as SVG text. Colours are the variables of the page, so that they follow its light or dark scheme. */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { CaseResult, Row } from "./comparison.js";
import type { Growth, Point } from "./exponent.js";
import { pairedRatio } from "./marks.js";

/** Draws into a document of its own: there is no browser here. */
function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return Plot.plot({ marginTop: 28, marginBottom: 40, grid: true, ...options, document }).outerHTML;
}

/** Who it is, without versions: `jax-js 0.1.25 wasm jit` is `jax-js jit`. */
export function library(name: string): string {
  const [first] = name.split(/[ (]/);
  return first.startsWith("jax-js") && name.endsWith("eager") ? "jax-js eager" : first;
}

/** The same colour for a library in every figure. */
const colours: Readonly<Record<string, string>> = {
  curv: "--c0",
  Curv: "--c0",
  "curv-blas": "--c5",
  "curv-threads": "--c5",
  tfjs: "--c1",
  "jax-js": "--c2",
  "jax-js eager": "--c8",
  "ml-matrix": "--c4",
  NumPy: "--c6",
  SciPy: "--c6",
  PyTorch: "--c3",
  JAX: "--c9",
};

function colourOf(name: string): string {
  return name === "roofline" ? "var(--muted)" : `var(${colours[name] ?? "--c7"})`;
}

function legend(names: readonly string[]): Plot.ScaleOptions {
  const domain = [...new Set(names)];
  return { legend: true, domain, range: domain.map(colourOf) };
}

const isMeasured = (row: Row): boolean => row.measured !== null;

/** Of several of ours the last: compiled after eager. */
function mainOf(rows: readonly Row[]): Row {
  return rows.filter(({ role }) => role === "ours").at(-1)!;
}

/** A band for each case: room for its name at the left. */
function bands(cases: readonly CaseResult[]): Plot.PlotOptions {
  const longest = Math.max(...cases.map(({ name }) => name.length));
  return {
    width: 560,
    height: 80 + 26 * cases.length,
    marginLeft: Math.min(260, 24 + 6.4 * longest),
    y: { label: null, domain: cases.map(({ name }) => name) },
  };
}

/** Our time over a peer's, round by round: the median, and the quartiles as a line. Null where no peer was measured. */
export function ratioPlot(cases: readonly CaseResult[]): string | null {
  const rows = cases.flatMap(({ name: task, rows: all }) =>
    all
      .filter((row) => row.role !== "ours" && isMeasured(row))
      .map((row) => {
        const { median, quartiles } = pairedRatio(mainOf(all), row);
        return { task, who: library(row.name), ratio: median, low: quartiles[0], high: quartiles[1] };
      }),
  );
  if (rows.length === 0) return null;
  return draw({
    ...bands(cases),
    color: legend(rows.map(({ who }) => who)),
    x: {
      label: "time of Curv / time of the peer →",
      type: "log",
      tickFormat: plain,
      ...around(rows.flatMap((r) => [r.low, r.high])),
    },
    marks: [
      Plot.ruleX([1], { stroke: "var(--muted)" }),
      Plot.ruleY(rows, { y: "task", x1: "low", x2: "high", stroke: "who", strokeWidth: 2, strokeOpacity: 0.5 }),
      Plot.dot(rows, { x: "ratio", y: "task", fill: "who", r: 4.5 }),
    ],
  });
}

/** What the roofline allows over what was taken: 1 is the ceiling of one thread of WebAssembly. Null where no case says what its work is. */
export function rooflinePlot(cases: readonly CaseResult[]): string | null {
  const roofed = cases.filter(({ roof }) => roof !== undefined);
  const rows = roofed.flatMap(({ name: task, roof, rows: all }) =>
    all
      .filter((row) => row.role !== "yardstick" && isMeasured(row))
      .map((row) => ({ task, who: library(row.name), share: roof!.floor / row.measured!.median })),
  );
  if (rows.length === 0) return null;
  return draw({
    ...bands(roofed),
    color: legend(rows.map(({ who }) => who)),
    x: {
      label: "the roofline's time / time taken →",
      type: "log",
      tickFormat: plain,
      ...around(rows.map(({ share }) => share)),
    },
    marks: [
      Plot.ruleX([1], { stroke: "var(--muted)" }),
      Plot.dot(rows, {
        x: "share",
        y: "task",
        fill: "who",
        r: ({ who }: (typeof rows)[number]) => (who === "curv" ? 5.5 : 3.5),
      }),
    ],
  });
}

/** A domain that holds the values and 1, with a little room. */
function around(values: readonly number[]): { domain: [number, number]; ticks: number[] } {
  const [least, most] = [Math.min(1, ...values) / 1.3, Math.max(1, ...values) * 1.3];
  const decades = Math.log10(most / least);
  const digits = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const ticks = Array.from({ length: 14 }, (_, i) => i - 7).flatMap((power) => digits.map((d) => d * 10 ** power));
  return { domain: [least, most], ticks: ticks.filter((tick) => tick >= least && tick <= most) };
}

/** Time against size, both logarithmic: Curv, a peer if there is one, and the floor. */
export function growthPlot({ ours, peer, floor }: Growth): string {
  const line = (name: string, points: readonly Point[]): { name: string; size: number; ms: number }[] =>
    points.map(({ size, seconds }) => ({ name, size, ms: 1000 * seconds }));
  const measured = [...line("Curv", ours), ...(peer === null ? [] : line(library(peer.name), peer.points))];
  const least = line("roofline", floor);
  return draw({
    width: 420,
    height: 280,
    marginLeft: 60,
    color: legend([...measured, ...least].map(({ name }) => name)),
    x: { label: "size →", type: "log", ticks: ours.map(({ size }) => size), tickFormat: compact, grid: false },
    y: {
      label: "↑ milliseconds",
      type: "log",
      ticks: decades([...measured, ...least].map(({ ms }) => ms)),
      tickFormat: plain,
    },
    marks: [
      Plot.lineY(least, { x: "size", y: "ms", stroke: "name", strokeDasharray: "4 3" }),
      Plot.lineY(measured, { x: "size", y: "ms", stroke: "name", strokeWidth: 2, marker: "dot" }),
    ],
  });
}

function decades(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return Array.from({ length: 14 }, (_, i) => 10 ** (i - 8)).filter((tick) => tick >= least / 2 && tick <= most * 2);
}

function plain(value: number): string {
  return value >= 1e-3 ? String(Number(value.toPrecision(3))) : value.toExponential(0);
}

function compact(value: number): string {
  return value >= 2 ** 20
    ? `${Math.round(value / 2 ** 20)}Mi`
    : value >= 10_000
      ? `${Math.round(value / 1024)}Ki`
      : String(value);
}
