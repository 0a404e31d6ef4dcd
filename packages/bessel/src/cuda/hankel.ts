/** The expansions for large arguments in float64, as `scalar/hankel.ts` has them; and where each kind of expansion holds. */

import { scaledLadder, type Rung } from "../scalar/ladder.js";
import { double, type SourceFunction } from "../gpu/source.js";

const { literal } = double;
const rung = (name: Rung["name"]): Rung => scaledLadder.find((r) => r.name === name)!;

/** Conditions on v and x, in this order: Hankel's expansion holds, from `least` on; Debye's does; else one is below the ladder. */
export function onHankel(least: number = rung("mu20").x): string {
  const { v, slope } = rung("mu20");
  return `x > ${literal(least)} && v < ${literal(v)} && v * v < ${literal(slope)} * x`;
}
export function onDebye(): string {
  const { x, v } = rung("u13");
  return `x > ${literal(x)} || v > ${literal(v)}`;
}

/** Where slopes take Hankel's: the k-th term counts k times in them, and next to the ladder's lower edge Debye's lack the 14th. */
export const onHankelSlope = (): string => onHankel(rung("u13").x);

/** Half of the terms are enough where x > 200 and v² < x/10. */
const half = { terms: 10, x: 200, slope: 0.1 };

/** f_k(1 + f_{k+1}(1 + …)), f_k = (4v² − (2k − 1)²)z/k, from `to` down to `from`. */
function product(from: number, to: number, indent: string): string {
  const steps: string[] = [];
  for (let k = to; k >= from; k--) {
    steps.push(`${indent}sum = (mu - ${literal((2 * k - 1) ** 2)}) * (z * ${literal(1 / k)}) * (1.0 + sum);`);
  }
  return steps.join("\n");
}

const slopeTerms = 20;

export function hankel(): readonly SourceFunction[] {
  const [mu3, mu20] = [rung("mu3"), rung("mu20")];
  return [
    // Σ_k Π_{j≤k} (4v² − (2j − 1)²)·sᵏ/(k!(8x)ᵏ), s = −1 for I, 1 for K.
    [
      "c_besselHankel",
      ["v", "x", "s"],
      `
  let mu = 4.0 * v * v;
  let z = s * 0.125 / x;
  let sum = 0.0;
  if (!(x > ${literal(mu3.x)} && v < ${literal(mu3.v)})) {
    if (!(x > ${literal(half.x)} && v * v < ${literal(half.slope)} * x)) {
${product(half.terms + 1, mu20.terms, "      ")}
    }
${product(mu3.terms + 1, half.terms, "    ")}
  }
${product(1, mu3.terms, "  ")}
  return sum;`,
    ],
    // x·∂/∂x log(1 + Σ): the k-th terms fall like x⁻ᵏ.
    [
      "c_besselHankelSlope",
      ["v", "x", "s"],
      `
  let mu = 4.0 * v * v;
  let z = s * 0.125 / x;
  let term = 1.0;
  let sum = 1.0;
  let slope = 0.0;
${Array.from({ length: slopeTerms }, (_, i) => {
  const k = i + 1;
  return `  term = term * ((mu - ${literal((2 * k - 1) ** 2)}) * (z * ${literal(1 / k)}));
  sum = sum + term;
  slope = slope - ${literal(k)} * term;`;
}).join("\n")}
  return slope / sum;`,
    ],
  ];
}
