/** The Woodbury inverse is the inverse. */

import { DomainError, DTypeError, eye, grad, jit, matmul, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { toDense } from "@curv/linsolve";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import { woodburyInverse } from "./index.js";

// Many small systems: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const draw = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), { shape, dtype: "float64" });

function largest(x: Tensor): number {
  return x.abs().max().itemSync();
}

/** Λ + s GᵀG. */
const dense = (g: Tensor, diagonal: Tensor, scale: number): Tensor =>
  matmul(g.transpose(), g)
    .mul(scale)
    .add(eye(g.shape[1], g.shape[1], { dtype: "float64" }).mul(diagonal));

test.prop(
  { seed: fc.nat(1000), m: fc.integer({ min: 1, max: 20 }), d: fc.integer({ min: 1, max: 30 }) },
  { numRuns: 12 },
)("of λI + GᵀG/m, and of a diagonal + s GᵀG", ({ seed, m, d }) => {
  const g = draw(seed, [m, d]);
  const one = woodburyInverse(g, { damping: 0.1 });
  expect(largest(toDense(one).sub(inv(dense(g, tensor([0.1], { dtype: "float64" }), 1 / m))))).toBeLessThan(1e-10);
  const diagonal = draw(seed + 1, [d])
    .square()
    .add(0.05);
  const two = woodburyInverse(g, { damping: diagonal, scale: 2 });
  expect(largest(toDense(two).sub(inv(dense(g, diagonal, 2))))).toBeLessThan(1e-9);
  const x = draw(seed + 2, [d]);
  expect(largest(two.apply(x).sub(matmul(toDense(two), x)))).toBeLessThan(1e-10);
});

test("jit, derivatives in the factor and in the diagonal", () => {
  const [g, x, diagonal] = [draw(1, [4, 6]), draw(2, [6]), draw(3, [6]).square().add(0.2)];
  const apply = (f: Tensor, v: Tensor): Tensor => woodburyInverse(f, { damping: v, scale: 1 }).apply(x).square().sum();
  const plain = (f: Tensor, v: Tensor): Tensor =>
    matmul(inv(dense(f, v, 1)), x)
      .square()
      .sum();
  expect(largest(jit(apply)(g, diagonal).sub(plain(g, diagonal)))).toBeLessThan(1e-9);
  for (const argnums of [0, 1]) {
    expect(largest(grad(apply, { argnums })(g, diagonal).sub(grad(plain, { argnums })(g, diagonal)))).toBeLessThan(
      1e-8,
    );
  }
});

test("float32 in, float32 out, float64 between", () => {
  const g = draw(4, [5, 300]).cast("float32");
  const x = draw(5, [300]).cast("float32");
  const y = woodburyInverse(g).apply(x);
  expect(y.dtype).toBe("float32");
  const wide = woodburyInverse(g.cast("float64")).apply(x.cast("float64"));
  expect(largest(y.cast("float64").sub(wide))).toBeLessThan(1e-7 * largest(wide));
});

describe("errors", () => {
  const g = draw(6, [3, 4]);
  const cases: [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
    ["no matrix", () => woodburyInverse(g.slice(0)), ShapeError, /factor has shape \[4\]/],
    ["integers", () => woodburyInverse(g.cast("int32")), DTypeError, /factor is int32/],
    ["damping 0", () => woodburyInverse(g, { damping: 0 }), DomainError, /damping is 0/],
    [
      "a diagonal of another length",
      () => woodburyInverse(g, { damping: draw(1, [3]) }),
      ShapeError,
      /wants a number or \[4\]/,
    ],
    [
      "a diagonal with a zero",
      () => woodburyInverse(g, { damping: tensor([1, 0, 1, 1]) }),
      DomainError,
      /damping\[1\] is 0/,
    ],
    ["scale 0", () => woodburyInverse(g, { scale: 0 }), DomainError, /scale is 0/],
  ];
  for (const [name, run, type, message] of cases) {
    test(name, () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
    });
  }
});
