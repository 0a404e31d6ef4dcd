/** No primitive escapes the conformance suite: adding one without examples fails here. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { definePrimitive, type Primitive } from "@curv/tensor";
import { elsewhere, table } from "../src/testing/table.js";

const source = join(import.meta.dirname, "../src");
const modules = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) =>
    file.endsWith(".ts") &&
    !file.endsWith(".test.ts") &&
    file !== join("testing", "index.ts") &&
    file !== join("testing", "conformance.ts"),
);

function isPrimitive(value: unknown): value is Primitive {
  return typeof value === "object" && value !== null && "id" in value && "shape" in value && "name" in value;
}

test("every primitive has examples, or is named with what tests it instead", async () => {
  const exported = new Map<number, string>();
  for (const file of modules) {
    const module = (await import(join(source, file))) as Record<string, unknown>;
    for (const value of Object.values(module)) if (isPrimitive(value)) exported.set(value.id, value.name);
  }
  const covered = new Set([...table.map(({ primitive }) => primitive.name), ...Object.keys(elsewhere)]);
  expect([...exported.values()].filter((name) => !covered.has(name))).toEqual([]);

  // Numbers are given in order: this many were made, exported or not.
  const made = definePrimitive({ name: "last", shape: () => [] }).id;
  expect(covered.size).toBe(made);
});

test("each primitive stands in the table once, with examples", () => {
  const names = table.map(({ primitive }) => primitive.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(table.filter(({ examples }) => examples.length === 0)).toEqual([]);
  expect(names.filter((name) => name in elsewhere)).toEqual([]);
});
