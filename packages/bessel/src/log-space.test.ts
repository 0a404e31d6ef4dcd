/** Functions of logarithms, and Lambert's W, against mpmath (fixtures/log_space.py). */

import { DomainError, DTypeError, grad, tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import rows from "./fixtures/log-space.json" with { type: "json" };
import { lambertW } from "./lambert-w/index.js";
import { log1mexp, logAddExp, logSubExp } from "./log-space/index.js";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";

test("log1mexp to 4e-16, sums and differences to 4e-16 of the larger", () => {
  expect(worst(rows.log1mexp, log1mexp)).toBeLessThan(4e-16);
  expect(worst(rows.logAddExp, logAddExp, (x, y) => Math.max(1, Math.abs(x), Math.abs(y)))).toBeLessThan(4e-16);
  expect(worst(rows.logSubExp, logSubExp, (x, _y, z) => Math.max(1, Math.abs(x), Math.abs(z)))).toBeLessThan(4e-16);
});

test("Lambert's W to 4e-16", () => {
  expect(worst(rows.lambertW0, (x) => lambertW(x), (_x, w) => Math.abs(w) + (w < -0.5 ? 1 : 0))).toBeLessThan(4e-16); // prettier-ignore
  expect(worst(rows["lambertW-1"], (x) => lambertW(x, { branch: -1 }))).toBeLessThan(4e-16);
});

test("ends", () => {
  expect([log1mexp(0), log1mexp(Infinity), log1mexp(5e-324)]).toEqual([-Infinity, -0, Math.log(5e-324)]);
  expect([logAddExp(-Infinity, 3), logAddExp(-Infinity, -Infinity), logAddExp(Infinity, 0)]).toEqual([3, -Infinity, Infinity]); // prettier-ignore
  expect([logAddExp(NaN, 0), logSubExp(3, -Infinity), logSubExp(3, 3)]).toEqual([NaN, 3, -Infinity]);
  expect([lambertW(0), lambertW(Infinity), lambertW(5e-324)]).toEqual([0, Infinity, 5e-324]);
  expect(lambertW(Math.E)).toBe(1);
  expect(lambertW(-0, { branch: -1 })).toBe(-Infinity);
  expect(lambertW(-5e-324, { branch: -1 })).toBeCloseTo(-751.0615595398791, 11);
  const outside = [() => log1mexp(-1), () => log1mexp(NaN), () => logSubExp(1, 2), () => lambertW(-0.4), () => lambertW(1, { branch: -1 })]; // prettier-ignore
  for (const f of outside) expect(f).toThrow(DomainError);
  expect(() => lambertW(tensor([1], { dtype: "int32" }))).toThrow(DTypeError);
  expect(lambertW(f64([-0.4, 1]), { branch: -1 }).dataSync()).toEqual(Float64Array.of(NaN, NaN));
  expect(logSubExp(f64([1]), 2).dataSync()).toEqual(Float64Array.of(NaN));
  expect(grad(log1mexp)(f64(1e-3)).itemSync()).toBeCloseTo(1 / Math.expm1(1e-3), 8);
});

test("of tensors: broadcast, jit, vmap, float32; derivatives of two orders", () => {
  behavesAsTensorFunction(log1mexp, [[0.1, 2, 30]]);
  behavesAsTensorFunction(logAddExp, [[0.1, 2, 30], [3, 1, -2]]); // prettier-ignore
  behavesAsTensorFunction(logSubExp, [[4, 2, 30], [3, 1, -2]]); // prettier-ignore
  behavesAsTensorFunction(lambertW, [[-0.2, 2, 30]]);
  behavesAsTensorFunction((x: never) => lambertW(x, { branch: -1 }) as unknown, [[-0.3, -0.2, -0.01]]);
});
