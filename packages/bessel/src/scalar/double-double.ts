/**
 * Numbers of twice the precision, as unevaluated sums of two float64: what the exponents of Bessel functions need where the functions are
 * ordinary numbers, for an error of an exponent is a relative error of the function.
 *
 * Source: Dekker, A floating-point technique for extending the available precision (1971); Knuth, The art of computer programming 2, 4.2.2.
 * Operands between 1e-140 and 1e140 in size: nothing overflows, and no part of a product is subnormal.
 */

/** high + low with |low| ≤ ½ ulp of high. */
export type DoubleDouble = readonly [high: number, low: number];

/** a + b, exactly. */
export function twoSum(a: number, b: number): DoubleDouble {
  const high = a + b;
  const part = high - a;
  return [high, a - (high - part) + (b - part)];
}

/** a·b, exactly. */
export function twoProduct(a: number, b: number): DoubleDouble {
  const high = a * b;
  const [a1, b1] = [leading(a), leading(b)];
  const [a2, b2] = [a - a1, b - b1];
  return [high, a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2];
}

/** The first 26 bits. */
function leading(a: number): number {
  const scaled = 134217729 * a;
  return scaled - (scaled - a);
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [high, low] = twoSum(a[0], b[0]);
  return twoSum(high, low + (a[1] + b[1]));
}

export function times(a: DoubleDouble, b: number): DoubleDouble {
  const [high, low] = twoProduct(a[0], b);
  return twoSum(high, low + a[1] * b);
}

export function divide(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const first = a[0] / b[0];
  const [high, low] = twoProduct(first, b[0]);
  return twoSum(first, (a[0] - high - low + a[1] - first * b[1]) / b[0]);
}

/** √(a² + b²). */
export function hypotenuse(a: number, b: number): DoubleDouble {
  const square = add(twoProduct(a, a), twoProduct(b, b));
  const root = Math.sqrt(square[0]);
  const [high, low] = twoProduct(root, root);
  return twoSum(root, (square[0] - high - low + square[1]) / (2 * root));
}

/** ⅓ less its float64. */
const thirdLow = 1.850371707708594e-17;

/** 2·artanh(s) = log((1 + s)/(1 − s)), |s| < 1/64, to 1e-27. */
function twiceArtanh(s: DoubleDouble): DoubleDouble {
  const [w, wLow] = twoProduct(s[0], s[0]);
  const third = add(times([w, wLow + 2 * s[0] * s[1]], 1 / 3), [w * thirdLow, 0]);
  const rest = w * w * (1 / 5 + w * (1 / 7 + w * (1 / 9 + w * (1 / 11 + w * (1 / 13)))));
  const [high, low] = twoSum(third[0], third[1] + rest); // artanh(s)/s − 1
  const bend = times([high, low], s[0]);
  return times(add(s, [bend[0], bend[1] + high * s[1]]), 2);
}

const parts = 64;
let logs: readonly DoubleDouble[] | undefined;

/** log(1 + j/64), j = 0…64: sums of log((k + 1)/k) = 2·artanh(1/(2k + 1)). */
function logTable(): readonly DoubleDouble[] {
  if (logs !== undefined) return logs;
  const table: DoubleDouble[] = [[0, 0]];
  for (let k = parts; k < 2 * parts; k++)
    table.push(add(table[k - parts], twiceArtanh(divide([1, 0], [2 * k + 1, 0]))));
  return (logs = table);
}

/** log a, a ≥ 1, to 1e-26 of max(1, value). */
export function logarithm(a: DoubleDouble): DoubleDouble {
  const table = logTable();
  const exponent = Math.floor(Math.log2(a[0]));
  const scale = 2 ** -exponent;
  const [high, low] = [a[0] * scale, a[1] * scale];
  const j = Math.round((high - 1) * parts);
  const centre = 1 + j / parts;
  const s = divide([high - centre, low], add([high, low], [centre, 0]));
  return add(add(times(table[parts], exponent), table[j]), twiceArtanh(s));
}
