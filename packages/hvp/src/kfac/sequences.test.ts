/** Layers that are applied to several rows of an example, or several times. */

import { toDense } from "@curv/linsolve";
import { dense, multiHeadAttention, sequential } from "@curv/nn";
import { type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { leavesWithPath } from "@curv/tensor/tree";
import { describe, expect, test } from "vitest";
import { empiricalFisherOperator, gaussNewtonOperator } from "../operators/gauss-newton.js";
import { crossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import { blockDiagonal, difference, dtype, frobenius, gaussNewton, key, normal, traceOf } from "./fixtures/matrices.js";
import { kfacOperator, type KfacOptions, type TappedModel } from "./index.js";

describe("sequences", { timeout: 60_000 }, () => {
  const net = sequential([multiHeadAttention({ features: 4, heads: 2 }), dense({ in: 4, out: 3 })]);
  const params = net.init(key, { dtype });
  const inputs = normal(30, [3, 5, 4]);
  const exact = gaussNewton(net, crossEntropyOutput, params, inputs);

  test("attention is four dense layers, with E-KFAC's trace that of the exact blocks", () => {
    const k = kfacOperator(net, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(Object.keys(k.factors.layers).sort()).toEqual(["0.key", "0.out", "0.query", "0.value", "1"]);
    expect(k.trace().itemSync()).toBeCloseTo(traceOf(exact), 12);
    const plain = toDense(kfacOperator(net, crossEntropyOutput, params, { inputs }));
    const blocks = blockDiagonal(exact, params);
    expect(frobenius(toDense(k).sub(blocks))).toBeLessThan(frobenius(plain.sub(blocks)));
    // The last layer treats rows apart; there, the exact block of the bias is S.
    const { gradients } = k.factors.layers["1"];
    const bias = leavesWithPath(params as never).findIndex(({ path }) => path.join(".") === "1.bias");
    const before = leavesWithPath(params as never)
      .slice(0, bias)
      .reduce((n, { leaf }) => n + leaf.size, 0);
    expect(difference(exact.slice([before, before + 3], [before, before + 3]), gradients)).toBeLessThan(1e-14);
  });

  test("Monte-Carlo converges to the exact one though attention mixes rows", () => {
    const wanted = toDense(kfacOperator(net, crossEntropyOutput, params, { inputs }));
    const drawn = toDense(
      kfacOperator(net, crossEntropyOutput, params, { inputs }, { fisher: "monteCarlo", key, samples: 2000 }),
    );
    expect(frobenius(drawn.sub(wanted)) / frobenius(wanted)).toBeLessThan(0.04);
  });

  test("empirical: E-KFAC has the trace of the empirical Fisher matrix of the examples' mean losses", () => {
    const targets = random.randint(random.foldIn(key, 32), 0, 3, { shape: [3, 5] });
    const mean = (p: typeof params, b: { inputs: Tensor; targets: Tensor }): Tensor =>
      crossEntropyOutput.losses(net.apply(p, b.inputs), b.targets).mean();
    const wanted = traceOf(toDense(empiricalFisherOperator(mean, params, { inputs, targets })));
    for (const approximation of ["expand", "reduce"] as const) {
      const options: KfacOptions = { fisher: "empirical", ekfac: true, approximation };
      const k = kfacOperator(net, crossEntropyOutput, params, { inputs, targets }, options);
      expect(k.trace().itemSync()).toBeCloseTo(wanted, 12);
    }
  });

  test("a layer that is called twice has the rows of both calls", () => {
    const shared = dense({ in: 3, out: 3 });
    type P = ReturnType<typeof shared.init>;
    const twice: TappedModel<P, Tensor> = (p, x, tap) => {
      const call = (z: Tensor): Tensor => tap(shared.apply(p, z), { path: [], layer: shared, input: z });
      return call(call(x).tanh());
    };
    const p = shared.init(key, { dtype });
    const x = normal(31, [4, 3]);
    const k = kfacOperator(twice, squaredErrorOutput, p, { inputs: x }, { ekfac: true });
    const matrix = toDense(
      gaussNewtonOperator((q: P, z: Tensor) => twice(q, z, (y) => y), squaredErrorOutput, p, { inputs: x }),
    );
    expect(k.trace().itemSync()).toBeCloseTo(traceOf(matrix), 12);
    // The trace of A ⊗ S, by hand: E|x|² over both calls, times the sum of both E|g|².
    const hidden = shared.apply(p, x).tanh();
    const first = x.square().sum(1).add(1).mean().itemSync();
    const second = hidden.square().sum(1).add(1).mean().itemSync();
    expect(traceOf(k.factors.layers[""].inputs)).toBeCloseTo((first + second) / 2, 12);
  });
});
