/** Exponential integrals of a number. */

const euler = 0.5772156649015329;

/** E_n(x) = ∫₁^∞ e^(−xt)t^(−n)dt, n ≥ 0 whole, x ≥ 0. */
export function expintOfOrder(n: number, x: number): number {
  if (!(x >= 0)) return NaN;
  if (x === 0) return n > 1 ? 1 / (n - 1) : Infinity;
  if (x === Infinity) return 0;
  if (n === 0) return Math.exp(-x) / x;
  return x > 1 ? fraction(n, x) : series(n, x);
}

/**
 * e^(−x)/(x + n − 1·n/(x + n + 2 − 2(n + 1)/(x + n + 4 − …))) (DLMF 8.19.18), from a term on beyond which e^(−4√(kx)), its error, is small.
 * Backwards each step forgets its rounding.
 */
function fraction(n: number, x: number): number {
  let t = 1;
  for (let k = 10 + Math.ceil(100 / x); k >= 1; k--) t = (k * (n - 1 + k)) / (x + n + 2 * k - t);
  return Math.exp(-x) / (x + n - t);
}

/** (−x)^(n−1)/(n − 1)!·(ψ(n) − log x) − Σ_{k≠n−1}(−x)^k/((k − n + 1)k!) (DLMF 8.19.8), x ≤ 1. */
function series(n: number, x: number): number {
  let harmonic = 0;
  for (let k = 1; k < n && k < 40; k++) harmonic += 1 / k;
  let term = 1; // (−x)^k/k!
  let sum = n === 1 ? 0 : 1 / (n - 1);
  if (n === 1) sum = -Math.log(x) - euler;
  for (let k = 1; k < 40; k++) {
    term *= -x / k;
    sum += k === n - 1 ? term * (harmonic - euler - Math.log(x)) : -term / (k - n + 1);
    if (Math.abs(term) < 1e-18 * Math.abs(sum)) break;
  }
  return sum;
}

/** Ei(x) = −∫_{−x}^∞ e^(−t)/t dt, the principal value for x > 0; Ei(x) = −E₁(−x) for x < 0. */
export function expintOfSecondKind(x: number): number {
  if (x < 0) return -expintOfOrder(1, -x);
  if (x === 0) return -Infinity;
  if (!(x < Infinity)) return x;
  if (x > 40) return asymptotic(x);
  if (x > 0.25 && x < 0.5) return aboutRoot(x);
  let term = 1;
  let sum = 0;
  for (let k = 1; k < 200; k++) {
    term *= x / k;
    sum += term / k;
    if (term < 1e-18 * sum) break;
  }
  return euler + Math.log(x) + sum; // DLMF 6.6.1; all terms positive from x = 1 on
}

/** e^x/x·Σk!/x^k: its smallest term is e^(−x). */
function asymptotic(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < x; k++) {
    term *= k / x;
    if (term < 1e-17) break;
    sum += term;
  }
  const half = Math.exp(0.5 * x); // e^x overflows before Ei(x)
  return ((half * sum) / x) * half;
}

/** The zero of Ei in two parts. */
const rootHigh = 0.37250741078136663;
const rootLow = 1.3140183414386028e-17;

/** Ei(r + d) = ∫_r^{r+d}e^t/t dt = log(1 + d/r) + Σ((r + d)^k − r^k)/(k·k!), with d to all its digits. */
function aboutRoot(x: number): number {
  const d = x - rootHigh - rootLow;
  let sum = Math.log1p(d / rootHigh);
  let power = 1; // ((r + d)^k − r^k)/d = Σ x^i r^(k−1−i)
  let ofRoot = 1;
  let factorial = 1;
  for (let k = 1; k < 30; k++) {
    factorial *= k;
    sum += (d * power) / (k * factorial);
    ofRoot *= rootHigh;
    power = power * x + ofRoot;
  }
  return sum;
}
