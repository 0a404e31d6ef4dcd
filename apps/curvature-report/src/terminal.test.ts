import { expect, test } from "vitest";
import { table } from "./terminal.js";

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
