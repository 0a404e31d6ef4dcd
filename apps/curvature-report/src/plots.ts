/** The figures of the report, as SVG text. Colours are the variables of the page, so that they follow its light or dark scheme. */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { NetworkResults, Results } from "./experiment.js";
import { leastAccuracy } from "./findings.js";
import type { StabilityCheck } from "./stability-check.js";

const colours = { MLP: "var(--mlp)", CNN: "var(--cnn)", "MLP, regularised": "var(--third)" } as const;
const width = 560;
const height = 320;

/** Draws into a document of its own: there is no browser here. */
function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const drawn = Plot.plot({
    width,
    height,
    marginLeft: 56,
    marginBottom: 44,
    marginTop: 28,
    grid: true,
    ...options,
    document,
  });
  return drawn.outerHTML;
}

const legend = { legend: true, domain: ["MLP", "CNN"], range: [colours.MLP, colours.CNN] };

/** Loss on the digits that are learnt from and on held-out ones, epoch by epoch. */
export function lossPlot({ mlp, cnn }: Results): string {
  const rows = [mlp, cnn].flatMap(({ name, history }) =>
    history.flatMap(({ trainLoss, heldOutLoss }, i) => [
      { name, epoch: i + 1, loss: trainLoss, on: "training" },
      { name, epoch: i + 1, loss: heldOutLoss, on: "held out" },
    ]),
  );
  return draw({
    color: legend,
    x: { label: "epoch", ticks: epochTicks([mlp, cnn]), tickFormat: "d", grid: false },
    y: { label: "mean cross-entropy", type: "log", ticks: roundTicks(rows.map(({ loss }) => loss)), tickFormat: plain },
    marks: [
      Plot.lineY(rows, {
        x: "epoch",
        y: "loss",
        z: ({ name, on }: (typeof rows)[number]) => name + on,
        stroke: "name",
        strokeDasharray: "4 3",
        filter: ({ on }: (typeof rows)[number]) => on === "training",
      }),
      Plot.lineY(rows, {
        x: "epoch",
        y: "loss",
        stroke: "name",
        strokeWidth: 2,
        marker: "dot",
        filter: ({ on }: (typeof rows)[number]) => on === "held out",
      }),
    ],
  });
}

/** Fraction of held-out digits that are read correctly, epoch by epoch, with what a default run promises. */
export function accuracyPlot({ mlp, cnn }: Results): string {
  const rows = [mlp, cnn].flatMap(({ name, history }) =>
    history.map(({ heldOutAccuracy }, i) => ({ name, epoch: i + 1, accuracy: 100 * heldOutAccuracy })),
  );
  const promised = [
    { name: "MLP", accuracy: 100 * leastAccuracy.mlp },
    { name: "CNN", accuracy: 100 * leastAccuracy.cnn },
  ];
  return draw({
    color: legend,
    x: { label: "epoch", ticks: epochTicks([mlp, cnn]), tickFormat: "d", grid: false },
    y: { label: "held-out accuracy, %", domain: [Math.min(90, ...rows.map(({ accuracy }) => accuracy)), 100] },
    marks: [
      Plot.ruleY(promised, { y: "accuracy", stroke: "name", strokeDasharray: "1 4" }),
      Plot.lineY(rows, { x: "epoch", y: "accuracy", stroke: "name", strokeWidth: 2, marker: "dot" }),
    ],
  });
}

function epochTicks(networks: readonly NetworkResults[]): number {
  return Math.min(10, Math.max(1, ...networks.map(({ history }) => history.length - 1)));
}

function powerRows({ mlp, cnn, stability }: Results) {
  return [
    { name: "MLP", ...mlp.curvature.largest },
    { name: "CNN", ...cnn.curvature.largest },
    { name: "MLP, regularised", ...stability.largest },
  ].flatMap(({ name, history, eigenvalue: final, tol }) =>
    history.map(({ eigenvalue, residual }, i) => ({ name, product: i + 1, ratio: eigenvalue / final, residual, tol })),
  );
}

const powerLegend = { legend: true, domain: Object.keys(colours), range: Object.values(colours) };

/** Rayleigh quotients on their way to the largest eigenvalues. */
export function eigenvaluePlot(results: Results): string {
  const rows = powerRows(results);
  return draw({
    color: powerLegend,
    x: {
      label: "Hessian-vector products",
      type: "log",
      ticks: roundTicks(rows.map(({ product }) => product)),
      tickFormat: "d",
      grid: false,
    },
    y: { label: "Rayleigh quotient / its last value", domain: [Math.min(0, ...rows.map(({ ratio }) => ratio)), 1.05] },
    marks: [
      Plot.ruleY([1], { stroke: "var(--muted)" }),
      Plot.lineY(rows, { x: "product", y: "ratio", stroke: "name", strokeWidth: 2, marker: "dot" }),
    ],
  });
}

/** Residuals of the eigenpairs, which the stop rule looks at. */
export function residualPlot(results: Results): string {
  const rows = powerRows(results);
  return draw({
    color: powerLegend,
    x: { label: "Hessian-vector products", grid: false },
    y: {
      label: "residual ‖Hv − θv‖ / |θ|",
      type: "log",
      ticks: powersOfTen(rows.map(({ residual }) => residual)),
      tickFormat: exponent,
    },
    marks: [
      Plot.ruleY([rows[0].tol], { stroke: "var(--muted)", strokeDasharray: "4 3" }),
      Plot.lineY(rows, { x: "product", y: "residual", stroke: "name", strokeWidth: 2 }),
    ],
  });
}

/** Hutchinson's estimate after each probe, with one and two standard errors around it. */
export function tracePlot({ name, curvature }: NetworkResults): string {
  const rows = curvature.trace.history
    .map((row, i) => ({ ...row, probes: i + 1 }))
    // The first few standard errors are themselves estimated from next to nothing.
    .filter(({ probes }) => probes >= 4);
  const colour = name === "CNN" ? colours.CNN : colours.MLP;
  const band = (errors: number): Plot.Markish =>
    Plot.areaY(rows, {
      x: "probes",
      y1: ({ trace, standardError }: (typeof rows)[number]) => trace - errors * standardError,
      y2: ({ trace, standardError }: (typeof rows)[number]) => trace + errors * standardError,
      fill: colour,
      fillOpacity: 0.18,
    });
  return draw({
    height: 260,
    x: { label: "probes", grid: false },
    y: { label: `trace of the Hessian, ${name}`, nice: true, zero: false },
    marks: [band(2), band(1), Plot.lineY(rows, { x: "probes", y: "trace", stroke: colour, strokeWidth: 2 })],
  });
}

/** The loss after the kick at each rate that the bisection tried. */
export function trajectoryPlot({ measured, minimum, predicted, band, steps }: StabilityCheck): string {
  const rows = measured.history.flatMap(({ rate, losses, left }) =>
    losses.map((loss, step) => ({
      step,
      loss: Math.min(loss / minimum.loss, 1 + 1.6 * band),
      rate: rate / predicted,
      outcome: left ? "leaves" : "stays",
    })),
  );
  const lowest = Math.min(1 - 0.2 * band, ...rows.map(({ loss }) => loss));
  const labels = measured.history
    .filter(({ left }) => left)
    .map(({ rate, losses }) => ({
      step: losses.length - 1,
      loss: Math.min(losses[losses.length - 1] / minimum.loss, 1 + 1.6 * band),
      text: (rate / predicted).toFixed(3),
    }));
  return draw({
    marginRight: 30,
    color: { legend: true, domain: ["stays", "leaves"], range: ["var(--mlp)", "var(--cnn)"] },
    x: { label: "steps of gradient descent after the kick", domain: [0, steps], grid: false },
    y: { label: "loss / loss at the minimum", domain: [lowest, 1 + 1.7 * band], tickFormat: ".2f" },
    marks: [
      Plot.areaY([0, steps], {
        x: (d: number) => d,
        y1: lowest,
        y2: 1 + band,
        fill: "var(--mlp)",
        fillOpacity: 0.07,
      }),
      Plot.ruleY([1 + band], { stroke: "var(--muted)", strokeDasharray: "4 3" }),
      Plot.lineY(rows, { x: "step", y: "loss", z: "rate", stroke: "outcome", strokeWidth: 1.6, clip: true }),
      Plot.text(labels, { x: "step", y: "loss", text: "text", dy: -8, fill: "currentColor" }),
    ],
  });
}

/** The rates in the order in which the bisection tried them. */
export function bisectionPlot({ measured, predicted }: StabilityCheck): string {
  const rows = measured.history.map(({ rate, left }, i) => ({
    run: i + 1,
    ratio: rate / predicted,
    outcome: left ? "leaves" : "stays",
  }));
  return draw({
    color: { legend: true, domain: ["stays", "leaves"], range: ["var(--mlp)", "var(--cnn)"] },
    x: { label: "run", ticks: rows.length, tickFormat: "d", grid: false, inset: 12 },
    y: { label: "rate / (2/λ_max)", inset: 10 },
    marks: [
      Plot.ruleY([1], { stroke: "var(--muted)" }),
      Plot.ruleY([measured.threshold / predicted], { stroke: "var(--muted)", strokeDasharray: "4 3" }),
      Plot.dot(rows, { x: "run", y: "ratio", fill: "outcome", r: 5 }),
    ],
  });
}

/** How often each digit is read as each. */
export function confusionPlot({ name, confusion }: NetworkResults): string {
  const rows = confusion.flatMap((counts, label) => {
    const total = counts.reduce((a, b) => a + b, 0);
    return counts.map((count, read) => ({
      label,
      read,
      count,
      share: total === 0 ? 0 : count / total,
      right: label === read,
    }));
  });
  const colour = name === "CNN" ? colours.CNN : colours.MLP;
  return draw({
    width: 420,
    height: 420,
    marginLeft: 44,
    marginBottom: 44,
    padding: 0.06,
    grid: false,
    x: { label: `read by the ${name} as`, tickSize: 0, labelAnchor: "center", labelArrow: "none" },
    y: { label: "digit", tickSize: 0, labelAnchor: "center", labelArrow: "none" },
    marks: [
      Plot.cell(rows, {
        x: "read",
        y: "label",
        fill: colour,
        // Square roots, so that rare mistakes can be seen at all; never so strong that the number on it cannot be read.
        fillOpacity: ({ share }: (typeof rows)[number]) => (share === 0 ? 0 : 0.05 + 0.5 * Math.sqrt(share)),
        rx: 3,
      }),
      Plot.text(rows, {
        x: "read",
        y: "label",
        text: ({ count }: (typeof rows)[number]) => (count === 0 ? "" : String(count)),
        fill: "currentColor",
        fontWeight: "600",
      }),
    ],
  });
}

/** 1, 2 and 5 times powers of ten within the range. */
function roundTicks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = [-3, -2, -1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  return ticks.filter((tick) => tick >= least && tick <= most);
}

function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function powersOfTen(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values.filter((value) => value > 0)), Math.max(...values)];
  return Array.from({ length: 20 }, (_, i) => 10 ** (i - 16)).filter((tick) => tick >= least / 1.5 && tick <= most);
}

/** 10⁻³ */
function exponent(value: number): string {
  const digits = String(Math.round(Math.log10(value)));
  return `10${digits.replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "⁻")}`;
}
