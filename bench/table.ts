/** Results as text. */

import { type Benchmark, type CaseResult, microseconds } from "./comparison.js";

/** A table with a line for each contender of each case. */
export function formatTable(
  { title, note }: Pick<Benchmark, "title" | "note">,
  results: readonly CaseResult[],
): string {
  const rows = results.flatMap(({ name: task, roof, rows }) =>
    rows.map((row, i) => ({ ...row, task: i === 0 ? task : "", roof })),
  );
  const ours = Math.max(1, ...rows.map(({ ratios }) => ratios.length));
  const names = [...new Set(rows.filter(({ role }) => role === "ours").map(({ name }) => name))];
  const header = ["case", "who", "median", "best"];
  for (let i = 0; i < ours; i++) header.push(`${names[i] ?? "curv"} / this`);
  const roofed = rows.some(({ roof }) => roof !== undefined);
  if (roofed) header.push("of roofline");
  const lines = rows.map(({ task, name, role, measured, ratios, remark, roof }) => {
    return [
      task,
      role === "yardstick" ? `(${name})` : name,
      measured === null ? "–" : microseconds(measured.median),
      measured === null ? "" : microseconds(measured.best),
      ...Array.from({ length: ours }, (_, k) => (k < ratios.length ? ratio(ratios[k]) : "")),
      ...(roofed ? [roof && measured && role !== "yardstick" ? ratio(roof.floor / measured.median) : ""] : []),
      remark,
    ];
  });
  return [title, note, "", formatLines(header, lines)].join("\n");
}

/** Columns of equal width; what has no heading stands behind them. The first two are words, the others numbers. */
export function formatLines(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((text, c) => Math.max(text.length, ...lines.map((line) => line[c].length)));
  const format = (line: readonly string[]): string =>
    line
      .map((text, c) => (c >= widths.length ? text : c < 2 ? text.padEnd(widths[c]) : text.padStart(widths[c])))
      .join("  ")
      .trimEnd();
  return [format(header), widths.map((w) => "─".repeat(w)).join("  "), ...lines.map(format)].join("\n");
}

/** Columns of text to the right; numbers have three digits. */
export function numberTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = rows.map((row) => row.map((x) => (typeof x === "number" ? formatNumber(x) : x)));
  const widths = header.map((h, c) => Math.max(h.length, ...text.map((row) => row[c].length)));
  const line = (row: readonly string[]): string => row.map((x, c) => x.padStart(widths[c])).join("  ");
  return [line(header), line(widths.map((w) => "─".repeat(w))), ...text.map(line)].join("\n");
}

/** Three digits; integers whole. */
export function formatNumber(x: number): string {
  return Number.isInteger(x) ? String(x) : Number(x.toPrecision(3)).toString();
}

function ratio(r: number): string {
  return r < 0.1 ? r.toFixed(3) : r < 10 ? r.toFixed(2) : r.toFixed(1);
}
