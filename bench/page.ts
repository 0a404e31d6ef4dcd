/** The page of results: it needs nothing but itself. */

import { describeMachine } from "./machine.js";
import { growths, type Fit, type Growth } from "./exponent.js";
import { describe, judge, type Judgement } from "./marks.js";
import { growthPlot, library, ratioPlot, rooflinePlot } from "./plots.js";
import { style } from "./page-style.js";
import type { Results } from "./results.js";

/** The page as text. Its `<script id="results">` holds all numbers as JSON, every round included. */
export function page(results: readonly Results[]): string {
  const judgements = judge(results);
  const grown = growths(results);
  const compared = results.filter(({ benchmark }) => benchmark !== "scaling");
  const runs = new Set(results.map(({ run }) => run));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Curv beside its peers</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<h1>Curv beside its peers</h1>
<p class="lead">Ratios of medians over rounds that all contenders take by turns, each library in a process of its own; a result is checked before it is
timed.</p>
${[...new Set(results.map(({ machine }) => describeMachine({ ...machine, load: NaN }).replace(", load NaN", "")))].map((line) => `<p>${text(line)}.</p>`).join("\n")}
<p class="caption">${text(date(results))}; load of the machine during the run ${loads(results)}.</p>
${results.some(({ quick }) => quick) ? `<p class="note">Of a <code>--quick</code> run: everything was done, with too few rounds for the numbers to mean much.</p>` : ""}
${runs.size > 1 ? `<p class="note">Put together from ${runs.size} runs: compare within a figure only.</p>` : ""}
</header>

<section>
<h2>What was to be reached</h2>
<p>${text(summary(judgements))} Ratios are of Curv's time to the other's, round by round: median, and quartiles in brackets.</p>
${table(["Work", "Curv", "beside", "time ratio", "wanted", ""], judgements.map(describe), (cell) => (cell === "met" ? "met" : cell.startsWith("missed") ? "missed" : ""))}
</section>

<section>
<h2>Where cost grows faster than the theory</h2>
<p>Exponents of size, fitted to the larger half of the sizes, and between the two largest; the theory's is that of the roofline's floor over the same sizes, which knows that a
vector leaves the cache. ${text(growthSummary(grown))}</p>
${table(["Series", "Curv", "last step", "theory", "peer", ""], grown.map(growthLine), (cell) => (cell.startsWith("worse") ? "missed" : ""))}
<div class="three">
${grown.map((growth) => figure(growthPlot(growth), `${growth.series}: exponent ${exponent(growth.fit)}, theory ${growth.theory.toFixed(2)}.`)).join("\n")}
</div>
</section>

<section>
<h2>Each comparison</h2>
<p>Left: our time over a peer's, below 1 we are faster (lines: quartiles). Right: what the roofline allows over the time taken, 1 is the ceiling of WebAssembly's 128-bit
vectors without fused multiply-add; native libraries have wider ones and may stand above it.</p>
${compared.map(comparison).join("\n")}
</section>

<footer><p>Made by <code>pnpm bench</code>. All rounds are in this page as JSON: <code>JSON.parse(document.getElementById("results").textContent)</code>.</p></footer>
</main>
<script type="application/json" id="results">${JSON.stringify(results).replaceAll("<", "\\u003c")}</script>
</body>
</html>
`;
}

/** Which marks were reached, in words. */
export function summary(judgements: readonly Judgement[]): string {
  const count = (met: boolean): number => judgements.filter((j) => j.met === met).length;
  const open = judgements.filter(({ measured }) => measured === null).length;
  return `${count(true)} of ${count(true) + count(false)} marks are met; ${open} were not measured.`;
}

function growthSummary(grown: readonly Growth[]): string {
  const worse = grown.filter((g) => g.worse).map(({ series }) => series);
  return worse.length === 0 ? "None does." : `These do: ${worse.join("; ")}.`;
}

function growthLine({ series, fit, last, theory, peer, peerFit, worse }: Growth): string[] {
  return [
    series,
    exponent(fit),
    last.toFixed(2),
    theory.toFixed(2),
    peerFit === null ? "" : `${library(peer!.name)} ${exponent(peerFit)}`,
    worse ? `worse by ${(fit.exponent - theory).toFixed(2)}` : "",
  ];
}

function exponent({ exponent: e, standardError }: Fit): string {
  return Number.isFinite(standardError) ? `${e.toFixed(2)} ± ${standardError.toFixed(2)}` : e.toFixed(2);
}

function comparison({ benchmark, title, note, cases, machine }: Results): string {
  const [ratios, roofline] = [ratioPlot(cases), rooflinePlot(cases)];
  const absent = cases.flatMap(({ name, rows }) =>
    rows.filter(({ measured }) => measured === null).map((row) => [name, row.name, row.remark]),
  );
  return `<h3>${text(title)}</h3>
<p class="caption"><code>pnpm bench ${text(benchmark)}</code>; ${machine.threads} thread${machine.threads === 1 ? "" : "s"}, ${machine.clock} time. ${text(note)}</p>
<div class="pair">
${ratios === null ? "" : figure(ratios, "Time of Curv over time of the peer.")}
${roofline === null ? "" : figure(roofline, "Share of the roofline.")}
</div>
${absent.length === 0 ? "" : `<details><summary class="caption">${absent.length} not measured</summary>${table(["case", "peer", "why"], absent)}</details>`}`;
}

function figure(svg: string, caption: string): string {
  return `<figure>${svg}<figcaption>${text(caption)}</figcaption></figure>`;
}

function table(
  header: readonly string[],
  lines: readonly (readonly string[])[],
  styleOf: (cell: string) => string = () => "",
): string {
  const cell = (tag: string, content: string): string =>
    `<${tag} class="${styleOf(content)}">${text(content)}</${tag}>`;
  const rows = lines.map((line) => `<tr>${line.map((content) => cell("td", content)).join("")}</tr>`);
  return `<div class="scroll"><table><thead><tr>${header.map((h) => cell("th", h)).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`;
}

function date(results: readonly Results[]): string {
  const dates = results.map((r) => r.date.slice(0, 16).replace("T", " ")).sort();
  return dates.length === 0 ? "nothing measured" : `${dates[0]} to ${dates[dates.length - 1]} UTC`;
}

function loads(results: readonly Results[]): string {
  const all = results.map(({ machine }) => machine.load);
  return all.length === 0
    ? "unknown"
    : `${Math.min(...all)} to ${Math.max(...all)} on ${results[0].machine.cores} cores`;
}

function text(raw: string): string {
  return raw.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
