/** von Mises–Fisher, von Mises and power spherical distributions, against SciPy and mpmath (fixtures/directional.py), and by their samples. */

import {
  DomainError,
  grad,
  hessian,
  hvp,
  jit,
  ShapeError,
  tensor,
  TracingError,
  vmap,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import reference from "./fixtures/directional.json" with { type: "json" };
import { besselRatioI } from "./index.js";
import * as powerSpherical from "./power-spherical/index.js";
import * as vonMises from "./von-mises/index.js";
import * as vmf from "./von-mises-fisher/index.js";

const f64 = (values: number | readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(values as number[], { dtype: "float64" });
const axis = (p: number, at = 0): Tensor => f64(Array.from({ length: p }, (_, i) => (i === at ? 1 : 0)));
type Point = { m: Tensor; kappa: Tensor };
const relative = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.max(1, Math.abs(wanted));

describe("von Mises–Fisher: the density", () => {
  test("normaliser, mean length and entropy for p to 100,000", () => {
    for (const [p, k, logC, length, entropy] of reference.normalizers) {
      const kappa = f64(k);
      expect(relative(vmf.logNormalizer(p, kappa).itemSync(), logC), `c ${p} ${k}`).toBeLessThan(2e-14);
      expect(Math.abs(vmf.meanLength(p, kappa).itemSync() / length - 1)).toBeLessThan(1e-15);
      // κ(1 − A) carries an error of κ ulp.
      const got = vmf.entropy({ mean: axis(p), concentration: kappa }).itemSync();
      expect(Math.abs(got - entropy), `H ${p} ${k}`).toBeLessThan(2e-14 * Math.abs(entropy) + 1e-15 * k);
    }
  });

  test("log densities and fits of SciPy", async () => {
    for (const { mean, kappa, x, logProb, entropy, fitMean, fitKappa } of reference.scipy) {
      const f = { mean: f64(mean), concentration: f64(kappa) };
      const got = vmf.logProb(f64(x), f).dataSync();
      logProb.forEach((wanted, i) => expect(relative(got[i], wanted)).toBeLessThan(1e-12));
      expect(relative(vmf.entropy(f).itemSync(), entropy)).toBeLessThan(1e-10);
      const fitted = await vmf.fit(f64(x));
      expect(fitted.converged).toBe(true);
      expect(Math.abs(fitted.concentration / fitKappa - 1)).toBeLessThan(1e-6); // SciPy's root finder stops there
      fitted.mean.dataSync().forEach((m, i) => expect(m).toBeCloseTo(fitMean[i], 12));
    }
  });

  test("integrates to 1 on the sphere", () => {
    // p = 3: 2π ∫ f dt over the component along μ, by the trapezoid rule after t = tanh(s)… here by 20,000 midpoints.
    const n = 20000;
    const t = Float64Array.from({ length: n }, (_, i) => -1 + (2 * (i + 0.5)) / n);
    const x = tensor(Float64Array.from([...t].flatMap((c) => [c, Math.sqrt(1 - c * c), 0])), { shape: [n, 3] });
    for (const kappa of [0, 1e-12, 0.3, 5, 40]) {
      const density = vmf.logProb(x, { mean: axis(3), concentration: f64(kappa) }).exp();
      expect(density.sum().itemSync() * ((4 * Math.PI) / n)).toBeCloseTo(1, 5);
    }
  });

  test("derivatives: −A and −A′ in κ, at κ = 0 too; none is NaN", () => {
    for (const [p, k] of [
      [3, 2],
      [50, 20],
      [2048, 1024],
      [3, 1e5],
    ]) {
      // prettier-ignore
      const f = (kappa: Tensor): Tensor => vmf.logNormalizer(p, kappa);
      expect(relative(grad(f)(f64(k)).itemSync(), -besselRatioI(p / 2 - 1, k))).toBeLessThan(1e-13);
      const a = besselRatioI(p / 2 - 1, k);
      const wanted = a * a + ((p - 1) * a) / k - 1;
      expect(Math.abs(grad((q: Tensor) => grad(f)(q))(f64(k)).itemSync() - wanted)).toBeLessThan(1e-14);
    }
    expect(grad((k: Tensor) => vmf.logNormalizer(5, k))(f64(0)).itemSync()).toBe(0);
    const x = axis(4, 1);
    const curvature = hessian((k: Tensor) => vmf.logProb(x, { mean: axis(4), concentration: k }))(f64(3)).itemSync();
    expect(curvature).toBeLessThan(0);
  });

  test.each([3, 50, 2048])("hvp of a log-likelihood in direction and concentration, p = %i", (p) => {
    const n = 7;
    const x = random.sphere(random.key(p), p, { shape: [n], dtype: "float64" });
    const likelihood = ({ m, kappa }: { m: Tensor; kappa: Tensor }): Tensor =>
      vmf.logProb(x, { mean: m.div(m.square().sum().sqrt()), concentration: kappa }).sum();
    const m = random.sphere(random.key(p + 1), p, { dtype: "float64" });
    const k = 0.7 * p;
    const along = { m: random.normal(random.key(p + 2), { shape: [p], dtype: "float64" }), kappa: f64(0.3) };
    for (const product of [hvp, jit((at: Point, u: Point) => hvp(likelihood, at, u))] as const) {
      const at = { m, kappa: f64(k) };
      const got = product === hvp ? hvp(likelihood, at, along) : (product as (at: Point, u: Point) => Point)(at, along);
      // Of κ·mᵀs/|m| + n log c(κ), s = Σx, at |m| = 1: with t = s − (mᵀs)m the blocks are −κ(tmᵀ + mtᵀ + (mᵀs)(I − mmᵀ)), t, and −nA′.
      const [s, mu, u] = [x.sum(0), m, along.m].map((y) => Float64Array.from(y.dataSync()));
      const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, y, i) => sum + y * b[i], 0);
      const ms = dot(mu, s);
      const t = s.map((y, i) => y - ms * mu[i]);
      const [mu_u, tu] = [dot(mu, u), dot(t, u)];
      const wanted = t.map((y, i) => 0.3 * y - k * (y * mu_u + mu[i] * tu + ms * (u[i] - mu_u * mu[i])));
      const size = Math.max(...wanted.map(Math.abs));
      got.m.dataSync().forEach((y, i) => expect(Math.abs(y - wanted[i])).toBeLessThan(1e-12 * size));
      const a = besselRatioI(p / 2 - 1, k);
      const slope = 1 - a * a - ((p - 1) * a) / k; // A′
      const inKappa = tu - n * slope * 0.3;
      expect(Math.abs(got.kappa.itemSync() - inKappa)).toBeLessThan(1e-10 * Math.max(1, Math.abs(inKappa)));
    }
  });

  test("Kullback–Leibler divergence: by quadrature, zero of itself", () => {
    const { kappas, cosine, kl } = reference.kl;
    const f = { mean: axis(3), concentration: f64(kappas[0]) };
    const g = { mean: f64([cosine, Math.sqrt(1 - cosine * cosine), 0]), concentration: f64(kappas[1]) };
    expect(vmf.kl(f, g).itemSync()).toBeCloseTo(kl, 13);
    expect(vmf.kl(f, f).itemSync()).toBe(0);
    const batch = { mean: axis(3), concentration: f64([1, 7]) };
    expect(vmf.kl(f, batch).shape).toEqual([2]);
  });

  test("refusals", () => {
    const f = { mean: axis(3), concentration: f64(1) };
    expect(() => vmf.logProb(axis(4), f)).toThrow(ShapeError);
    expect(() => vmf.kl(f, { ...f, mean: axis(4) })).toThrow("kl: means of dimensions 3 and 4");
    expect(() => vmf.entropy({ mean: f64([1]), concentration: f64(1) })).toThrow("p >= 2");
  });
});

describe("von Mises–Fisher: samples", () => {
  test.each([
    [2, 3, 8000],
    [3, 5, 8000],
    [3, 0, 8000],
    [10, 30, 8000],
    [784, 400, 500],
  ])("p = %i, κ = %i: unit vectors with the mean and the spread that they should have", (p, k, n) => {
    const mean = random.sphere(random.key(p), p, { dtype: "float64" });
    const x = vmf.sample(random.key(7), { mean, concentration: f64(k) }, { shape: [n] });
    expect(x.shape).toEqual([n, p]);
    const norms = x.square().sum(-1).dataSync();
    expect(norms.every((s) => Math.abs(s - 1) < 1e-14)).toBe(true);
    const along = Float64Array.from(x.matmul(mean).dataSync());
    const average = along.reduce((a, b) => a + b, 0) / n;
    const a = besselRatioI(p / 2 - 1, k);
    const variance = k === 0 ? 1 / p : 1 - a * a - ((p - 1) * a) / k; // of μᵀx: A′
    expect(Math.abs(average - a)).toBeLessThan(4 * Math.sqrt(variance / n));
    const second = along.reduce((s, t) => s + (t - a) ** 2, 0) / n;
    expect(second / variance).toBeGreaterThan(1 - 6 / Math.sqrt(n));
    expect(second / variance).toBeLessThan(1 + 6 / Math.sqrt(n));
  });

  test("large concentrations keep their digits; the same key gives the same samples; batches", () => {
    const f = { mean: axis(5), concentration: f64(1e10) };
    const x = vmf.sample(random.key(1), f, { shape: [2000] });
    const spread = x.slice(null, [1, 5]).square().sum(-1).mean().itemSync(); // ≈ (p − 1)/κ
    expect(spread / 4e-10).toBeGreaterThan(0.9);
    expect(spread / 4e-10).toBeLessThan(1.1);
    expect(vmf.sample(random.key(1), f, { shape: [2000] }).dataSync()).toEqual(x.dataSync());
    const batch = { mean: f64([[1, 0, 0, 0], [0, 0, 0, -1]]), concentration: f64([5, 50]) }; // prettier-ignore
    expect(vmf.sample(random.key(2), batch, { shape: [3] }).shape).toEqual([3, 2, 4]);
    expect(vmf.sample(random.key(2), batch).shape).toEqual([2, 4]);
  });

  test("jit and vmap; differentiable in the mean, refused in the concentration", () => {
    const f = (key: random.Key): Tensor => vmf.sample(key, { mean: axis(4), concentration: f64(3) });
    const keys = random.splitKeys(random.key(3), 5);
    const batch = vmap(f)(keys);
    expect(batch.shape).toEqual([5, 4]);
    expect(jit(f)(random.key(3)).dataSync()).toEqual(f(random.key(3)).dataSync());
    const key = random.key(4);
    expect(() =>
      grad((k: Tensor) => vmf.sample(key, { mean: axis(4), concentration: k }).sum())(f64(3)),
    ).toThrow(TracingError);
    const slope = grad((m: Tensor) => vmf.sample(key, { mean: m, concentration: f64(3) }).slice(0))(axis(4));
    expect(slope.dataSync().every(Number.isFinite)).toBe(true);
  }); // prettier-ignore
});

describe("von Mises–Fisher: fits", () => {
  test("A_p(κ̂) = R̄ to 1e-12 in at most 8 steps, for p to 32,768", async () => {
    for (const p of [3, 2048, 8192, 32768]) {
      for (const r of [0.05, 0.5, 0.95]) {
        const across = Math.sqrt(1 - r * r);
        const rows = new Float64Array(2 * p);
        rows.set([r, across], 0);
        rows.set([r, -across], p); // two rows whose mean is (r, 0, …)
        const { concentration, residual, iterations, converged, mean, history } = await vmf.fit(tensor(rows, { shape: [2, p] })); // prettier-ignore
        expect(converged).toBe(true);
        expect(Math.abs(residual)).toBeLessThan(1e-12);
        expect(iterations).toBeLessThanOrEqual(8);
        expect(history.length).toBe(iterations + 1);
        expect(besselRatioI(p / 2 - 1, concentration)).toBeCloseTo(r, 12);
        expect(mean.dataSync()[0]).toBe(1);
      }
    }
  });

  test("samples give their concentration back, within three standard errors", async () => {
    for (const [p, k, n] of [
      [3, 8, 4000],
      [2048, 1024, 200],
    ]) {
      // prettier-ignore
      const x = vmf.sample(random.key(11), { mean: axis(p, 1), concentration: f64(k) }, { shape: [n] });
      const { concentration } = await vmf.fit(x);
      const a = besselRatioI(p / 2 - 1, k);
      const information = 1 - a * a - ((p - 1) * a) / k;
      // R̄ is longer than A by the p − 1 directions across: its bias, (p − 1)A/(2nκR̄), is part of the estimate.
      const bias = (p - 1) / (2 * n * k) / information;
      expect(Math.abs(concentration - k - bias)).toBeLessThan(3.5 / Math.sqrt(n * information) + 0.1 * bias);
    }
  });

  test("methods: exact ones agree, approximations come near, Newton's is the best", async () => {
    const x = vmf.sample(random.key(5), { mean: axis(100), concentration: f64(60) }, { shape: [300] });
    const exact = await vmf.fit(x);
    const error: Record<string, number> = {};
    for (const method of ["mle-opt", "sra", "tanabe", "banerjee"] as const) {
      const other = await vmf.fit(x, { method });
      error[method] = Math.abs(other.concentration / exact.concentration - 1);
      expect(Math.abs(other.residual)).toBeGreaterThanOrEqual(Math.abs(exact.residual));
      if (method === "banerjee") expect([other.converged, other.status]).toEqual([false, "approximation"]);
    }
    expect(error["mle-opt"]).toBeLessThan(1e-6);
    expect(error.sra).toBeLessThan(1e-8);
    expect(error.tanabe).toBeLessThan(1e-2);
    expect(error.banerjee).toBeLessThan(1e-2);
    expect(error.banerjee).toBeGreaterThan(1e-8); // a test that the approximation would not pass
  });

  test("weights count like repeated rows; the core differentiates", async () => {
    const x = vmf.sample(random.key(6), { mean: axis(3), concentration: f64(4) }, { shape: [5] });
    const twice = await vmf.fit(x, { weights: f64([1, 2, 1, 1, 1]) });
    const rows = x.dataSync();
    const repeated = tensor(Float64Array.from([...rows, ...rows.slice(3, 6)]), { shape: [6, 3] });
    expect((await vmf.fit(repeated)).concentration).toBeCloseTo(twice.concentration, 10);
    const f = (w: Tensor): Tensor => vmf.fitCore(x, w).concentration;
    const w = f64([0.2, 0.2, 0.2, 0.2, 0.2]);
    const slope = grad(f)(w).dataSync();
    const moved =
      f(f64([0.2 + 1e-6, 0.2, 0.2, 0.2, 0.2])).itemSync() - f(f64([0.2 - 1e-6, 0.2, 0.2, 0.2, 0.2])).itemSync();
    expect(slope[0]).toBeCloseTo(moved / 2e-6, 5);
  });

  test("refusals", async () => {
    await expect(vmf.fit(f64([[1, 0], [0.5, 0.5]]))).rejects.toThrow("fit: row 1 has norm 0.7071067811865476; wants unit vectors"); // prettier-ignore
    await expect(vmf.fit(f64([[1, 0], [NaN, 0]]))).rejects.toThrow(DomainError); // prettier-ignore
    await expect(vmf.fit(f64([[1, 0], [-1, 0]]))).rejects.toThrow("no direction"); // prettier-ignore
    await expect(vmf.fit(f64([[0.6, 0.8], [0.6, 0.8]]))).rejects.toThrow("infinite"); // prettier-ignore
    await expect(vmf.fit(f64([1, 0]))).rejects.toThrow(ShapeError);
    await expect(vmf.fit(f64([[1], [1]]))).rejects.toThrow("at least 2");
    await expect(vmf.fit(f64([[1, 0]]), { weights: f64([-1]) })).rejects.toThrow("weight 0 is -1");
  });
});

describe("von Mises–Fisher: mixtures", () => {
  const truth = [
    { mean: axis(6, 0), concentration: f64(40) },
    { mean: axis(6, 1), concentration: f64(15) },
    { mean: axis(6, 2).neg(), concentration: f64(80) },
  ];
  const x = tensor(
    Float64Array.from(
      truth.flatMap((f, i) => [...vmf.sample(random.key(i), f, { shape: [200 * (i + 1)] }).dataSync()]),
    ),
    { shape: [1200, 6] },
  );

  test.each(["soft", "hard"] as const)("EM (%s) finds the components, and the likelihood rises", async (assignment) => {
    const seen: number[] = [];
    const { means, weights, concentrations, history, converged, responsibilities, logLikelihood } = await vmf.fitMixture(
      x, 3, random.key(1), { assignment, onProgress: (p) => seen.push(p.iterations) },
    ); // prettier-ignore
    expect(converged).toBe(true);
    expect(seen.length).toBe(history.length - 1);
    for (let i = 1; i < history.length && assignment === "soft"; i++)
      expect(history[i]).toBeGreaterThan(history[i - 1] - 1e-12);
    const cosines = means.matmul(
      tensor(Float64Array.from(truth.flatMap((f) => [...f.mean.dataSync()])), { shape: [3, 6] }).T,
    );
    const best = cosines.argMax(1).dataSync();
    expect(new Set(best).size).toBe(3);
    for (let k = 0; k < 3; k++) {
      expect(cosines.slice(k, best[k]).itemSync()).toBeGreaterThan(0.99);
      expect(weights.slice(k).itemSync()).toBeCloseTo((best[k] + 1) / 6, 1);
      expect(concentrations.slice(k).itemSync() / truth[best[k]].concentration.itemSync()).toBeGreaterThan(0.8);
      expect(concentrations.slice(k).itemSync() / truth[best[k]].concentration.itemSync()).toBeLessThan(1.25);
    }
    expect(
      responsibilities
        .sum(1)
        .dataSync()
        .every((s) => Math.abs(s - 1) < 1e-12),
    ).toBe(true);
    const single = await vmf.fitMixture(x, 1, random.key(0));
    expect(logLikelihood).toBeGreaterThan(single.logLikelihood + 1);
    const one = await vmf.fit(x);
    expect(single.concentrations.dataSync()[0]).toBeCloseTo(one.concentration, 8);
  });

  test("log density of a mixture, cancellation, refusals", async () => {
    const mixture = { weights: f64([0.5, 0.5]), means: f64([[1, 0, 0], [0, 1, 0]]), concentrations: f64([3, 9]) }; // prettier-ignore
    const at = f64([[0, 0, 1], [0.6, 0.8, 0]]); // prettier-ignore
    const parts = [0, 1].map((k) =>
      vmf.logProb(at, { mean: mixture.means.slice(k), concentration: mixture.concentrations.slice(k) }).exp().dataSync(),
    ); // prettier-ignore
    const got = vmf.mixtureLogProb(at, mixture).dataSync();
    for (const i of [0, 1]) expect(got[i]).toBeCloseTo(Math.log(0.5 * parts[0][i] + 0.5 * parts[1][i]), 12);
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(vmf.fitMixture(x, 2, random.key(0), { signal: stop.signal })).rejects.toThrow("enough");
    await expect(vmf.fitMixture(at, 3, random.key(0))).rejects.toThrow(
      "components is 3; wants an integer from 1 to n = 2",
    );
    const early = await vmf.fitMixture(x, 3, random.key(0), { maxIter: 1 });
    expect([early.converged, early.status]).toEqual([false, "max-iterations"]);
  });
});

describe("von Mises", () => {
  test("log densities and entropies of SciPy, samples, fits", () => {
    const angles = f64([-3, -0.2, 0, 1, 2.5]);
    for (const [mean, k, logs, entropy] of reference.vonMises as [number, number, number[], number][]) {
      const f = { mean: f64(mean), concentration: f64(k) };
      const got = vonMises.logProb(angles, f).dataSync();
      logs.forEach((wanted, i) => expect(relative(got[i], wanted)).toBeLessThan(1e-13));
      expect(relative(vonMises.entropy(f).itemSync(), entropy)).toBeLessThan(1e-12);
      expect(vonMises.kl(f, f).itemSync()).toBe(0);
      const x = vonMises.sample(random.key(9), f, { shape: [5000] });
      const fitted = vonMises.fitCore(x);
      const { length } = vonMises.circularMean(x);
      expect(Math.abs(length.itemSync() - besselRatioI(0, k))).toBeLessThan(4 / Math.sqrt(5000) * Math.max(0.02, 1 - besselRatioI(0, k)));
      if (k > 1) expect(fitted.mean.itemSync()).toBeCloseTo(mean, 1);
    }
  }); // prettier-ignore
});

describe("power spherical", () => {
  test("log densities and entropies by quadrature; samples; derivatives of samples", () => {
    for (const [p, k, a, b, c, entropy] of reference.powerSpherical) {
      const f = { mean: axis(p), concentration: f64(k) };
      const x = f64([-0.5, 0.3, 1].map((t) => Array.from({ length: p }, (_, i) => (i === 0 ? t : i === 1 ? Math.sqrt(1 - t * t) : 0))));
      const got = powerSpherical.logProb(x, f).dataSync();
      [a, b, c].forEach((wanted, i) => expect(relative(got[i], wanted)).toBeLessThan(1e-12));
      expect(relative(powerSpherical.entropy(f).itemSync(), entropy)).toBeLessThan(1e-11);
      const n = 4000;
      const along = powerSpherical.sample(random.key(8), f, { shape: [n] }).slice(null, 0);
      const [alpha, beta] = [(p - 1) / 2 + k, (p - 1) / 2];
      const mean = (alpha - beta) / (alpha + beta);
      const spread = Math.sqrt((4 * alpha * beta) / ((alpha + beta) ** 2 * (alpha + beta + 1)));
      expect(Math.abs(along.mean().itemSync() - mean)).toBeLessThan((4 * spread) / Math.sqrt(n));
    }
    // d/dκ E μᵀx, through the samples.
    const expected = (k: Tensor): Tensor =>
      powerSpherical.sample(random.key(2), { mean: axis(3), concentration: k }, { shape: [4000] }).slice(null, 0).mean();
    const slope = grad(expected)(f64(5)).itemSync();
    const mean = (k: number): number => k / (k + 2); // (α − β)/(α + β)
    expect(slope / ((mean(5.001) - mean(4.999)) / 0.002)).toBeCloseTo(1, 1);
  }); // prettier-ignore
});
