/** The operator of a network of all kinds of layers: symmetry, inverses, batches, draws. */

import { toDense } from "@curv/linsolve";
import { activation, conv, dense, flatten, residual, sequential } from "@curv/nn";
import { eye, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { eigvalsh, slogdet } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { fromLoader, inBatches } from "../data.js";
import { crossEntropyOutput } from "../output-loss.js";
import { blockDiagonal, difference, dtype, frobenius, gaussNewton, key, normal, traceOf } from "./fixtures/matrices.js";
import { kfacFactors, kfacFromFactors, kfacOperator, type KfacOptions } from "./index.js";

describe("a network of all kinds of layers", { timeout: 60_000 }, () => {
  const model = sequential([
    conv({ in: 2, out: 4, kernel: [3, 2], stride: [2, 1], padding: "same", dilation: [1, 2], groups: 2 }),
    activation("tanh"),
    residual(sequential([conv({ in: 4, out: 4, kernel: 1, bias: false }), activation("tanh")])),
    flatten(),
    dense({ in: 24, out: 3 }),
  ]);
  const params = model.init(key, { dtype });
  const data = {
    inputs: normal(20, [9, 2, 4, 3]),
    targets: random.randint(random.foldIn(key, 21), 0, 3, { shape: [9] }),
  };
  const exact = gaussNewton(model, crossEntropyOutput, params, data.inputs);
  const of = (options: KfacOptions = {}): ReturnType<typeof kfacOperator<typeof params, Tensor>> =>
    kfacOperator(model, crossEntropyOutput, params, data, options);
  const choices = (["exact", "empirical", "monteCarlo"] as const).flatMap((fisher) =>
    (["expand", "reduce"] as const).flatMap((approximation) =>
      [false, true].map((ekfac): KfacOptions => ({ fisher, approximation, ekfac, key, samples: 2 })),
    ),
  );

  test.each(choices)(
    "$fisher, $approximation, ekfac $ekfac: symmetric, PSD, vectorised, compiled, inverse",
    (options) => {
      const k = of(options);
      const matrix = toDense(k);
      expect(difference(matrix, matrix.transpose())).toBeLessThan(1e-14);
      const values = eigvalsh(matrix);
      expect(values.min().itemSync()).toBeGreaterThan(-1e-13);
      const size = matrix.shape[0];
      const damping = 0.01;
      const damped = matrix.add(eye(size, size, { dtype }).mul(damping));
      const product = toDense(k.inverse({ damping })).matmul(damped);
      expect(difference(product, eye(size, size, { dtype }))).toBeLessThan(1e-8);
      expect(k.trace().itemSync()).toBeCloseTo(values.sum().itemSync(), 10);
      expect(k.logDeterminant(damping).itemSync()).toBeCloseTo(slogdet(damped).logAbsDet.itemSync(), 8);
      const dampings = tensor([0.1, 1], { dtype });
      const each = [0.1, 1].map((c) => k.logDeterminant(c).itemSync());
      const both = vmap((c: Tensor) => k.logDeterminant(c))(dampings);
      expect(difference(both, tensor(each, { dtype }))).toBeLessThan(1e-11);
      const v = normal(22, [size]);
      expect(difference(jit((w: Tensor) => k.matvec(w))(v), matrix.matmul(v))).toBeLessThan(1e-13);
      const many = normal(23, [3, size]);
      expect(difference(vmap((w: Tensor) => k.matvec(w))(many), many.matmul(matrix))).toBeLessThan(1e-13);
    },
  );

  test.each(["expand", "reduce"] as const)(
    "E-KFAC has the trace of the exact blocks and is nearer to them, %s",
    (approximation) => {
      const plain = of({ approximation });
      const corrected = of({ approximation, ekfac: true });
      expect(corrected.trace().itemSync()).toBeCloseTo(traceOf(exact), 12);
      // Groups of a convolution are blocks of their own, which blockDiagonal leaves together: that both lack what is between them.
      const blocks = blockDiagonal(exact, params);
      const [a, b] = [plain, corrected].map((k) => frobenius(toDense(k).sub(blocks)));
      expect(b).toBeLessThan(0.98 * a);
    },
  );

  test.each(choices.filter(({ approximation, ekfac }) => ekfac === (approximation === "reduce")))(
    "$fisher, $approximation, ekfac $ekfac: the same in batches and from a loader",
    (options) => {
      // Draws belong to a batch: those of other batches are others.
      const whole = options.fisher === "monteCarlo" ? null : toDense(of(options));
      const parts = toDense(
        kfacOperator(model, crossEntropyOutput, params, inBatches(data, { batchSize: 4 }), options),
      );
      const loaded = fromLoader(function* () {
        for (const [from, to] of [
          [0, 4],
          [4, 8],
          [8, 9],
        ]) {
          yield { inputs: data.inputs.slice([from, to]), targets: data.targets.slice([from, to]) };
        }
      });
      const stream = toDense(kfacOperator(model, crossEntropyOutput, params, loaded, options));
      // Bases of E-KFAC are unique up to rounding only where the eigenvalues are apart.
      const tolerance = options.ekfac ? 1e-8 : 1e-12;
      if (whole !== null) expect(difference(parts, whole)).toBeLessThan(tolerance);
      expect(difference(parts, stream)).toBeLessThan(tolerance);
    },
  );

  test.each(choices)("$fisher, $approximation, ekfac $ekfac: factors, compiled", (options) => {
    const compiled = jit((p: typeof params, d: typeof data) => kfacFactors(model, crossEntropyOutput, p, d, options));
    const k = kfacFromFactors(params, compiled(params, data));
    expect(difference(toDense(k), toDense(of(options)))).toBeLessThan(options.ekfac ? 1e-8 : 1e-12);
  });

  test("Monte-Carlo: the error falls like 1/√samples", () => {
    const wanted = toDense(of());
    const meanSquare = (samples: number): number => {
      const factorsOf = jit((k: random.Key) =>
        kfacFactors(model, crossEntropyOutput, params, data, { fisher: "monteCarlo", key: k, samples }),
      );
      const errors = random.split(key, 24).map((k) => {
        return frobenius(toDense(kfacFromFactors(params, factorsOf(k))).sub(wanted)) / frobenius(wanted);
      });
      return errors.reduce((sum, e) => sum + e ** 2, 0) / errors.length;
    };
    const [few, many] = [meanSquare(4), meanSquare(64)];
    expect(many).toBeLessThan(0.1 ** 2);
    // 16 expected; the mean squares of 24 draws are good to a factor of 2.
    expect(few / many).toBeGreaterThan(7);
    expect(few / many).toBeLessThan(36);
  });

  test("factored damping: the inverse of each factor", () => {
    const k = of();
    const damping = 0.02;
    const { inputs, gradients } = k.factors.layers["4"];
    const meanEigenvalue = (x: Tensor): number => traceOf(x) / x.shape[0];
    const pi = Math.sqrt(meanEigenvalue(inputs) / meanEigenvalue(gradients));
    const v = { bias: normal(24, [3]), weight: normal(25, [3, 24]) };
    const zeros = k.domain.unravel(normal(26, [k.shape[0]]).mul(0)) as unknown as unknown[];
    const result = k
      .inverse({ damping, method: "factored" })
      .apply(zeros.with(4, v) as never) as unknown as (typeof v)[];
    const add = (x: Tensor, c: number): Tensor => x.add(eye(x.shape[0], x.shape[0], { dtype }).mul(c));
    // (S + √λ/π) Y (A + π√λ) gives V back.
    const y = [...Array(3).keys()].map((i) => [
      ...(result[4].weight.slice(i).arraySync() as number[]),
      result[4].bias.slice(i).itemSync(),
    ]);
    const back = add(gradients, Math.sqrt(damping) / pi)
      .matmul(tensor(y, { dtype }))
      .matmul(add(inputs, Math.sqrt(damping) * pi));
    expect(difference(back.slice(null, [0, 24]), v.weight)).toBeLessThan(1e-10);
    expect(difference(back.slice(null, 24), v.bias)).toBeLessThan(1e-10);
  });
});
