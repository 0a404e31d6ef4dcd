/** What a caller without types may pass: every door answers with a typed error that names the function and the argument. */

import { DomainError, DTypeError, ShapeError, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import * as bingham from "./bingham/index.js";
import * as bessel from "./index.js";
import { sphericalBesselJ } from "./spherical/index.js";
import * as vmf from "./von-mises-fisher/index.js";
import * as watson from "./watson/index.js";

const f64 = (values: number | number[] | number[][]): ReturnType<typeof tensor> => tensor(values as number[], { dtype: "float64" }); // prettier-ignore
const key = random.key(0);
const x = f64([
  [1, 0, 0],
  [0.6, 0.8, 0],
]);
const mean = f64([1, 0, 0]);
const concentration = f64(5);
/** Anything, as a caller without types has it. */
const any = (value: unknown): never => value as never;

const cases: readonly (readonly [() => unknown, new (...args: never[]) => Error, string])[] = [
  [() => bessel.logIv(any("2"), 1), DTypeError, 'logIv: v is the string "2"; wants a number or a tensor'],
  [() => bessel.logKv(any(undefined), 1), DTypeError, "logKv: v is undefined"],
  [() => bessel.besselRatioI(any([1]), any([2])), DTypeError, "besselRatioI: v is an array"],
  [() => bessel.besselI(f64(1), any("x")), DTypeError, 'besselI: x is the string "x"'],
  [() => bessel.erfcx(any("a")), DTypeError, "erfcx: x is the string"],
  [() => bessel.logIv(1, 2, { method: any("fast") }), DomainError, 'method is fast; wants "accurate" or "paper"'],
  [() => bessel.besselBranch(-1, 2), DomainError, "besselBranch: v is -1"],
  [() => bessel.inverseBesselRatioI(0, 2), DomainError, "inverseBesselRatioI: r is 2"],
  [() => sphericalBesselJ(any("a"), 1), DomainError, "sphericalBesselJ: n is a"],
  [() => vmf.logProb(x, { mean, concentration: any(5) }), DTypeError, "logProb: concentration is 5; wants a tensor"],
  [() => vmf.logProb(any([[1, 0, 0]]), { mean, concentration }), DTypeError, "logProb: x is an array"],
  [() => watson.sample(key, { axis: any([1, 0]), concentration }), DTypeError, "sample: axis is an array"],
  [() => bingham.logProb(x, { axes: mean, concentrations: mean }), ShapeError, "wants [..., p, p] and [..., p]"],
  [() => vmf.fit(any([[1, 0]])), DTypeError, "fit: x is an array"],
  [() => vmf.fit(x, { method: any("best") }), DomainError, "fit: method is best; wants one of"],
  [() => vmf.fit(x, { weights: any([1, 2]) }), DTypeError, "fit: weights is an array"],
  [() => vmf.fit(x, { weights: f64([1, 2, 3]) }), ShapeError, "weights have shape [3]; wants [2]"],
  [() => vmf.fitMixture(x, any("2"), key), DomainError, "components is 2; wants an integer"],
  [
    () => vmf.fitMixture(x, 2, key, { assignment: any("firm") }),
    DomainError,
    'assignment is the string "firm"; wants one of "soft", "hard"',
  ],
  [() => vmf.fitMixture(x, 2, key, { tol: NaN }), DomainError, "tol is NaN"],
  [() => vmf.fitMixture(x, 2, key, { maxIter: -1 }), DomainError, "maxIter is -1"],
];

test.each(cases)("%s", async (call, type, message) => {
  const failed = async (): Promise<unknown> => call();
  await expect(failed()).rejects.toBeInstanceOf(type);
  await expect(failed()).rejects.toThrow(message);
});

test("a concentration that is none gives NaN, and samplers come to an end", () => {
  for (const bad of [-5, NaN]) {
    const f = { mean: f64([1, 0, 0, 0]), concentration: f64([bad, 5]) };
    const samples = vmf.sample(key, f).dataSync();
    expect(samples.slice(0, 4).every((t) => t !== t)).toBe(true);
    expect(samples.slice(4).every(Number.isFinite)).toBe(true);
    for (const y of [vmf.entropy(f), vmf.kl(f, f), vmf.logProb(f64([0, 1, 0, 0]), f)]) {
      const [first, second] = y.dataSync();
      expect(first).toBeNaN();
      expect(second).not.toBeNaN();
    }
  }
  expect(watson.sample(key, { axis: mean, concentration: f64(NaN) }).dataSync()[0]).toBeNaN();
});

test("100,000 dimensions: density, entropy, divergence, samples, fit, mixture", { timeout: 60_000 }, async () => {
  const p = 100_000;
  const at = random.sphere(random.key(1), p, { dtype: "float64" });
  const f = { mean: at, concentration: f64(p) };
  const rows = vmf.sample(random.key(2), f, { shape: [12] });
  const fitted = await vmf.fit(rows);
  expect(fitted.converged).toBe(true);
  expect(fitted.iterations).toBeLessThanOrEqual(8);
  expect(Math.abs(fitted.residual)).toBeLessThan(1e-12);
  // R̄² ≈ A² + (1 − A²)/n: the mean of few vectors is too long, and κ is that of its length.
  const a = bessel.besselRatioI(p / 2 - 1, p);
  expect(Math.abs(fitted.meanLength - Math.sqrt(a * a + (1 - a * a) / 12))).toBeLessThan(4 / Math.sqrt(12 * p));
  // The mean of the log density over samples is minus the entropy; its deviation is κ√A′/√n.
  const deviation = p * Math.sqrt((1 - a * a - ((p - 1) * a) / p) / 12);
  const average = vmf.logProb(rows, f).mean().itemSync();
  expect(Math.abs(average + vmf.entropy(f).itemSync())).toBeLessThan(4 * deviation);
  expect(vmf.kl(f, f).itemSync()).toBe(0);
  expect(vmf.kl({ ...f, mean: at.neg() }, f).itemSync() / (2 * p * a)).toBeCloseTo(1, 10);
  const both = tensor(Float64Array.from([...rows.dataSync(), ...rows.neg().dataSync()]), { shape: [24, p] });
  const mixture = await vmf.fitMixture(both, 2, random.key(3));
  expect(mixture.converged).toBe(true);
  const of = mixture.responsibilities.argMax(1).dataSync();
  expect(new Set(of.slice(0, 12)).size + new Set(of.slice(12)).size).toBe(2);
});
