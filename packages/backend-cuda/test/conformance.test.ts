/**
 * The conformance suite on the fake card, which executes the generated CUDA C: a sample at every commit, one primitive for each way of
 * computing. All primitives in all dtypes: `CURV_CUDA_CONFORMANCE=all`, which compiles thousands of kernels with g++.
 */

import { conformance } from "@curv/tensor/testing";
import { test, vi } from "vitest";
import { cuda } from "../src/index.js";
import { fakeCard } from "./fake/build.js";

vi.setConfig({ testTimeout: 300_000 });

const all = process.env.CURV_CUDA_CONFORMANCE === "all";
const card = fakeCard();

if (typeof card === "string") {
  test("the conformance suite", ({ skip }) => skip(card));
} else {
  // Bounds are those of the CPU's kernels, times 4: the functions are the card's (here: libm's), and reductions run in another order.
  const options = { tolerance: 4 };
  if (all) {
    conformance(cuda(), { ...options, dtypes: ["float32", "float64", "int32", "uint32", "bool"] });
    conformance(cuda({ name: "cuda-own", products: "own" }), {
      ...options,
      dtypes: ["float32", "float64"],
      only: ["dot"],
    });
  } else {
    conformance(cuda(), { ...options, dtypes: ["float32"], only: ["tanh", "sum", "scatterAdd"] });
    conformance(cuda({ name: "cuda-64" }), { ...options, dtypes: ["float64"], only: ["dot", "gather"] });
    conformance(cuda({ name: "cuda-int", products: "own" }), {
      ...options,
      dtypes: ["int32", "uint32", "bool"],
      only: ["floorDiv", "sort", "cumsum", "threefry"],
    });
  }
}
