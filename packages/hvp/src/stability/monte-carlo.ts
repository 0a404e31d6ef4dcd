/** Mean-square growth of SGD by simulation, for minima that are too large for their second-moment map. */

import {
  concat,
  cumsum,
  floor,
  jit,
  matmul,
  minimum,
  scan,
  searchSorted,
  take,
  tensor,
  where,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breather } from "../breathe.js";
import { checkCount, meanAndStandardError } from "../estimators/products.js";
import type { Interpolant } from "./interpolant.js";
import { blocks } from "./range-coordinates.js";

export interface ChainOptions {
  /** For `montecarlo`. Default key(0). */
  readonly key?: random.Key;
  /** For `montecarlo`: chains that run side by side. Default 64. */
  readonly chains?: number;
  /** For `montecarlo`: steps of each; the first half is left out. Default 300, or 5 n q, 5 n/B with replacement, if that is more. */
  readonly steps?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Of the logarithm of the growth a step. */
interface Growth {
  readonly mean: number;
  readonly standardError: number;
}

/** What chains say of the threshold. */
interface Simulated {
  readonly eta: number;
  readonly standardError: number;
  /** Whether early and late parts of the chains agree. */
  readonly converged: boolean;
  readonly growthAt: (eta: number) => Promise<Growth>;
}

interface State {
  /** Unit vectors δ as rows [chains, p]: M is the mean of δδᵀ. */
  readonly delta: Tensor;
  readonly eta: Tensor;
  /** Running means of tr C(M) and tr D(M). */
  readonly c: Tensor;
  readonly d: Tensor;
}

/** Steps that are compiled together. */
const blockLength = 50;
/** Parts that differ by more than this fraction of η* are still on their way. */
const largestDrift = 0.02;
/** How much of the running means a step keeps. */
const memory = 0.95;

/**
 * The threshold where chains of SGD neither grow nor shrink in mean square.
 *
 * A step of the second-moment map takes each unit vector δ to n + 1 outcomes: the full step, with probability 1 − q, and the step on each
 * example, with q/n. As many as there are chains are drawn in proportion to probability × ‖outcome‖², and made unit vectors again: their
 * mean is T(M)/tr T(M) without bias, and tr T(M) = 1 − 2η tr C(M) + η² tr D(M) is known exactly. Plain chains would miss the rare large steps
 * that carry the second moment. η follows 2 tr C/tr D, at which the trace stays; that is η* when M has become the map's own.
 *
 * All rows are kept, in float64: n × p numbers.
 */
export async function simulatedThreshold(
  m: Interpolant,
  q: number,
  { key = random.key(0), chains = 64, steps: given, signal }: ChainOptions,
  caller: string,
): Promise<Simulated> {
  // A row that is drawn once in n q steps makes itself felt only after several such times.
  const leastSteps = Math.ceil(5 * m.examples * q);
  const steps = given ?? Math.max(300, leastSteps);
  checkCount(chains, caller, "chains", { least: 2 });
  checkCount(steps, caller, "steps", { least: 3 * blockLength });
  const rows = concat([...blocks(m, caller)], 0);
  const n = m.examples;
  const squaredNorms = rows.square().sum(1);
  const [startKey, runKey] = random.split(key);
  // Half of the chains start along long rows, where the worst moments often sit, half anywhere in the range.
  const [along, anywhere] = random.split(startKey);
  const half = chains >> 1;
  const rowsAt = random.categorical(along, squaredNorms.log().mul(2), { shape: [half] });
  const seen = concat([
    take(rows, rowsAt, 0),
    matmul(random.normal(anywhere, { shape: [chains - half, n], dtype: "float64" }), rows),
  ]);
  const start = seen.div(seen.square().sum(1, { keepDims: true }).sqrt());

  const step = (a: Tensor, norms: Tensor, { delta, eta, c, d }: State, k: Tensor, adapt: Tensor): [State, Moments] => {
    const along = matmul(delta, a.transpose()); // aᵢᵀδ [chains, n]
    const image = matmul(along, a).div(n); // G δ
    const full = delta.sub(image.mul(eta));
    const squares = along.square();
    const single = squares.mul(norms.mul(eta.square()).sub(eta.mul(2))).add(1); // ‖δ − η aᵢ(aᵢᵀδ)‖²
    const weights = concat(
      [
        single.mul(q / n),
        full
          .square()
          .sum(1, { keepDims: true })
          .mul(1 - q),
      ],
      1,
    );
    // Systematic resampling: evenly spaced places with one random offset.
    const total = cumsum(weights.reshape([-1]), 0);
    const places = tensor(Float64Array.from({ length: chains }, (_, i) => i)).add(
      random.uniform(k, { dtype: "float64" }),
    );
    const last = chains * (n + 1) - 1;
    const index = minimum(searchSorted(total, places.mul(total.slice(last).div(chains)), "right"), last);
    const chain = floor(index.cast("float64").div(n + 1)).cast("int32");
    const outcome = index.sub(chain.mul(n + 1));
    const isFull = outcome.equal(n).expandDims(1);
    const example = minimum(outcome, n - 1);
    const coefficient = take(along.reshape([-1]), chain.mul(n).add(example), 0)
      .mul(eta)
      .expandDims(1);
    const parent = take(delta, chain, 0);
    const next = where(isFull, take(full, chain, 0), parent.sub(take(a, example, 0).mul(coefficient)));
    const now: Moments = {
      c: delta.mul(image).sum(1).mean(),
      d: image
        .square()
        .sum(1)
        .mean()
        .mul(1 - q)
        .add(
          squares
            .mul(norms)
            .sum(1)
            .mean()
            .mul(q / n),
        ),
    };
    const growth = now.d.mul(eta.square()).sub(now.c.mul(eta).mul(2)).add(1);
    const [meanC, meanD] = [c.mul(memory).add(now.c.mul(1 - memory)), d.mul(memory).add(now.d.mul(1 - memory))];
    const state: State = {
      delta: next.div(next.square().sum(1, { keepDims: true }).sqrt()),
      eta: where(adapt.greater(0), meanC.mul(2).div(meanD), eta),
      c: meanC,
      d: meanD,
    };
    return [state, { ...now, growth: growth.log() }];
  };
  const block = jit((a: Tensor, norms: Tensor, state: State, keys: Tensor, adapt: Tensor) =>
    scan((s: State, k: Tensor) => step(a, norms, s, k, adapt) as never, state as never, keys),
  ) as unknown as (a: Tensor, norms: Tensor, state: State, keys: Tensor, adapt: Tensor) => [State, Series];

  const run = async (eta: number, adapt: boolean): Promise<Record<"c" | "d" | "growth", number[]>> => {
    const along = matmul(start, rows.transpose());
    const image = matmul(along, rows).div(n);
    let state: State = {
      delta: start,
      eta: tensor(eta, { dtype: "float64" }),
      c: start.mul(image).sum(1).mean(),
      d: image
        .square()
        .sum(1)
        .mean()
        .mul(1 - q)
        .add(
          along
            .square()
            .mul(squaredNorms)
            .sum(1)
            .mean()
            .mul(q / n),
        ),
    };
    if (adapt) state = { ...state, eta: state.c.mul(2).div(state.d) };
    const breathe = breather(signal);
    const series = { c: [] as number[], d: [] as number[], growth: [] as number[] };
    for (let t = 0; t < steps; t += blockLength) {
      const keys = random.splitKeys(random.foldIn(runKey, t), Math.min(blockLength, steps - t));
      const [next, values] = block(rows, squaredNorms, state, keys, tensor(adapt ? 1 : 0));
      state = next;
      for (const name of ["c", "d", "growth"] as const) series[name].push(...Array.from(await values[name].data()));
      await breathe();
    }
    return series;
  };

  const { c, d } = await run(0, true);
  const parts = inParts(c.map((x, t) => [x, d[t]] as const)).map((part) => {
    const [x, y] = [0, 1].map((i) => part.reduce((sum, pair) => sum + pair[i], 0));
    return (2 * x) / y;
  });
  const { mean: eta, standardError } = meanAndStandardError(parts);
  const [early, late] = [parts.slice(0, 4), parts.slice(4)].map((half4) => meanAndStandardError(half4).mean);
  return {
    eta,
    standardError,
    converged: steps >= leastSteps && Math.abs(early - late) <= largestDrift * eta,
    growthAt: async (lr) => {
      const { growth } = await run(lr, false);
      return meanAndStandardError(inParts(growth).map((part) => part.reduce((a, b) => a + b) / part.length));
    },
  };
}

interface Moments {
  readonly c: Tensor;
  readonly d: Tensor;
  readonly growth?: Tensor;
}

interface Series {
  readonly c: Tensor;
  readonly d: Tensor;
  readonly growth: Tensor;
}

/** The second half, in eight parts that are nearly independent. */
function inParts<T>(series: readonly T[]): T[][] {
  const from = Math.floor(series.length / 2);
  const size = (series.length - from) / 8;
  return Array.from({ length: 8 }, (_, i) =>
    series.slice(from + Math.round(i * size), from + Math.round((i + 1) * size)),
  );
}
