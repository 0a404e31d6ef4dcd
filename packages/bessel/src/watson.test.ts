/** The Watson distribution: against von Mises on the circle, by integrals, by its samples, and its fits. */

import { DomainError, grad, jit, ShapeError, tensor, TracingError, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64 } from "../test/measure.js";
import { hyp1f1Ratio, inverseHyp1f1Ratio } from "./hypergeometric/index.js";
import { logIv } from "./index.js";
import * as watson from "./watson/index.js";

const axisOf = (p: number, at = 0): Tensor => f64(Array.from({ length: p }, (_, i) => (i === at ? 1 : 0)));

test("on the circle it is von Mises of twice the angle: normaliser 2πI₀(κ/2)e^{κ/2}", () => {
  for (const k of [0, 1e-9, 0.7, -3, 250, -1e4]) {
    const wanted = -(Math.log(2 * Math.PI) + logIv(0, Math.abs(k) / 2) + k / 2);
    const got = watson.logNormalizer(2, f64(k)).itemSync();
    expect(Math.abs(got - wanted), `${k}`).toBeLessThan(2e-15 * Math.max(10, Math.abs(k)));
  }
});

test("on the sphere of ℝ³ densities integrate to 1, and entropy and divergence are their integrals", () => {
  const n = 4000; // midpoints over the component along μ
  const t = Float64Array.from({ length: n }, (_, i) => -1 + (2 * (i + 0.5)) / n);
  const x = tensor(Float64Array.from([...t].flatMap((c) => [c, Math.sqrt(1 - c * c), 0])), { shape: [n, 3] });
  const mean = (y: Tensor): number => y.sum().itemSync() * ((4 * Math.PI) / n);
  for (const k of [-30, -0.5, 0, 2, 20]) {
    const f = { axis: axisOf(3), concentration: f64(k) };
    const log = watson.logProb(x, f);
    expect(mean(log.exp())).toBeCloseTo(1, 4);
    expect(mean(log.exp().mul(log))).toBeCloseTo(-watson.entropy(f).itemSync(), 3);
    const g = { axis: axisOf(3), concentration: f64(1.5) };
    expect(mean(log.exp().mul(log.sub(watson.logProb(x, g))))).toBeCloseTo(watson.kl(f, g).itemSync(), 3);
    expect(watson.kl(f, f).itemSync()).toBeCloseTo(0, 13);
  }
});

test("the divergence of different axes is the mean over samples", () => {
  const f = { axis: axisOf(5), concentration: f64(6) };
  const g = { axis: f64([0.6, 0.8, 0, 0, 0]), concentration: f64(-2) };
  const x = watson.sample(random.key(3), f, { shape: [8000] });
  const gaps = watson.logProb(x, f).sub(watson.logProb(x, g));
  const error = 4 * Math.sqrt(gaps.sub(gaps.mean()).square().mean().itemSync() / 8000);
  expect(Math.abs(gaps.mean().itemSync() - watson.kl(f, g).itemSync())).toBeLessThan(error);
});

test.each([[2, 3], [3, -8], [3, 200], [40, 60], [40, -300], [2000, 3000]])("samples in ℝ^%i with κ = %d: E(μᵀx)², unit length, uniform across", (p, k) => {
  const n = p > 100 ? 100 : 2000;
  const axis = random.sphere(random.key(p), p, { dtype: "float64" });
  const x = watson.sample(random.key(1), { axis, concentration: f64(k) }, { shape: [n] });
  expect(x.shape).toEqual([n, p]);
  expect(x.square().sum(-1).sub(1).abs().max().itemSync()).toBeLessThan(1e-13);
  const squares = x.mul(axis).sum(-1).square();
  const kappa = f64(k);
  const wanted = watson.meanSquare(p, kappa).itemSync();
  const variance = grad((t: Tensor) => watson.meanSquare(p, t))(kappa).itemSync();
  expect(Math.abs(squares.mean().itemSync() - wanted)).toBeLessThan(4 * Math.sqrt(variance / n));
  // Neither end of the axis nor any direction across is preferred.
  expect(Math.abs(x.mul(axis).sum(-1).sign().mean().itemSync())).toBeLessThan(4 / Math.sqrt(n));
  const side = x.sub(x.mul(axis).sum(-1, { keepDims: true }).mul(axis)).mean(0).square().sum().itemSync();
  expect(side).toBeLessThan((2 * (1 - wanted)) / n + 8 * ((1 - wanted) / n) * Math.sqrt(2 / Math.max(1, p - 1)));
}); // prettier-ignore

test("the inverse of the ratio, to 1e-14 of the smaller of r and 1 − r", () => {
  for (const [a, b] of [
    [0.5, 1],
    [0.5, 1.5],
    [0.5, 50],
    [0.5, 5e4],
    [3, 4],
  ]) {
    // prettier-ignore
    for (const r of [1e-9, 1e-3, 0.2, 0.5, 0.9, 0.999999]) {
      const x = inverseHyp1f1Ratio(a, b, r);
      const back = Math.abs(hyp1f1Ratio(a, b, x) - r);
      expect(back, `${a} ${b} ${r}`).toBeLessThan(2e-14 * Math.min(r, 1 - r) + 2e-16);
    }
    expect(Math.abs(inverseHyp1f1Ratio(a, b, a / b))).toBeLessThan(1e-10);
  }
  expect([inverseHyp1f1Ratio(1, 3, 0), inverseHyp1f1Ratio(1, 3, 1)]).toEqual([-Infinity, Infinity]);
  expect(() => inverseHyp1f1Ratio(1, 3, 1.1)).toThrow(DomainError);
  behavesAsTensorFunction(inverseHyp1f1Ratio, [[0.5, 2, 1], [1.5, 5, 30], [0.4, 0.8, 0.1]], { digits: 4 }); // prettier-ignore
});

test("fits: the score vanishes, and κ and μ come back", { timeout: 30_000 }, async () => {
  for (const [p, k, n] of [[3, 5, 4000], [3, -5, 4000], [30, 80, 2000]]) { // prettier-ignore
    const axis = random.sphere(random.key(7), p, { dtype: "float64" });
    const x = watson.sample(random.key(8), { axis, concentration: f64(k) }, { shape: [n] });
    const fitted = await watson.fit(x);
    expect(fitted.converged).toBe(true);
    expect(fitted.iterations).toBeLessThanOrEqual(12);
    const r = watson.meanSquare(p, f64(fitted.concentration)).itemSync();
    expect(Math.abs(r - fitted.meanSquare)).toBeLessThan(1e-12);
    const information = grad((t: Tensor) => watson.meanSquare(p, t))(f64(k)).itemSync();
    // Fitting the axis, too, takes a bias of (p − 1)/n of the square.
    expect(Math.abs(fitted.concentration - k)).toBeLessThan(4 / Math.sqrt(information * n) + 4 * p * p / n);
    expect(Math.abs(fitted.axis.mul(axis).sum().itemSync())).toBeGreaterThan(0.98);
    const uniform = watson.logProb(x, { axis, concentration: f64(0) }).mean().itemSync();
    const best = watson.logProb(x, { axis: fitted.axis, concentration: f64(fitted.concentration) }).mean().itemSync();
    expect(best - uniform).toBeCloseTo(fitted.gain, 10);
    const other = await watson.fit(x, { shape: k > 0 ? "girdle" : "bipolar" });
    expect(other.gain).toBeLessThan(fitted.gain);
  }
}); // prettier-ignore

test("weights count as repetitions; refusals", async () => {
  const x = f64([[1, 0, 0], [0.8, 0.6, 0], [0, 0.6, 0.8]] as unknown as number[]); // prettier-ignore
  const repeated = f64([[1, 0, 0], [1, 0, 0], [0.8, 0.6, 0], [0, 0.6, 0.8]] as unknown as number[]); // prettier-ignore
  const a = await watson.fit(x, { shape: "bipolar", weights: f64([2, 1, 1]) });
  const b = await watson.fit(repeated, { shape: "bipolar" });
  expect(a.concentration).toBeCloseTo(b.concentration, 10);
  await expect(watson.fit(f64([[1, 0], [1, 0]] as unknown as number[]))).rejects.toThrow(DomainError); // prettier-ignore
  await expect(watson.fit(f64([[1, 1]] as unknown as number[]))).rejects.toThrow(DomainError);
  expect(() => watson.logProb(axisOf(3), { axis: axisOf(4), concentration: f64(1) })).toThrow(ShapeError);
  expect(() => watson.kl({ axis: axisOf(3), concentration: f64(1) }, { axis: axisOf(4), concentration: f64(1) })).toThrow(ShapeError); // prettier-ignore
  const sampled = (k: Tensor): Tensor => watson.sample(random.key(0), { axis: axisOf(3), concentration: k }).sum();
  expect(() => grad(sampled)(f64(1))).toThrow(TracingError);
});

test("densities jit, vmap and differentiate; batches of distributions", () => {
  const axis = f64([[1, 0, 0], [0, 0.6, 0.8]] as unknown as number[]); // prettier-ignore
  const concentration = f64([3, -4]);
  const x = axisOf(3, 2);
  const eager = watson.logProb(x, { axis, concentration }).dataSync();
  expect(jit((k: Tensor) => watson.logProb(x, { axis, concentration: k }))(concentration).dataSync()).toEqual(eager);
  const one = (m: Tensor, k: Tensor): Tensor => watson.logProb(x, { axis: m, concentration: k });
  expect(vmap(one)(axis, concentration).dataSync()).toEqual(eager);
  const slope = grad((k: Tensor) => watson.logProb(x, { axis, concentration: k }).sum())(concentration).dataSync();
  expect(slope[1]).toBeCloseTo(0.64 - watson.meanSquare(3, f64(-4)).itemSync(), 14);
});
