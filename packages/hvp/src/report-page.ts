/** A curvature report as one HTML page: tables, and two pictures drawn as SVG, so that it needs neither a library nor a network. */

import type { SpectralDensity } from "./estimators/spectral-density.js";
import type { CurvatureReport } from "./curvature-report.js";

/** @internal */
export function reportPage(
  report: Omit<CurvatureReport, "page">,
  title: string,
  layerNames: Readonly<Record<string, string>> = {},
): string {
  const { parameters, loss, gradientNorm, largest, smallest, trace, layers, density, logDensity, products } = report;
  const rate = report.largestStableLearningRate;
  const facts: readonly (readonly [string, string])[] = [
    ["Parameters", String(parameters)],
    ["Loss", digits(loss)],
    ["Gradient norm", digits(gradientNorm)],
    ["Largest eigenvalue (sharpness)", withError(largest[0].value, largest[0].residual)],
    ["Smallest eigenvalue", withError(smallest.value, smallest.residual)],
    ["Trace", withError(trace.trace, trace.standardError)],
    // 2/(λ ± r) to first order in r.
    ["Largest stable learning rate, 2/λ_max", withError(rate, (rate * largest[0].residual) / largest[0].value)],
    ["Eigenvalues below −0.001 λ_max", `${digits(report.negativeFraction * 100)} %`],
    ["Hessian-vector products", String(products)],
  ];
  const rows = (entries: readonly (readonly string[])[]): string =>
    entries.map((cells) => `<tr>${cells.map((c) => `<td>${text(c)}</td>`).join("")}</tr>`).join("\n");
  const marks = largest.map(({ value }) => value);
  const floor = Math.max(Math.abs(report.lambdaMax) * 1e-7, 1e-30);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<meta name="color-scheme" content="light dark">
<style>
:root { --ink: #222; --quiet: #555; --line: #ddd; --page: #fff; --curve: #4269d0; --mark: #d62728; }
@media (prefers-color-scheme: dark) {
:root { --ink: #e6e6e6; --quiet: #aaa; --line: #444; --page: #16181c; --curve: #8aa5f5; --mark: #ff6b6b; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: var(--ink); background: var(--page); }
table { border-collapse: collapse; margin: 1em 0; } td, th { padding: .2em 1em .2em 0; text-align: left; border-bottom: 1px solid var(--line); }
td + td { font-variant-numeric: tabular-nums; } svg { width: 100%; height: auto; } figcaption, .note { color: var(--quiet); }
svg text { fill: currentColor; } .curve { stroke: var(--curve); } .band { fill: var(--curve); } .mark { stroke: var(--mark); }
figure { margin: 1.5em 0; break-inside: avoid; }
@media print {
:root { --ink: #000; --quiet: #444; --line: #ccc; --page: #fff; --curve: #4269d0; --mark: #d62728; color-scheme: light; }
body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; } h2 { break-after: avoid; } tr { break-inside: avoid; }
figure { max-width: 15cm; } * { print-color-adjust: exact; }
}
</style>
<h1>${escape(title)}</h1>
${report.converged ? "" : "<p><strong>Not all eigenpairs have converged; see their errors.</strong></p>"}
<table>
${rows(facts)}
</table>
<p class="note">± is the residual of an eigenvalue, within which there is one, or the standard error of a trace.</p>
<h2>Largest eigenvalues</h2>
<table>
<tr><th>λ</th><th>${text("λ/λ_max")}</th></tr>
${rows(largest.map(({ value, residual }) => [withError(value, residual), digits(value / largest[0].value)]))}
</table>
<h2>Spectral density</h2>
${figure(density, marks, "Density of the eigenvalues, on a logarithmic axis; ticks mark the largest ones. The band is two standard errors.", "λ")}
${figure(
  logDensity,
  marks.map((value) => Math.log10(Math.abs(value) + floor)),
  "The same over the logarithm of |λ|.",
  "log₁₀ |λ|",
)}
<h2>Curvature by layer</h2>
<table>
<tr><th>Layer</th><th>Parameters</th><th>Trace</th><th>Trace per parameter</th><th>Largest eigenvalue</th></tr>
${rows(
  [...layers].map(([key, { size, trace: t, standardError, largest: top, paths }]) => [
    layerNames[key] ?? nameOf(key, paths),
    String(size),
    withError(t, standardError),
    digits(t / size),
    withError(top.value, top.residual),
  ]),
)}
</table>
</html>
`;
}

const [width, height, left, right, bottom] = [700, 260, 48, 24, 36];

/** A density with a logarithmic vertical axis of six decades. */
function figure(
  { x, density, standardError }: SpectralDensity,
  marks: readonly number[],
  caption: string,
  axis: string,
): string {
  const most = Math.max(...density);
  const [from, to] = [x[0], x[x.length - 1]];
  const across = (value: number): number => left + ((value - from) / (to - from)) * (width - left - right);
  const decades = 6;
  const up = (value: number): number => {
    const below = Math.min(decades, Math.max(0, Math.log10(most / Math.max(value, 1e-300))));
    return 8 + (below / decades) * (height - bottom - 8);
  };
  const line = (ys: readonly number[]): string =>
    ys.map((y, i) => `${across(x[i]).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
  const errors = standardError.map((e) => (Number.isFinite(e) ? 2 * e : 0));
  const upper = line(density.map((y, i) => y + errors[i]));
  const lower = line(density.map((y, i) => y - errors[i]))
    .split(" ")
    .reverse()
    .join(" ");
  const base = height - bottom;
  // Powers of ten, every other one.
  const top = Math.floor(Math.log10(most));
  const powers = [0, 2, 4].map((d) => top - d);
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(caption)}" font-size="12">
<polygon points="${upper} ${lower}" class="band" opacity=".2"/>
<polyline points="${line(density)}" class="curve" fill="none" stroke-width="1.5"/>
<path d="M${left} ${base}H${width - right}M${left} 8V${base}" stroke="#888" fill="none"/>
${ticks(from, to)
  .map((t) => `<text x="${across(t).toFixed(1)}" y="${base + 16}" text-anchor="middle">${digits(t)}</text>`)
  .join("")}
${powers.map((e) => `<text x="${left - 6}" y="${(up(10 ** e) + 4).toFixed(1)}" text-anchor="end">10${superscript(e)}</text>`).join("")}
${marks.map((m) => `<path d="M${across(m).toFixed(1)} ${base}v-12" class="mark" stroke-width="2"/>`).join("")}
<text x="${(width + left) / 2}" y="${height - 4}" text-anchor="middle">${escape(axis)}</text>
</svg><figcaption>${escape(caption)}</figcaption></figure>`;
}

/** About five multiples of 1, 2 or 5 times a power of ten. */
function ticks(from: number, to: number): number[] {
  const power = 10 ** Math.floor(Math.log10((to - from) / 5));
  const step = power * [1, 2, 5, 10].find((factor) => (to - from) / (factor * power) <= 6)!;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step);
}

function superscript(exponent: number): string {
  return String(exponent).replace(/./g, (character) => (character === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(character)]));
}

/** Four digits, with a minus sign and powers of ten as one writes them. */
function digits(value: number, precision = 4): string {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : String(value);
  const [mantissa, exponent] = value.toPrecision(precision).split("e");
  const number = exponent === undefined && precision === 4 ? String(Number(mantissa)) : mantissa;
  const [digit, power] = exponent === undefined ? number.split("e") : [number, exponent];
  return digit.replace("-", "−") + (power === undefined ? "" : `·10${superscript(Number(power))}`);
}

function withError(value: number, error: number): string {
  return Number.isFinite(error) ? `${digits(value)} ± ${digits(error, 2)}` : digits(value);
}

/** A layer by the paths of its tensors, where they are few. */
function nameOf(key: string, paths: readonly string[]): string {
  return paths.length <= 3 ? paths.join(", ") || "all" : `${key}: ${paths.length} tensors`;
}

/** Text of the page, with indices lowered. */
function text(plain: string): string {
  return escape(plain).replace(/λ_(\w+)/g, "λ<sub>$1</sub>");
}

function escape(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
