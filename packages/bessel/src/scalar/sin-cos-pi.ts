/** Sine and cosine of multiples of π. */

/** sin πv and cos πv, exactly 0 and ±1 where they are. */
export function sinCosPi(v: number): readonly [sin: number, cos: number] {
  const n = Math.round(2 * v);
  const rest = Math.PI * (v - n / 2);
  const [s, c] = [Math.sin(rest), Math.cos(rest)];
  switch (((n % 4) + 4) % 4) {
    case 0:
      return [s, c];
    case 1:
      return [c, -s];
    case 2:
      return [-s, -c];
    default:
      return [-c, s];
  }
}
