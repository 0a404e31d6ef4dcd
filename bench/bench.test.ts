/** The comparisons run: small, without peers, and nothing is timed that could fail on a slow machine. */

import { describe, expect, test } from "vitest";
import { type Benchmark, type Contender, type Peer, run } from "./comparison.js";
import { backendsBenchmark } from "./backends.js";
import { curvature } from "./curvature.js";
import { eager } from "./eager.js";
import { bessel } from "./bessel.js";
import { cnn } from "./cnn.js";
import { fft } from "./fft.js";
import { hvpCost } from "./hvp-cost.js";
import { leak } from "./leak.js";
import { krylov } from "./krylov.js";
import { linalg } from "./linalg.js";
import { matmul } from "./matmul.js";
import { math } from "./math.js";
import { mlp, tiny } from "./mlp.js";
import { ot } from "./ot.js";
import { scaling } from "./scaling.js";
import { softmax } from "./softmax.js";
import { formatTable } from "./table.js";

const brief = { rounds: 1, turn: 0, warmUp: 0 };

const small: Readonly<Record<string, Benchmark>> = {
  eager: eager(),
  mlp: mlp({ batch: 4, inputs: 2, hidden: 3, outputs: 2 }),
  math: math(20),
  softmax: softmax([3, 5]),
  matmul: matmul([5]),
  linalg: linalg({ cholesky: 6, eigh: 5, svd: 4 }),
  fft: fft([7, 8]),
  krylov: krylov({ side: 4, order: 6 }),
  cnn: cnn(2),
  ot: ot(12),
  bessel: bessel(20),
  curvature: curvature([{ depth: 8, images: 4, batch: 2, side: 8 }]),
  backends: backendsBenchmark({ length: 1000, side: 8, network: tiny }),
  "hvp-cost": hvpCost({ sizes: { batch: 4, inputs: 2, hidden: 3, outputs: 2 }, batch: 2 }),
  scaling: scaling({ largest: 16 }),
};

describe("every comparison runs", () => {
  for (const [name, benchmark] of Object.entries(small)) {
    // Generous: a machine that others use may take ten times as long.
    test(name, { timeout: 60_000 }, async () => {
      const alone = { ...benchmark, cases: benchmark.cases.map((task) => ({ ...task, peers: [], yardsticks: [] })) };
      const results = await run(alone, brief);
      expect(results.map(({ name }) => name)).toEqual(benchmark.cases.map(({ name }) => name));
      for (const { rows, work, roof } of results) {
        for (const row of rows) expect(row.measured!.median).toBeGreaterThanOrEqual(0);
        if (work !== undefined) expect(roof!.floor).toBeGreaterThan(0);
      }
      expect(formatTable(alone, results)).toContain(benchmark.cases[0].name);
    });
  }

  test("leak", () => {
    expect(leak(20)).toContain("bytes a step");
  });
});

describe("a peer", () => {
  const contender = (name: string, values: readonly number[]): Contender => ({
    name,
    values: () => values,
    time: (n) => n * 1e-6,
  });
  const rowOf = async (peer: Peer): Promise<string> => {
    const benchmark: Benchmark = {
      title: "",
      note: "",
      cases: [{ name: "case", ours: [contender("curv", [1, 2])], peers: [peer], tolerance: 1e-6 }],
    };
    const [{ rows }] = await run(benchmark, brief);
    return `${rows[1].measured === null ? "" : rows[1].ratios[0].toFixed(1)}${rows[1].remark}`;
  };

  test("that agrees is timed", async () => {
    expect(await rowOf({ name: "peer", prepare: () => contender("peer", [1, 2 + 1e-7]) })).toBe("1.0");
  });
  test("that computes something else is not", async () => {
    expect(await rowOf({ name: "peer", prepare: () => contender("peer", [1, 2.1]) })).toContain("wrong result");
    expect(await rowOf({ name: "peer", prepare: () => contender("peer", [1, NaN]) })).toContain("wrong result");
    expect(await rowOf({ name: "peer", prepare: () => contender("peer", [1]) })).toContain("wrong result");
  });
  test("that is not there makes a row, not a failure", async () => {
    const missing = (): never => {
      throw new Error("Cannot find package 'peer'");
    };
    expect(await rowOf({ name: "peer", prepare: missing })).toBe("not measured: Cannot find package 'peer'");
  });
});
