/**
 * I and K themselves in float32, by the formulas of their logarithms: what overflows or vanishes in float32 does so, and nothing else. The
 * exponent is a float32, so that the relative error grows with it.
 */

import { startOfK } from "./second-kind.js";
import { single, type SourceFunction } from "./source.js";
import { smallestRadius } from "./uniform.js";

const { largest, literal } = single;
const nan = "(x - x) / (x - x)";
const large = `v * v + x * x >= ${smallestRadius ** 2}.0 || v > 1e18 || x > 1e18`;

/** lead·e^exponent for large orders or arguments: in two steps, because the exponential alone may overflow. */
const uniform = (kind: "I" | "K", scaled: boolean): string => `
  if (${large}) {
    let h = c_besselRadius(v, x);
    let p = v / h;
    let e = ${kind === "I" ? "" : "-"}${scaled ? "c_besselScaledExponent" : "c_besselExponent"}(v, x, h);
    let half = c_exp(0.5 * e);
    let sum = 1.0 + c_besselDebye(${kind === "I" ? "1.0" : "-1.0"} / h, p * p);
    return Math.sqrt(${literal(kind === "I" ? 0.5 / Math.PI : 0.5 * Math.PI)} / h) * sum * half * half;
  }`;

/** I_v(x) or I_v(x)e^(−x), v ≥ 0. */
const firstKind = (scaled: boolean): string => `
  if (!(v >= 0.0 && x >= 0.0)) { let z = v - v; return z / z; }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return ${scaled ? "0.0" : "x"};
  }
  if (x === 0.0) {
    if (v === 0.0) { return 1.0; }
    return 0.0;
  }
  if (v > ${largest}) { return 0.0; }${uniform("I", scaled)}
  let m = Math.floor(v);
  let power = c_powerBySquaring(0.5 * x, m);
  if (v > m) { power = power * c_exp((v - m) * (c_log(x) - 0.6931471824645996)); }
  return power * (c_besselSeries(v, x) * c_besselReciprocalGamma(v))${scaled ? " * c_exp(-x)" : ""};`;

/** K_v(x) or K_v(x)e^x. */
const secondKind = (scaled: boolean): string => `
  let v = Math.abs(order);
  if (!(v >= 0.0 && x >= 0.0)) { let z = order + x; return (z - z) / (z - z); }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return 0.0;
  }
  if (x === 0.0) { return 1.0 / (x * x); }
  if (v > ${largest}) { return v; }${uniform("K", scaled)}${startOfK(false)}
  let divisor = x;
  if (x < 0.5) { divisor = 1.0; }
  let j = 1.0;
  for (let i = 0; i < ${smallestRadius}; i++) {
    if (j < n + 0.5) {
      k0 = k0 * (ratio / divisor);
      ratio = 2.0 * (mu + j) + (x / ratio) * x;
    }
    j = j + 1.0;
  }
  if (x < 0.5) {
    if (n > 0.5) { k0 = k0 * c_powerBySquaring(1.0 / x, n); }
    return k0${scaled ? " * c_exp(x)" : ""};
  }
  return k0${scaled ? "" : " * c_exp(-x)"};`;

/** Of any order: I_{−v} = I_v + (2/π)sin(πv)K_v, the angle reduced before it is multiplied by π. */
const reflected = (of: string, scaled: boolean): string => `
  if (order >= 0.0) { return ${of}(order, x); }
  let v = -order;
  let y = ${of}(v, x);
  let whole = Math.floor(v + 0.5);
  let rest = v - whole;
  if (rest === 0.0) { return y; }
  let sine = c_sin(${literal(Math.PI)} * rest);
  if (whole - 2.0 * Math.floor(0.5 * whole) > 0.5) { sine = -sine; }
  return y + ${literal(2 / Math.PI)} * sine * (c_besselValueK(v, x)${scaled ? " * c_exp(-x)" : ""});`;

export const values = (): readonly SourceFunction[] => [
  ["c_besselPositiveI", ["v", "x"], firstKind(false)],
  ["c_besselPositiveScaledI", ["v", "x"], firstKind(true)],
  ["c_besselValueK", ["order", "x"], secondKind(false)],
  ["c_besselValueScaledK", ["order", "x"], secondKind(true)],
  ["c_besselValueI", ["order", "x"], reflected("c_besselPositiveI", false)],
  ["c_besselValueScaledI", ["order", "x"], reflected("c_besselPositiveScaledI", true)],
];
