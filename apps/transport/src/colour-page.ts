/** The page of the colour transfer: pictures, palettes, costs. */

import * as Plot from "@observablehq/plot";
import { textTable, type Table } from "app-frame";
import { figure, htmlTable, text } from "app-frame/page";
import type { Chapter } from "./chapter.js";
import type { PlanKind } from "./colour-map.js";
import type { ColourStudy, Likeness, Shown } from "./colour-study.js";
import type { Colours } from "./colours.js";
import { fromOklab } from "./oklab.js";
import { pageOf } from "./page.js";
import { dataUri, encodePng } from "./picture-files.js";
import { reduced } from "./picture.js";
import { draw } from "./plots.js";
import type { Settings } from "./settings.js";

const title = "Colour transfer";
const lead = "The colours of one picture, carried to those of another along plans of least cost.";

/** Pictures on the page are no larger; the files are as large as the source. */
const previewSide = 560;

const explanations: Readonly<Record<PlanKind, string>> = {
  exact: "Every share of the target's palette is used, at the least cost.",
  entropic: "The entropy makes the map smooth, and draws colours a little together.",
  unbalanced: "Proportions need not be met: what would have to travel far is left out of the plan.",
};

export function colourChapter(study: ColourStudy, settings: Settings): Chapter {
  const { results, source, target, transfers } = study;
  const files = new Map<string, string | Uint8Array>([
    ["source.png", encodePng(source.picture)],
    ["target.png", encodePng(target.picture)],
    ...transfers.map(({ kind, picture }) => [`${kind}.png`, encodePng(picture)] as const),
  ]);
  files.set("colour.html", colourPage(study, settings));
  return { part: "colour", title, lead, files, results, table: textTable(tableOf(study)), checks: [] };
}

function colourPage(study: ColourStudy, { quick, seed, colour }: Settings): string {
  const { source, target, transfers, results } = study;
  const order = byLightness(source.palette);
  const extent = domainOf([source, target, ...transfers].map(({ palette }) => palette));
  const plane = (palette: Colours): string => planePlot(palette, extent);
  const body = `<section>
<div class="pair">
${shown(source, "source", "Source", order)}
${shown(target, "target", "Target", byLightness(target.palette))}
</div>
</section>
<section>
<h2>The source in the target's colours</h2>
<div class="pair">
${transfers.map((t) => shown(t, t.kind, capital(t.kind), order, explanations[t.kind])).join("\n")}
</div>
<p class="caption">Strips: palettes, each colour as wide as its share; those of the results in the order of the source's, so that one sees what became of each colour.</p>
</section>
<section>
<h2>Numbers</h2>
${htmlTable(tableOf(study))}
<p class="caption">Distances are those of Oklab, in which black and white are 1 apart. The cost is ⟨C, P⟩ with squared distances. Distance to the target: Wasserstein-2
between palettes. ${text(`Palettes of ${colour.colours} colours by ${colour.palette === "kmeans" ? "k-means" : "pixels drawn at random"}.`)}</p>
</section>
<section>
<h2>Palettes in the plane of hues</h2>
<div class="three">
${figure(plane(source.palette), "Source")}
${figure(plane(target.palette), "Target")}
${transfers.map(({ kind, palette }) => figure(plane(palette), capital(kind))).join("\n")}
</div>
<p class="caption">Across: green to red; up: blue to yellow. Areas are shares.</p>
</section>`;
  const made = transfers.map(({ kind, seconds }) => `${kind} ${seconds.toFixed(1)}`).join(", ");
  const footer = `Seed ${seed}; the same seed gives the same pictures. Computed by <code>@curv/ot</code> in Node.js; seconds: ${made}.`;
  return pageOf({ title, lead, body, footer, quick, results });
}

function tableOf({ results, transfers }: ColourStudy): Table {
  const like = ({ distance, mean, covariance }: Likeness): string[] =>
    [distance, mean, covariance].map((v) => v.toFixed(4)); // prettier-ignore
  const rows = results.transfers.map((t, k) => [
    capital(t.kind),
    t.cost.toFixed(5),
    t.mass.toFixed(3),
    ...like(t.after),
    `${t.converged ? "converged" : "NOT converged"}, ${t.iterations}`,
    transfers[k].seconds.toFixed(2),
  ]);
  return {
    heads: ["Plan", "Cost", "Mass", "Distance to target", "of means", "of covariances, relative", "Status, iterations", "Seconds"], // prettier-ignore
    rows: [["None (the source)", "", "", ...like(results.before), "", ""], ...rows],
  };
}

function shown({ picture, palette }: Shown, name: string, label: string, order: readonly number[], words = ""): string {
  const small = reduced(picture, previewSide);
  const { width, height } = small;
  const image = `<a href="${name}.png"><img src="${dataUri(small)}" width="${width}" height="${height}" alt="${label}"></a>`;
  const caption = `<strong>${label}</strong>${words === "" ? "" : `. ${words}`}`;
  return `<figure class="picture">${image}${strip(palette, order)}<figcaption>${caption}</figcaption></figure>`;
}

/** A palette as a strip. */
function strip({ points, weights }: Colours, order: readonly number[]): string {
  let at = 0;
  const bars = order.map((k) => {
    const bar = `<rect x="${at.toFixed(4)}" width="${(weights[k] + 0.001).toFixed(4)}" height="1" fill="${hex(points, k)}"/>`;
    at += weights[k];
    return bar;
  });
  return `<svg class="palette" viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label="palette">${bars.join("")}</svg>`;
}

function byLightness({ count, points }: Colours): number[] {
  return Array.from({ length: count }, (_, k) => k).sort((i, j) => points[3 * i] - points[3 * j]);
}

function hex(points: Float64Array, k: number): string {
  const channels = fromOklab(points[3 * k], points[3 * k + 1], points[3 * k + 2]);
  return `#${channels.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

interface Extent {
  readonly x: [number, number];
  readonly y: [number, number];
}

function domainOf(palettes: readonly Colours[]): Extent {
  const axis = (c: number): [number, number] => {
    const values = palettes.flatMap(({ points }) => Array.from(points).filter((_, k) => k % 3 === c));
    return [Math.min(-0.05, ...values), Math.max(0.05, ...values)];
  };
  return { x: axis(1), y: axis(2) };
}

function planePlot({ count, points, weights }: Colours, { x, y }: Extent): string {
  const rows = Array.from({ length: count }, (_, k) => ({
    a: points[3 * k + 1],
    b: points[3 * k + 2],
    weight: weights[k],
    colour: hex(points, k),
  }));
  return draw({
    width: 340,
    height: 300,
    marginLeft: 44,
    x: { label: null, domain: x, inset: 12 },
    y: { label: null, domain: y, inset: 12 },
    r: { range: [0, 12] },
    marks: [Plot.dot(rows, { x: "a", y: "b", r: "weight", fill: "colour", stroke: "var(--line)", strokeWidth: 0.5 })],
  });
}

function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}
