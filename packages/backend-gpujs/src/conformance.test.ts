/** Every statement of the conformance suite in modes webasm and cpu; see `test/subset.ts` for which primitives, and how to ask for all. */

import { conformance } from "@curv/tensor/testing";
import { vi } from "vitest";
import { chosen, inNode } from "../test/subset.js";
import { gpujs, type Mode } from "./index.js";

vi.setConfig({ testTimeout: 120_000 });

// Bounds are those of the CPU's float32 kernels, times 4: the same formulas, but products and sums may be contracted, and reductions run in
// another order. Mode cpu differs only in that kernels compute in float64, so a few primitives show that it runs.
const modes: readonly (readonly [Mode, readonly string[]])[] = [
  ["webasm", inNode],
  ["cpu", ["exp", "bitwiseXor", "sum", "gather"]],
];

for (const [mode, list] of modes) {
  const only = chosen(list);
  conformance(await gpujs({ mode }), {
    dtypes: ["float32", "int32", "uint32", "bool"],
    tolerance: 4,
    ...(only !== null && { only }),
  });
}
