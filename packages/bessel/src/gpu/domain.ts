/** What is not in the interior of the domain: the first lines of the functions. NaN for NaN, and limits at 0 and at infinity. */

import type { Precision } from "./source.js";

const nan = "(x - x) / (x - x)";

/** Of log I; y is the value. */
export const borderOfLogI = ({ largest }: Precision, atInfinity: string): string => `
  if (!(v >= 0.0 && x >= 0.0)) { let z = v - v; return z / z; }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return ${atInfinity};
  }
  if (x === 0.0) {
    if (v === 0.0) { return 0.0; }
    return -1.0 / (x * x);
  }
  if (v > ${largest}) { return -v; }`;

export const borderOfRatioI = ({ largest }: Precision): string => `
  if (!(v >= 0.0 && x >= 0.0)) { let z = v - v; return z / z; }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return 1.0;
  }
  if (x === 0.0 || v > ${largest}) { return 0.0; }`;

export const borderOfSlopeI = ({ largest }: Precision): string => `
  if (!(v >= 0.0 && x >= 0.0 && v <= ${largest})) { let z = v - v; return z / z; }
  if (x === 0.0) { return 0.5 / (v + 1.0); }
  if (x > ${largest}) { return 0.0; }`;

/** Of log K, which is even: from here on v is the size of the order. */
export const borderOfLogK = ({ largest }: Precision): string => `
  let v = Math.abs(order);
  if (!(v >= 0.0 && x >= 0.0)) { let z = order + x; return (z - z) / (z - z); }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return -x;
  }
  if (x === 0.0) { return 1.0 / (x * x); }
  if (v > ${largest}) { return v; }`;

/** Of orders from −½ on. */
export const borderOfRatioK = ({ largest }: Precision): string => `
  if (x === 0.0) {
    if (v === -0.5) { return 1.0; }
    return 1.0 / (x * x);
  }
  if (x > ${largest}) {
    if (v > ${largest}) { return ${nan}; }
    return 1.0;
  }
  if (v > ${largest}) { return v; }`;

export const borderOfSlopeK = ({ largest }: Precision): string => `
  if (x === 0.0) {
    if (v === -0.5) { return 0.0; }
    return -1.0 / (x * x);
  }
  if (x > ${largest}) { return 0.0; }`;

/** K_{−v} = K_v: what the ratio and its slope are at all orders, from those of orders from −½ on. */
export const ratioK = (): string => `
  if (!(x >= 0.0 && Math.abs(v) >= 0.0)) { let z = v + x; return (z - z) / (z - z); }
  if (v < -0.5) { return 1.0 / c_besselRatioOfK(-v - 1.0, x); }
  return c_besselRatioOfK(v, x);`;

export const slopeK = ({ largest }: Precision): string => `
  if (!(x >= 0.0 && Math.abs(v) <= ${largest})) { let z = v + x; return (z - z) / (z - z); }
  if (v < -0.5) {
    let q = c_besselRatioOfK(-v - 1.0, x);
    return -c_besselSlopeOfK(-v - 1.0, x) / q / q;
  }
  return c_besselSlopeOfK(v, x);`;
