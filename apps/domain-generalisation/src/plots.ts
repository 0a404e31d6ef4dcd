/** The figures of the page, as SVG text. Colours are the variables of the page, so that they follow its light or dark scheme. */

import * as Plot from "@observablehq/plot";
import { draw as plainDraw } from "app-frame/plot";
import type { ExperimentResult } from "./experiment.js";
import { finalOf } from "./findings.js";

function draw(options: Plot.PlotOptions): string {
  return plainDraw({ width: 560, marginTop: 28, marginBottom: 44, grid: true, ...options });
}

/** Accuracy where the model was trained and where the shortcut has changed, one line for each method. */
export function accuracyPlot({ part, rows }: ExperimentResult): string {
  const ends = rows.map((row) => ({ method: row.method, ours: row.ours, ...finalOf(row) }));
  const single = rows.flatMap(({ method, ours, runs }) =>
    runs.map(({ points }) => ({ method, ours, test: points[points.length - 1].test })),
  );
  const colour = ({ ours }: { ours: boolean }): string => (ours ? "var(--ours)" : "var(--other)");
  return draw({
    height: 60 + 30 * rows.length,
    marginLeft: 190,
    x: { label: "accuracy", ...(part === "rotated" ? { nice: true } : { domain: [0, 1] }) },
    y: { label: null, domain: rows.map(({ method }) => method), grid: false, type: "point" },
    marks: [
      ...(part === "rotated" ? [] : [Plot.ruleX([0.5], { stroke: "var(--muted)", strokeDasharray: "4 3" })]),
      Plot.link(ends, {
        x1: "train",
        x2: "test",
        y1: "method",
        y2: "method",
        stroke: colour,
        strokeOpacity: 0.4,
        strokeWidth: 2,
      }),
      Plot.dot(ends, { x: "train", y: "method", stroke: colour, fill: "var(--background)", r: 5, strokeWidth: 2 }),
      Plot.dot(ends, { x: "test", y: "method", fill: colour, r: 5 }),
      ...(single.length === ends.length
        ? []
        : [Plot.dot(single, { x: "test", y: "method", stroke: colour, symbol: "plus", r: 4 })]),
    ],
  });
}

/** Test accuracy along the training, of the first seed. It chooses nothing: the tables show the last step. */
export function trainingPlot({ rows }: ExperimentResult): string {
  const shown = rows.filter(({ method }) => !method.includes("probes") && !method.includes("oracle"));
  const points = shown.flatMap(({ method, runs: [{ points: list }] }) => list.map((point) => ({ method, ...point })));
  return draw({
    height: 360,
    marginLeft: 48,
    marginRight: 12,
    color: { legend: true, domain: shown.map(({ method }) => method), scheme: "Observable10" },
    x: { label: "step", grid: false },
    y: { label: "test accuracy" },
    marks: [Plot.lineY(points, { x: "step", y: "test", stroke: "method", strokeWidth: 2 })],
  });
}
