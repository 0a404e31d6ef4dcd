/** Derivatives of samples in their parameters: along the quantile for the gamma family, through the formula for the others. */

import { describe, expect, test } from "vitest";
import { tensor, type TensorData } from "../create.js";
import { log } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import { grad, hessian } from "../transform/grad.js";
import { jit } from "../transform/jit.js";
import { jvp } from "../transform/jvp.js";
import { bind1 } from "../transform/trace.js";
import { vmap } from "../transform/vmap.js";
import slopes from "./fixtures/gamma-slopes.json" with { type: "json" };
import { gammaP, gammaQ } from "./fixtures/goodness-of-fit.js";
import { gammaCdfDerivative } from "./gamma-cdf.js";
import * as random from "./index.js";

const key = random.key(99);
const double = (x: TensorData): Tensor => tensor(x, { dtype: "float64" });
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

/** dw/da of w = log x at a constant quantile. */
const slope = (a: Tensor, w: Tensor): Tensor => bind1(gammaCdfDerivative, [a, w], { n: 1 }).neg();

describe("gamma at a fixed quantile", () => {
  const a = double(slopes.map((row) => row.a));
  const w = double(slopes.map((row) => row.w));

  test("the slope of the quantile is that of mpmath, from a = 1e-4 to 3000 and through both tails", () => {
    numbers(slope(a, w)).forEach((v, i) => expect(Math.abs(v / slopes[i].slope - 1)).toBeLessThan(1e-12));
  });

  test("so is its second derivative", () => {
    const second = jvp(slope, [a, w], [a.mul(0).add(1), slope(a, w)]).tangent;
    numbers(second).forEach((v, i) => {
      const { slope: first, second: wanted } = slopes[i];
      expect(Math.abs(v - wanted)).toBeLessThan(1e-10 * Math.max(Math.abs(wanted), 1e-3 * first ** 2));
    });
  });

  test("and the third matches differences of the second along the quantile", () => {
    const second = (p: Tensor, v: Tensor): Tensor => jvp(slope, [p, v], [p.mul(0).add(1), slope(p, v)]).tangent;
    for (const [p, v] of [
      [0.5, -2],
      [0.5, 0.5],
      [3, 0.2],
      [3, 2],
      [40, 3.5],
      [40, 3.9],
    ]) {
      const at = double(p);
      const x = double(v);
      const third = jvp(second, [at, x], [double(1), slope(at, x)]).tangent.itemSync();
      // One step along w(a) to fourth order.
      const h = 1e-4;
      const first = slope(at, x).itemSync();
      const curve = second(at, x).itemSync();
      const along = (t: number): number =>
        second(double(p + t), double(v + t * first + (t * t * curve) / 2 + (t * t * t * third) / 6)).itemSync();
      expect(Math.abs((along(h) - along(-h)) / (2 * h) - third)).toBeLessThan(1e-6 * Math.max(1, Math.abs(third)));
    }
  });

  test.each([0.03, 0.6, 1, 2.5, 35])("the derivative of samples of gamma(%d) is that of their quantiles", (a0) => {
    const draw = (p: Tensor): Tensor => random.gamma(key, p, { shape: [40] });
    const { value, tangent } = jvp(draw, [double(a0)], [double(1)]);
    const h = 1e-4 * a0;
    const x = numbers(value);
    numbers(tangent).forEach((dx, i) => {
      if (x[i] < 1e-250) return;
      // The logarithms of the quantiles at a ± h by Newton's method on the smaller of P and Q.
      const upper = gammaP(a0, x[i]) > 0.5;
      const level = upper ? gammaQ(a0, x[i]) : gammaP(a0, x[i]);
      const quantile = (p: number): number => {
        let logX = Math.log(x[i]) + ((p - a0) * dx) / x[i];
        for (let step = 0; step < 6; step++) {
          const f = Math.log((upper ? gammaQ : gammaP)(p, Math.exp(logX)) / level);
          const e = 1e-5;
          const g = Math.log((upper ? gammaQ : gammaP)(p, Math.exp(logX + e)) / level);
          logX -= (f * e) / (g - f);
        }
        return logX;
      };
      const difference = (quantile(a0 + h) - quantile(a0 - h)) / (2 * h);
      expect(Math.abs((difference * x[i]) / dx - 1)).toBeLessThan(1e-6);
    });
  });

  test("grad, jit, vmap, hessian and float32 agree", () => {
    const total = (p: Tensor): Tensor =>
      random
        .gamma(key, p, { shape: [7] })
        .square()
        .sum();
    const at = double(1.7);
    const { value: x, tangent: dx } = jvp((p: Tensor) => random.gamma(key, p, { shape: [7] }), [at], [double(1)]);
    const first = x.mul(dx).mul(2).sum().itemSync();
    expect(grad(total)(at).itemSync()).toBeCloseTo(first, 10);
    expect(jit(grad(total))(at).itemSync()).toBeCloseTo(first, 10);
    const batch = numbers(vmap(grad(total))(double([0.4, 1.7])));
    expect(batch[1]).toBeCloseTo(first, 10);
    expect(batch[0]).toBeCloseTo(grad(total)(double(0.4)).itemSync(), 10);
    expect(grad(total)(tensor(1.7)).itemSync() / grad((p: Tensor) => total(p))(tensor(1.7)).itemSync()).toBe(1);

    // d²/da² Σ x² = Σ 2 ẋ² + 2 x ẍ with x = e^w, ẍ = x (ẇ² + ẅ)
    const w = log(x);
    const dw = slope(at.broadcastTo([7]), w);
    const ddw = jvp(slope, [at.broadcastTo([7]), w], [double(1).broadcastTo([7]), dw]).tangent;
    const second = dx
      .square()
      .mul(2)
      .add(x.square().mul(2).mul(dw.square().add(ddw)))
      .sum()
      .itemSync();
    expect(Math.abs(hessian(total)(at).itemSync() / second - 1)).toBeLessThan(1e-10);
    expect(Math.abs(grad(grad(total))(at).itemSync() / second - 1)).toBeLessThan(1e-10);
  });

  test("float32 samples have derivatives to float32 accuracy, also for large concentrations", () => {
    for (const a0 of [0.2, 3, 1e4]) {
      const f32 = jvp((p: Tensor) => random.gamma(key, p, { shape: [50] }), [tensor(a0)], [tensor(1)]);
      const x = f32.value.cast("float64");
      const wanted = slope(tensor(a0).cast("float64").broadcastTo([50]), log(x)).mul(x);
      const got = numbers(f32.tangent);
      numbers(wanted).forEach((v, i) => expect(Math.abs(got[i] - v)).toBeLessThan(2e-6 * Math.abs(v)));
    }
  });

  test("where samples underflow the derivative is 0, and that of their logarithm finite", () => {
    const at = double(1e-3);
    const { value, tangent } = jvp((p: Tensor) => random.gamma(key, p, { shape: [200] }), [at], [double(1)]);
    expect(numbers(value).filter((v) => v === 0).length).toBeGreaterThan(50);
    expect(numbers(tangent).every(Number.isFinite)).toBe(true);
    const logs = jvp((p: Tensor) => random.logGamma(key, p, { shape: [200] }), [at], [double(1)]);
    // log x ≈ log(U)/a + …, so its derivative is about −log(x)/a.
    numbers(logs.tangent).forEach((v, i) => {
      const w = logs.value.dataSync()[i];
      if (w < -10) expect(Math.abs(v / (-w / 1e-3) - 1)).toBeLessThan(0.1);
    });
    const second = grad(grad((p: Tensor) => random.gamma(key, p, { shape: [200] }).sum()))(at).itemSync();
    expect(Number.isFinite(second)).toBe(true);
  });

  test("the mean of the derivative is the derivative of the mean, for all of the family", () => {
    const n = 4000;
    const within = (tangent: Tensor, wanted: number): void => {
      const g = numbers(tangent);
      const mean = g.reduce((s, v) => s + v, 0) / n;
      const variance = g.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
      expect(Math.abs(mean - wanted)).toBeLessThan(5 * Math.sqrt(variance / n));
    };
    const along = (draw: (p: Tensor) => Tensor, at: number): Tensor => jvp(draw, [double(at)], [double(1)]).tangent;
    const many = { shape: [n] };
    within(
      along((p) => random.gamma(key, p, many), 2.5),
      1,
    );
    within(
      along((p) => random.chiSquare(key, p, many), 3),
      1,
    );
    within(
      along((p) => random.beta(key, p, 2, many), 1.5),
      2 / 3.5 ** 2,
    ); // d/da a/(a + b)
    within(
      along((p) => random.beta(key, 2, p, many), 1.5),
      -2 / 3.5 ** 2,
    );
    within(
      along((p) => random.studentT(key, p, many).square(), 8),
      -2 / 36,
    ); // d/dν ν/(ν − 2)
    const concentration = (p: Tensor): Tensor =>
      double([1, 1, 1])
        .mul(p)
        .add(double([0.5, 0, 1]));
    within(
      along((p) => random.dirichlet(key, concentration(p), many).slice(null, 0), 1),
      (4.5 - 3 * 1.5) / 4.5 ** 2,
    );
    // The simplex is not left.
    const { tangent } = jvp((p: Tensor) => random.dirichlet(key, p), [double([0.3, 2, 1])], [double([1, -1, 0.5])]);
    expect(Math.abs(tangent.sum().itemSync())).toBeLessThan(1e-14);
  });
});

describe("through the formula", () => {
  /** Central difference of `f`, sixth order. */
  function difference(f: (t: number) => number[], h: number): number[] {
    const steps = [1, 2, 3].map((k) => [f(k * h), f(-k * h)]);
    const c = [3 / 4, -3 / 20, 1 / 60];
    return f(0).map((_, i) => steps.reduce((s, [up, down], k) => s + (c[k] * (up[i] - down[i])) / h, 0));
  }
  function matches(draw: (p: Tensor) => Tensor, at: number, h = 1e-3): void {
    const { tangent } = jvp(draw, [double(at)], [double(1)]);
    const wanted = difference((t) => numbers(draw(double(at + t))), h);
    numbers(tangent).forEach((v, i) => {
      expect(Math.abs(v - wanted[i])).toBeLessThan(1e-7 * Math.max(1, Math.abs(wanted[i])));
    });
  }
  const many = { shape: [50] };

  test("uniform and pareto", () => {
    matches((p) => random.uniform(key, { ...many, low: p, high: 4 }), -1);
    matches((p) => random.uniform(key, { ...many, low: -4, high: p }), 1);
    matches((p) => random.pareto(key, p, many), 5);
  });

  test.each([
    [-0.5, 1.5],
    [1.9, 3],
    [2.5, 4],
    [6, 9],
    [-9, -6.5],
    [40, 40.5],
  ])("truncatedNormal(%d, %d) in both bounds", (low, high) => {
    const h = 1e-3 * Math.min(1, 20 / low ** 2);
    matches((p) => random.truncatedNormal(key, p, high, many), low, h);
    matches((p) => random.truncatedNormal(key, low, p, many), high, h);
    // x keeps its quantile: dx/da = (1 − u) φ(a)/φ(x), u = (Φ(x) − Φ(a))/(Φ(b) − Φ(a)), which is the draw itself.
    if (low < 0 && high < 0) return;
    const u = numbers(random.uniform(key, { ...many, dtype: "float64" }));
    const { value, tangent } = jvp(
      (p: Tensor) => random.truncatedNormal(key, p, high, many),
      [double(low)],
      [double(1)],
    );
    const x = numbers(value);
    numbers(tangent).forEach((v, i) => {
      const wanted = (1 - u[i]) * Math.exp((x[i] ** 2 - low ** 2) / 2);
      expect(Math.abs(v / wanted - 1)).toBeLessThan(1e-9);
    });
  });

  test("truncatedNormal at an infinite bound has a finite derivative in the other", () => {
    for (const low of [-1, 3]) {
      const g = grad((p: Tensor) => random.truncatedNormal(key, p, tensor(Infinity, { dtype: "float64" }), many).sum());
      expect(Number.isFinite(g(double(low)).itemSync())).toBe(true);
    }
  });

  test("multivariateNormal", () => {
    const base = double([
      [2, 0.5],
      [0.5, 1],
    ]);
    matches((p) => random.multivariateNormal(key, double([1, 2]).mul(p), base, { shape: [10] }), 0.7);
    matches((p) => random.multivariateNormal(key, double([1, 2]), base.mul(p.square()), { shape: [10] }), 1.3);
  });

  test("counts and indices have no derivative", () => {
    const f = (p: Tensor): Tensor => random.poisson(key, p, many).cast("float64").sum().mul(p);
    const total = random.poisson(key, double(4), many).sum().itemSync();
    expect(grad(f)(double(4)).itemSync()).toBe(total);
  });
});
