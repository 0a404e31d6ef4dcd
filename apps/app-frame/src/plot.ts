/** Figures as SVG text. Colours are the variables of the page, so that they follow its light or dark scheme. */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Draws into a document of its own: there is no browser here. */
export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return Plot.plot({ ...options, document }).outerHTML;
}
