/**
 * asin and acos.
 *
 * |x| ≤ ½: asin x = x + x·z·P(z), z = x². Beyond: asin x = π/2 − 2·asin √((1 − x)/2), whose argument is at most ½ again.
 * The two large terms of a difference meet first: that step is nearly exact, and the small term carries the low part of
 * π/2. P: minimax, `scripts/fit-minimax.py asin64 asin32`.
 */

const f = Math.fround;

const half64 = 1.5707963267948966; // π/2 in two parts
const halfLow64 = 6.123233995736766e-17;
const half32 = 1.5707963705062866;
const halfLow32 = -4.371138828673793e-8;

/** P(z)·z = asin(√z)/√z − 1 for 0 ≤ z ≤ ¼. */
function asinTail64(z: number): number {
  const v = z * z;
  const even =
    0.16666666666665408 +
    v *
      (0.04464285682822992 +
        v *
          (0.022371757974281713 + v * (0.013885226544028222 + v * (0.006527771549420921 + v * -0.016224973367957897))));
  const odd =
    0.07500000000337144 +
    v *
      (0.030381959140567346 +
        v * (0.01735970577930028 + v * (0.012169264011823753 + v * (0.019528769728051662 + v * 0.03191272166716672))));
  return z * (even + z * odd);
}

function asinTail32(z: number): number {
  const v = f(z * z);
  const even = f(0.16666752099990845 + f(v * f(0.04546915367245674 + f(v * 0.04215838760137558))));
  const odd = f(0.074953094124794 + f(v * 0.02418474294245243));
  return f(z * f(even + f(z * odd)));
}

/** Arc sine. */
export function asin64(x: number): number {
  const a = Math.abs(x);
  const outer = a > 0.5;
  const z = outer ? 0.5 * (1 - a) : a * a;
  const s = outer ? Math.sqrt(z) : a;
  const p = s * asinTail64(z);
  const y = outer ? half64 - 2 * s - (2 * p - halfLow64) : s + p;
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Arc sine in float32. */
export function asin32(x: number): number {
  const a = Math.abs(x);
  const outer = a > 0.5;
  const z = outer ? 0.5 * f(1 - a) : f(a * a);
  const s = outer ? f(Math.sqrt(z)) : a;
  const p = f(s * asinTail32(z));
  const y = outer ? f(f(half32 - 2 * s) - f(2 * p - halfLow32)) : f(s + p);
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Arc cosine. */
export function acos64(x: number): number {
  const a = Math.abs(x);
  const outer = a > 0.5;
  const z = outer ? 0.5 * (1 - a) : a * a;
  const s = outer ? Math.sqrt(z) : x;
  const p = s * asinTail64(z);
  if (outer && x > 0) return 2 * (s + p);
  const y = half64 - s - (p - halfLow64);
  return outer ? 2 * y : y;
}

/** Arc cosine in float32. */
export function acos32(x: number): number {
  const a = Math.abs(x);
  const outer = a > 0.5;
  const z = outer ? 0.5 * f(1 - a) : f(a * a);
  const s = outer ? f(Math.sqrt(z)) : x;
  const p = f(s * asinTail32(z));
  if (outer && x > 0) return 2 * f(s + p);
  const y = f(f(half32 - s) - f(p - halfLow32));
  return outer ? 2 * y : y;
}
