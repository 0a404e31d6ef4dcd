/**
 * Derivatives of I_x(a, b) in a and b. In the log-odds s of t the integrand is q = t^a(1 − t)^b/B(a, b), and ∂ᵐ⁺ⁿq/∂aᵐ∂bⁿ = q·B_{mn} with
 * the bivariate Bell polynomials in the derivatives of log q: log t − ψ(a) + ψ(a + b), log(1 − t) − ψ(b) + ψ(a + b), and constants.
 */

import { halfLine } from "../scalar/half-line.js";
import { digamma, polygamma } from "../zeta/polygamma.js";
import { lead } from "./scalar.js";

/** ∂^{i+j}(−log B)/∂aⁱ∂bʲ */
function cumulant(i: number, j: number, a: number, b: number): number {
  const psi = (k: number, z: number): number => (k === 0 ? digamma(z) : polygamma(k, z));
  return psi(i + j - 1, a + b) - (j === 0 ? psi(i - 1, a) : 0) - (i === 0 ? psi(j - 1, b) : 0);
}

function choose(n: number, k: number): number {
  let c = 1;
  for (let i = 0; i < k; i++) c = (c * (n - i)) / (i + 1);
  return c;
}

/** B_{mn} as a function of log t and log(1 − t): by ∂_a of B_{m−1,n} (or ∂_b), B_{mn} = Σ C(m − 1, i)C(n, j)κ_{i+1,j}B_{m−1−i,n−j}. */
function bellPolynomial(m: number, n: number, a: number, b: number): (logT: number, logU: number) => number {
  const kappa = Array.from({ length: m + 1 }, (_, i) =>
    Array.from({ length: n + 1 }, (_, j) => (i + j === 0 ? 0 : cumulant(i, j, a, b))),
  );
  return (logT, logU) => {
    const at = (i: number, j: number): number =>
      kappa[i][j] + (i === 1 && j === 0 ? logT : i === 0 && j === 1 ? logU : 0);
    const bell: number[][] = [];
    for (let r = 0; r <= m; r++) {
      bell.push([]);
      for (let c = 0; c <= n; c++) {
        let sum = r + c === 0 ? 1 : 0;
        if (r > 0) {
          for (let i = 0; i < r; i++) {
            for (let j = 0; j <= c; j++) {
              sum += choose(r - 1, i) * choose(c, j) * at(i + 1, j) * bell[r - 1 - i][c - j];
            }
          }
        } else for (let j = 0; j < c; j++) sum += choose(c - 1, j) * at(0, j + 1) * bell[0][c - 1 - j];
        bell[r].push(sum);
      }
    }
    return bell[m][n];
  };
}

/** ∂^{m+n}I_x(a, b)/∂aᵐ∂bⁿ, m + n ≥ 1: the integral from the left for x below the mean, minus that from the right above. */
export function parameterDerivative(m: number, n: number, a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1 && a < Infinity && b < Infinity)) return NaN;
  if (x === 0 || x === 1) return 0;
  const y = 1 - x;
  const [logX, logY] = [Math.log(x), Math.log1p(-x)];
  const bell = bellPolynomial(m, n, a, b);
  const left = x < a / (a + b);
  // The logarithm of the integrand falls with slopes from this one to a (or b), and with this curvature.
  const slope = Math.abs(a * y - b * x);
  const length = 1 / (slope + Math.min(Math.sqrt((a + b) * x * y), left ? a : b));
  let sum = 0;
  for (const [node, weight] of halfLine) {
    const d = (left ? -1 : 1) * length * node;
    // log(1 − t) = log y − rise, log t = log x + d − rise
    const rise = d > 30 ? d + Math.log(x + y * Math.exp(-d)) : Math.log1p(x * Math.expm1(d));
    const q = Math.exp(a * d - (a + b) * rise);
    if (q > 0) sum += weight * q * bell(logX + d - rise, logY - rise);
  }
  return (left ? 1 : -1) * lead(a, b, x, y) * length * sum;
}
