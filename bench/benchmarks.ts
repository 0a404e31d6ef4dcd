/** All comparisons by the names of the command line. */

import type { Benchmark } from "./comparison.js";
import { eager } from "./eager.js";
import { fft } from "./fft.js";
import { linalg } from "./linalg.js";
import { matmul } from "./matmul.js";
import { tinyMlp } from "./tiny-mlp.js";

export const benchmarks: Readonly<Record<string, () => Benchmark>> = {
  eager,
  "tiny-mlp": tinyMlp,
  matmul,
  linalg,
  fft,
};
