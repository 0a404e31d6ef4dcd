/**
 * Derivatives of P(a, x) in a. In w = log x, P is the distribution function of a log-gamma variable, with the density
 * q(w; a) = exp(a·w − e^w)/Γ(a), so that ∂ⁿP/∂aⁿ is an integral of ∂ⁿq/∂aⁿ = q·Bₙ, with Bₙ the complete Bell polynomial in the derivatives
 * of log q: w − ψ(a), −ψ′(a), −ψ″(a), …
 */

import { halfLine } from "../scalar/half-line.js";
import { digamma, polygamma } from "../zeta/polygamma.js";
import { lead } from "./scalar.js";

/** Bₙ as a function of w: Bₙ = Σ_k C(n − 1, k − 1)κ_k Bₙ₋ₖ. */
function bellPolynomial(n: number, a: number): (w: number) => number {
  const cumulants = Float64Array.from({ length: n }, (_, k) => -(k === 0 ? digamma(a) : polygamma(k, a)));
  const bell = new Float64Array(n + 1);
  bell[0] = 1;
  return (w) => {
    for (let m = 1; m <= n; m++) {
      let sum = 0;
      let binomial = 1;
      for (let k = 1; k <= m; k++) {
        sum += binomial * (k === 1 ? w + cumulants[0] : cumulants[k - 1]) * bell[m - k];
        binomial = (binomial * (m - k)) / k;
      }
      bell[m] = sum;
    }
    return bell[n];
  };
}

/**
 * ∂ⁿP(a, x)/∂aⁿ, n ≥ 1: over v < w, or minus that over v > w, on the side where nothing cancels for n = 1.
 *
 * Below by P(a) = P(a + 1) + q/a, for at a + 1 the integrand has one length scale however small a is.
 */
export function orderDerivative(n: number, a: number, x: number): number {
  if (!(a > 0 && x >= 0 && a < Infinity)) return NaN;
  if (x === 0 || x === Infinity) return 0;
  const w = Math.log(x);
  const q = a * lead(a, x);
  let sum = 0;
  if (w >= digamma(a + 1)) {
    const bell = bellPolynomial(n, a);
    const length = 1 / (Math.abs(x - a) + Math.sqrt(x));
    for (const [node, weight] of halfLine) {
      const u = length * node;
      const rise = Math.log1p(u);
      sum += weight * bell(w + rise) * Math.exp((a - 1) * rise - x * u); // v = w + log(1 + u)
    }
    return -q * length * sum;
  }
  const bell = bellPolynomial(n, a + 1);
  const length = 1 / (Math.abs(a + 1 - x) + Math.sqrt(x));
  for (const [node, weight] of halfLine) {
    const d = length * node;
    sum += weight * bell(w - d) * Math.exp(-x * Math.expm1(-d) - (a + 1) * d);
  }
  // q/a = x^a e^(−x)/Γ(a + 1), whose n-th derivative in a is Bₙ(a + 1) times itself
  return (q / a) * (x * length * sum + bell(w));
}
