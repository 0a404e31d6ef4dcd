/** Results as text. */

import { type Benchmark, microseconds, type Row } from "./comparison.js";

/** A table with a line for each contender of each case. */
export function formatTable({ title, note }: Benchmark, rows: readonly Row[]): string {
  const ours = Math.max(1, ...rows.map(({ ratios }) => ratios.length));
  const names = [...new Set(rows.filter(({ name }) => name.startsWith("curv")).map(({ name }) => name))];
  const header = ["case", "who", "median", "best"];
  for (let i = 0; i < ours; i++) header.push(`${names[i] ?? "curv"} / this`);
  const lines = rows.map(({ case: task, name, measured, ratios, remark }, i) => [
    i > 0 && rows[i - 1].case === task ? "" : task,
    name,
    measured === null ? "–" : microseconds(measured.median),
    measured === null ? "" : microseconds(measured.best),
    ...Array.from({ length: ours }, (_, k) => (k < ratios.length ? ratio(ratios[k]) : "")),
    remark,
  ]);
  const widths = header.map((text, c) => Math.max(text.length, ...lines.map((line) => line[c].length)));
  const format = (line: readonly string[]): string =>
    line
      .map((text, c) => (c >= widths.length ? text : c < 2 ? text.padEnd(widths[c]) : text.padStart(widths[c])))
      .join("  ")
      .trimEnd();
  return [`${title}`, note, "", format(header), widths.map((w) => "─".repeat(w)).join("  "), ...lines.map(format)].join(
    "\n",
  );
}

function ratio(r: number): string {
  return r < 0.1 ? r.toFixed(3) : r < 10 ? r.toFixed(2) : r.toFixed(1);
}
