/** Eigenvalues of a diagonal matrix plus one of rank one, as the roots of its secular equation. */

const EPS = 2 ** -53;
/** About six are needed. */
const MAX_STEPS = 100;

/**
 * Root i of w(λ) = 1/ρ + Σ_j z_j² / (d_j − λ), which lies in (d_i, d_{i+1}), the last in (d_i, d_i + ρ].
 *
 * λ is sought as the distance to the nearer pole, and d_j − λ made from it: so each of the differences has small relative error, however
 * close the root is to a pole. Steps solve the equation of two poles that agrees with w and its derivative ("the middle way"); they
 * stay in a bracket, which is halved when a step would leave it.
 *
 * @param k - At least 2.
 * @param d - Ascending, strictly; [k].
 * @param z - Without zeros, ‖z‖ = 1; [k].
 * @param differences - Receives d_j − λ at `offset`, …, `offset` + k − 1.
 * @returns λ; NaN if it was not found, which does not happen for finite numbers.
 * Source: Li, Solving secular equations stably and efficiently (LAPACK working note 89, 1993).
 */
export function secularRoot(
  i: number,
  k: number,
  d: Float64Array,
  z: Float64Array,
  rho: number,
  differences: Float64Array,
  offset: number,
): number {
  const isLast = i === k - 1;
  const gap = isLast ? rho * (1 + 4 * EPS) : d[i + 1] - d[i];
  // Which half holds the root: w rises from −∞ to ∞.
  let rest = 1 / rho;
  const middle = gap / 2;
  const [left, right] = isLast ? [k - 2, k - 1] : [i, i + 1];
  for (let j = 0; j < k; j++) if (j !== left && j !== right) rest += (z[j] * z[j]) / (d[j] - d[i] - middle);
  const atMiddle =
    rest + (z[left] * z[left]) / (d[left] - d[i] - middle) + (z[right] * z[right]) / (d[right] - d[i] - middle);
  const isLeft = isLast || atMiddle >= 0;
  const origin = isLeft ? i : i + 1;
  let low = isLeft ? (atMiddle >= 0 ? 0 : middle) : -middle;
  let high = isLeft ? (atMiddle >= 0 ? middle : gap) : 0;
  let tau = isLast ? (low + high) / 2 : firstGuess(rest, gap, z[left] * z[left], z[right] * z[right], isLeft);
  if (!(tau > low && tau < high)) tau = (low + high) / 2;
  let previous = Infinity;
  for (let step = 0; step < MAX_STEPS; step++) {
    let psi = 0;
    let psiSlope = 0;
    let phi = 0;
    let phiSlope = 0;
    let error = 0;
    for (let j = 0; j < k; j++) {
      const difference = d[j] - d[origin] - tau;
      differences[offset + j] = difference;
      const ratio = z[j] / difference;
      const term = z[j] * ratio;
      if (j <= left) {
        psi += term;
        psiSlope += ratio * ratio;
        error -= psi;
      } else {
        phi += term;
        phiSlope += ratio * ratio;
        error += Math.abs(phi);
      }
    }
    const slope = psiSlope + phiSlope;
    const value = 1 / rho + psi + phi;
    const noise = Math.abs(error) + 8 * (Math.abs(phi) + Math.abs(psi)) + 1 / rho + Math.abs(tau) * slope;
    if (Math.abs(value) <= EPS * noise) return d[origin] + tau;
    if (value < 0) low = tau;
    else high = tau;
    const [a, b] = [differences[offset + left], differences[offset + right]];
    let next = tau + middleWay(value, psiSlope, phiSlope, a, b, isLast);
    const isSlow = Math.abs(value) > 0.1 * previous;
    if (!(next > low && next < high) || (isSlow && step % 3 === 2)) next = between(low, high);
    previous = Math.abs(value);
    if (next === tau || next === low || next === high) return d[origin] + tau;
    tau = next;
  }
  return NaN;
}

/** The root of the equation of the two nearest poles, in which the others are what they are in the middle. */
function firstGuess(rest: number, gap: number, left: number, right: number, isLeft: boolean): number {
  if (isLeft) {
    // rest + left / (−τ) + right / (gap − τ) = 0
    const a = rest * gap + left + right;
    const root = Math.sqrt(Math.max(0, a * a - 4 * left * gap * rest));
    return a > 0 ? (2 * left * gap) / (a + root) : (a - root) / (2 * rest);
  }
  const a = rest * gap - left - right;
  const root = Math.sqrt(Math.max(0, a * a + 4 * right * gap * rest));
  return a < 0 ? (2 * right * gap) / (a - root) : -(a + root) / (2 * rest);
}

/** The step to the root of c + s/(a − η) + S/(b − η), which agrees with w and with the slopes of its parts at η = 0. */
function middleWay(value: number, psiSlope: number, phiSlope: number, a: number, b: number, isLast: boolean): number {
  const c = value - a * psiSlope - b * phiSlope;
  const p = (a + b) * value - a * b * (psiSlope + phiSlope);
  const q = a * b * value;
  const root = Math.sqrt(Math.max(0, p * p - 4 * q * c));
  // Of the two roots that between the poles, or behind both.
  const far = isLast ? -root : root;
  const step = c === 0 ? q / p : (isLast ? p > 0 : p < 0) ? (p - far) / (2 * c) : (2 * q) / (p + far);
  // w rises: a step must go against its sign.
  return value * step < 0 ? step : -value / (psiSlope + phiSlope);
}

/** Half way; of two numbers of different size in the mean of their exponents, as the distance to a pole may be tiny. */
function between(low: number, high: number): number {
  const [small, large] = [Math.min(Math.abs(low), Math.abs(high)), Math.max(Math.abs(low), Math.abs(high))];
  if (large < 8 * small || large === 0) return (low + high) / 2;
  return Math.sign(low + high) * Math.sqrt(Math.max(small, large * 2 ** -40)) * Math.sqrt(large);
}
