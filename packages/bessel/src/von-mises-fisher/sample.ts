/** Sampling by rejection. */

import { expm1, log1p, minimum, where, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { requireSampling } from "../options.js";
import { heldFixed, sampleByRejection } from "../rejection.js";
import { dimensionOf, type VonMisesFisher } from "./density.js";
import { turn } from "./turn.js";

export interface SampleOptions {
  /** Shape of the samples in front of the batch of the distribution: n for [n, ..., p]. Default []: one sample. */
  readonly shape?: readonly number[];
}

/**
 * Samples: [...shape, ...batch, p], unit vectors.
 *
 * The component along the mean by Wood's rejection from a transformed beta variable (more than 2/3 are accepted), for p = 3 by inversion;
 * the rest is uniform across. Same key, same samples. Differentiable in the mean; not in the concentration, which throws: a sample that was
 * chosen by rejection has no derivative there. `sample` of `@curv/bessel/power-spherical` has.
 *
 * @throws DTypeError, DomainError for a key, parameters or a shape that are none.
 * Source: Ulrich (1984); Wood, Simulation of the von Mises–Fisher distribution (1994).
 */
export function sample(key: random.Key, distribution: VonMisesFisher, options: SampleOptions = {}): Tensor {
  const shape = requireSampling("sample", key, options);
  const p = dimensionOf(distribution, "sample");
  const { mean } = distribution;
  const { dtype } = mean;
  const batch = mean.sum(-1).add(distribution.concentration).shape;
  const held = notDifferentiable(distribution.concentration).cast(dtype).broadcastTo([...shape, ...batch]);
  const kappa = where(held.less(0), NaN, held);
  const [alongKey, acrossKey] = random.split(key);
  // t = 1 − μᵀx, with all digits where x is close to μ.
  const t = p === 3 ? invert(alongKey, kappa) : reject(alongKey, kappa, p);
  const radius = t.mul(t.neg().add(2)).sqrt(); // √(1 − (1 − t)²)
  const across = random.sphere(acrossKey, p - 1, { shape: kappa.shape, dtype: dtype === "float64" ? "float64" : "float32" });
  return turn(t, across.mul(radius.expandDims(-1)), mean);
} // prettier-ignore

const notDifferentiable = /* @__PURE__ */ heldFixed(
  "concentration",
  "stopGradient(concentration), or use power-spherical",
);

/** For p = 3 the component along μ has density ∝ e^(−κt): t = −log(1 − u(1 − e^(−2κ)))/κ. */
function invert(key: random.Key, kappa: Tensor): Tensor {
  const u = random.uniform(key, { shape: kappa.shape, dtype: kappa.dtype as "float32" | "float64" });
  const small = kappa.less(1e-6);
  const safe = where(small, 1, kappa);
  const curved = log1p(u.mul(expm1(safe.mul(-2))))
    .neg()
    .div(safe);
  return minimum(where(small, u.mul(2), curved), 2);
}

/**
 * Wood's algorithm VM*: t = 2bz/(1 − (1 − b)z) with z ~ Beta((p − 1)/2, (p − 1)/2) is accepted with the probability
 * exp(κ(1 − x₀ − t))·((2b + (1 − b)t)(1 + b)/(4b))^(p − 1), 1 − x₀ = 2b/(1 + b). Written without the differences of numbers near 1.
 */
function reject(key: random.Key, kappa: Tensor, p: number): Tensor {
  const { shape } = kappa;
  const dtype = kappa.dtype as "float32" | "float64";
  const m = p - 1;
  const b = kappa.square().mul(4).add(m * m).sqrt().add(kappa.mul(2)).reciprocal().mul(m); // prettier-ignore
  const one = b.neg().add(1);
  const offset = b.mul(2).div(b.add(1));
  const [t] = sampleByRejection(key, shape, [zeros(shape, { dtype })], (proposalKey) => {
    const z = symmetricBeta(proposalKey, m, shape, dtype);
    const next = b.mul(z).mul(2).div(one.mul(z).neg().add(1));
    const weight = b.mul(2).add(one.mul(next)).mul(b.add(1)).div(b.mul(4)).log().mul(m);
    return { proposal: [next], logProbability: offset.sub(next).mul(kappa).add(weight) };
  });
  return t;
}

/** Beta(m/2, m/2) from two uniforms: ½(1 + cos(2πu)√(1 − w^(2/(m − 1)))). Source: Ulrich (1984); Devroye (1986), section IX.3.2. */
function symmetricBeta(key: random.Key, m: number, shape: readonly number[], dtype: "float32" | "float64"): Tensor {
  const [angleKey, radiusKey] = random.split(key);
  const cosine = random.uniform(angleKey, { shape, dtype }).mul(2 * Math.PI).cos();
  if (m === 1) return cosine.add(1).mul(0.5);
  const square = expm1(random.uniform(radiusKey, { shape, dtype }).log().mul(2 / (m - 1))).neg();
  return square.sqrt().mul(cosine).add(1).mul(0.5);
} // prettier-ignore
