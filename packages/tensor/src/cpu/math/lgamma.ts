/** log|Γ|. */

/** log|Γ(x)|. */
export function lgamma64(x: number): number {
  if (x !== x) return NaN;
  if (x === Infinity || x === -Infinity) return Infinity;
  if (x < 0.5) {
    if (Math.floor(x) === x) return Infinity;
    const t = x - 2 * Math.round(x / 2);
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * t))) - lgamma64(1 - x);
  }
  let p = 1;
  let y = x;
  while (y < 10) p *= y++;
  const z = 1 / (y * y);
  const s =
    (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360 - z / 156)))))) / y;
  return (y - 0.5) * (Math.log(y) - 1) + 0.4189385332046727 + s - Math.log(p);
}

/** log|Γ(x)| in float32, computed in float64 and rounded once. */
export function lgamma32(x: number): number {
  return Math.fround(lgamma64(x));
}
