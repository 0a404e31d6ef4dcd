/** The leading exponent of the uniform expansions, η = h − v·asinh(v/x) with h = √(v² + x²), without losing its digits. */

/** √(v² + x²) without overflow or underflow. */
export function radius(v: number, x: number): number {
  const large = v > x ? v : x;
  if (large > 1e-150 && large < 1e150) return Math.sqrt(v * v + x * x);
  const ratio = (v > x ? x : v) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** asinh(v/x), given h; also where v/x overflows. */
export function angle(v: number, x: number, h: number): number {
  if (v < x) return Math.log1p((v + v * (v / (x + h))) / x);
  const ratio = (v + h) / x;
  return ratio < 1e300 ? Math.log(ratio) : Math.log(v + h) - Math.log(x);
}

/**
 * η − x = v(u − 2artanh u), u = v/(h + x): no digits of x enter. For v below 0.6x by the series of artanh, whose first term goes away
 * instead of cancelling.
 */
export function scaledExponent(v: number, x: number, h: number): number {
  const u = v / (h + x);
  const w = u * u;
  if (w > 0.08) return v * u - v * angle(v, x, h);
  let sum = 0;
  for (let k = 29; k >= 3; k -= 2) sum = (sum + 2 / k) * w;
  return -(v * u) * (1 + sum);
}

/**
 * η. Where its two parts nearly cancel (x < v < 3x), from the root v = ρx of η: the difference v − ρx with all its digits, times a smooth
 * function. An error of one ulp of h would be many of the result.
 */
export function exponent(v: number, x: number, h: number): number {
  if (v > x && v < 3 * x && h < 1e290) return aboutRoot(v, x);
  return h - v * angle(v, x, h);
}

/** ρ, the root of √(1 + r²) = r·asinh(r), in two parts: 24 bits and the rest. */
export const rootHigh = 1.508879542350769;
export const rootLow = 1.9187550885941136e-8;

/** P of η = (v − ρx)·P(w), w = (v − √3x)/(v + √3x), |w| < 0.27, even and odd powers: a Chebyshev fit to 19 terms by mpmath, error 6e-18. */
export const evenAboutRoot: readonly number[] = [
  -1.2592930043700987, -0.44402924924080805, -0.23584349046647077, -0.1511955466125334, -0.11971198198341257,
  -0.09699507767952949, -0.07953720764589862, -0.06981826758974068, -0.05802575189229234, -0.07448991298935417,
]; // prettier-ignore
export const oddAboutRoot: readonly number[] = [
  -0.8950841606547846, -0.2730285484681087, -0.18773775810586069, -0.1372626716837933, -0.10429995234689582,
  -0.08795551986254561, -0.07531798293682397, -0.060926713758199066, -0.07916172143109172,
]; // prettier-ignore

function aboutRoot(v: number, x: number): number {
  const scaled = 134217729 * x;
  const high = scaled - (scaled - x); // 26 bits of x, so that products with ρ's first part are exact
  const d = v - rootHigh * high - rootHigh * (x - high) - rootLow * x;
  const w = (v - 1.7320508075688772 * x) / (v + 1.7320508075688772 * x);
  const s = w * w;
  let even = 0;
  let odd = 0;
  for (let k = evenAboutRoot.length - 1; k >= 0; k--) even = even * s + evenAboutRoot[k];
  for (let k = oddAboutRoot.length - 1; k >= 0; k--) odd = odd * s + oddAboutRoot[k];
  return d * (even + w * odd);
}
