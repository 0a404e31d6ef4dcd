/** All comparisons by the names of the command line; with "-2-threads" after it a name means the same with two threads for everybody. */

import { cnn } from "./cnn.js";
import type { Benchmark } from "./comparison.js";
import { compile } from "./compile.js";
import { eager } from "./eager.js";
import { fft } from "./fft.js";
import { hvpCost } from "./hvp-cost.js";
import { krylov } from "./krylov.js";
import { linalg } from "./linalg.js";
import { math } from "./math.js";
import { matmul, threads } from "./matmul.js";
import { large, mlp, tiny } from "./mlp.js";
import { scaling } from "./scaling.js";
import { softmax } from "./softmax.js";

export const benchmarks: Readonly<Record<string, () => Benchmark | Promise<Benchmark>>> = {
  eager,
  "tiny-mlp": () => mlp(tiny),
  mlp: () => mlp(large, ["float32"]),
  "hvp-cost": () => hvpCost(),
  cnn: () => cnn(),
  matmul,
  threads: () => threads(),
  math,
  softmax,
  linalg,
  "linalg-large": () => linalg({ cholesky: 2000, eigh: 500, svd: 300 }, ["float64"]),
  fft,
  krylov: () => krylov(),
  compile: () => compile(),
  scaling: () => scaling(),
  // Of other packages: loaded when they are asked for.
  ot: async () => (await import("./ot.js")).ot(),
  bessel: async () => (await import("./bessel.js")).bessel(),
  "m-fac": async () => (await import("./m-fac.js")).mFac(),
  curvature: async () => (await import("./curvature.js")).curvature(),
  backends: async () => (await import("./backends.js")).backendsBenchmark(),
};
