/** logarithms of Bessel functions of 10⁸ points; skipped where the card has no kernel for them, which is said. */

import { besselRatioI, logIv, logKv } from "@curv/bessel";
import { BackendError, cpu, jit, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { openCard, relativeDifference, timed } from "./harness.mjs";

export function bessel({ tiny, left }) {
  const place = openCard();
  const n = tiny ? 1000 : 1e8;
  const x = random
    .uniform(random.key(3), { shape: [n], dtype: "float64" })
    .mul(500)
    .add(1e-3);
  const order = tensor(3.5, { dtype: "float64" });
  const results = {};
  for (const [name, f] of Object.entries({ logIv, logKv, besselRatioI })) {
    const compiled = jit(
      (/** @type {import("@curv/tensor").Tensor} */ v, /** @type {import("@curv/tensor").Tensor} */ z) => f(v, z),
    );
    try {
      const few = x.slice([0, Math.min(n, 1000)]);
      const difference = relativeDifference(compiled(order, few).dataSync(), f(order.to(cpu), few.to(cpu)).dataSync());
      const time = timed(place, () => compiled(order, x), { seconds: Math.min(20, left() / 4), samples: 10 });
      results[name] = {
        ...time,
        pointsPerSecond: n / (1e-3 * time.milliseconds),
        fromCpu: difference,
        ok: difference < 1e-12,
      };
    } catch (error) {
      if (!(error instanceof BackendError) || !/does not have this operation/.test(error.message)) throw error;
      results[name] = { skipped: error.message, ok: true };
    }
  }
  return { ok: Object.values(results).every(({ ok }) => ok), points: n, ...results };
}
