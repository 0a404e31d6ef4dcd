/** Moving averages of factors. */

import { toDense } from "@curv/linsolve";
import { mlp } from "@curv/nn";
import { type Tensor } from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { squaredErrorOutput } from "../output-loss.js";
import { difference, dtype, frobenius, key, normal } from "./fixtures/matrices.js";
import { kfacFactors, kfacFromFactors, updateFactors } from "./index.js";

describe("moving averages", () => {
  const net = mlp({ sizes: [3, 4, 2], activation: "tanh" });
  const params = net.init(key, { dtype });
  const factorsOf = (seed: number, ekfac: boolean): ReturnType<typeof kfacFactors> =>
    kfacFactors(net, squaredErrorOutput, params, { inputs: normal(seed, [6, 3]) }, { ekfac });

  test("of factors; pure", () => {
    const [a, b] = [factorsOf(50, false), factorsOf(51, false)];
    const before = a.layers["0"].inputs.arraySync();
    const c = updateFactors(a, b);
    const wanted = a.layers["0"].inputs.mul(0.95).add(b.layers["0"].inputs.mul(0.05));
    expect(difference(c.layers["0"].inputs, wanted)).toBeLessThan(1e-15);
    expect(a.layers["0"].inputs.arraySync()).toEqual(before);
    expect(difference(updateFactors(a, b, 1).layers["0"].inputs, a.layers["0"].inputs)).toBe(0);
    expect(difference(updateFactors(a, b, 0).layers["0"].gradients, b.layers["0"].gradients)).toBe(0);
  });

  test("with decay 1 − 1/k, the mean of all batches", () => {
    const seeds = [52, 53, 54];
    const mean = seeds.map((s) => factorsOf(s, false)).reduce((sum, next, i) => updateFactors(sum, next, i / (i + 1)));
    const inputs = seeds
      .map((s) => factorsOf(s, false).layers["0"].inputs)
      .reduce((x, y) => x.add(y))
      .div(3);
    expect(difference(mean.layers["0"].inputs, inputs)).toBeLessThan(1e-15);
  });

  test("of E-KFAC: the trace is the mean of the traces, equal factors stay, the nearest in the new basis", () => {
    const [a, b] = [factorsOf(55, true), factorsOf(56, true)];
    const total = (f: typeof a): number => kfacFromFactors(params, f).trace().itemSync();
    const c = updateFactors(a, b, 0.5);
    expect(total(c)).toBeCloseTo((total(a) + total(b)) / 2, 12);
    const matrixOf = (f: typeof a): Tensor => toDense(kfacFromFactors(params, f));
    expect(difference(matrixOf(updateFactors(a, a, 0.5)), matrixOf(a))).toBeLessThan(1e-12);
    const mean = matrixOf(a).add(matrixOf(b)).div(2);
    const plain = kfacFromFactors(params, {
      layers: Object.fromEntries(
        Object.entries(c.layers).map(([n, { inputs, gradients }]) => [n, { inputs, gradients }]),
      ),
      diagonal: {},
    });
    expect(frobenius(matrixOf(c).sub(mean))).toBeLessThan(frobenius(toDense(plain).sub(mean)));
  });

  test("refuse what does not fit", () => {
    const a = factorsOf(57, false);
    expect(() => updateFactors(a, a, 1.5)).toThrow(/decay is 1.5/);
    expect(() => updateFactors(a, { layers: {}, diagonal: {} })).toThrow(/layers are 0, 2 and none/);
    expect(() => updateFactors(a, factorsOf(57, true))).toThrow(/only one of the factors/);
  });
});
