/** The first page: what there is. */

import { checkSection, text } from "app-frame/page";
import type { Chapter } from "./chapter.js";
import { pageOf } from "./page.js";
import type { Settings } from "./settings.js";

/** Its `<script id="results">` holds the settings and all numbers of the run as JSON. */
export function indexPage(chapters: readonly Chapter[], settings: Settings): string {
  const cards = chapters.map(
    ({ part, title, lead }) =>
      `<a class="card" href="${part}.html"><h2>${text(title)}</h2><span class="caption">${text(lead)}</span></a>`,
  );
  const checks = chapters.flatMap((chapter) => chapter.checks);
  return pageOf({
    title: "Transport",
    lead: "Optimal transport to look at.",
    body: `<section class="cards">${cards.join("\n")}</section>${checkSection(checks)}`,
    footer: `Seed ${settings.seed}. Computed by <code>@curv/ot</code> in Node.js.`,
    quick: settings.quick,
    isFirst: true,
    results: { settings, ...Object.fromEntries(chapters.map(({ part, results }) => [part, results])) },
  });
}
