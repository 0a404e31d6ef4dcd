/** The Arnoldi relation holds, and the whole space gives the whole spectrum. */

import { eye, jit, matmul, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { eigvals } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { arnoldi, arnoldiCore, denseOperator, linearOperator } from "../index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const n = 30;
const a = draw(1, [n, n]);

test("A V = V' H with an orthonormal V', under jit too", () => {
  const run = jit((m: Tensor, v: Tensor) => arnoldiCore(denseOperator(m), v, { steps: 12 }));
  const { hessenberg, basis, taken } = run(a, draw(2, [n]));
  expect(taken.itemSync()).toBe(12);
  const left = matmul(a, basis.slice([0, 12]).transpose());
  expect(left.sub(matmul(basis.transpose(), hessenberg)).abs().max().itemSync()).toBeLessThan(1e-12);
  expect(
    matmul(basis, basis.transpose())
      .sub(eye(13, 13, { dtype: "float64" }))
      .abs()
      .max()
      .itemSync(),
  ).toBeLessThan(1e-13);
});

test("all of the space: all eigenvalues", () => {
  const { hessenberg, taken } = arnoldiCore(denseOperator(a), draw(3, [n]), { steps: n });
  expect(taken.itemSync()).toBe(n);
  const sorted = ({ re, im }: { re: Tensor; im: Tensor }): string[] =>
    Array.from(re.dataSync(), (x, i) => `${x.toFixed(7)} ${Math.abs(im.dataSync()[i]).toFixed(7)}`).sort();
  expect(sorted(eigvals(hessenberg.slice([0, n])))).toEqual(sorted(eigvals(a)));
});

test("in blocks of steps it is the same process, with its history", async () => {
  const start = draw(2, [n]);
  const whole = arnoldiCore(denseOperator(a), start, { steps: 12 });
  const eager = linearOperator({ matvec: (v: Tensor) => matmul(a, v), domain: start, eager: true });
  for (const operator of [denseOperator(a), eager]) {
    const run = await arnoldi(operator, start, { steps: 12 });
    expect(run).toMatchObject({ converged: false, status: "maxIter", iterations: 12, products: 12 });
    expect(run.hessenberg.sub(whole.hessenberg).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(run.basis.sub(whole.basis).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(run.history).toEqual(Array.from({ length: 12 }, (_, j) => run.hessenberg.slice(j + 1, j).itemSync()));
    expect(run.residual).toBe(run.history[11]);
  }
});

test("an invariant space ends it", async () => {
  const turn = tensor(Float64Array.of(0, 1, 0, -1, 0, 0, 0, 0, 5), { shape: [3, 3] });
  const { hessenberg, taken } = arnoldiCore(denseOperator(turn), tensor(Float64Array.of(1, 0, 0)), { steps: 3 });
  expect(taken.itemSync()).toBe(2);
  // A turn by a right angle, whichever way the second vector points.
  const [p, q, r, t] = Array.from(hessenberg.slice([0, 2], [0, 2]).dataSync());
  expect([p, t, q * r, Math.abs(q)]).toEqual([0, 0, -1, 1].map((x) => expect.closeTo(x, 14) as number));
  const run = await arnoldi(denseOperator(turn), tensor(Float64Array.of(1, 0, 0)), { steps: 3 });
  expect(run).toMatchObject({ converged: true, status: "converged", iterations: 2, residual: 0 });
  expect([run.hessenberg.shape, run.basis.shape]).toEqual([
    [3, 2],
    [3, 3],
  ]);
});

test("bad calls", () => {
  expect(() => arnoldiCore(denseOperator(a), draw(1, [n]), { steps: 31 })).toThrow(
    "arnoldiCore: steps is 31; wants an integer from 1 to 30.",
  );
  expect(() => arnoldiCore(denseOperator(a), draw(1, [3]), { steps: 3 })).toThrow(ShapeError);
});
