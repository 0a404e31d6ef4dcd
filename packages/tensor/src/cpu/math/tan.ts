/**
 * tan.
 *
 * x = n·π/2 + r + low, |r| ≤ π/4; tan r = r + r·z·P(z)/Q(z) with z = r², and −1/tan r for odd n. The derivative of tan is
 * up to 2 there, so the rounding of r matters twice as much as for sin: the part that r loses is kept in `low`.
 * Ranges as in sin.ts. P, Q: minimax, `scripts/fit-minimax.py tan64 tan32`.
 */

const f = Math.fround;

const round64 = 6755399441055744; // 1.5·2^52
const round32 = 12582912; // 1.5·2^23

/** Tangent. */
export function tan64(x: number): number {
  if (!(Math.abs(x) <= 1e5)) return Math.tan(x);
  const n = x * 0.6366197723675814 + round64 - round64; // 2/π
  const w = x - n * 1.5707963267341256;
  const n2 = n * 6.077100506303966e-11;
  const y = w - n2;
  const n3 = n * 2.0222662487959506e-21 - (w - y - n2);
  const r = y - n3;
  const low = y - r - n3;
  const z = r * r;
  const p = 0.3333333333333333 + z * (-0.021433821185013673 + z * (0.0002444545041731003 + z * -1.7718672719855357e-8));
  const q = 1 + z * (-0.4643014635550426 + z * (0.024549187029788713 + z * -0.00025557566754320454));
  const t = r + (r * (z * (p / q)) + low * (1 + z));
  return x === 0 ? x : n & 1 ? -1 / t : t;
}

/** Tangent in float32. */
export function tan32(x: number): number {
  if (!(Math.abs(x) <= 1e3)) return f(Math.tan(x));
  const n = f(f(x * 0.6366197466850281) + round32) - round32;
  const w = x - n * 1.5703125 - n * 4.837512969970703e-4; // exact
  const n3 = n * 7.549533620476723e-8; // exact
  const y = f(w - n3);
  const n4 = f(f(n * 2.5633440682570896e-12) - f(f(w - y) - n3));
  const r = f(y - n4);
  const low = f(f(y - r) - n4);
  const t = tanReduced32(r, low);
  return x === 0 ? x : n & 1 ? f(-1 / t) : t;
}

/** tan(r + low). A function of its own: V8 does not inline bodies of more than 460 bytes of bytecode. */
function tanReduced32(r: number, low: number): number {
  const z = f(r * r);
  const p = f(0.3333333432674408 + f(z * -0.014784322120249271));
  const q = f(1 + f(z * f(-0.4443527162075043 + f(z * 0.015835845842957497))));
  return f(r + f(f(r * f(z * f(p / q))) + f(low * f(1 + z))));
}
