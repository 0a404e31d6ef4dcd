import { expect, test } from "vitest";
import { hessian, hvp, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { hessianOperator } from "./hessian-operator.js";
import { smallLoss } from "./small-problem.js";

test("products are those of the dense Hessian", () => {
  const { f, x } = smallLoss(random.key(1));
  const H = hessian(f)(x);
  const { matvec, size, dtype } = hessianOperator(f, x);
  expect([size, dtype]).toEqual([x.size, "float64"]);
  for (let i = 0; i < 3; i++) {
    const v = random.normal(random.foldIn(random.key(2), i), { shape: [size], dtype });
    expect(matvec(v).sub(H.matmul(v)).abs().max().itemSync()).toBeLessThan(1e-13);
    expect(
      matvec(v)
        .sub(hvp(f, x, v))
        .abs()
        .max()
        .itemSync(),
    ).toBeLessThan(1e-13);
  }
});

test("the operator stays at its point", () => {
  const { matvec } = hessianOperator((x) => x.pow(4).sum(), tensor(new Float64Array([1, 2])));
  expect(matvec(tensor(new Float64Array([1, 1]))).arraySync()).toEqual([12, 48]);
  expect(matvec(tensor(new Float64Array([2, 0]))).arraySync()).toEqual([24, 0]);
});
