/** Arithmetic with twice the digits of a float64, for the few places where leading terms cancel. A number is hi + lo, unevaluated. */

export interface DoubleDouble {
  readonly hi: number;
  readonly lo: number;
}

/** a + b, |a| ≥ |b|. */
function quickSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

function twoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const part = hi - a;
  return { hi, lo: a - (hi - part) + (b - part) };
}

/** a·b without error, by Dekker's splitting; |a|, |b| < 1e290. */
export function twoProduct(a: number, b: number): DoubleDouble {
  const hi = a * b;
  const ca = 134217729 * a;
  const cb = 134217729 * b;
  const ah = ca - (ca - a);
  const bh = cb - (cb - b);
  const al = a - ah;
  const bl = b - bh;
  return { hi, lo: ah * bh - hi + ah * bl + al * bh + al * bl };
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const s = twoSum(a.hi, b.hi);
  return quickSum(s.hi, s.lo + a.lo + b.lo);
}

export function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const p = twoProduct(a.hi, b.hi);
  return quickSum(p.hi, p.lo + a.hi * b.lo + a.lo * b.hi);
}

export function divide(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const q = a.hi / b.hi;
  const p = multiply(b, { hi: q, lo: 0 });
  return quickSum(q, (a.hi - p.hi + (a.lo - p.lo)) / b.hi);
}

export function squareRoot(a: DoubleDouble): DoubleDouble {
  const root = Math.sqrt(a.hi);
  const p = twoProduct(root, root);
  return quickSum(root, (a.hi - p.hi + (a.lo - p.lo)) / (2 * root));
}

/** eᵃ − 1 of a tiny a, by its series, then squared up: e^a = (e^(a/512))^512. */
function exponential(a: number): DoubleDouble {
  const n = Math.round(a / Math.LN2);
  const ln2 = twoProduct(n, 0.6931471805599453);
  const r0 = twoSum(a, -ln2.hi);
  const r = quickSum(r0.hi, r0.lo - ln2.lo - n * 2.319046813846299e-17);
  const s = { hi: r.hi / 512, lo: r.lo / 512 };
  // e^s − 1 by Horner: |s| < 7e-4, so nine terms reach 1e-32.
  let sum: DoubleDouble = { hi: 0, lo: 0 };
  for (let k = 9; k >= 1; k--) {
    const factor = divide(s, { hi: k, lo: 0 });
    sum = multiply(factor, add({ hi: 1, lo: 0 }, sum));
  }
  // (1 + m)² − 1 = m(2 + m)
  for (let k = 0; k < 9; k++) sum = multiply(sum, add({ hi: 2, lo: 0 }, sum));
  const value = add({ hi: 1, lo: 0 }, sum);
  const scale = 2 ** n;
  return { hi: value.hi * scale, lo: value.lo * scale };
}

/** log a: one Newton step from the float64 logarithm. */
export function logarithm(a: DoubleDouble): DoubleDouble {
  const guess = Math.log(a.hi);
  const product = multiply(a, exponential(-guess));
  const error = product.hi - 1 + product.lo; // small: log(1 + error) = error − error²/2
  return quickSum(guess, error - 0.5 * error * error);
}
