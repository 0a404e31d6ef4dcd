import { expect, test } from "vitest";
import type { Progress } from "./experiment.js";
import { progressPrinter, table } from "./terminal.js";

const step: Progress = { stage: "Train MLP", step: 2, steps: 6, fraction: 0.5, text: "loss 0.1", milestone: false };

function print(isTTY: boolean, ...all: readonly Progress[]): string {
  let text = "";
  const show = progressPrinter({ isTTY, columns: 60, write: (part) => (text += String(part)) });
  for (const progress of all) show(progress);
  return text;
}

test("a terminal has one line that is redrawn, and keeps milestones", () => {
  const text = print(true, step, { ...step, milestone: true });
  expect(text.split("\r\x1b[2K").slice(1)).toHaveLength(2);
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(text).toContain("[2/6] Train MLP         50 %");
});

test("a line never wraps", () => {
  const [, line] = print(true, { ...step, text: "x".repeat(200) }).split("\r\x1b[2K");
  expect(line.length).toBeLessThan(60);
});

test("a log gets whole lines, and milestones only", () => {
  expect(print(false, step, step)).toBe("");
  expect(print(false, step, { ...step, milestone: true })).toMatch(/^\[2\/6\] Train MLP .* loss 0\.1\n$/);
});

test.each([60, 90, 160])("the table fits into %i columns", (width) => {
  const rows = [
    {
      quantity: "a quantity of some length",
      value: "1.25 ± 0.5",
      meaning: "what it means, in so many words ".repeat(8).trim(),
    },
    { quantity: "another", value: "2", meaning: "little" },
  ];
  const text = table(rows, width);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  expect(text.replace(/\s+/g, " ")).toContain("what it means, in so many words what it means");
});
