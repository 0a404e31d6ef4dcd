/** The window that is kept: the same numbers as the pure functions, and nothing that was left behind computes on. */

import {
  BackendError,
  DomainError,
  DTypeError,
  grad,
  jit,
  ShapeError,
  tensor,
  TracingError,
  vmap,
  type Tensor,
} from "@curv/tensor";
import { cg, denseOperator, toDense } from "@curv/linsolve";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { flatten } from "@curv/tensor/tree";
import { describe, expect, test } from "vitest";
import { FisherWindow, slidingInverseFisher, type SlidingState } from "./index.js";

type DType = "float32" | "float64";

const draw = (seed: number, shape: readonly number[], dtype: DType = "float64"): Tensor =>
  random.normal(random.key(seed), { shape, dtype });
const numbersOf = (state: SlidingState): Tensor[] => flatten(state as never).leaves as unknown as Tensor[];

/** `toEqual` takes seconds for large arrays. */
function expectSame(x: readonly Tensor[], y: readonly Tensor[]): void {
  expect(x.map(({ shape, dtype }) => [dtype, ...shape])).toEqual(y.map(({ shape, dtype }) => [dtype, ...shape]));
  x.forEach((t, i) => {
    const [a, b] = [t.dataSync(), y[i].dataSync()];
    expect(a.every((v, k) => v === b[k])).toBe(true);
  });
}

describe.each([
  { dtype: "float64", dim: 5, window: 3 },
  { dtype: "float32", dim: 17, window: 6 },
  // More than a piece, and rows that do not end with a vector.
  { dtype: "float32", dim: 9001, window: 5 },
] as const)("$window gradients of $dim parameters, $dtype", ({ dtype, dim, window }) => {
  const options = { dim, window, damping: 0.01, dtype };
  const pure = slidingInverseFisher(options);

  test("has the same bits as the pure functions, from the empty window on and around it", () => {
    using kept = new FisherWindow(options);
    let state = pure.init();
    const [x, columns] = [draw(99, [dim], dtype), draw(98, [dim, 2], dtype)];
    expectSame([kept.apply(x)], [pure.apply(state, x)]);
    for (let i = 0; i < 2 * window + 1; i++) {
      const g = draw(i, [dim], dtype);
      if (i % 3 === 2) {
        kept.push(g);
        state = pure.push(state, g);
      } else {
        const both = pure.pushApply(state, g);
        const product = kept.pushApply(g);
        expectSame([product], [both.product]);
        state = both.state;
      }
      expect([kept.pushes, kept.filled]).toEqual([i + 1, Math.min(i + 1, window)]);
    }
    expectSame([kept.apply(x)], [pure.apply(state, x)]);
    expectSame([kept.apply(columns)], [pure.apply(state, columns)]);
    expectSame(numbersOf(kept.state()), numbersOf(state));
  });

  test("goes on from a state, its own or that of the pure functions, and leaves it as it is", () => {
    using first = new FisherWindow(options);
    for (let i = 0; i < window + 2; i++) first.push(draw(i, [dim], dtype));
    const saved = first.state();
    const before = saved.gradients[0].arraySync();
    using second = new FisherWindow({ ...options, state: saved });
    for (let i = 50; i < 50 + window; i++) {
      const g = draw(i, [dim], dtype);
      expectSame([second.pushApply(g)], [first.pushApply(g)]);
    }
    expect(second.pushes).toBe(2 * window + 2);
    expect(JSON.stringify(saved.gradients[0].arraySync()) === JSON.stringify(before)).toBe(true);
    using third = new FisherWindow({ ...options, state: saved });
    const x = draw(1, [dim], dtype);
    expectSame([third.apply(x)], [pure.apply(saved, x)]);
  });
});

test("products stay as they were when the window moves on", () => {
  using fisher = new FisherWindow({ dim: 4, window: 2, dtype: "float64" });
  const product = fisher.pushApply(draw(1, [4]));
  const before = product.arraySync();
  for (let i = 2; i < 7; i++) fisher.pushApply(draw(i, [4]));
  expect(product.arraySync()).toEqual(before);
});

test("preconditions, as it is when the operator is made, and no longer", async () => {
  using fisher = new FisherWindow({ dim: 12, window: 8, damping: 0.1, dtype: "float64" });
  for (let i = 0; i < 8; i++) fisher.push(draw(i, [12]));
  const operator = fisher.operator();
  const dense = denseOperator(inv(toDense(operator)), { positiveSemidefinite: true });
  const { iterations, converged } = await cg(dense, draw(20, [12]), { preconditioner: operator, rtol: 1e-9 });
  expect([converged, iterations <= 2]).toEqual([true, true]);
  fisher.push(draw(9, [12]));
  expect(() => operator.apply(draw(20, [12]))).toThrow(DomainError);
  expect(() => operator.apply(draw(20, [12]))).toThrow(
    /made after 8 pushes, and 9 were made by now; wants a new operator/,
  );
  expect(fisher.operator().apply(draw(20, [12])).shape).toEqual([12]);
});

test("a gradient that is refused leaves the window as it was", () => {
  using fisher = new FisherWindow({ dim: 3, window: 2, dtype: "float64" });
  for (let i = 0; i < 3; i++) fisher.push(draw(i, [3]));
  const before = numbersOf(fisher.state());
  const wrong = [tensor([1, NaN, 2], { dtype: "float64" }), tensor([1, 1e200, 2], { dtype: "float64" })];
  for (const g of wrong) {
    expect(() => fisher.push(g)).toThrow(DomainError);
    expect(() => fisher.pushApply(g)).toThrow(/FisherWindow.pushApply: the gradient has NaN, an infinity or numbers/);
  }
  expectSame(numbersOf(fisher.state()), before);
  const g = draw(7, [3]);
  using other = new FisherWindow({ dim: 3, window: 2, dtype: "float64", state: fisher.state() });
  expectSame([fisher.pushApply(g)], [other.pushApply(g)]);
});

describe("errors", () => {
  const fisher = new FisherWindow({ dim: 3, window: 2, dtype: "float64" });
  const disposed = new FisherWindow({ dim: 3, window: 2, dtype: "float64" });
  disposed.dispose();
  const state = slidingInverseFisher({ dim: 3, window: 2, dtype: "float64" }).init();
  const g = draw(1, [3]);
  const cases: [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
    ["window 0", () => new FisherWindow({ dim: 3, window: 0 }), DomainError, /FisherWindow: window is 0/],
    ["damping 0", () => new FisherWindow({ dim: 3, window: 2, damping: 0 }), DomainError, /damping is 0/],
    ["dtype", () => new FisherWindow({ dim: 3, window: 2, dtype: "bool" as never }), DTypeError, /dtype is bool/],
    ["4 GiB", () => new FisherWindow({ dim: 2 ** 20, window: 1024 }), DomainError, /wants less than 4 GiB/],
    [
      "another window's state",
      () => new FisherWindow({ dim: 3, window: 4, dtype: "float64", state }),
      ShapeError,
      /state has 2 gradients; wants 4/,
    ],
    ["another dtype's state", () => new FisherWindow({ dim: 3, window: 2, state }), DTypeError, /state: g is float64/],
    ["length of g", () => fisher.push(draw(1, [4])), ShapeError, /FisherWindow.push: g has shape \[4\]; wants \[3\]/],
    ["dtype of x", () => fisher.apply(g.cast("float32")), DTypeError, /FisherWindow.apply: x is float32/],
    ["disposed: push", () => disposed.push(g), BackendError, /FisherWindow.push: the window was disposed/],
    ["disposed: apply", () => disposed.apply(g), BackendError, /disposed/],
    ["disposed: state", () => disposed.state(), BackendError, /FisherWindow.state: the window was disposed/],
    ["jit", () => jit((x: Tensor) => fisher.apply(x))(g), TracingError, /FisherWindow.apply: called inside of jit/],
    ["grad", () => grad((x: Tensor) => fisher.pushApply(x).sum())(g), TracingError, /Use slidingInverseFisher there/],
    ["vmap", () => vmap((x: Tensor) => fisher.apply(x))(draw(1, [2, 3])), TracingError, /inside of jit, grad or vmap/],
  ];
  for (const [name, run, type, message] of cases) {
    test(name, () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
      expect(fisher.pushes).toBe(0);
    });
  }
});
