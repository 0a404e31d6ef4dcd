/** The figures of the report, as SVG text. Colours are the variables of the page, so that they follow its light or dark scheme. */

import * as Plot from "@observablehq/plot";
import { draw as plainDraw } from "app-frame/plot";
import { leastAccuracy } from "./findings.js";
import type { StabilityCheck } from "./stability-check.js";
import type { NetworkResults } from "./study.js";

const colours: Readonly<Record<string, string>> = {
  MLP: "var(--mlp)",
  CNN: "var(--cnn)",
  "ResNet-20": "var(--third)",
};

/** A network by its name, and its curvature. */
export type NetworkCurvature = Pick<NetworkResults, "name" | "curvature">;

function draw(options: Plot.PlotOptions): string {
  return plainDraw({
    width: 560,
    height: 320,
    marginLeft: 56,
    marginBottom: 44,
    marginTop: 28,
    grid: true,
    ...options,
  });
}

/** The networks by their colours. */
function legendOf(networks: readonly Trained[]): Plot.ScaleOptions {
  const domain = networks.map(({ name }) => name);
  return { legend: true, domain, range: domain.map(colourOf) };
}

/** A network with what was seen of it after each epoch. */
type Trained = Pick<NetworkResults, "name" | "history">;

/** Loss on the digits that are learnt from and on held-out ones, epoch by epoch. */
export function lossPlot(networks: readonly Trained[]): string {
  const rows = networks.flatMap(({ name, history }) =>
    history.flatMap(({ trainLoss, heldOutLoss }, i) => [
      { name, epoch: i + 1, loss: trainLoss, on: "training" },
      { name, epoch: i + 1, loss: heldOutLoss, on: "held out" },
    ]),
  );
  return draw({
    color: legendOf(networks),
    x: { label: "epoch", ticks: epochTicks(networks), tickFormat: "d", grid: false },
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
export function accuracyPlot(networks: readonly (Trained & Pick<NetworkResults, "architecture">)[]): string {
  const rows = networks.flatMap(({ name, history }) =>
    history.map(({ heldOutAccuracy }, i) => ({ name, epoch: i + 1, accuracy: 100 * heldOutAccuracy })),
  );
  const promised = networks.map(({ name, architecture }) => ({ name, accuracy: 100 * leastAccuracy[architecture] }));
  return draw({
    color: legendOf(networks),
    x: { label: "epoch", ticks: epochTicks(networks), tickFormat: "d", grid: false },
    y: { label: "held-out accuracy, %", domain: [Math.min(90, ...rows.map(({ accuracy }) => accuracy)), 100] },
    marks: [
      Plot.ruleY(promised, { y: "accuracy", stroke: "name", strokeDasharray: "1 4" }),
      Plot.lineY(rows, { x: "epoch", y: "accuracy", stroke: "name", strokeWidth: 2, marker: "dot" }),
    ],
  });
}

function epochTicks(networks: readonly Trained[]): number {
  return Math.min(10, Math.max(1, ...networks.map(({ history }) => history.length - 1)));
}

const colourOf = (name: string): string => colours[name];

/** λ_max after each epoch: how the loss sharpens, or flattens, while it is learnt. */
export function sharpnessPlot(networks: readonly Trained[]): string {
  const rows = networks.flatMap(({ name, history }) =>
    history.map(({ sharpness }, i) => ({ name, epoch: i + 1, sharpness })),
  );
  return draw({
    color: legendOf(networks),
    x: { label: "epoch", ticks: epochTicks(networks), tickFormat: "d", grid: false },
    y: { label: "largest eigenvalue of the Hessian", zero: true },
    marks: [Plot.lineY(rows, { x: "epoch", y: "sharpness", stroke: "name", strokeWidth: 2, marker: "dot" })],
  });
}

/** A spectrum on a logarithmic scale, with its largest eigenvalues as ticks. */
export function densityPlot({ name, curvature }: NetworkCurvature, scale: "linear" | "log"): string {
  const { x, density, standardError } = curvature.density[scale];
  const most = Math.max(...density);
  const lowest = most * 1e-6;
  const rows = x.map((place, i) => {
    const error = Number.isFinite(standardError[i]) ? 2 * standardError[i] : 0;
    return {
      x: place,
      y: Math.max(lowest, density[i]),
      low: Math.max(lowest, density[i] - error),
      high: Math.max(lowest, density[i] + error),
    };
  });
  const colour = colourOf(name);
  const marks = curvature.top.map((value) => (scale === "log" ? Math.log10(Math.abs(value)) : value));
  return draw({
    height: 260,
    x: { label: scale === "log" ? "log₁₀ |λ|" : "eigenvalue λ", grid: false },
    y: {
      label: "density",
      type: "log",
      domain: [lowest, 2 * most],
      ticks: powersOfTen([lowest, most]).filter((_, i) => i % 2 === 0),
      tickFormat: exponent,
    },
    marks: [
      Plot.areaY(rows, { x: "x", y1: "low", y2: "high", fill: colour, fillOpacity: 0.2 }),
      Plot.lineY(rows, { x: "x", y: "y", stroke: colour, strokeWidth: 1.6 }),
      Plot.ruleX(marks, { y1: lowest, y2: lowest * 10, stroke: "currentColor", strokeWidth: 1.5 }),
    ],
  });
}

/** The largest eigenvalues of the Hessian beside those of the Gauss–Newton matrix. */
export function gaussNewtonPlot({ curvature }: NetworkCurvature): string {
  const rows = [
    ...curvature.top.map((value, i) => ({ place: i + 1, value, of: "Hessian" })),
    ...curvature.gaussNewton.top.map((value, i) => ({ place: i + 1, value, of: "Gauss–Newton" })),
  ];
  return draw({
    height: 260,
    color: { legend: true, domain: ["Hessian", "Gauss–Newton"], range: ["var(--mlp)", "var(--cnn)"] },
    x: { label: "place", ticks: curvature.top.length, tickFormat: "d", grid: false, inset: 20 },
    y: { label: "eigenvalue", zero: true },
    marks: [Plot.dot(rows, { x: "place", y: "value", fill: "of", r: 5, fillOpacity: 0.75 }), Plot.ruleY([0])],
  });
}

/** Trace and largest eigenvalue of each layer's block. */
export function layersPlot({ name, curvature }: NetworkCurvature): string {
  const rows = curvature.layers.flatMap(({ layer, trace, largest }) => [
    { layer, value: trace, of: "trace" },
    { layer, value: largest, of: "largest eigenvalue" },
  ]);
  return draw({
    height: 90 + 34 * curvature.layers.length,
    marginLeft: 120,
    color: { legend: true, domain: ["trace", "largest eigenvalue"], range: [colourOf(name), "var(--muted)"] },
    x: { label: "curvature", zero: true },
    y: { label: null, grid: false, domain: curvature.layers.map(({ layer }) => layer) },
    marks: [
      Plot.ruleX([0]),
      Plot.barX(rows, {
        x: "value",
        y: "layer",
        fill: "of",
        filter: ({ of }: (typeof rows)[number]) => of === "trace",
        fillOpacity: 0.5,
      }),
      Plot.dot(rows, {
        x: "value",
        y: "layer",
        fill: "of",
        r: 5,
        filter: ({ of }: (typeof rows)[number]) => of !== "trace",
      }),
    ],
  });
}

/** The loss along one of the two top eigenvectors, and the parabola that slope and curvature predict. */
export function slicePlot({ name, curvature }: NetworkCurvature, direction: 0 | 1): string {
  const { grid, loss, slopes } = curvature.surface;
  const middle = (grid.steps.length - 1) / 2;
  const along = direction === 0 ? grid.losses.map((line) => line[line.length === 1 ? 0 : middle]) : grid.losses[middle];
  const rows = grid.steps.map((step, i) => ({ step, loss: along[i] }));
  const [least, most] = [grid.steps[0], grid.steps[grid.steps.length - 1]];
  const parabola = Array.from({ length: 61 }, (_, i) => least + ((most - least) * i) / 60).map((step) => ({
    step,
    loss: loss + slopes[direction] * step + (curvature.top[direction] / 2) * step ** 2,
  }));
  return draw({
    height: 260,
    x: { label: `step along the ${direction === 0 ? "top" : "second"} eigenvector`, grid: false },
    y: { label: "loss" },
    marks: [
      Plot.lineY(parabola, { x: "step", y: "loss", stroke: "var(--muted)", strokeDasharray: "4 3" }),
      Plot.lineY(rows, { x: "step", y: "loss", stroke: colourOf(name), strokeWidth: 2, curve: "monotone-x" }),
      Plot.dot(rows, { x: "step", y: "loss", fill: colourOf(name), r: 2 }),
    ],
  });
}

/** The loss over the plane of the two top eigenvectors. */
export function surfacePlot({ name, curvature }: NetworkCurvature): string {
  const { steps, losses } = curvature.surface.grid;
  const rows = losses.flatMap((line, i) => line.map((value, j) => ({ first: steps[i], second: steps[j], value })));
  const low = Math.min(...rows.map(({ value }) => value));
  return draw({
    width: 420,
    height: 380,
    grid: false,
    x: { label: "along the first eigenvector" },
    y: { label: "along the second" },
    marks: [
      Plot.contour(rows, {
        x: "first",
        y: "second",
        interpolate: "barycentric",
        stroke: colourOf(name),
        strokeWidth: 1.2,
        // Close where the loss is flat.
        value: ({ value }: (typeof rows)[number]) => Math.log10(value - low + 1e-3 * (low + 1e-6)),
        thresholds: 14,
      }),
      Plot.dot([[0, 0]], { r: 3, fill: "currentColor" }),
    ],
  });
}

/** The largest rate of SGD for each batch size: lines that are predicted, points that are measured. */
export function batchRatesPlot({ name, batchRates }: Pick<NetworkResults, "name" | "batchRates">): string {
  const { rates } = batchRates;
  const all = rates.flatMap(({ ofEdge, linearised, measured }) => [ofEdge, linearised, measured]);
  const domain = [Math.min(...all) / 1.6, Math.max(...all) * 1.6];
  return draw({
    height: 260,
    x: { label: "batch size", type: "log", base: 2, ticks: rates.map(({ batch }) => batch), tickFormat: "d" },
    y: { label: "largest learning rate", type: "log", domain, ticks: roundTicks(domain), tickFormat: plain },
    marks: [
      Plot.lineY(rates, { x: "batch", y: "ofEdge", stroke: "var(--muted)", strokeDasharray: "4 3", marker: "dot" }),
      Plot.lineY(rates, { x: "batch", y: "linearised", stroke: "var(--muted)", strokeWidth: 2, marker: "dot" }),
      Plot.dot(rates, { x: "batch", y: "measured", fill: colourOf(name), r: 5 }),
    ],
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
    x: { label: "run", ticks: rows.map(({ run }) => run), tickFormat: "d", grid: false, inset: 12 },
    y: { label: "rate / (2/λₘₐₓ)", inset: 10 },
    marks: [
      Plot.ruleY([1], { stroke: "var(--muted)" }),
      Plot.ruleY([measured.threshold / predicted], { stroke: "var(--muted)", strokeDasharray: "4 3" }),
      Plot.dot(rows, { x: "run", y: "ratio", fill: "outcome", r: 5 }),
    ],
  });
}

/** How often each digit is read as each. */
export function confusionPlot({ name, confusion }: Pick<NetworkResults, "name" | "confusion">): string {
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
  const colour = colourOf(name);
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
