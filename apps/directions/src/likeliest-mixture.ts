/** Expectation and maximisation ends in a maximum near its start: several starts, of which the best end is kept. */

import * as vonMisesFisher from "@curv/bessel/von-mises-fisher";
import type { Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { breathe } from "app-frame";
import type { Watch } from "./watch.js";

/** @param x - Unit rows, [n, p]. */
export async function likeliestMixture(
  x: Tensor,
  components: number,
  starts: number,
  key: random.Key,
  { signal }: Watch,
): Promise<vonMisesFisher.MixtureFit> {
  await breathe(signal);
  // A component whose rows are alike would be narrower than any row that comes later.
  const options = { maxConcentration: 20 * x.shape[1], tol: 1e-8, ...(signal === undefined ? {} : { signal }) };
  let best: vonMisesFisher.MixtureFit | undefined;
  for (const start of random.split(key, starts)) {
    const fit = await vonMisesFisher.fitMixture(x, components, start, options);
    if (best === undefined || fit.logLikelihood > best.logLikelihood) best = fit;
  }
  if (best === undefined) throw new RangeError("likeliestMixture: starts is 0; wants at least 1.");
  return best;
}

/** The component to which each row belongs with the highest probability. */
export function likeliestComponents(
  x: Tensor,
  { weights, means, concentrations }: vonMisesFisher.VonMisesFisherMixture,
): number[] {
  const peaks = vonMisesFisher.logNormalizer(x.shape[1], concentrations).add(weights.log());
  return Array.from(x.matmul(means.T).mul(concentrations).add(peaks).argMax(1).dataSync());
}
