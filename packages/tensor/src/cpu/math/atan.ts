/**
 * atan and atan2.
 *
 * A ratio a is brought into |t| ≤ tan(π/8) by atan a = π/4 + atan((a − 1)/(a + 1)) or π/2 − atan(1/a), one division in
 * each case; atan t = t + t·z·P(z), z = t². P: minimax, `scripts/fit-minimax.py atan64 atan32`.
 */

const f = Math.fround;

const tan22_64 = 0.41421356237309503; // tan(π/8) = √2 − 1
const tan67_64 = 2.414213562373095;
const tan22_32 = 0.41421356797218323;
const tan67_32 = 2.4142136573791504;

// π/4, π/2, 3π/4 and π in two parts.
const quarter64 = 0.7853981633974483;
const quarterLow64 = 3.061616997868383e-17;
const half64 = 1.5707963267948966;
const halfLow64 = 6.123233995736766e-17;
const three64 = 2.356194490192345;
const threeLow64 = 9.184850993605148e-17;
const pi64 = 3.141592653589793;
const piLow64 = 1.2246467991473532e-16;
const quarter32 = 0.7853981852531433;
const quarterLow32 = -2.1855694143368964e-8;
const half32 = 1.5707963705062866;
const halfLow32 = -4.371138828673793e-8;
const three32 = 2.356194496154785;
const threeLow32 = -5.962440319251527e-9;
const pi32 = 3.1415927410125732;
const piLow32 = -8.742277657347586e-8;

/** t·z·P(z) = atan(t) − t. */
function atanTail64(t: number): number {
  const z = t * t;
  const v = z * z;
  const even =
    -0.333333333333332 +
    v *
      (-0.1428571428020084 +
        v *
          (-0.09090897760491584 + v * (-0.06663104837284586 + v * (-0.05039344665272035 + v * -0.01790874837606649))));
  const odd =
    0.1999999999995368 +
    v * (0.1111111078357922 + v * (0.07692060269936542 + v * (0.05847896536242809 + v * 0.038065770333362885)));
  return t * z * (even + z * odd);
}

function atanTail32(t: number): number {
  const z = f(t * t);
  const v = f(z * z);
  const even = f(-0.33333316445350647 + f(v * f(-0.14244391024112701 + f(v * -0.060900766402482986))));
  const odd = f(0.19998528063297272 + f(v * 0.10599172115325928));
  return f(f(t * z) * f(even + f(z * odd)));
}

/** Arc tangent. */
export function atan64(x: number): number {
  const a = Math.abs(x);
  const steep = a > tan67_64;
  const middle = a > tan22_64;
  const t = steep ? -1 / a : middle ? (a - 1) / (a + 1) : a;
  const base = steep ? half64 : middle ? quarter64 : 0;
  const low = steep ? halfLow64 : middle ? quarterLow64 : 0;
  const y = base + (t + (atanTail64(t) + low));
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Arc tangent in float32. */
export function atan32(x: number): number {
  const a = Math.abs(x);
  const steep = a > tan67_32;
  const middle = a > tan22_32;
  const t = steep ? f(-1 / a) : middle ? f(f(a - 1) / f(a + 1)) : a;
  const base = steep ? half32 : middle ? quarter32 : 0;
  const low = steep ? halfLow32 : middle ? quarterLow32 : 0;
  const y = f(base + f(t + f(atanTail32(t) + low)));
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Angle of the point (x, y), in [−π, π], with the signs of zeros and the infinities of C and IEEE 754. */
export function atan264(y: number, x: number): number {
  let a = Math.abs(x);
  let b = Math.abs(y);
  if (a === Infinity && b === Infinity) a = b = 1;
  const left = x < 0 || (x === 0 && 1 / x < 0);
  const steep = b > tan67_64 * a;
  const middle = b > tan22_64 * a;
  const s = b > 1e300 ? 0.25 : 1; // keeps a + b finite
  const u = steep ? -a : middle ? b * s - a * s : b;
  const v = steep ? b : middle ? b * s + a * s : a === 0 ? 1 : a;
  const t = left ? -u / v : u / v;
  const base = steep ? half64 : middle ? (left ? three64 : quarter64) : left ? pi64 : 0;
  const low = steep ? halfLow64 : middle ? (left ? threeLow64 : quarterLow64) : left ? piLow64 : 0;
  const angle = base + (t + (atanTail64(t) + low));
  return y < 0 || (y === 0 && 1 / y < 0) ? -angle : angle;
}

/** Angle of the point (x, y) in float32. */
export function atan232(y: number, x: number): number {
  let a = Math.abs(x);
  let b = Math.abs(y);
  if (a === Infinity && b === Infinity) a = b = 1;
  const left = x < 0 || (x === 0 && 1 / x < 0);
  const steep = b > f(tan67_32 * a);
  const middle = b > f(tan22_32 * a);
  const s = b > 1e38 ? 0.25 : 1; // keeps a + b finite; these products are exact
  const u = steep ? -a : middle ? f(b * s - a * s) : b;
  const v = steep ? b : middle ? f(b * s + a * s) : a === 0 ? 1 : a;
  const t = left ? f(-u / v) : f(u / v);
  const base = steep ? half32 : middle ? (left ? three32 : quarter32) : left ? pi32 : 0;
  const low = steep ? halfLow32 : middle ? (left ? threeLow32 : quarterLow32) : left ? piLow32 : 0;
  const angle = f(base + f(t + f(atanTail32(t) + low)));
  return y < 0 || (y === 0 && 1 / y < 0) ? -angle : angle;
}
