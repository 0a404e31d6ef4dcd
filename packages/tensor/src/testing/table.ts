/** Every primitive with the examples on which backends are checked. A test compares this list with the primitives that exist. */

import type { Entry } from "./example.js";
import { binaryEntries } from "./examples/binary.js";
import { contractionEntries } from "./examples/contraction.js";
import { fourierEntries } from "./examples/fourier.js";
import { indexingEntries } from "./examples/indexing.js";
import { linalgEntries } from "./examples/linalg.js";
import { movementEntries } from "./examples/movement.js";
import { reductionEntries } from "./examples/reduction.js";
import { samplerEntries } from "./examples/samplers.js";
import { unaryEntries } from "./examples/unary.js";

export const table: readonly Entry[] = [
  ...unaryEntries,
  ...binaryEntries,
  ...movementEntries,
  ...indexingEntries,
  ...reductionEntries,
  ...contractionEntries,
  ...linalgEntries,
  ...fourierEntries,
  ...samplerEntries,
];

/** Primitives that no single application tests, and what does. */
export const elsewhere: Readonly<Record<string, string>> = {
  check: "throws instead of computing; see the tests of errors that depend on values",
  call: "what jit leaves in other transformations: every example goes through it",
  checkpoint: "carries a graph; see the tests of checkpoint",
  cond: "carries graphs; see the tests of control flow",
  lanes: "a batched branch or loop; see the tests of control flow",
  scan: "carries a graph; see the tests of control flow",
  whileLoop: "carries graphs; see the tests of control flow",
  customJvp: "carries a graph and a rule; see the tests of custom derivatives",
  customVjp: "carries a graph and a rule; see the tests of custom derivatives",
  customTangent: "the forward derivative of customVjp; see the tests of custom derivatives",
  symmetricDerivative: "carries a graph; see the tests of matrix functions",
  customLinearSolve: "carries graphs; see the tests of implicit derivatives",
};
