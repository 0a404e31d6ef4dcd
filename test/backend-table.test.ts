/** The table of the backends guide is of the primitives that there are. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isFloat } from "../packages/tensor/src/dtype.js";
import { table } from "../packages/tensor/src/testing/table.js";

test("every primitive that computes floats stands in the table of accuracy", () => {
  const guide = readFileSync(new URL("../docs/guides/backends.md", import.meta.url), "utf8");
  const named = [...guide.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  const wanted = table.filter(({ dtypes, examples }) =>
    examples.some((example) => (example.dtypes ?? dtypes).some((d) => isFloat(d) && d === "float32")),
  );
  // To write it anew: see scripts/backend-accuracy.mjs.
  expect(named).toEqual(wanted.map(({ primitive }) => primitive.name));
});
