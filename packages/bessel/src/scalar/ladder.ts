/**
 * Which expression computes a modified Bessel function where: the first rung of the ladder whose region holds (v, x).
 *
 * "hankel" rungs are the expansions for large arguments (μ_K of the paper), "debye" rungs the uniform expansions for large orders (U_K).
 * Below all rungs: the power series of I; for K the recurrence from an order of at most ½, which comes by an integral or, for x < ½, by
 * Temme's series.
 *
 * Source: Plesner, Sørensen & Hauberg (2024), table of branches. Its thresholds suit log I and log K, whose values are large where x is.
 * The values of the scaled functions and of ratios stay small there, so they have thresholds of their own.
 */

import { DomainError } from "@curv/tensor";

export interface Rung {
  readonly name: "mu3" | "mu20" | "u4" | "u6" | "u9" | "u13";
  readonly expansion: "hankel" | "debye";
  readonly terms: number;
  /** hankel: x > minX and v < v; debye: x > minX or v > v. */
  readonly x: number;
  readonly v: number;
  /** hankel, if present: v² < slope·x too, where the alternating sum for I does not cancel. */
  readonly slope: number;
}

const rung = (name: Rung["name"], x: number, v: number, slope = Infinity): Rung => ({
  name,
  expansion: name.startsWith("mu") ? "hankel" : "debye",
  terms: Number(name.replace(/\D+/, "")),
  x,
  v,
  slope,
});

/** For log I and log K. Beside the paper's table the orders are higher: at its edges in v the error was up to 6e-14 of max(1, |value|). */
export const ladder: readonly Rung[] = /* @__PURE__ */ (() => [
  rung("mu3", 1400, 3.05),
  rung("mu20", 30, 15.3919, 2),
  rung("u4", 300, 300),
  rung("u6", 110, 90),
  rung("u9", 45, 32),
  rung("u13", 26, 18),
])();

/** For log I − x, log K + x and the ratios. */
export const scaledLadder: readonly Rung[] = /* @__PURE__ */ (() => [
  rung("mu3", 8000, 2),
  rung("mu20", 30, 15.3919, 2),
  rung("u4", 900, 300),
  rung("u6", 170, 90),
  rung("u9", 50, 32),
  rung("u13", 28, 18),
])();

/** The table of the paper, for its own expressions. */
export const paperLadder: readonly Rung[] = /* @__PURE__ */ (() => [
  rung("mu3", 1400, 3.05),
  rung("mu20", 30, 15.3919),
  rung("u4", 274.2377, 163.6993),
  rung("u6", 84.4153, 46.9971),
  rung("u9", 35.9074, 20.1534),
  rung("u13", 19.6931, 12.6964),
])();

/** The first rung that holds (v, x); null below the ladder. */
export function rungAt(table: readonly Rung[], v: number, x: number): Rung | null {
  for (let i = 0; i < table.length; i++) {
    const r = table[i];
    if (r.expansion === "hankel" ? x > r.x && v < r.v && v * v < r.slope * x : x > r.x || v > r.v) return r;
  }
  return null;
}

/** An expression of {@link besselBranch}. */
export type BesselBranch = "mu3" | "mu20" | "u4" | "u6" | "u9" | "u13" | "series" | "integral" | "temme";

/**
 * The expression that computes log I_v(x) and log K_v(x): the name of an expansion, or, below the ladder, "series" for I, and "integral" or
 * (x < ½) "temme" for K.
 *
 * @param kind - "I" (default) or "K": they differ below the ladder only.
 * @throws DomainError for v < 0, x ≤ 0, or NaN.
 */
export function besselBranch(v: number, x: number, kind: "I" | "K" = "I"): BesselBranch {
  if (!(typeof v === "number" && typeof x === "number" && v >= 0 && x > 0)) {
    throw new DomainError(`besselBranch: v is ${String(v)}, x is ${String(x)}; wants numbers v >= 0, x > 0.`);
  }
  return rungAt(ladder, v, x)?.name ?? (kind === "I" ? "series" : x < 0.5 ? "temme" : "integral");
}
