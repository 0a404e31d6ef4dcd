/** Exact results, signs of zeros, infinities, the rules of C for powers, and the reference numbers R8 and R9. */

import { describe, expect, test } from "vitest";
import {
  acos64,
  asin64,
  atan264,
  atan64,
  cbrt32,
  cbrt64,
  digamma32,
  digamma64,
  erfinv64,
  exp232,
  exp264,
  exp32,
  exp64,
  integerPower32,
  integerPower64,
  lgamma32,
  lgamma64,
  log1032,
  log1064,
  log232,
  log264,
  logistic32,
  logistic64,
  polygamma32,
  polygamma64,
  pow32,
  pow64,
  roundHalfEven,
  rsqrt32,
  rsqrt64,
  softplus64,
  tanh64,
} from "./index.js";
import * as math from "./index.js";

const functions = math as unknown as Record<string, (x: number) => number>;

describe("reference numbers", () => {
  test("lgamma, digamma, polygamma (R8)", () => {
    expect(lgamma64(0.3)).toBeCloseTo(1.095797994818076, 14);
    expect(digamma64(0.3)).toBeCloseTo(-3.502524222200133, 14);
    expect(polygamma64(1, 0.3)).toBeCloseTo(12.24536454610773, 13);
    expect(polygamma64(2, 0.3)).toBeCloseTo(-75.27253658872603, 12);
    expect(polygamma64(3, 2.5)).toBeCloseTo(0.2239058488172521, 15);
    expect(polygamma64(1, 1e200)).toBe(1e-200);
    expect(polygamma64(2, 1e100) / -1e-200).toBeCloseTo(1, 15);
    expect(digamma64(-1.5)).toBeCloseTo(0.703156640645243, 14);
  });

  test("erfinv (R9), near 1 too", () => {
    expect(erfinv64(0.3)).toBeCloseTo(0.272462714726754356, 15);
    expect(erfinv64(1 - 1e-10)).toBe(4.572824958544925);
    expect(erfinv64(1 - 2 ** -53)).toBeCloseTo(5.863584748755168, 14);
  });
});

describe("powers", () => {
  const nan = NaN;
  const inf = Infinity;
  test.each([
    [nan, 0, 1],
    [nan, -0, 1],
    [1, nan, 1],
    [1, inf, 1],
    [-1, inf, 1],
    [-1, -inf, 1],
    [nan, 1, nan],
    [2, nan, nan],
    [-8, 1 / 3, nan],
    [-2, 3, -8],
    [-2, -3, -0.125],
    [0, -1, inf],
    [-0, -1, -inf],
    [-0, -2, inf],
    [-0, 3, -0],
    [-0, 2, 0],
    [-0, 0.5, 0],
    [-inf, 0.5, inf],
    [-inf, 3, -inf],
    [-inf, -3, -0],
    [-inf, -2, 0],
    [0.5, inf, 0],
    [0.5, -inf, inf],
    [-2, inf, inf],
    [-0.5, inf, 0],
    [inf, -1, 0],
    [0, inf, 0],
    [0, -inf, inf],
  ])("%d ^ %d = %d", (x, y, expected) => {
    expect(pow64(x, y)).toBe(expected);
    expect(pow32(x, y)).toBe(expected);
  });

  test.each([
    [3, 4, 81],
    [-2, 15, -32768],
    [nan, 0, 1],
    [-0, -1, -inf],
    [-0, -2, inf],
    [0, 3, 0],
    [-0, 3, -0],
    [inf, -2, 0],
    [-inf, -3, -0],
    [2, 40, 2 ** 40],
    [2, -40, 2 ** -40],
    [-1, 1e9 + 1, -1],
  ])("integerPower(%d, %i) = %d", (x, n, expected) => {
    expect(integerPower64(x, n)).toBe(expected);
    expect(integerPower32(x, n)).toBe(expected);
  });

  test("the reciprocal is exact, and a power that overflows still has one", () => {
    expect(integerPower64(3, -1)).toBe(1 / 3);
    expect(integerPower32(3, -1)).toBe(Math.fround(1 / 3));
    expect(integerPower64(2 ** 537, -2)).toBe(2 ** -1074);
    expect(integerPower64(2 ** -512, -2)).toBe(Infinity);
    expect(integerPower64(2 ** -511.5, -2)).toBeCloseTo(2 ** 1023, -300);
    expect(integerPower32(2 ** 74, -2)).toBe(2 ** -148);
  });
});

describe("exact results", () => {
  test("powers of two and ten", () => {
    for (let k = -1074; k <= 1023; k++) {
      expect(exp264(k)).toBe(2 ** k);
      expect(log264(2 ** k)).toBe(k);
    }
    for (let k = -149; k <= 127; k++) {
      expect(exp232(k)).toBe(2 ** k);
      expect(log232(2 ** k)).toBe(k);
    }
    for (let k = 0; k <= 22; k++) expect(log1064(10 ** k)).toBe(k);
    for (let k = 0; k <= 10; k++) expect(log1032(10 ** k)).toBe(k);
  });

  test("cubes", () => {
    for (let k = -100; k <= 100; k++) {
      expect(cbrt64(k ** 3)).toBe(k);
      expect(cbrt32(k ** 3)).toBe(k);
    }
  });

  test("quadrants", () => {
    expect(acos64(-1)).toBe(Math.PI);
    expect(acos64(0)).toBe(Math.PI / 2);
    expect(asin64(1)).toBe(Math.PI / 2);
    expect(atan64(1)).toBe(Math.PI / 4);
    for (const [y, x] of [
      [0, 1],
      [-0, 1],
      [0, -1],
      [-0, -1],
      [0, 0],
      [-0, 0],
      [0, -0],
      [-0, -0],
      [1, 0],
      [-1, -0],
      [Infinity, 2],
      [2, Infinity],
      [2, -Infinity],
      [Infinity, Infinity],
      [Infinity, -Infinity],
      [-Infinity, -Infinity],
      [5e-324, 1e300],
      [1e300, 5e-324],
      [Number.MAX_VALUE, Number.MAX_VALUE],
      [Number.MAX_VALUE, -Number.MAX_VALUE],
    ]) {
      expect(atan264(y, x), `atan2(${y}, ${x})`).toBe(Math.atan2(y, x));
    }
  });

  test("Γ of small integers", () => {
    expect(lgamma64(1)).toBe(0);
    expect(lgamma64(2)).toBe(0);
    expect(lgamma64(3)).toBeCloseTo(Math.LN2, 15);
    expect(lgamma64(2.5e305) / (2.5e305 * (Math.log(2.5e305) - 1))).toBeCloseTo(1, 15); // does not overflow on the way
    expect(lgamma64(1e308)).toBe(Infinity);
  });
});

describe("ends", () => {
  test.each([
    ["exp", 0, Infinity],
    ["exp2", 0, Infinity],
    ["expm1", -1, Infinity],
    ["tanh", -1, 1],
    ["logistic", 0, 1],
    ["softplus", 0, Infinity],
    ["erf", -1, 1],
    ["erfc", 2, 0],
    ["sinh", -Infinity, Infinity],
    ["cosh", Infinity, Infinity],
    ["asinh", -Infinity, Infinity],
    ["cbrt", -Infinity, Infinity],
    ["log", NaN, Infinity],
    ["log2", NaN, Infinity],
    ["log10", NaN, Infinity],
    ["log1p", NaN, Infinity],
    ["acosh", NaN, Infinity],
    ["atanh", NaN, NaN],
    ["asin", NaN, NaN],
    ["acos", NaN, NaN],
    ["sin", NaN, NaN],
    ["cos", NaN, NaN],
    ["tan", NaN, NaN],
    ["erfinv", NaN, NaN],
    ["rsqrt", NaN, 0],
    ["lgamma", Infinity, Infinity],
    ["digamma", NaN, Infinity],
  ])("%s at ±Infinity: %d, %d", (name, low, high) => {
    for (const suffix of ["64", "32"]) {
      expect(functions[name + suffix](-Infinity)).toBe(low);
      expect(functions[name + suffix](Infinity)).toBe(high);
      expect(functions[name + suffix](NaN)).toBe(NaN);
    }
  });

  test.each([
    "expm1",
    "sin",
    "tan",
    "asin",
    "atan",
    "sinh",
    "tanh",
    "asinh",
    "atanh",
    "erf",
    "erfinv",
    "cbrt",
    "log1p",
  ])("%s keeps the sign of zero, and the smallest number (its slope at 0 is about 1)", (name) => {
    for (const suffix of ["64", "32"]) {
      const f = functions[name + suffix];
      expect(f(-0)).toBe(-0);
      expect(f(0)).toBe(0);
      if (name !== "cbrt") expect(f(suffix === "64" ? -5e-324 : -(2 ** -149))).toBeLessThan(0);
    }
  });

  test("overflow and underflow thresholds", () => {
    expect(exp64(709.78)).toBeLessThan(Infinity);
    expect(exp64(709.79)).toBe(Infinity);
    expect(exp64(-745.1)).toBe(5e-324);
    expect(exp64(-745.2)).toBe(0);
    expect(exp32(Math.fround(88.72))).toBeLessThan(Infinity);
    expect(exp32(Math.fround(88.73))).toBe(Infinity);
    expect(logistic64(-745)).toBeGreaterThan(0);
    expect(logistic32(-100)).toBeGreaterThan(0);
    expect(softplus64(-745)).toBeGreaterThan(0);
    expect(softplus64(1e300)).toBe(1e300);
    expect(tanh64(1e300)).toBe(1);
    expect(rsqrt64(0)).toBe(Infinity);
    expect(rsqrt32(-0)).toBe(-Infinity);
  });

  test("poles of the gamma functions", () => {
    for (const x of [0, -0, -1, -2, -1e20]) {
      expect(lgamma64(x)).toBe(Infinity);
      expect(lgamma32(x)).toBe(Infinity);
    }
    for (const digamma of [digamma64, digamma32]) {
      expect(digamma(0)).toBe(-Infinity);
      expect(digamma(-0)).toBe(Infinity);
      expect(digamma(-1)).toBe(NaN);
      expect(digamma(-1e20)).toBe(NaN);
    }
    for (const polygamma of [polygamma64, polygamma32]) {
      expect(polygamma(0, 1)).toBe(digamma64(1) === polygamma(0, 1) ? digamma64(1) : digamma32(1));
      expect(polygamma(1, 0)).toBe(Infinity);
      expect(polygamma(1, -3)).toBe(Infinity);
      expect(polygamma(2, 0)).toBe(-Infinity);
      expect(polygamma(2, -0)).toBe(Infinity);
      expect(polygamma(2, -3)).toBe(NaN);
      expect(polygamma(1, Infinity)).toBe(0);
      expect(polygamma(2, Infinity)).toBe(-0);
      expect(polygamma(1, NaN)).toBe(NaN);
    }
  });
});

test("roundHalfEven", () => {
  const cases = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-1.5, -2],
    [-0.3, -0],
    [0.49999999999999994, 0],
    [4503599627370495.5, 4503599627370496],
    [4503599627370497, 4503599627370497],
    [1e300, 1e300],
    [-Infinity, -Infinity],
    [NaN, NaN],
    [-0, -0],
  ];
  for (const [x, expected] of cases) expect(roundHalfEven(x)).toBe(expected);
});
