/** What the pages of this app share. */

import { pageOf as plainPage, type Page } from "app-frame/page";
import { style } from "./style.js";

/** A page; all but the first lead back to the first. */
export function pageOf({ isFirst = false, ...page }: Omit<Page, "style" | "above"> & { isFirst?: boolean }): string {
  const above = isFirst ? "" : `<p class="caption"><a href="index.html">Transport</a></p>`;
  return plainPage({ ...page, above, style });
}
