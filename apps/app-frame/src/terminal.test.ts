import { describe, expect, test } from "vitest";
import { progressPrinter, textTable, wrap, type Step } from "./terminal.js";

const step: Step = { label: "[2/6] Train", fraction: 0.5, text: "loss 0.1" };

function print(isTTY: boolean, ...steps: readonly Step[]): string {
  let text = "";
  const show = progressPrinter({ isTTY, columns: 60, write: (part) => (text += String(part)) });
  for (const each of steps) show(each);
  return text;
}

describe("progress", () => {
  test("a terminal has one line that is redrawn, and keeps milestones and ends", () => {
    const text = print(true, step, { ...step, milestone: true }, { ...step, fraction: 1 });
    expect(text.split("\r\x1b[2K").slice(1)).toHaveLength(3);
    expect(text.match(/\n/g)).toHaveLength(2);
    expect(text).toContain("[2/6] Train  50 %");
  });

  test("a line never wraps", () => {
    const [, line] = print(true, { ...step, text: "x".repeat(200) }).split("\r\x1b[2K");
    expect(line).toHaveLength(59);
    expect(line.at(-1)).toBe("…");
  });

  test("a log gets whole lines, of milestones and ends only", () => {
    expect(print(false, step, step)).toBe("");
    expect(print(false, step, { ...step, milestone: true })).toMatch(/^\[2\/6\] Train {2}50 % .* loss 0\.1\n$/);
    expect(print(false, step, { ...step, fraction: 1, text: "y".repeat(99) })).toMatch(/100 % .*y{99}\n$/);
  });
});

test("tables stand in columns", () => {
  const table = { heads: ["a", "b"], rows: [["long", "1"], ["x", "22"]] }; // prettier-ignore
  expect(textTable(table)).toBe("  a      b\n  long   1\n  x     22");
});

test("words are wrapped, and kept whole", () => {
  expect(wrap("ab cd efghijk l", 5)).toEqual(["ab cd", "efghijk", "l"]);
});
