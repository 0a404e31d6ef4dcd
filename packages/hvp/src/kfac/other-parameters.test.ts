/** Parameters that have no Kronecker factors; models that are functions. */

import { toDense } from "@curv/linsolve";
import { activation, batchNorm, dense, layerNorm, sequential, type Layer } from "@curv/nn";
import { eye, type Tensor } from "@curv/tensor";
import { slogdet } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { describe, expect, test } from "vitest";
import { gaussNewtonDiagonal } from "../gauss-newton-diagonal.js";
import { empiricalFisherOperator, gaussNewtonOperator } from "../operators/gauss-newton.js";
import { crossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import { difference, dtype, key, normal, traceOf } from "./fixtures/matrices.js";
import { kfacOperator, type KfacOptions, type TappedModel } from "./index.js";

describe("other parameters", { timeout: 60_000 }, () => {
  const net = sequential([
    dense({ in: 3, out: 4 }),
    layerNorm({ features: 4 }),
    activation("tanh"),
    dense({ in: 4, out: 3 }),
  ]);
  const params = net.init(key, { dtype });
  const inputs = normal(40, [6, 3]);
  const targets = random.randint(random.foldIn(key, 41), 0, 3, { shape: [6] });
  const of = (options: KfacOptions): ReturnType<typeof kfacOperator<typeof params, Tensor>> =>
    kfacOperator(net, crossEntropyOutput, params, { inputs, targets }, options);

  test("are refused, with their names, unless it is said what becomes of them", () => {
    expect(() => of({})).toThrow(/1\.bias, 1\.weight belong to no dense or conv layer.*others: "diagonal" or "zero"/);
  });

  test("diagonal: exactly that of the Fisher matrix", () => {
    const apply = (p: typeof params, x: Tensor): Tensor => net.apply(p, x);
    const ofNorm = (tree: typeof params): Tensor => ravel(tree[1]).vector;
    const k = of({ others: "diagonal" });
    const wanted = ofNorm(gaussNewtonDiagonal(apply, crossEntropyOutput, params, { inputs }));
    const ones = k.domain.unravel(normal(44, [k.shape[0]]).mul(0).add(1));
    expect(difference(ofNorm(k.apply(ones)), wanted)).toBeLessThan(1e-14);
    expect(difference(k.factors.diagonal["1.weight"], wanted.slice([4, 8]))).toBeLessThan(1e-14);
    expect(difference(k.factors.diagonal["1.bias"], wanted.slice([0, 4]))).toBeLessThan(1e-14);
    const v = k.domain.unravel(normal(42, [k.shape[0]]));
    expect(difference(ofNorm(k.apply(v)), ofNorm(v).mul(wanted))).toBeLessThan(1e-14);
    expect(difference(ofNorm(k.inverse({ damping: 0.1 }).apply(v)), ofNorm(v).div(wanted.add(0.1)))).toBeLessThan(
      1e-13,
    );
    const observed = empiricalFisherOperator(
      (p: typeof params, b: { inputs: Tensor; targets: Tensor }) =>
        crossEntropyOutput.losses(apply(p, b.inputs), b.targets).mean(),
      params,
      { inputs, targets },
    );
    const empirical = toDense(observed)
      .mul(eye(k.shape[0], k.shape[0], { dtype }))
      .sum(1);
    const diagonal = of({ others: "diagonal", fisher: "empirical" }).factors.diagonal["1.weight"];
    expect(difference(diagonal, ofNorm(k.domain.unravel(empirical)).slice([4, 8]))).toBeLessThan(1e-14);
  });

  test("zero: an inverse divides by the damping", () => {
    const k = of({ others: "zero" });
    const v = k.domain.unravel(normal(43, [k.shape[0]]));
    expect(k.apply(v)[1].weight!.abs().max().itemSync()).toBe(0);
    expect(difference(k.inverse({ damping: 0.5 }).apply(v)[1].weight!, v[1].weight!.div(0.5))).toBe(0);
    const damped = toDense(k).add(eye(k.shape[0], k.shape[0], { dtype }).mul(0.5));
    expect(k.logDeterminant(0.5).itemSync()).toBeCloseTo(slogdet(damped).logAbsDet.itemSync(), 9);
    expect(k.logDeterminant().itemSync()).toBe(-Infinity);
  });

  test("a function as the model: batch norm with its running statistics", () => {
    const normed = sequential([dense({ in: 3, out: 4 }), batchNorm({ features: 4 }), dense({ in: 4, out: 3 })]);
    const p = normed.init(key, { dtype });
    const state = normed.initState({ dtype });
    const model: TappedModel<typeof p, Tensor> = (q, x, tap) => normed.apply(q, x, { state, tap });
    const k = kfacOperator(model, squaredErrorOutput, p, { inputs }, { others: "diagonal" });
    const gn = toDense(
      gaussNewtonOperator((q: typeof p, x: Tensor) => model(q, x, (y) => y), squaredErrorOutput, p, { inputs }),
    );
    // Linear in evaluation mode, so that the dense layers' blocks are exact.
    expect(traceOf(gn)).toBeCloseTo(k.trace().itemSync(), 12);
  });

  test("a container that hides its layers is found out", () => {
    const hiding: Layer<typeof params> = {
      ...net,
      apply: (p, x, { tap: _tap, ...options } = {}) => net.apply(p, x, options as never),
    } as Layer<typeof params>;
    expect(() => kfacOperator(hiding, crossEntropyOutput, params, { inputs })).toThrow(
      /no dense or conv layer was seen/,
    );
  });
});
