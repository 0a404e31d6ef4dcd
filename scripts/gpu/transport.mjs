/** Sinkhorn between two clouds of 20,000 points, on a cost matrix that is there. */

import { costMatrix, sinkhorn } from "@curv/ot";
import { full } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { floats, openCard } from "./harness.mjs";

export async function transport({ tiny, save }) {
  const place = openCard();
  const [n, sweeps] = tiny ? [20, 4] : [20_000, 100];
  const results = {};
  for (const dtype of floats) {
    const [x, y] = random.split(random.key(4), 2).map((key) => random.uniform(key, { shape: [n, 3] }).cast(dtype));
    const cost = costMatrix({ x, y });
    const w = full([n], 1 / n, { dtype });
    const run = (maxIter) => sinkhorn(w, w, cost, { epsilon: 0.05, tol: 0, maxIter, block: maxIter });
    await run(2);
    const start = performance.now();
    const { iterations, residual, regularizedCost } = await run(sweeps);
    const milliseconds = (performance.now() - start) / iterations;
    // Each sweep reads the matrix twice, once for either marginal.
    const bytes = 2 * n * n * (dtype === "float32" ? 4 : 8);
    results[dtype] = {
      iterations,
      millisecondsPerSweep: milliseconds,
      terabytesPerSecond: bytes / (1e-3 * milliseconds) / 1e12,
      residual,
      regularizedCost,
    };
    cost.dispose();
    save({ n, ...results });
  }
  const [a, b] = [results.float32.regularizedCost, results.float64.regularizedCost];
  return { ok: Math.abs(a - b) < 1e-2 * Math.abs(b), n, ...results, memory: place.memory() };
}
