/** Pages: one file each that loads nothing. */

import { style } from "./style.js";
import type { Check, Table } from "./terminal.js";

export interface Page {
  readonly title: string;
  /** HTML, as `body` and `footer`. */
  readonly lead: string;
  readonly body: string;
  readonly footer?: string;
  /** Whether this is the short run. */
  readonly quick: boolean;
  /** HTML above the title. */
  readonly above?: string;
  /** CSS, after the style that all pages have. */
  readonly style?: string;
  /** JavaScript, at the end. */
  readonly script?: string;
  /** Goes into `<script id="results">` as JSON. */
  readonly results: unknown;
}

export function pageOf({
  title,
  lead,
  body,
  footer,
  quick,
  above = "",
  style: own = "",
  script,
  results,
}: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${style}${own}</style>
</head>
<body>
<main>
<header>
${above}
<h1>${text(title)}</h1>
<p class="lead">${lead}</p>
${quick ? `<p class="note">This is a <code>--quick</code> run: everything is done, with too little of everything for the numbers to mean much.</p>` : ""}
</header>
${body}
${footer === undefined ? "" : `<footer><p>${footer}</p></footer>`}
</main>
<script type="application/json" id="results">${asJson(results)}</script>
${script === undefined ? "" : `<script>${script}</script>`}
</body>
</html>
`;
}

/** JSON that may stand inside a script element. */
function asJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Text for HTML. */
export function text(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** @param caption - HTML. */
export function figure(content: string, caption: string): string {
  return `<figure>${content}<figcaption>${caption}</figcaption></figure>`;
}

/** Cells that end with ✗ are marked as wrong. */
export function htmlTable({ heads, rows }: Table): string {
  const cell = (tag: string) => (content: string, k: number) => {
    const kinds = [...(k === 0 ? [] : ["number"]), ...(content.endsWith("✗") ? ["wrong"] : [])];
    return `<${tag}${kinds.length === 0 ? "" : ` class="${kinds.join(" ")}"`}>${text(content)}</${tag}>`;
  };
  return `<div class="scroll"><table><thead><tr>${heads.map(cell("th")).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map(cell("td")).join("")}</tr>`).join("\n")}</tbody></table></div>`;
}

/** @param html - Makes HTML of a claim. */
export function checkSection(checks: readonly Check[], html: (claim: string) => string = text): string {
  if (checks.length === 0) return "";
  const items = checks.map(({ claim, holds }) => `<li class="${holds ? "holds" : "missed"}">${html(claim)}</li>`);
  return `<section><h2>Claims that this run checks</h2><ul class="checks">${items.join("")}</ul></section>`;
}
