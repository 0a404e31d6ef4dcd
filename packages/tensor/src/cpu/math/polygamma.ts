/** digamma and polygamma. */

/** ψ(x) = Γ′(x)/Γ(x). */
export function digamma64(x: number): number {
  if (x !== x || x === -Infinity) return NaN;
  if (x === 0) return -1 / x;
  let y = x;
  let r = 0;
  if (x < 0) {
    if (Math.floor(x) === x) return NaN;
    r = -Math.PI / Math.tan(Math.PI * (x - Math.round(x)));
    y = 1 - x;
  }
  while (y < 10) r -= 1 / y++;
  const z = 1 / (y * y);
  return (
    r +
    Math.log(y) -
    0.5 / y -
    z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12))))))
  );
}

/** ψ(x) in float32, computed in float64 and rounded once. */
export function digamma32(x: number): number {
  return Math.fround(digamma64(x));
}

/** ψ^(n)(x), the n-th derivative of digamma. */
export function polygamma64(n: number, x: number): number {
  if (n === 0) return digamma64(x);
  if (x <= 0 && Math.floor(x) === x) return n % 2 === 1 ? Infinity : NaN;
  let y = x;
  let s = 0;
  while (y < 15 + n) s += (y++) ** -(n + 1);
  let factorial = 1;
  for (let i = 2; i < n; i++) factorial *= i;
  const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
  let t = (factorial * n) / 2 / y ** (n + 1) + factorial / y ** n;
  let c = factorial * n;
  for (let k = 1; k <= 7; k++) {
    c = k === 1 ? (factorial * n * (n + 1)) / 2 : (c * (n + 2 * k - 2) * (n + 2 * k - 1)) / ((2 * k - 1) * 2 * k);
    t += (bernoulli[k - 1] * c) / y ** (n + 2 * k);
  }
  const value = s * factorial * n + t;
  return n % 2 === 1 ? value : -value;
}

/** ψ^(n)(x) in float32, computed in float64 and rounded once. */
export function polygamma32(n: number, x: number): number {
  return Math.fround(polygamma64(n, x));
}
