/** What all pages share: one file each that loads nothing. */

import type { Check } from "./chapter.js";
import { style } from "./style.js";

export interface Page {
  readonly title: string;
  readonly lead: string;
  readonly body: string;
  readonly footer: string;
  /** Whether this is the short run. */
  readonly quick: boolean;
  /** Whether a link leads back to the first page. */
  readonly isFirst?: boolean;
  /** JavaScript, at the end. */
  readonly script?: string;
  /** Goes into `<script id="results">` as JSON. */
  readonly results: object;
}

export function pageOf({ title, lead, body, footer, quick, isFirst = false, script, results }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
${isFirst ? "" : `<p class="caption"><a href="index.html">Transport</a></p>`}
<h1>${text(title)}</h1>
<p class="lead">${lead}</p>
${quick ? `<p class="note">This is a <code>--quick</code> run: everything is done, with too little of everything for the numbers to mean much.</p>` : ""}
</header>
${body}
<footer><p>${footer}</p></footer>
</main>
<script type="application/json" id="results">${asJson(results)}</script>
${script === undefined ? "" : `<script>${script}</script>`}
</body>
</html>
`;
}

/** JSON that may stand inside a script element. */
export function asJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Text for HTML. */
export function text(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

export function figure(content: string, caption: string): string {
  return `<figure>${content}<figcaption>${caption}</figcaption></figure>`;
}

/** The first column is words, the others are numbers. */
export function htmlTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = (k: number): string => (k === 0 ? "" : ' class="number"');
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell, k) => `<${tag}${kind(k)}>${text(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${row(heads, "th")}</thead>
<tbody>${rows.map((cells) => row(cells, "td")).join("\n")}</tbody></table></div>`;
}

export function checkSection(checks: readonly Check[]): string {
  if (checks.length === 0) return "";
  const items = checks.map(({ claim, holds }) => `<li class="${holds ? "holds" : "missed"}">${text(claim)}</li>`);
  return `<section><h2>Claims that this run checks</h2><ul class="checks">${items.join("")}</ul></section>`;
}
