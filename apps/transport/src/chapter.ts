/** A part of the run as it is handed out: files for the folder, numbers for the terminal, claims. */

import type { Check } from "app-frame";
import type { Part } from "./settings.js";

export interface Chapter {
  readonly part: Part;
  readonly title: string;
  /** One sentence for the first page. */
  readonly lead: string;
  /** By their names; the page is `${part}.html`. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** Depends on the settings alone: the same seed gives the same numbers. */
  readonly results: object;
  /** For the terminal. */
  readonly table: string;
  /** None of a quick run, which promises nothing. */
  readonly checks: readonly Check[];
}
