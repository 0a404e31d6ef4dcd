/**
 * How the distribution function of a log-gamma variable moves with its concentration: what differentiates gamma samples.
 *
 * log X of X ~ Gamma(a) has the density q(w; a) = exp(a w − e^w)/Γ(a) and the distribution function F(w; a) = P(a, e^w). A sample w that
 * keeps its quantile F(w; a) while a moves has dw/da = −∂ₐF/q.
 */

import { digamma64, exp64, expm164, log1p64, polygamma64 } from "../cpu/math/index.js";
import { allocate } from "../memory.js";
import { digamma, exp, polygamma } from "../ops/elementwise.js";
import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { batchAll } from "../transform/graph-transforms.js";
import { bind, bind1 } from "../transform/trace.js";
import { halfLineRule } from "./half-line.js";

/**
 * Gₙ(a, w) = ∂ⁿF/∂aⁿ / q for n ≥ 1, a and w of one shape. The family is closed under derivatives, so there are those of every order:
 *
 * ∂Gₙ/∂a = Gₙ₊₁ − Gₙ·(w − ψ(a)), ∂Gₙ/∂w = Bₙ − Gₙ·(a − e^w), where Bₙ = ∂ⁿq/∂aⁿ / q.
 */
export const gammaCdfDerivative: Primitive<{ n: number }> = /* @__PURE__ */ definePrimitive<{ n: number }>({
  name: "gammaCdfDerivative",
  shape: ([a]) => [a],
  jvp: ([a, w], [da, dw], { n }, [g]) => {
    const fromA =
      da &&
      bind1(gammaCdfDerivative, [a, w], { n: n + 1 })
        .sub(g.mul(w.sub(digamma(a))))
        .mul(da);
    const fromW =
      dw &&
      densityRatio(n, a, w)
        .sub(g.mul(a.sub(exp(w))))
        .mul(dw);
    return [fromA && fromW ? fromA.add(fromW) : (fromA ?? fromW)];
  },
  batch: (inputs, batched, params, size) => bind(gammaCdfDerivative, batchAll(inputs, batched, size), params),
  lower: ([a, w], { n }) => {
    const out = allocate(a.dtype, a.buffer.length);
    for (let i = 0; i < out.length; i++) out[i] = cdfDerivative(n, a.buffer[i], w.buffer[i]);
    return [out];
  },
});

/**
 * Bₙ: the complete Bell polynomial in the derivatives of log q, w − ψ(a), −ψ′(a), −ψ″(a), …, by
 * Bₙ = Σ_k C(n−1, k−1) κ_k Bₙ₋ₖ.
 */
function densityRatio(n: number, a: Tensor, w: Tensor): Tensor {
  const cumulants = [w.sub(digamma(a))];
  for (let k = 2; k <= n; k++) cumulants.push(polygamma(k - 1, a).neg());
  const bell: Tensor[] = [];
  for (let m = 1; m <= n; m++) {
    let sum = cumulants[m - 1];
    let binomial = 1;
    for (let k = 1; k < m; k++) {
      sum = sum.add(cumulants[k - 1].mul(bell[m - k - 1]).mul(binomial));
      binomial = (binomial * (m - k)) / k;
    }
    bell.push(sum);
  }
  return bell[n - 1];
}

/**
 * Gₙ = ∫ Bₙ(v) q(v)/q(w) dv over v < w, or minus that over v > w: on the side where, for n = 1, nothing cancels.
 *
 * Below, at a + 1, where the integrand has one length scale however small a is: F(a) = F(a + 1) + q/a and q/a = z^a e^(−z)/Γ(a + 1), z = e^w,
 * give Gₙ(a) = (z Gₙ(a + 1) + Bₙ(a + 1))/a.
 */
function cdfDerivative(n: number, a: number, w: number): number {
  const z = exp64(w);
  const { nodes, weights } = halfLineRule();
  let sum = 0;
  if (w >= digamma64(a + 1)) {
    // v = w + log(1 + u)
    const ratio = bellPolynomial(n, a);
    const length = 1 / (Math.abs(z - a) + Math.sqrt(z));
    for (let i = 0; i < nodes.length; i++) {
      const u = length * nodes[i];
      const rise = log1p64(u);
      sum += weights[i] * ratio(w + rise) * exp64((a - 1) * rise - z * u);
    }
    return -length * sum;
  }
  // v = w − x
  const ratio = bellPolynomial(n, a + 1);
  const length = 1 / (Math.abs(a + 1 - z) + Math.sqrt(z));
  for (let i = 0; i < nodes.length; i++) {
    const x = length * nodes[i];
    sum += weights[i] * ratio(w - x) * exp64(-z * expm164(-x) - (a + 1) * x);
  }
  return (z * length * sum + ratio(w)) / a;
}

/** {@link densityRatio} of numbers, as a function of w. */
function bellPolynomial(n: number, a: number): (w: number) => number {
  const psi = digamma64(a);
  if (n === 1) return (w) => w - psi;
  const cumulants = Float64Array.from({ length: n }, (_, k) => (k === 0 ? 0 : -polygamma64(k, a)));
  const bell = new Float64Array(n + 1);
  bell[0] = 1;
  return (w) => {
    cumulants[0] = w - psi;
    for (let m = 1; m <= n; m++) {
      let sum = 0;
      let binomial = 1;
      for (let k = 1; k <= m; k++) {
        sum += binomial * cumulants[k - 1] * bell[m - k];
        binomial = (binomial * (m - k)) / k;
      }
      bell[m] = sum;
    }
    return bell[n];
  };
}
