/** "Must be true" of paper 27 that needs no reference values: identities, bounds, joints between branches. */

import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { besselBranch, besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "./index.js";

/** Log-uniform. */
const decades = (low: number, high: number): fc.Arbitrary<number> =>
  fc.double({ min: Math.log(low), max: Math.log(high), noNaN: true }).map((t) => Math.exp(t));
const orders = fc.oneof(decades(1e-3, 1e5), fc.constant(0), fc.integer({ min: 0, max: 400 }).map((k) => k / 2)); // prettier-ignore
const runs = { numRuns: 2000, seed: 27 };

describe("identities", () => {
  test.prop([orders, decades(1e-6, 1e6)], runs)("Wronskian: I_v K_{v+1} + I_{v+1} K_v = 1/x", (v, x) => {
    const a = logIv(v, x) + logKv(v + 1, x);
    const b = logIv(v + 1, x) + logKv(v, x);
    const sum = Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
    expect(Math.abs(sum + Math.log(x))).toBeLessThan(1e-13 * Math.max(1, Math.abs(logIv(v, x)), Math.abs(logKv(v, x))));
  });

  test.prop([orders, decades(1e-6, 1e6)], runs)("recurrences of the ratios", (v, x) => {
    const r = 1 / (besselRatioI(v + 1, x) + (2 * (v + 1)) / x);
    expect(Math.abs(besselRatioI(v, x) / r - 1)).toBeLessThan(1e-14);
    const q = 1 / besselRatioK(v, x) + (2 * (v + 1)) / x;
    expect(Math.abs(besselRatioK(v + 1, x) / q - 1)).toBeLessThan(1e-14);
  });

  test.prop([orders, decades(1e-3, 1e4)], runs)("ratios are those of the functions", (v, x) => {
    const size = (a: number, b: number): number => 4e-15 * Math.max(1, Math.abs(a), Math.abs(b));
    const [i, i1, k, k1] = [logIv(v, x), logIv(v + 1, x), logKv(v, x), logKv(v + 1, x)];
    expect(Math.abs(i1 - i - Math.log(besselRatioI(v, x)))).toBeLessThan(size(i, i1));
    expect(Math.abs(k1 - k - Math.log(besselRatioK(v, x)))).toBeLessThan(size(k, k1));
  });

  test.prop([decades(1e-6, 1e6)], runs)("closed forms of half-integer orders", (x) => {
    expect(Math.abs(logKve(0.5, x) - 0.5 * Math.log(Math.PI / (2 * x)))).toBeLessThan(1e-15 * Math.max(1, 0.5 * Math.abs(Math.log(x)))); // prettier-ignore
    const threeHalves = 0.5 * Math.log(Math.PI / (2 * x)) + Math.log1p(1 / x);
    expect(Math.abs(logKve(1.5, x) - threeHalves)).toBeLessThan(2e-15 * Math.max(1, Math.abs(threeHalves)));
    // I_{1/2} = √(2/(πx)) sinh x.
    const half = 0.5 * Math.log(2 / (Math.PI * x)) + Math.log(-Math.expm1(-2 * x) / 2);
    expect(Math.abs(logIve(0.5, x) - half)).toBeLessThan(2e-15 * Math.max(1, Math.abs(half)));
    expect(Math.abs(besselRatioK(0.5, x) / (1 + 1 / x) - 1)).toBeLessThan(1e-15);
  });
});

test.prop([orders, decades(1e-6, 1e6)], runs)("Amos' bounds hold", (v, x) => {
  const r = besselRatioI(v, x);
  const lower = x / (v + 0.5 + Math.sqrt((v + 1.5) ** 2 + x * x));
  const upper = x / (v + 0.5 + Math.sqrt((v + 0.5) ** 2 + x * x));
  // The bounds meet to within rounding at both ends, so they too are known to some ulp only.
  expect(r).toBeGreaterThan(lower * (1 - 1e-15));
  expect(r).toBeLessThan(upper * (1 + 1e-15));
});

/** The paper's edges and ours: [axis, at, range of the other]. */
const edges: readonly (readonly ["x" | "v", number, number, number])[] = [
  ["x", 1400, 0, 3.05], ["v", 3.05, 1400, 1e5], ["x", 30, 0, 7.7], ["v", 15.3919, 120, 300], ["x", 300, 15.4, 300],
  ["v", 300, 1e-3, 300], ["x", 110, 15.4, 90], ["v", 90, 1e-3, 110], ["x", 45, 10, 32], ["v", 32, 1e-3, 45],
  ["x", 26, 0, 18], ["v", 18, 1e-3, 26], ["x", 8000, 0, 2], ["v", 2, 8000, 1e6], ["x", 900, 15.4, 300],
  ["x", 170, 18.4, 90], ["x", 50, 10, 32], ["x", 28, 0, 18], ["x", 0.5, 0, 18], ["x", 8, 0, 18],
]; // prettier-ignore

describe("branches meet", () => {
  const names: readonly (readonly [string, (v: number, x: number) => number])[] = [
    ["logIv", logIv], ["logKv", logKv], ["logIve", logIve], ["logKve", logKve],
    ["besselRatioI", besselRatioI], ["besselRatioK", besselRatioK],
  ]; // prettier-ignore
  for (const [axis, at, low, high] of edges) {
    test.prop([fc.double({ min: 0, max: 1, noNaN: true })], { numRuns: 100, seed: 1 })(`at ${axis} = ${at}`, (s) => {
      const other = low + s * (high - low);
      // One float64 to the left and one to the right: the function itself moves by no more than its own rounding.
      const [below, above] = [at * (1 - 2 ** -52), at * (1 + 2 ** -52)];
      for (const [name, f] of names) {
        const [a, b] = axis === "x" ? [f(other, below), f(other, above)] : [f(below, other), f(above, other)];
        // |x ∂f/∂x| and |v ∂f/∂v| are at most about h + v·asinh(v/x) in log scale, and of the order of f or less for ratios.
        const steep = name.startsWith("log")
          ? 2 * Math.hypot(at, other) + at * Math.asinh(at / other)
          : 2 * Math.abs(a);
        expect(Math.abs(b - a), name).toBeLessThan(1e-14 * Math.max(1, Math.abs(a)) + 2 ** -51 * steep);
      }
    });
  }

  test("and are what besselBranch says", () => {
    expect(besselBranch(1, 2000)).toBe("mu3");
    expect(besselBranch(1, 100)).toBe("mu20");
    expect([besselBranch(400, 1), besselBranch(100, 1), besselBranch(40, 1), besselBranch(20, 1)]).toEqual(["u4", "u6", "u9", "u13"]); // prettier-ignore
    expect([besselBranch(2, 3), besselBranch(2, 3, "K"), besselBranch(2, 0.1, "K")]).toEqual(["series", "integral", "temme"]); // prettier-ignore
  });
});
