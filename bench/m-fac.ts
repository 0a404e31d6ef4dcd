/**
 * M-FAC: what the static algorithm takes to build, how that grows, and a step of the sliding window beside two passes over its memory.
 *
 * `node --conditions=@curv/source --import=./strip-types.mjs m-fac.ts [words of the cases' names]`; CURV_BENCH_CLOCK=cpu on a busy machine.
 */

import { fileURLToPath } from "node:url";
import { tensor, type Tensor } from "@curv/tensor";
import { FisherWindow, slidingInverseFisher, staticInverseFisher } from "../packages/hvp/src/m-fac/index.js";
import { type Benchmark, type Case, type CaseResult, run } from "./comparison.js";
import { fitExponent } from "./exponent.js";
import { numbers } from "./inputs.js";
import { local } from "./local.js";
import { formatTable } from "./table.js";

/** How many gradients of how many parameters. */
interface Size {
  readonly m: number;
  readonly d: number;
}

export interface MFacSizes {
  readonly build: Size;
  /** Gradients grow with d fixed, parameters with m fixed. */
  readonly growth: Size & { readonly ms: readonly number[]; readonly ds: readonly number[] };
  readonly step: Size;
}

const usual: MFacSizes = {
  build: { m: 64, d: 100_000 },
  growth: { m: 32, d: 32_768, ms: [64, 128, 256], ds: [16_384, 32_768, 65_536, 131_072] },
  step: { m: 32, d: 1_000_000 },
};

export function mFac({ build, growth, step }: MFacSizes = usual): Benchmark {
  const { m, d, ms, ds } = growth;
  return {
    title: "M-FAC, float32 gradients and float64 sums, eager, one thread",
    note: "build: all of V from the gradients. pushApply: a gradient into the window and F⁻¹ times it; in brackets the window copied through the cache, twice.",
    rounds: { patience: 6 },
    cases: [
      { ...buildCase(build), target: 3 },
      stepCase(step),
      ...ms.map((gradients): Case => ({
        ...buildCase({ m: gradients, d }, gradients),
        series: "M-FAC build, gradients",
      })),
      ...ds.map((length): Case => ({ ...buildCase({ m, d: length }, length), series: "M-FAC build, parameters" })),
    ],
  };
}

function buildCase({ m, d }: Size, size = m * d): Case {
  const grads = tensor(numbers(m * d, 0, "float32"), { shape: [m, d] });
  const x = tensor(numbers(d, 1, "float32"));
  return {
    name: `build, ${m} gradients of ${d} parameters`,
    ours: [
      local(
        "curv",
        () => staticInverseFisher(grads, { damping: 1e-3 }),
        (inverse) => Array.from(inverse.apply(x).dataSync()),
      ),
    ],
    peers: [],
    tolerance: 0,
    // Half of the pairs of gradients, an inner product and a sum of a multiple each.
    work: { flops: 2 * m * m * d, bytes: 8 * m * d, size, precision: "float64" },
  };
}

function stepCase({ m, d }: Size): Case {
  const fisher = slidingInverseFisher({ dim: d, window: m, damping: 1e-3 });
  const grads = Array.from({ length: m }, (_, i) => tensor(numbers(d, i, "float32")));
  let state = grads.reduce((window, g) => fisher.push(window, g), fisher.init());
  const step = (g: Tensor): Tensor => {
    const { product, state: next } = fisher.pushApply(state, g);
    state = next;
    return product;
  };
  const kept = new FisherWindow({ dim: d, window: m, damping: 1e-3, state });
  let [turn, keptTurn] = [0, 0];
  const window = grads.map((g) => g.dataSync() as Float32Array);
  return {
    name: `pushApply, ${m} gradients of ${d} parameters`,
    ours: [
      local(
        "curv FisherWindow",
        () => kept.pushApply(grads[keptTurn++ % m]),
        (product) => Array.from(product.dataSync()),
      ),
      local(
        "curv slidingInverseFisher",
        () => step(grads[turn++ % m]),
        (product) => Array.from(product.dataSync()),
      ),
    ],
    peers: [],
    yardsticks: [
      {
        name: "two passes",
        prepare: () =>
          local(
            "two passes",
            () => copyTwice(window),
            () => [],
          ),
      },
    ],
    tolerance: 0,
    work: { flops: 4 * m * d, bytes: 8 * m * d, size: m * d, precision: "float64" },
  };
}

const piece = new Float32Array(8192);

/** Reads all rows twice, as fast as JavaScript reads arrays that are too large for the cache: as copies of pieces that are not. */
function copyTwice(rows: readonly Float32Array[]): Float32Array {
  for (let pass = 0; pass < 2; pass++) {
    for (const row of rows) {
      for (let from = 0; from < row.length; from += piece.length) piece.set(row.subarray(from, from + piece.length));
    }
  }
  return piece;
}

/** Exponents of growth in each series: 2 in the gradients and 1 in the parameters, says the paper. */
function exponents(results: readonly CaseResult[]): string[] {
  const series = new Set(results.flatMap((result) => result.series ?? []));
  return [...series].map((name) => {
    const group = results.filter((result) => result.series === name);
    const points = group.map(({ work, rows }) => ({ size: work!.size, seconds: rows[0].measured!.best }));
    const { exponent, standardError } = fitExponent(points);
    return `${name}: exponent ${exponent.toFixed(2)} ± ${standardError.toFixed(2)}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2).join(" ");
  const benchmark = mFac();
  const cases = benchmark.cases.filter(({ name, series }) => `${name} ${series}`.includes(words));
  const results = await run({ ...benchmark, cases }, benchmark.rounds);
  console.log([formatTable(benchmark, results), ...exponents(results)].join("\n"));
}
