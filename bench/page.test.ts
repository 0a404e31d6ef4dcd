/** The roofline, the fitted exponents, the marks and the page, of made-up measurements. */

import { describe, expect, test } from "vitest";
import { benchmarks } from "./benchmarks.js";
import type { CaseResult, Role, Row } from "./comparison.js";
import { fitExponent, growths } from "./exponent.js";
import { machine } from "./machine.js";
import { describe as describeJudgement, judge, marks, pairedRatio } from "./marks.js";
import { page } from "./page.js";
import { library } from "./plots.js";
import type { Results } from "./results.js";
import { peakLoop, roofOver, triadLoop, type Work } from "./roofline.js";
import { measure } from "./rounds.js";
import { compileLoops, flopsPerTurn, instantiate } from "./wasm-loops.js";

describe("the loops of the roofline", () => {
  const { peak } = instantiate(compileLoops(0));

  test.each(["float32", "float64"] as const)(
    "%s: 12 chains x ← 0.999 x + 0.001, from i/16 for i = 3, …, 14",
    (precision) => {
      const turns = 5;
      const steps = (turns * flopsPerTurn(precision)) / (12 * 2 * (precision === "float32" ? 4 : 2));
      let sum = 0;
      for (let i = 3; i < 15; i++) {
        let x = i / 16;
        for (let k = 0; k < steps; k++) x = 0.999 * x + 0.001;
        sum += x;
      }
      expect(peak[precision](turns)).toBeCloseTo(sum, precision === "float32" ? 4 : 12);
    },
  );

  test("both can be timed", async () => {
    for (const measured of await measure([peakLoop("float64"), triadLoop(1000)], { rounds: 1, turn: 0, warmUp: 0 })) {
      expect(measured.median).toBeGreaterThan(0);
    }
  });

  test("a task's floor is the longer of arithmetic and memory", () => {
    const work: Work = { flops: 100, bytes: 10, size: 1, precision: "float64" };
    expect(roofOver(work, 50, 100).floor).toBe(2);
    expect(roofOver(work, 1000, 2).floor).toBe(5);
  });
});

function row(name: string, role: Role, rounds: readonly number[]): Row {
  const sorted = rounds.toSorted((a, b) => a - b);
  const measured = {
    median: sorted[sorted.length >> 1],
    quartiles: [sorted[0], sorted.at(-1)!] as const,
    best: sorted[0],
  };
  return { name, role, measured: { ...measured, calls: 1, rounds }, ratios: [], remark: "" };
}

function resultsOf(benchmark: string, cases: readonly CaseResult[]): Results {
  const when = { date: "2026-01-01T00:00:00.000Z", run: "1", machine: machine(), quick: false, options: {} };
  return { benchmark, title: `<${benchmark}>`, note: "", ...when, cases };
}

const work = (size: number): Work => ({ flops: size ** 3, bytes: size, size, precision: "float64" });
const roof = (size: number) => roofOver(work(size), 1e9, 1e9);
const powerLaw = (series: string, exponent: number): CaseResult[] =>
  [8, 16, 32, 64].map((n) => ({
    name: `${series}, ${n}`,
    series,
    work: work(n),
    roof: roof(n),
    rows: [row("curv", "ours", [1e-8 * n ** exponent]), row("NumPy 2", "peer", [1e-9 * n ** 3])],
  }));

describe("exponents", () => {
  test("a power law's is found exactly", () => {
    const { exponent, standardError } = fitExponent([2, 4, 8].map((size) => ({ size, seconds: 7 * size ** 2.5 })));
    expect(exponent).toBeCloseTo(2.5, 12);
    expect(standardError).toBeCloseTo(0, 6);
  });

  test("a cost that grows faster than its floor is reported, one that does not is not", () => {
    const grown = growths([resultsOf("scaling", [...powerLaw("fine", 3), ...powerLaw("bad", 3.5)])]);
    expect(grown.map(({ series, worse }) => [series, worse])).toEqual([
      ["fine", false],
      ["bad", true],
    ]);
    for (const { theory, peerFit } of grown) {
      expect(theory).toBeCloseTo(3, 2);
      expect(peerFit!.exponent).toBeCloseTo(3, 6);
    }
  });
});

describe("marks", () => {
  const matmul = (ours: readonly number[], tfjs: readonly number[]): Results =>
    resultsOf("matmul", [
      { name: "1024×1024 float32", rows: [row("curv", "ours", ours), row("tfjs 4 wasm", "peer", tfjs)] },
    ]);
  const ofTfjs = (results: Results) =>
    judge([results]).find(({ mark }) => mark.case === "1024×1024 float32" && mark.against?.test("tfjs"))!;

  test("name benchmarks and cases that there are", async () => {
    const plain = (name: string): string => name.replace("-2-threads", "");
    for (const { benchmark } of marks) expect(Object.keys(benchmarks)).toContain(plain(benchmark));
    // Those whose cases cost nothing to make; the others are made in a run.
    for (const cheap of ["tiny-mlp", "eager"]) {
      const names = (await benchmarks[cheap]()).cases.map(({ name }) => name);
      for (const mark of marks.filter((m) => plain(m.benchmark) === cheap)) {
        expect(names.some((name) => name.startsWith(mark.case))).toBe(true);
      }
    }
  });
  test("ratios are of neighbours in time: a slow round of both changes nothing", () => {
    const [a, b] = [row("curv", "ours", [2, 20, 2]), row("tfjs", "peer", [4, 40, 4])];
    expect(pairedRatio(a, b)).toEqual({ median: 0.5, quartiles: [0.5, 0.5] });
  });
  test("met, missed by how much, not measured", () => {
    expect(ofTfjs(matmul([1, 1], [2, 2])).met).toBe(true);
    const missed = ofTfjs(matmul([1, 1], [1, 1]));
    expect(missed.met).toBe(false);
    expect(describeJudgement(missed).at(-1)).toBe("missed by 20 %");
    const absent = resultsOf("matmul", [
      {
        name: "1024×1024 float32",
        rows: [
          row("curv", "ours", [1]),
          { name: "tfjs", role: "peer", measured: null, ratios: [], remark: "not measured: no such package" },
        ],
      },
    ]);
    expect(ofTfjs(absent)).toMatchObject({ met: null, remark: "not measured: no such package" });
  });
});

test("the page holds its plots, the marks and every round, and asks the net for nothing", () => {
  const results = [
    resultsOf("matmul", [
      {
        name: "1024×1024 float32",
        work: work(8),
        roof: roof(8),
        rows: [row("curv", "ours", [3]), row("tfjs 4", "peer", [4])],
      },
    ]),
    resultsOf("scaling", powerLaw("a series", 3)),
  ];
  const html = page(results);
  expect(html.match(/<svg[^>]*class="plot/g)!.length).toBeGreaterThanOrEqual(3);
  expect(html).toContain("a series: exponent 3.00");
  expect(html).toContain("&lt;matmul&gt;");
  expect(html).not.toMatch(/\b(src|href)="http/);
  const json = /<script type="application\/json" id="results">(.*)<\/script>/.exec(html)![1];
  expect((JSON.parse(json) as Results[])[0].cases[0].rows[1].measured!.rounds).toEqual([4]);
});

test("libraries are called by their names", () => {
  const names = [
    "tfjs 4.22.0 wasm",
    "jax-js 0.1.25 wasm jit",
    "jax-js 0.1.25 wasm eager",
    "curv-blas jit (/lib/x.so)",
    "NumPy",
  ];
  expect(names.map(library)).toEqual(["tfjs", "jax-js", "jax-js eager", "curv-blas", "NumPy"]);
});
