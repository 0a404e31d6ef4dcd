/** Elements of tensors that no function of numbers takes, and the ends of the range: each comes to an end, as NaN or as the number's value. */

import { DomainError, tensor, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import * as airy from "./airy/index.js";
import * as cylinder from "./cylinder/index.js";
import * as exponentialIntegral from "./exponential-integral/index.js";
import * as hypergeometric from "./hypergeometric/index.js";
import * as incompleteBeta from "./incomplete-beta/index.js";
import * as incompleteGamma from "./incomplete-gamma/index.js";
import * as bessel from "./index.js";
import * as lambertW from "./lambert-w/index.js";
import * as logSpace from "./log-space/index.js";
import * as spherical from "./spherical/index.js";
import * as zeta from "./zeta/index.js";

type AnyFunction = (...operands: (number | Tensor)[]) => number | Tensor;
const ofOne = { ...airy, expintE: (x: number) => exponentialIntegral.expintE(3, x), expintEi: exponentialIntegral.expintEi, erfcx: bessel.erfcx, logErfc: bessel.logErfc, logNdtr: bessel.logNdtr, lambertW: lambertW.lambertW, log1mexp: logSpace.log1mexp, zeta: zeta.zeta, ...withOrder(spherical, 3) }; // prettier-ignore
const { besselBranch: _, erfcx: _e, logErfc: _l, logNdtr: _n, ...besselOfTwo } = bessel;
const { logHyp0f1, hyp0f1, ...hypergeometricOfThree } = hypergeometric;
const ofTwo = { ...besselOfTwo, ...cylinder, logHyp0f1, hyp0f1, ...incompleteGamma, hurwitzZeta: zeta.hurwitzZeta, logAddExp: logSpace.logAddExp, logSubExp: logSpace.logSubExp }; // prettier-ignore
const ofThree = { ...hypergeometricOfThree, ...incompleteBeta };
const all = [ofOne, ofTwo, ofThree].flatMap((family, i) =>
  Object.entries(family).map(([name, f]) => [name, i + 1, f as AnyFunction] as const),
);

/** The functions of a family whose first operand is the order. */
function withOrder(family: Readonly<Record<string, (n: number, x: never) => unknown>>, n: number): object {
  return Object.fromEntries(Object.entries(family).map(([name, f]) => [name, (x: never) => f(n, x)]));
}

const odd = [NaN, -Infinity, -1e308, -30.5, -2, -1, -0.5, -1e-300, 0, 5e-324, 1e-300, 0.5, 1, 1.5, 40, 1e5, 1e308, Infinity]; // prettier-ignore

test.each(all)("%s", (name, n, f) => {
  const rows = Array.from({ length: odd.length ** n }, (_, k) =>
    Array.from({ length: n }, (_, i) => odd[Math.floor(k / odd.length ** i) % odd.length]),
  ).filter((row, k) => n < 3 || (k % 7 === 0 && !row.includes(1e308)));
  const columns = Array.from({ length: n }, (_, i) => tensor(Float64Array.from(rows, (row) => row[i])));
  const got = (f(...columns) as Tensor).dataSync();
  rows.forEach((row, i) => {
    let wanted = NaN;
    try {
      wanted = f(...row) as number;
    } catch (error) {
      expect(error).toBeInstanceOf(DomainError);
    }
    if (!Object.is(got[i], wanted) && got[i] !== wanted) expect.fail(`${name}(${row.join(", ")}): ${got[i]}, not ${wanted}`);
  });
}); // prettier-ignore
