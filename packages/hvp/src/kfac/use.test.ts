/** Float32, degenerate networks, preconditioning, and what is refused. */

import { cg, shiftOperator, toDense, type AnyOperator } from "@curv/linsolve";
import { mlp } from "@curv/nn";
import { eye, linspace, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { gaussNewtonOperator } from "../operators/gauss-newton.js";
import { crossEntropyOutput, squaredErrorOutput } from "../output-loss.js";
import { difference, dtype, key, normal } from "./fixtures/matrices.js";
import { kfacFromFactors, kfacOperator, type TappedModel } from "./index.js";

test("a preconditioner: conjugate gradients need a fraction of the steps", { timeout: 60_000 }, async () => {
  const net = mlp({ sizes: [30, 5], activation: "tanh" });
  const params = net.init(key, { dtype });
  const scales = linspace(-1, 1, 30, { dtype }).mul(Math.log(30)).exp();
  const inputs = normal(60, [300, 30]).mul(scales);
  const damping = 1e-4;
  const gn = gaussNewtonOperator((p: typeof params, x: Tensor) => net.apply(p, x), crossEntropyOutput, params, {
    inputs,
  });
  const k = kfacOperator(net, crossEntropyOutput, params, { inputs });
  const b = gn.domain.unravel(normal(61, [gn.shape[0]]));
  const solve = async (preconditioner?: AnyOperator): Promise<number> => {
    const options = { rtol: 1e-6, ...(preconditioner && { preconditioner }) };
    const { converged, iterations } = await cg(shiftOperator(gn, damping), b, options);
    expect(converged).toBe(true);
    return iterations;
  };
  const [plain, preconditioned] = [await solve(), await solve(k.inverse({ damping }))];
  expect(preconditioned).toBeLessThan(plain / 5); // 84 of 836 steps
});

describe("float32 and errors", () => {
  const model = mlp({ sizes: [3, 4, 2], activation: "tanh" });
  const inputs = random.normal(key, { shape: [6, 3], dtype: "float32" });
  const params = model.init(key, { dtype: "float32" });

  test("float32: finite, near float64", () => {
    const k = kfacOperator(model, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(k.dtype).toBe("float32");
    const cast = params.map(
      (p) => p && { weight: p.weight.cast(dtype), bias: p.bias!.cast(dtype) },
    ) as unknown as typeof params;
    const wanted = kfacOperator(model, crossEntropyOutput, cast, { inputs: inputs.cast(dtype) }, { ekfac: true });
    expect(difference(toDense(k).cast(dtype), toDense(wanted))).toBeLessThan(1e-5);
    for (const method of ["exact", "factored"] as const) {
      const plain = kfacOperator(model, crossEntropyOutput, params, { inputs });
      expect(
        toDense(plain.inverse({ damping: 1e-3, method }))
          .abs()
          .max()
          .itemSync(),
      ).toBeLessThan(1100);
    }
  });

  test("a dead layer: no gradients, no NaN", () => {
    const zero = params.map((p) => p && { weight: p.weight.mul(0), bias: p.bias }) as unknown as typeof params;
    const k = kfacOperator(model, squaredErrorOutput, zero, { inputs });
    expect(k.factors.layers["0"].gradients.abs().max().itemSync()).toBe(0);
    const inverse = toDense(k.inverse({ damping: 0.1, method: "factored" }));
    expect(Number.isFinite(inverse.sum().itemSync())).toBe(true);
  });

  test("say what is wrong", () => {
    const of = (options: object, data: object = { inputs }): unknown =>
      kfacOperator(model, crossEntropyOutput, params, data as { inputs: Tensor }, options);
    expect(() => of({ fisher: "type2" })).toThrow(/fisher is "type2"; wants exact, monteCarlo, empirical/);
    expect(() => of({ approximation: "sum" })).toThrow(/approximation is "sum"/);
    expect(() => of({ fisher: "monteCarlo" })).toThrow(/wants a key/);
    expect(() => of({ samples: 0 })).toThrow(/samples is 0/);
    expect(() => of({ fisher: "empirical" })).toThrow(/without targets/);
    expect(() => of({}, { inputs: inputs.mul(NaN) })).toThrow(/kfacOperator: layers\["0"\]\.inputs is not finite/);
    const k = kfacOperator(model, crossEntropyOutput, params, { inputs });
    expect(() => k.inverse({ damping: 0 })).toThrow(/damping is 0; wants a finite number > 0/);
    expect(() => k.inverse({ damping: tensor(-1) })).toThrow(/damping is -1/);
    expect(() => k.inverse({ damping: 1, method: "kron" as never })).toThrow(/method is "kron"/);
    expect(() => k.logDeterminant(-1)).toThrow(/damping is -1/);
    const e = kfacOperator(model, crossEntropyOutput, params, { inputs }, { ekfac: true });
    expect(() => e.inverse({ damping: 1, method: "factored" })).toThrow(/no product/);
    const other = mlp({ sizes: [3, 5, 2], activation: "tanh" });
    expect(() => kfacFromFactors(other.init(key), k.factors)).toThrow(
      /factors of "0" have shapes \[4, 4\] and \[4, 4\]/,
    );
    expect(() => kfacFromFactors([], k.factors)).toThrow(/params is an array of none/);
    expect(() => kfacFromFactors({ other: eye(2) }, k.factors)).toThrow(/do not have/);
    const misplaced: TappedModel<{ net: typeof params }, Tensor> = (p, x, tap) => model.apply(p.net, x, { tap });
    expect(() => kfacOperator(misplaced, crossEntropyOutput, { net: params }, { inputs })).toThrow(
      /says that it is "0"/,
    );
    const flat: TappedModel<typeof params, Tensor> = (p, x, tap) =>
      model.apply(p, x.reshape([-1]).slice([0, 3]), { tap }).expandDims(0);
    expect(() => kfacOperator(flat, crossEntropyOutput, params, { inputs })).toThrow(
      /wants the 1 examples as the first axis/,
    );
  });
});
