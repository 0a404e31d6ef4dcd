/** All comparisons by the names of the command line. */

import type { Benchmark } from "./comparison.js";
import { eager } from "./eager.js";
import { fft } from "./fft.js";
import { krylov } from "./krylov.js";
import { linalg } from "./linalg.js";
import { math } from "./math.js";
import { matmul } from "./matmul.js";
import { large, mlp, tiny } from "./mlp.js";
import { softmax } from "./softmax.js";

export const benchmarks: Readonly<Record<string, () => Benchmark>> = {
  eager,
  "tiny-mlp": () => mlp(tiny),
  mlp: () => mlp(large, ["float32"]),
  matmul,
  math,
  softmax,
  linalg,
  "linalg-large": () => linalg({ cholesky: 2000, eigh: 500, svd: 300 }, ["float64"]),
  fft,
  krylov: () => krylov(),
};
