/**
 * The modified Bessel functions of two numbers, not by way of their logarithms: every expression of the ladder is a power or an exponential
 * times a number near 1, and the exponent is kept to twice the precision.
 */

import { debyeSum } from "./debye.js";
import { add, divide, hypotenuse, logarithm, times, type DoubleDouble } from "./double-double.js";
import { hankelSum } from "./hankel.js";
import { rungAt, scaledLadder } from "./ladder.js";
import { logI, logK, logScaledI, logScaledK } from "./log-bessel.js";
import { valueBySeries } from "./series.js";
import { scaledSmallOrder } from "./small-order.js";
import { sinCosPi } from "./sin-cos-pi.js";

/** I_v(x), or I_v(x)e^(−x), x ≥ 0: for negative orders by I_{−v} = I_v + (2/π)sin(πv)K_v. */
export function besselIOf(v: number, x: number, scaled: boolean): number {
  if (v >= 0) return ofPositiveOrder(v, x, scaled);
  const i = ofPositiveOrder(-v, x, scaled);
  const [sine] = sinCosPi(-v);
  if (sine === 0) return i; // where K may overflow
  const k = besselKOf(v, x, false);
  return i + (2 / Math.PI) * sine * (scaled ? k * Math.exp(-x) : k);
}

function ofPositiveOrder(v: number, x: number, scaled: boolean): number {
  if (!ordinary(v, x)) return Math.exp((scaled ? logScaledI : logI)(v, x));
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return valueBySeries(v, x) * (scaled ? Math.exp(-x) : 1);
  if (rung.expansion === "hankel") {
    const lead = (1 + hankelSum(rung.terms, v, x, -1)) / Math.sqrt(2 * Math.PI * x);
    return scaled ? lead : timesExp(lead, [x, 0]);
  }
  const [eta, h] = exponent(v, x);
  const p = v / h;
  const lead = (1 + debyeSum(rung.terms, 1 / h, p * p)) / Math.sqrt(2 * Math.PI * h);
  return timesExp(lead, scaled ? add(eta, [-x, 0]) : eta);
}

/** K_v(x), or K_v(x)e^x, x ≥ 0; even in v. */
export function besselKOf(order: number, x: number, scaled: boolean): number {
  const v = Math.abs(order);
  if (!ordinary(v, x)) return Math.exp((scaled ? logScaledK : logK)(v, x));
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) {
    const { value, power } = scaledSmallOrder(v, x);
    return (power === 0 ? value : value * x ** -power) * (scaled ? 1 : Math.exp(-x));
  }
  if (rung.expansion === "hankel") {
    const lead = (1 + hankelSum(rung.terms, v, x, 1)) * Math.sqrt(Math.PI / (2 * x));
    return scaled ? lead : timesExp(lead, [-x, 0]);
  }
  const [eta, h] = exponent(v, x);
  const p = v / h;
  const lead = (1 + debyeSum(rung.terms, -1 / h, p * p)) * Math.sqrt(Math.PI / (2 * h));
  return timesExp(lead, add([-eta[0], -eta[1]], scaled ? [x, 0] : [0, 0]));
}

/** Where the exponent is exact enough to say more than the logarithm does. */
function ordinary(v: number, x: number): boolean {
  return v < 1e10 && x > 1e-140 && x < 1e14;
}

/** η = h − v·log((v + h)/x), and h = √(v² + x²). */
function exponent(v: number, x: number): readonly [eta: DoubleDouble, h: number] {
  const h = hypotenuse(v, x);
  const angle = logarithm(divide(add(h, [v, 0]), [x, 0]));
  return [add(h, times(angle, -v)), h[0]];
}

/** factor·e^exponent: in two steps where e^exponent alone would leave the range, or its digits. */
function timesExp(factor: number, [high, low]: DoubleDouble): number {
  const all = factor * (1 + low);
  if (Math.abs(high) < 700) return all * Math.exp(high);
  const half = Math.exp(0.5 * high);
  return all * half * half;
}
