/**
 * Debye's expansions of J and Y and of their derivatives: for x below v as for the modified functions, for x above v with the same
 * polynomials at imaginary arguments. Uniform in x/v away from the turning point x = v.
 *
 * Source: DLMF 10.19(ii), 10.41.9–10.
 */

/** [J, Y, J′, Y′] */
export type Cylinder = readonly [j: number, y: number, dj: number, dy: number];

const terms = 20;

/**
 * Coefficients of u_k(p)/p^k and v_k(p)/p^k in powers of p², lowest first, k = 0…20.
 *
 * u_(k+1) = ½p²(1 − p²)u_k′ + ⅛∫₀^p(1 − 5t²)u_k dt; v_(k+1) = u_(k+1) − p(1 − p²)(½u_k + p·u_k′). The coefficients of one polynomial
 * alternate in sign, so nothing cancels in the first recurrence.
 */
const [u, v]: readonly (readonly (readonly number[])[])[] = /* @__PURE__ */ (() => {
  const us: number[][] = [[1]];
  const vs: number[][] = [[1]];
  for (let k = 0; k < terms; k++) {
    const next = new Array<number>(k + 2).fill(0);
    const slope = new Array<number>(k + 2).fill(0);
    for (const [j, c] of us[k].entries()) {
      const n = k + 2 * j; // the power
      next[j] += c * (n / 2 + 1 / (8 * (n + 1)));
      next[j + 1] -= c * (n / 2 + 5 / (8 * (n + 3)));
      slope[j] -= c * (n + 0.5);
      slope[j + 1] += c * (n + 0.5);
    }
    us.push(next);
    vs.push(next.map((c, j) => c + slope[j]));
  }
  return [us, vs];
})();

/** Σ_k of the even k and of the odd, of poly_k(s)z^k. */
function sums(table: readonly (readonly number[])[], z: number, s: number, alternate: 1 | -1): [even: number, odd: number] {
  let even = 1;
  let odd = 0;
  let power = 1;
  for (let k = 1; k <= terms; k++) {
    const row = table[k];
    let poly = row[k];
    for (let j = k - 1; j >= 0; j--) poly = poly * s + row[j];
    power *= z;
    const term = poly * power * (alternate < 0 && k & 2 ? -1 : 1);
    if (k & 1) odd += term;
    else even += term;
    if (Math.abs(term) < 1e-18) break;
  }
  return [even, odd];
} // prettier-ignore

/**
 * |v(tanh α − α)| with x = v·sech α for x < v, v(tan β − β) with x = v·sec β for x > v: how far, in the phase or the exponent, x is from
 * the turning point. The expansions are good to rounding from 22 on.
 */
export function distance(order: number, x: number): number {
  const h = root(order, x);
  const t = h / order;
  if (t * t < 0.5) {
    // v(t³/3 ± t⁵/5 + …)
    const s = x < order ? t * t : -t * t;
    let sum = 0;
    let power = 1;
    for (let n = 3; Math.abs(power) > 1e-17; n += 2) {
      sum += power / n;
      power *= s;
    }
    return h * t * t * sum;
  }
  return x < order ? order * Math.log((order + h) / x) - h : h - order * Math.atan2(h, order);
}

/** √|v² − x²| */
function root(order: number, x: number): number {
  return Math.sqrt(Math.abs(order - x)) * Math.sqrt(order + x);
}

/** For x < v, `w` from {@link distance}. */
export function debyeBelow(order: number, x: number, w: number): Cylinder {
  const h = root(order, x);
  const p = order / h;
  const [even, odd] = sums(u, 1 / h, p * p, 1);
  const [slopeEven, slopeOdd] = sums(v, 1 / h, p * p, 1);
  const up = Math.exp(w);
  const down = Math.exp(-w);
  const size = Math.sqrt(2 / (Math.PI * h));
  const slope = Math.sqrt((2 * h) / Math.PI) / x;
  return [
    0.5 * size * down * (even + odd),
    -size * up * (even - odd),
    0.5 * slope * down * (slopeEven + slopeOdd),
    slope * up * (slopeEven - slopeOdd),
  ];
}

/** For x > v, `w` from {@link distance}. */
export function debyeAbove(order: number, x: number, w: number): Cylinder {
  const h = root(order, x);
  const q = order / h;
  const [even, odd] = sums(u, 1 / h, -q * q, -1);
  const [slopeEven, slopeOdd] = sums(v, 1 / h, -q * q, -1);
  const [cos, sin] = phase(order, x, h, w);
  const size = Math.sqrt(2 / (Math.PI * h));
  const slope = Math.sqrt((2 * h) / Math.PI) / x;
  return [
    size * (cos * even + sin * odd),
    size * (sin * even - cos * odd),
    slope * (cos * slopeOdd - sin * slopeEven),
    slope * (cos * slopeEven + sin * slopeOdd),
  ];
}

/**
 * Cosine and sine of ξ = w − π/4. For large x/v as those of x − π(v/2 + ¼) + δ: the first is reduced exactly, the second too, and
 * δ = h − x + v·asin(v/x) is small.
 */
function phase(order: number, x: number, h: number, w: number): [cos: number, sin: number] {
  if (order > 0.5 * x) return [Math.cos(w - Math.PI / 4), Math.sin(w - Math.PI / 4)];
  const delta = order * (Math.asin(order / x) - order / (x + h));
  const turns = (0.5 * order) % 2;
  const angle = delta - Math.PI * (turns + 0.25);
  const [c, s] = [Math.cos(x), Math.sin(x)];
  const [a, b] = [Math.cos(angle), Math.sin(angle)];
  return [c * a - s * b, s * a + c * b];
}
