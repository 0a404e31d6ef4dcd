/**
 * The integral of K: K_v(x) = ½ ∫ exp(−x cosh t + v t) dt over the real line, by the trapezoid rule, which converges exponentially.
 *
 * About the maximum t₀ = asinh(v/x), with t = t₀ + d, the exponent is −η − ½(h + v)(e^d − 1) − ½(h − v)(e^(−d) − 1) + vd, where
 * h − v = x²/(h + v): no digits are lost for v ≫ x either.
 * Source: paper 27's default in place of Rothwell's integral; Trefethen & Weideman (2014) for the rule.
 */

/** Step between nodes: the integrand is no narrower than 1/√h, and analytic in a strip of half-width π/2. */
export function nodeStep(h: number): number {
  return Math.min(0.45 / Math.sqrt(h), 0.2);
}

/** log ∫ exp(η − x cosh t + v t) dt, h = √(v² + x²). */
export function logIntegral(v: number, x: number, h: number): number {
  const step = nodeStep(h);
  const plus = h + v;
  const slant = x / plus; // h − v = x·slant, a product that may underflow
  let sum = 0;
  for (let j = 1; ; j++) {
    const d = j * step;
    const f = Math.exp(0.5 * d); // not by repeated products, whose errors all go one way
    const g = 1 / f;
    const s = 0.5 * (f - g);
    const below = s * (plus * g) - x * f * (slant * s) - v * d;
    if (!(below >= -42)) break; // NaN too: e^(d/2) overflows for subnormal x
    sum += Math.exp(below);
    const above = v * d - s * (plus * f) + x * g * (slant * s);
    if (above > -42) sum += Math.exp(above);
  }
  return Math.log(step * (1 + sum));
}

/** K_{v+1}/K_v: e^t averaged over the integrand. */
export function integralRatio(v: number, x: number, h: number): number {
  const step = nodeStep(h + 1);
  const plus = h + v;
  const slant = x / plus;
  let sum = 1;
  let weighted = 1; // Σ of the integrand times e^d
  for (let j = 1; ; j++) {
    const d = j * step;
    const f = Math.exp(0.5 * d); // not by repeated products, whose errors all go one way
    const g = 1 / f;
    const s = 0.5 * (f - g);
    const below = s * (plus * g) - x * f * (slant * s) - v * d;
    const above = v * d - s * (plus * f) + x * g * (slant * s);
    if (Number.isNaN(below)) break; // e^(d/2) overflows for subnormal x
    const weightBelow = Math.exp(below);
    const weightAbove = Math.exp(above);
    sum += weightBelow + weightAbove;
    weighted += weightBelow * g * g + weightAbove * f * f;
    if (below < -42 && weightAbove * f * f < 1e-18 * weighted) break;
  }
  return (plus / x) * (weighted / sum);
}
