/**
 * The density proportional to e^{xt}t^{α−1}(1 − t)^{β−1} on (0, 1): a beta distribution, tilted. Its normaliser is that of the beta
 * distribution times Kummer's function ₁F₁(α; α + β; x), so that the moments of t, log t and log(1 − t) are the derivatives of the
 * logarithm of ₁F₁ in x, α and β.
 *
 * With t = 1/(1 + e^(−s)) the integrals run over the real line and their integrands decay exponentially and are analytic for |Im s| < π: the
 * trapezoid rule converges exponentially. About the mode t₀, s = s₀ + d, E = e^d − 1:
 *   t − t₀ = t₀(1 − t₀)E/(1 + t₀E), log(1 − t) − log(1 − t₀) = −log(1 + t₀E) = −L, log t − log t₀ = d − L,
 * and the logarithm of the integrand, counted from its maximum, is x·t₀(1 − t₀)(E/(1 + t₀E) − d) − (α + β)(L − t₀d).
 */

import { log1pRest } from "../scalar/log1p-rest.js";
import { logBeta } from "../scalar/stirling.js";

/** Weights, not normalised, and the three variables, counted from the mode. */
interface Nodes {
  readonly weight: Float64Array;
  /** t, log t and log(1 − t). */
  readonly variables: readonly [Float64Array, Float64Array, Float64Array];
  /** Their values at the mode. */
  readonly mode: readonly [number, number, number];
  /** log Σ weight·step */
  readonly logSum: number;
}

/** e^d − 1 − d */
function expm2(d: number): number {
  if (Math.abs(d) > 0.5) return Math.expm1(d) - d;
  let term = 0.5 * d * d;
  let sum = term;
  for (let k = 3; Math.abs(term) > 1e-18 * sum; k++) sum += term *= d / k;
  return sum;
}

/** The mode in s: the root in (0, 1) of x·t² + (α + β − x)t − α = 0, and 1 − t, both with all their digits. */
function modeOf(alpha: number, beta: number, x: number): readonly [t: number, u: number] {
  if (x < 0) {
    const [u, t] = modeOf(beta, alpha, -x);
    return [t, u];
  }
  const b = alpha + beta;
  const q = Math.sqrt((b - x) * (b - x) + 4 * alpha * x);
  const t = b >= x ? (2 * alpha) / (b - x + q) : (x - b + q) / (2 * x);
  // x·u² − (x + b)u + β = 0 with u = 1 − t
  return [t, (2 * beta) / (x + b + q)];
}

/** Below it the integrand falls so slowly that there are too many nodes. */
export const leastParameter = 1e-3;
const none = /* @__PURE__ */ Float64Array.of(NaN);

function nodesOf(alpha: number, beta: number, x: number): Nodes {
  if (!(alpha >= leastParameter && beta >= leastParameter)) {
    return { weight: none, variables: [none, none, none], mode: [NaN, NaN, NaN], logSum: NaN };
  }
  const [t, u] = modeOf(alpha, beta, x);
  if (t > 0.5) {
    // Reflected: L − t₀d would cancel for t₀ near 1.
    const { weight, variables, mode, logSum } = nodesOf(beta, alpha, -x);
    const [a, b, c] = variables;
    return { weight, variables: [a.map((y) => -y), c, b], mode: [t, mode[2], mode[1]], logSum };
  }
  const b = alpha + beta;
  const width = 1 / Math.sqrt(t * u * Math.max(b - x * (u - t), 1e-300));
  // For x near b the integrand falls like exp(−c·e^{2s}), which is small for |Im s| < π/4 only; else like exp(−c·e^s).
  const step = Math.min(0.45 * width, x < 0.5 * b ? 0.2 : 0.1);
  const points: Point[] = [];
  for (const sign of [1, -1]) {
    for (let j = sign > 0 ? 0 : 1; ; j++) {
      const d = sign * j * step;
      const point = t * Math.exp(d) > 1 ? farPoint(d, t, u, alpha, beta, x) : nearPoint(d, t, u, b, x);
      points.push(point);
      const exponent = point[0];
      if (!(exponent > -46)) break;
    }
  }
  const column = (c: number): Float64Array => Float64Array.from(points, (p) => p[c]);
  const weight = column(0).map(Math.exp);
  const total = weight.reduce((p, q) => p + q, 0);
  return {
    weight,
    variables: [column(1), column(2), column(3)],
    mode: [t, Math.log(t), Math.log1p(-t)], // t ≤ ½
    logSum: Math.log(total * step),
  };
}

/** The exponent, t − t₀, log t − log t₀ and log(1 − t) − log(1 − t₀) at d. */
type Point = readonly [exponent: number, number, number, number];

function nearPoint(d: number, t: number, u: number, b: number, x: number): Point {
  const y = t * Math.expm1(d); // t₀E
  const curve = expm2(d); // E − d
  const exponent = (x * t * u * (curve - y * d)) / (1 + y) - b * (log1pRest(y) + t * curve);
  const l = Math.log1p(y);
  return [exponent, (u * y) / (1 + y), d - l, -l];
}

/** The same for y > 1, where e^d may overflow: 1 + y = e^d(t₀ + (1 − t₀)e^(−d)). */
function farPoint(d: number, t: number, u: number, alpha: number, beta: number, x: number): Point {
  const rest = t + u * Math.exp(-d);
  const rise = (-u * t * Math.expm1(-d)) / rest;
  const l = Math.log(rest);
  return [x * rise - beta * d - (alpha + beta) * l, rise, -l, -d - l];
}

function average(weight: Float64Array, values: (i: number) => number): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < weight.length; i++) {
    sum += weight[i] * values(i);
    total += weight[i];
  }
  return sum / total;
}

/** log ∫₀¹e^{xt}t^{α−1}(1 − t)^{β−1}dt/B(α, β). */
export function logNormalizer(alpha: number, beta: number, x: number): number {
  const { mode, logSum } = nodesOf(alpha, beta, x);
  return x * mode[0] + alpha * mode[1] + beta * mode[2] + logSum - logBeta(alpha, beta);
}

/** E t (`of` 0), E log t (1) or E log(1 − t) (2). */
export function mean(of: 0 | 1 | 2, alpha: number, beta: number, x: number): number {
  const { weight, variables, mode } = nodesOf(alpha, beta, x);
  const values = variables[of];
  return mode[of] + average(weight, (i) => values[i]);
}

/** E (t − Et)^i(log t − E log t)^j(log(1 − t) − E log(1 − t))^k. */
export function centralMoment(powers: readonly [number, number, number], alpha: number, beta: number, x: number): number {
  const { weight, variables } = nodesOf(alpha, beta, x);
  const means = variables.map((values) => average(weight, (i) => values[i]));
  return average(weight, (i) => powers.reduce((y, n, c) => y * (variables[c][i] - means[c]) ** n, 1));
} // prettier-ignore
