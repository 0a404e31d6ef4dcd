/** The logarithm without its linear term. */

/** log(1 + y) − y, y > −1. */
export function log1pRest(y: number): number {
  if (Math.abs(y) > 0.3) return Math.log1p(y) - y;
  // with r = y/(2 + y): log(1 + y) = 2(r + r³/3 + …), and 2r − y = −r·y
  const r = y / (2 + y);
  const s = r * r;
  let power = 2 * r * s;
  let sum = -r * y;
  for (let k = 3; Math.abs(power) > 1e-18 * Math.abs(sum); k += 2) {
    sum += power / k;
    power *= s;
  }
  return sum;
}
