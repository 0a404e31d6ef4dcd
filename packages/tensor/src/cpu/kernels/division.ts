/** Remainders and quotients that round to −∞, and integer powers. */

/** x − ⌊x/y⌋·y with the sign of y; mod(x, ±Inf) is x or y. */
export function floatMod(x: number, y: number): number {
  const r = x % y;
  if (r === 0) return y < 0 || Object.is(y, -0) ? -0 : 0;
  return r < 0 !== y < 0 ? r + y : r;
}

/** ⌊x/y⌋ computed from the exact remainder, so that 1 // 0.1 is 9. */
export function floatFloorDiv(x: number, y: number): number {
  if (y === 0) return x / y;
  const r = x % y;
  const quotient = (x - r) / y - (r !== 0 && r < 0 !== y < 0 ? 1 : 0);
  const floor = Math.floor(quotient);
  return quotient === 0 ? 0 * (x / y) : quotient - floor > 0.5 ? floor + 1 : floor;
}

/** The remainder with the divisor's sign; 0 for a zero divisor, as NumPy. */
export function integerMod(x: number, y: number): number {
  if (y === 0) return 0;
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}

/** x to the power n ≥ 0, wrapping at 32 bits; a negative n gives 0 (the public function refuses it). */
export function integerPow(x: number, n: number): number {
  if (n < 0) return 0;
  let result = 1;
  for (; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) result = Math.imul(result, x);
    x = Math.imul(x, x);
  }
  return result;
}
