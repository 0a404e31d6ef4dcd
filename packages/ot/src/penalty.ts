/**
 * What it costs a marginal p of a plan to differ from its weights a: nothing may (ρ = ∞), or a price
 * `"kl"` ρ Σ (p log(p/a) − p + a), `"tv"` ρ Σ |p − a|, `"l2"` ½ ρ Σ (p − a)².
 *
 * Everything that Sinkhorn's sweeps and the dual need to know of a price is here. Its conjugate is the dual's reward r(f): the sum of
 * −ρ a (exp(−f/ρ) − 1); of a f where |f| ≤ ρ; of a f − f²/(2ρ).
 * Source: Chizat et al., Scaling algorithms for unbalanced optimal transport problems (2018), table 1 and §3.
 */

import { expm1, log1p, logicalOr, type Tensor } from "@curv/tensor";

/** How deviations of a marginal are priced. */
export type Penalty = "kl" | "tv" | "l2";

/** The price of one marginal. */
export interface Price {
  readonly penalty: Penalty;
  /** Infinity: none may differ. */
  readonly rho: number;
}

/**
 * The best potential f, of the one `fit` at which the marginal is the weights: max over f of r(f) − ε Σ a exp((f − fit)/ε).
 */
export function bestPotential({ penalty, rho }: Price, weights: Tensor, fit: Tensor, epsilon: Tensor): Tensor {
  if (rho === Infinity) return fit;
  if (penalty === "kl") return fit.mul(epsilon.div(rho).add(1).reciprocal());
  if (penalty === "tv") return fit.minimum(rho).maximum(-rho);
  // a − f/ρ = a exp((f − fit)/ε): with w = (a ρ − f)/ε this is w + log w = log(a ρ/ε) + (a ρ − fit)/ε.
  const whole = weights.mul(rho).div(epsilon);
  const f = whole.sub(wrightOmega(whole.log().add(whole).sub(fit.div(epsilon)))).mul(epsilon);
  // The difference cancels where ρ is large: one step of Newton's method on the equation itself.
  const marginal = weights.mul(f.sub(fit).div(epsilon).exp());
  const slope = marginal.div(epsilon).add(1 / rho);
  return f.add(weights.sub(f.div(rho)).sub(marginal).div(slope));
}

/** w > 0 with w + log w = t, to rounding; 0 for t = −∞. Source: Corless & Jeffrey, The Wright ω function (2002); steps: Fritsch et al. (1973). */
function wrightOmega(t: Tensor): Tensor {
  const isLarge = t.greater(1);
  // Both branches get arguments they are made for: neither makes a NaN.
  const large = isLarge.where(t, 2);
  const small = isLarge.where(0, t).exp();
  let w = isLarge.where(large.sub(large.log()), small.div(small.add(1)));
  for (let k = 0; k < 3; k++) {
    const positive = w.greater(0).where(w, 1);
    const miss = t.sub(positive).sub(positive.log());
    const q = positive.add(1).mul(positive.add(1).add(miss.mul(2 / 3)));
    const next = positive.mul(
      miss
        .div(positive.add(1))
        .mul(q.sub(miss.div(2)).div(q.sub(miss)))
        .add(1),
    );
    w = w.greater(0).where(next, 0);
  }
  return w;
}

/** The marginal that the first-order conditions want, where it is `actual` now. */
export function wantedMarginal({ penalty, rho }: Price, weights: Tensor, f: Tensor, actual: Tensor): Tensor {
  if (rho === Infinity) return weights;
  if (penalty === "kl") return weights.mul(f.div(-rho).exp());
  if (penalty === "l2") return weights.sub(f.div(rho));
  // At the ends of [−ρ, ρ] less, or more, than the weights is right, too.
  return f.greaterEqual(rho).where(actual.minimum(weights), f.lessEqual(-rho).where(actual.maximum(weights), weights));
}

/** Σ r(f). */
export function reward({ penalty, rho }: Price, weights: Tensor, f: Tensor): Tensor {
  if (rho === Infinity || penalty === "tv") return weights.mul(f).sum();
  if (penalty === "kl") return weights.mul(expm1(f.div(-rho)).mul(-rho)).sum();
  return weights.mul(f).sub(f.square().div(2 * rho)).sum(); // prettier-ignore
}

/** The nearest potential at which the reward is finite. */
export function admissible({ penalty, rho }: Price, f: Tensor): Tensor {
  return penalty === "tv" && rho !== Infinity ? f.minimum(rho).maximum(-rho) : f;
}

/** Where the potential stands at an end of its range, and does not move with small changes of the problem; null: nowhere. */
export function heldAt({ penalty, rho }: Price, f: Tensor): Tensor | null {
  return penalty === "tv" && rho !== Infinity ? logicalOr(f.greaterEqual(rho), f.lessEqual(-rho)) : null;
}

/**
 * The t for which potentials f + t and g − t, of the same plan, have the largest reward; null where that is every t, or an end of a range.
 *
 * Without it a high price makes the sweeps slow: each moves along this direction by a factor of about ε/ρ only.
 * Source: Séjourné, Vialard & Peyré, Faster unbalanced optimal transport: translation invariant Sinkhorn (2022), prop. 4.
 */
export function bestTranslation(
  prices: readonly [Price, Price],
  a: Tensor,
  b: Tensor,
  f: Tensor,
  g: Tensor,
): Tensor | null {
  const [first, second] = prices;
  if ((first.rho === Infinity && second.rho === Infinity) || first.penalty === "tv") return null;
  const [massA, massB] = [a.sum(), b.sum()];
  if (first.penalty === "l2") {
    const excess = massA.sub(massB).sub(f.sum().div(first.rho)).add(g.sum().div(second.rho));
    return excess.div(a.size / first.rho + b.size / second.rho);
  }
  // log Σ a exp(−f/ρ) / Σ a: small for high prices, and right to its own last digits.
  const shrinks = ({ rho }: Price, weights: Tensor, mass: Tensor, at: Tensor): Tensor | number =>
    rho === Infinity ? 0 : log1p(weights.mul(expm1(at.div(-rho))).sum().div(mass)); // prettier-ignore
  const harmonic = 1 / (1 / first.rho + 1 / second.rho);
  return massA
    .div(massB)
    .log()
    .add(shrinks(first, a, massA, f))
    .sub(shrinks(second, b, massB, g))
    .mul(harmonic);
}
