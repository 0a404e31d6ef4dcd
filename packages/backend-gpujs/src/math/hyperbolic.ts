/** Hyperbolic functions with their inverses, and what is made of eˣ: sigmoid and softplus. */

import type { Definition } from "../source-functions.js";

export const hyperbolic: readonly Definition[] = [
  [
    "c_sigmoid",
    ["x"],
    `
  let t = c_exp(-Math.abs(x));
  let y = 1.0;
  if (x < 0.0) { y = t; }
  return y / (1.0 + t);`,
  ],
  [
    "c_softplus",
    ["x"],
    `
  let y = x;
  if (x < 0.0) { y = 0.0; }
  return y + c_log1p(c_exp(-Math.abs(x)));`,
  ],
  [
    "c_sinh",
    ["x"],
    `
  let a = Math.abs(x);
  if (a < 1.0) {
    let z = x * x;
    return x + (x * z) * (0.1666671633720398 + z * (0.008330270648002625 + z * 0.00020373340521473438));
  }
  let h = c_halfExp(a);
  let y = h - 0.25 / h;
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  ["c_cosh", ["x"], `let h = c_halfExp(Math.abs(x));\n  return h + 0.25 / h;`],
  [
    "c_tanh",
    ["x"],
    `
  let a = Math.abs(x);
  if (a > 10.0) { a = 10.0; }
  let e = c_expm1(2.0 * a);
  let y = e / (e + 2.0);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_asinh",
    ["x"],
    `
  let a = Math.abs(x);
  let y = 0.0;
  if (a > 4096.0) { y = c_log(a) + 0.6931471824645996; }
  else { y = c_log1p(a + (a * a) / (1.0 + Math.sqrt(a * a + 1.0))); }
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_acosh",
    ["x"],
    `
  if (!(x >= 1.0)) { return (x - x) / (x - x); }
  if (x > 4096.0) { return c_log(x) + 0.6931471824645996; }
  let t = x - 1.0;
  return c_log1p(t + Math.sqrt(2.0 * t + t * t));`,
  ],
  [
    "c_atanh",
    ["x"],
    `
  let a = Math.abs(x);
  let twice = 2.0 * a;
  let u = twice / (1.0 - a);
  if (a < 0.5) { u = twice + (twice * a) / (1.0 - a); }
  let y = 0.5 * c_log1p(u);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
];
