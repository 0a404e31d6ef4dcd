/**
 * Logarithms of Bessel functions, and the ratio, of 10⁸ points. Of one order, as the peers do it; and of orders and arguments over all rungs
 * of the ladder: "mixed" as they come, so that the threads of a warp wait for each other's rungs, and "alike" with 4096 neighbours at one
 * point, which says what sorting the points could gain.
 */

import { besselRatioI, logIv, logKv } from "@curv/bessel";
import { arange, cpu, floor, full, jit, mod } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { floats, openCard, timed } from "./harness.mjs";

/** @typedef {import("@curv/tensor").Tensor} Tensor */

/** Largest error of float64 and float32, in units of max(1, |value|): what the package says, with room. */
const bounds = { float64: 1e-14, float32: 4e-6 };

/**
 * Orders from 0.1 to 3·10⁴ and arguments from 10⁻³ to 10⁵, from numbers in [0, 1).
 *
 * @param {Tensor} a
 * @param {Tensor} b
 * @returns {[Tensor, Tensor]}
 */
function overTheLadder(a, b) {
  return [a.mul(Math.log(3e5)).exp().mul(0.1), b.mul(Math.log(1e8)).exp().mul(1e-3)];
}

/**
 * Orders and arguments by the names of the sets.
 *
 * @param {number} n
 * @param {"float32" | "float64"} dtype
 * @returns {Record<string, () => [Tensor, Tensor]>}
 */
function sets(n, dtype) {
  const uniform = (key) => random.uniform(random.key(key), { shape: [n], dtype });
  const block = () => floor(arange(n, { dtype }).div(4096)).add(0.5);
  return {
    "one order": () => [full([], 3.5, { dtype }), uniform(3).mul(500).add(1e-3)],
    mixed: () => overTheLadder(uniform(4), uniform(5)),
    alike: () => overTheLadder(mod(block().mul(0.7548776662466927), 1), mod(block().mul(0.5698402909980532), 1)),
  };
}

/** @param {import("./harness.mjs").Run} run */
export function bessel({ tiny, left, save }) {
  const place = openCard();
  const n = tiny ? 10_000 : 1e8;
  const results = {};
  let runs = 6 * 3;
  for (const dtype of floats.toReversed()) {
    for (const [set, make] of Object.entries(sets(n, dtype))) {
      const [v, x] = make();
      for (const [name, f] of Object.entries({ logIv, logKv, besselRatioI })) {
        const compiled = jit((/** @type {Tensor} */ order, /** @type {Tensor} */ at) => f(order, at));
        const few = (/** @type {Tensor} */ t) => (t.shape.length === 0 ? t : t.slice([0, Math.min(n, 10_000)]));
        const got = compiled(few(v), few(x)).dataSync();
        const wanted = Float64Array.from(f(few(v).to(cpu).cast("float64"), few(x).to(cpu).cast("float64")).dataSync());
        const fromCpu = wanted.reduce(
          (most, y, i) => Math.max(most, Math.abs(got[i] - y) / Math.max(1, Math.abs(y))),
          0,
        );
        const time = timed(place, () => compiled(v, x), { seconds: left() / runs--, samples: 10 });
        results[dtype === "float64" && set === "one order" ? name : `${name}, ${dtype}, ${set}`] = {
          ...time,
          pointsPerSecond: n / (1e-3 * time.milliseconds),
          fromCpu,
          ok: fromCpu < bounds[dtype],
        };
        save({ points: n, ...results });
      }
      for (const t of [v, x]) t.dispose();
    }
  }
  return { ok: Object.values(results).every(({ ok }) => ok), points: n, ...results };
}
