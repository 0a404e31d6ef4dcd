/** e^{x²}erfc(x) of a number, and logarithms of erfc and of the normal distribution function. */

const twoOverRootPi = 1.1283791670955126;
const step = 0.5;
/** e^{−n²h²}, n = 1…13. */
const weights: readonly number[] = /* @__PURE__ */ Array.from({ length: 13 }, (_, i) =>
  Math.exp(-((step * (i + 1)) ** 2)),
);

/** erf(x)·e^{x²} = (2x/√π)Σ(2x²)ⁿ/(2n + 1)!!, |x| ≤ ½: all terms have one sign (DLMF 7.6.2). */
function erfTimesExp(x: number): number {
  const y = 2 * x * x;
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-17; n++) sum += term *= y / (2 * n + 1);
  return twoOverRootPi * x * sum;
}

/** e^{x²}, with the part of x² that rounding would lose. */
function expSquare(x: number): number {
  const head = Math.trunc(16 * x) / 16;
  return Math.exp(head * head) * Math.exp((x - head) * (x + head));
}

/**
 * e^{x²}erfc(x). For x ≥ ½ the trapezoid rule on erfcx(x) = (x/π)∫e^{−t²}/(t² + x²)dt, whose error e^{−(π/h)²} is 7e-18 for h = ½; poles at
 * ±ix give the term that is taken off while they lie within the strip, x < π/h.
 *
 * Source: Matta & Reichel, Uniform computation of the error function and other related functions (1971); DLMF 7.7.1.
 */
export function erfcx(x: number): number {
  if (x < -27) return Infinity;
  if (x < -0.5) return 2 * expSquare(x) - erfcx(-x);
  if (x <= 0.5) return Math.exp(x * x) - erfTimesExp(x);
  if (x > 1e8) return (0.5 * twoOverRootPi) / x;
  const square = x * x;
  let sum = 0.5 / square;
  for (let n = 1; n <= weights.length; n++) sum += weights[n - 1] / (step * step * n * n + square);
  const rule = ((2 * step) / Math.PI) * x * sum;
  if (x >= Math.PI / step) return rule;
  return rule - (2 * expSquare(x)) / Math.expm1((2 * Math.PI * x) / step);
}

/** log erfc(x). */
export function logErfc(x: number): number {
  if (x > 0.5) return Math.log(erfcx(x)) - x * x;
  if (x < -0.5) return Math.log(2 - Math.exp(-x * x) * erfcx(-x));
  return Math.log1p(-erfTimesExp(x) * Math.exp(-x * x));
}

/** log Φ(x), Φ(x) = ½erfc(−x/√2). */
export function logNdtr(x: number): number {
  const y = x * Math.SQRT1_2;
  if (y < -0.5) return Math.log(0.5 * erfcx(-y)) - 0.5 * x * x;
  if (x > 40) return -0; // the tail is below the smallest number
  if (y > 0.5) {
    const head = Math.trunc(16 * x) / 16; // as in expSquare
    const gaussian = Math.exp(-0.5 * head * head) * Math.exp(-0.5 * (x - head) * (x + head));
    return Math.log1p(-0.5 * gaussian * erfcx(y));
  }
  return Math.log1p(erfTimesExp(y) * Math.exp(-y * y)) - Math.LN2;
}
