import { besselRatioI } from "@curv/bessel";
import * as vonMisesFisher from "@curv/bessel/von-mises-fisher";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { directionsOf, loadDigits } from "./digits.js";
import { studyDigits } from "./digits-study.js";
import { studyKnown } from "./known-study.js";
import { likeliestComponents, likeliestMixture } from "./likeliest-mixture.js";
import { compareWithOthers, isRight } from "./others.js";
import { quickSettings } from "./settings.js";
import { checksOf, standardError, type Study } from "./study.js";

const settings = { ...quickSettings, seed: 0, dimensions: [2048], pixels: { train: 200, test: 40 }, features: { train: 80, test: 20 } }; // prettier-ignore
const known = await studyKnown({ ...settings, knownRows: 40, starts: 3 }, random.key(1), {});
const digits = await studyDigits(settings, random.key(2), {});
const comparison = await compareWithOthers();

test("known mixtures: rows told apart, concentrations that such samples should give, exact fits", () => {
  const [{ p, purity, components, fits }] = known.results;
  expect([p, purity]).toEqual([2048, 1]);
  components.forEach(({ truth, expected, fitted, cosine }, k) => {
    expect(truth).toBe([512, 1024, 2048, 4096][k]);
    expect(expected).toBeGreaterThan(truth);
    // Without the samples' bias in mind it would be off by more.
    expect(Math.abs(fitted - expected)).toBeLessThan(4 * standardError(p, 40, expected));
    const a = besselRatioI(p / 2 - 1, truth);
    expect(Math.abs(cosine - 1 / Math.sqrt(1 + (1 - a * a) / (40 * a * a)))).toBeLessThan(0.03);
    expect(fits[k].iterations).toBeLessThanOrEqual(8);
    expect(Math.abs(fits[k].residual)).toBeLessThanOrEqual(1e-12);
    expect(Math.abs(besselRatioI(p / 2 - 1, fits[k].concentration) - fits[k].meanLength)).toBeLessThanOrEqual(1e-12);
  });
  expect(known.milliseconds[0]).toBeGreaterThan(0);
});

test("digits: pixels, then features; tables add up; clusters are better than chance, noise is found out", () => {
  expect(digits.map(({ result }) => result.p)).toEqual([784, 2048]);
  for (const { result, means, scores } of digits) {
    expect(result.confusion.flat().reduce((a, b) => a + b, 0)).toBe(result.counts.train);
    expect(result.clusters.reduce((s, { weight }) => s + weight, 0)).toBeCloseTo(1, 12);
    // Twice what labels by chance would give: a tenth, and somewhat more in small clusters.
    expect(result.purity).toBeGreaterThan(0.3);
    expect(result.testAccuracy).toBeGreaterThan(0.2);
    expect(result.auroc.noise).toBeGreaterThan(0.8);
    expect(result.auroc.noise).toBeGreaterThan(result.auroc.mirrored);
    for (const values of scores.values()) expect(values).toHaveLength(result.counts.test);
    for (const mean of means) expect(Math.hypot(...mean)).toBeCloseTo(1, 12);
    for (const { concentration, meanLength } of result.clusters) {
      expect(besselRatioI(result.p / 2 - 1, concentration)).toBe(meanLength);
    }
  }
  expect(digits.map(({ means }) => means.length)).toEqual([settings.components, 0]);
});

test("of several starts the likeliest is kept; components of the rows are those of the fit", async () => {
  const x = directionsOf((await loadDigits(random.key(0))).slice(0, 100).map(({ picture }) => picture));
  const key = random.key(9);
  const best = await likeliestMixture(x, 5, 4, key, {});
  const single = [];
  for (const start of random.split(key, 4)) single.push(await vonMisesFisher.fitMixture(x, 5, start, { tol: 1e-8 }));
  expect(best.logLikelihood).toBeCloseTo(Math.max(...single.map((s) => s.logLikelihood)), 8);
  expect(likeliestComponents(x, best)).toEqual(Array.from(best.responsibilities.argMax(1).dataSync()));
  await expect(likeliestMixture(x, 2, 1, key, { signal: AbortSignal.abort() })).rejects.toThrow();
});

describe("others", () => {
  test("where SciPy and mpmath end, and that what is given here is right", () => {
    expect(comparison.rows).toHaveLength(20);
    for (const { p, logIve, ratio, scipy, mpmath, curv } of comparison.rows) {
      expect(curv.logError).toBeLessThan(1e-14);
      expect(curv.ratioError).toBeLessThan(1e-12);
      expect(curv.kappaError).toBeLessThan(1e-12);
      // e^−745 is the last number above 0.
      const lost = logIve < -745;
      expect([scipy.ive, scipy.logIve, scipy.ratio]).toEqual(lost ? [0, "-inf", "nan"] : [expect.any(Number), expect.any(Number), expect.any(Number)]); // prettier-ignore
      expect(isRight(scipy.ratio, ratio)).toBe(!lost);
      if (mpmath.logIve === "NoConvergence") expect(p).toBeGreaterThanOrEqual(8192);
      else expect(isRight(mpmath.logIve, logIve)).toBe(true);
    }
    for (const { p, kappa, curv } of comparison.fits) expect(isRight(kappa, curv)).toBe(p === 10);
  });
});

describe("claims", () => {
  const study: Study = { settings: { ...settings, quick: false }, known, digits, comparison };
  const held = (changes: Partial<Study>): boolean[] => checksOf({ ...study, ...changes }).map(({ holds }) => holds);

  test("a quick run makes none", () => expect(checksOf({ ...study, settings })).toEqual([]));

  test("what is missed is told", () => {
    const all = held({});
    expect(all).toHaveLength(7);
    expect(all.slice(0, 4)).toEqual([true, true, true, true]);
    expect(held({ known: { ...known, milliseconds: [51] } })[1]).toBe(false);
    const [result] = known.results;
    const [fit, ...others] = result.fits;
    const withFit = (change: object): Study["known"] => ({ ...known, results: [{ ...result, fits: [{ ...fit, ...change }, ...others] }] }); // prettier-ignore
    expect(held({ known: withFit({ iterations: 9 }) })[0]).toBe(false);
    expect(held({ known: withFit({ residual: -2e-12 }) })[2]).toBe(false);
    const [row, ...rows] = comparison.rows;
    expect(held({ comparison: { ...comparison, rows: [{ ...row, curv: { ...row.curv, kappaError: 1e-11 } }, ...rows] } })[3]).toBe(false); // prettier-ignore
    expect(held({ known: { ...known, results: [{ ...result, purity: 0.99 }] } })[4]).toBe(false);
    const [pixels] = digits;
    const claimed = { converged: true, purity: 0.6, auroc: { ...pixels.result.auroc, noise: 1, stripes: 1, negative: 1, "shuffled pixels": 1 } }; // prettier-ignore
    const withPixels = (change: object): Study["digits"] => [{ ...pixels, result: { ...pixels.result, ...claimed, ...change } }]; // prettier-ignore
    expect(held({ digits: withPixels({}) }).slice(5)).toEqual([true, true]);
    expect(held({ digits: withPixels({ purity: 0.59 }) }).slice(5)).toEqual([false, true]);
    expect(held({ digits: withPixels({ auroc: { ...claimed.auroc, stripes: 0.9 } }) }).slice(5)).toEqual([true, false]);
  });
});
