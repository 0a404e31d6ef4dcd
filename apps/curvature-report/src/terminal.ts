/** What the terminal shows at the end. */

import { wrap } from "app-frame";
import type { Finding } from "./findings.js";

/** The table of the numbers with their meanings, the latter wrapped to the width. */
export function table(findings: readonly Finding[], width: number): string {
  const first = Math.max(...findings.map(({ quantity }) => quantity.length));
  const second = Math.max(...findings.map(({ value }) => value.length));
  const left = first + second + 4;
  const room = width - left;
  // A narrow terminal gets the meaning on lines of its own.
  const indent = room >= 40 ? left : 4;
  return findings
    .map(({ quantity, value, meaning }) => {
      const head = `${quantity.padEnd(first)}  ${value.padStart(second)}`;
      const lines = wrap(meaning, Math.max(20, width - indent)).map((line) => " ".repeat(indent) + line);
      if (indent === left) return [head + lines[0].slice(head.length), ...lines.slice(1)].join("\n");
      return [head, ...lines].join("\n");
    })
    .join("\n");
}
