/** Airy functions of a number, by Bessel functions of the orders ⅓ and ⅔ (DLMF 9.6), by power series about 0. */

import { jOf, yOf } from "../cylinder/bessel-jy.js";
import { logScaledI, logScaledK } from "../scalar/log-bessel.js";

export type AiryName = "Ai" | "Bi" | "Ai′" | "Bi′";

/** Ai(0) and −Ai′(0). */
const atZero = 0.3550280538878172;
const slopeAtZero = 0.2588194037928068;
const root3 = 1.7320508075688772;
const third = 1 / 3;

/** Ai, Bi and their derivatives; for x ≥ 0 times e^ζ, e^(−ζ) with ζ = ⅔x^(3/2) if `scaled`. */
export function airy(name: AiryName, x: number, scaled: boolean): number {
  if (Math.abs(x) <= 1) return aboutZero(name, x) * (scaled && x > 0 ? exponential(name, -(2 / 3) * x * Math.sqrt(x)) : 1);
  return x > 0 ? right(name, x, scaled) : left(name, -x);
} // prettier-ignore

/** e^z for the functions that grow, e^(−z) for those that decay. */
function exponential(name: AiryName, z: number): number {
  return Math.exp(name === "Ai" || name === "Ai′" ? -z : z);
}

/** Ai = Ai(0)f(x) + Ai′(0)g(x), Bi = √3(Ai(0)f(x) − Ai′(0)g(x)) (DLMF 9.4). */
function aboutZero(name: AiryName, x: number): number {
  const slope = name === "Ai′" || name === "Bi′";
  const cube = x * x * x;
  let f = slope ? 0.5 * x * x : 1;
  let g = slope ? 1 : x;
  let [a, b] = [f, g];
  for (let k = 1; k < 20; k++) {
    // of the derivatives: x²/2·Σ x^(3k)/Π…, terms divided by 3k(3k + 2) and (3k − 2)3k
    f *= cube / (3 * k * (slope ? 3 * k + 2 : 3 * k - 1));
    g *= cube / (3 * k * (slope ? 3 * k - 2 : 3 * k + 1));
    a += f;
    b += g;
  }
  const [first, second] = [atZero * a, slopeAtZero * b];
  return name === "Ai" || name === "Ai′" ? first - second : root3 * (first + second);
}

/** ζ = ⅔x^(3/2) of x > 0: rounded, and what rounding took away. */
function zeta(x: number): readonly [z: number, rest: number] {
  const s = Math.sqrt(x);
  const p = x * s;
  const z = (2 * p) / 3;
  const missing = (x - square(s)) / (2 * s) + -squareRest(s) / (2 * s); // of √x
  const division = (2 * p - 2 * z - z) / 3; // exact differences
  return [z, division + (2 / 3) * (productRest(x, s, p) + x * missing)];
}

function square(s: number): number {
  return s * s;
}

function squareRest(s: number): number {
  return productRest(s, s, s * s);
}

/** a·b − p, exactly (Dekker). */
function productRest(a: number, b: number, p: number): number {
  const [ah, bh] = [head(a), head(b)];
  const [al, bl] = [a - ah, b - bh];
  return al * bl - (p - ah * bh - al * bh - ah * bl);
}

/** The upper 26 bits. */
function head(a: number): number {
  const t = 134217729 * a;
  return t - (t - a);
}

/** x > 1 */
function right(name: AiryName, x: number, scaled: boolean): number {
  const growing = name === "Bi" || name === "Bi′";
  if (x > 1e100) return scaled ? limit(name, x) : growing ? Infinity : name === "Ai" ? 0 : -0;
  const [z, rest] = zeta(x);
  const slope = name === "Ai′" || name === "Bi′";
  const order = slope ? 2 * third : third;
  const k = Math.exp(logScaledK(order, z));
  const factor = slope ? x / root3 : Math.sqrt(x / 3);
  const size = growing
    ? factor * (2 * Math.exp(logScaledI(order, z)) + (root3 / Math.PI) * k * Math.exp(-2 * z))
    : ((slope ? -factor : factor) * k) / Math.PI;
  if (scaled) return size;
  // e^(±z) in two steps, for it may overflow or be subnormal where the function is not
  const half = exponential(name, 0.5 * z);
  return size * half * (1 + (growing ? rest : -rest)) * half;
}

/** The leading terms of the scaled functions. */
function limit(name: AiryName, x: number): number {
  const power = Math.sqrt(Math.sqrt(x));
  const root = Math.sqrt(Math.PI);
  switch (name) {
    case "Ai":
      return 0.5 / (root * power);
    case "Bi":
      return 1 / (root * power);
    case "Ai′":
      return (-0.5 * power) / root;
    case "Bi′":
      return power / root;
  }
}

/** At −x, x > 1. The rounding of ζ is as if x were moved: a step of Taylor's series moves it back. */
function left(name: AiryName, x: number): number {
  if (!(x < 1e200)) return x === Infinity && (name === "Ai" || name === "Bi") ? 0 : NaN;
  const [z, rest] = zeta(x);
  const [j1, y1] = [jOf(third, z), yOf(third, z)];
  const [j2, y2] = [jOf(2 * third, z), yOf(2 * third, z)];
  const root = Math.sqrt(x);
  const move = -rest / root; // of −x
  const first = name === "Ai" || name === "Ai′";
  const value = 0.5 * root * (first ? j1 - y1 / root3 : -(j1 / root3 + y1));
  const slope = 0.5 * x * (first ? j2 + y2 / root3 : j2 / root3 - y2);
  return name === "Ai" || name === "Bi" ? value + move * slope : slope - move * x * value; // f″ = −x·f
}
