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
  const up = Math.exp(0.5 * step);
  const down = 1 / up;
  const plus = h + v;
  const minus = x * (x / plus); // h − v
  let f = 1; // e^(d/2)
  let g = 1; // e^(−d/2)
  let sum = 0;
  for (let j = 1; ; j++) {
    f *= up;
    g *= down;
    const s = 0.5 * (f - g);
    const below = s * (plus * g - minus * f) - v * (j * step);
    if (below < -42) break;
    sum += Math.exp(below);
    const above = v * (j * step) - s * (plus * f - minus * g);
    if (above > -42) sum += Math.exp(above);
  }
  return Math.log(step * (1 + sum));
}

/** K_{v+1}/K_v: e^t averaged over the integrand. */
export function integralRatio(v: number, x: number, h: number): number {
  const step = nodeStep(h + 1);
  const up = Math.exp(0.5 * step);
  const down = 1 / up;
  const plus = h + v;
  const minus = x * (x / plus);
  let f = 1;
  let g = 1;
  let sum = 1;
  let weighted = 1; // Σ of the integrand times e^d
  for (let j = 1; ; j++) {
    f *= up;
    g *= down;
    const s = 0.5 * (f - g);
    const below = s * (plus * g - minus * f) - v * (j * step);
    const above = v * (j * step) - s * (plus * f - minus * g);
    const weightBelow = Math.exp(below);
    const weightAbove = Math.exp(above);
    sum += weightBelow + weightAbove;
    weighted += weightBelow * g * g + weightAbove * f * f;
    if (below < -42 && weightAbove * f * f < 1e-18 * weighted) break;
  }
  return (plus / x) * (weighted / sum);
}
