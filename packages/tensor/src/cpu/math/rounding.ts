/** Rounding to integers as IEEE 754 and NumPy do it; Math.round breaks ties upwards. */

/** Nearest integer, ties to even; −0.3 gives −0. Exact in both precisions. */
export function roundHalfEven(x: number): number {
  const a = Math.abs(x);
  if (!(a < 4503599627370496)) return x; // from 2^52 on every double is an integer; NaN
  const r = a + 4503599627370496 - 4503599627370496;
  return x > 0 ? r : x < 0 ? -r : x;
}
