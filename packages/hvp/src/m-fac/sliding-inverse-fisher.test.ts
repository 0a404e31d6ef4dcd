/** "Must be true" of paper 02, part B: items 1, 2, 4, 5 and 9. */

import {
  DomainError,
  DTypeError,
  eye,
  grad,
  jit,
  matmul,
  ShapeError,
  stack,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { cg, denseOperator, toDense } from "@curv/linsolve";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { flatten, unflatten } from "@curv/tensor/tree";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import reference from "./fixtures/m-fac.json" with { type: "json" };
import {
  slidingInverseFisher,
  staticInverseFisher,
  woodburyInverse,
  type SlidingInverseFisher,
  type SlidingState,
} from "./index.js";

// Many small systems: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const draw = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), { shape, dtype: "float64" });

function error(x: Tensor, y: Tensor): number {
  expect(x.shape).toEqual(y.shape);
  const norm = (t: Tensor): number => Math.sqrt(t.cast("float64").square().sum().itemSync());
  return norm(x.cast("float64").sub(y.cast("float64"))) / norm(y);
}

function pushed(fisher: SlidingInverseFisher, grads: Tensor): SlidingState {
  let state = fisher.init();
  for (let i = 0; i < grads.shape[0]; i++) state = fisher.push(state, grads.slice(i));
  return state;
}

/** F of the last m gradients, zeros for those that are missing, and 1/m from the beginning. */
function denseFisher(grads: Tensor, window: number, damping: number): Tensor {
  const [k, d] = grads.shape;
  const last = grads.slice([Math.max(0, k - window), k]).cast("float64");
  return matmul(last.transpose(), last)
    .div(window)
    .add(eye(d, d, { dtype: "float64" }).mul(damping));
}

describe("1, 2: equals the dense inverse and the static algorithm on the window", () => {
  test.prop(
    {
      seed: fc.nat(1000),
      window: fc.integer({ min: 1, max: 64 }),
      dim: fc.integer({ min: 1, max: 200 }),
      pushes: fc.integer({ min: 0, max: 90 }),
      power: fc.double({ min: -3, max: 0, noNaN: true }),
    },
    { numRuns: 15 },
  )("after any number of pushes", ({ seed, window, dim, pushes, power }) => {
    const damping = 10 ** power;
    const fisher = slidingInverseFisher({ dim, window, damping, dtype: "float64" });
    const grads = draw(seed, [pushes, dim]);
    const state = pushed(fisher, grads);
    const x = draw(seed + 1, [dim]);
    const y = fisher.apply(state, x);
    expect(state.pushes.itemSync()).toBe(pushes);
    expect(error(y, matmul(inv(denseFisher(grads, window, damping)), x))).toBeLessThan(1e-9);
    expect(error(y, staticInverseFisher(stack([...state.gradients], 0), { damping }).apply(x))).toBeLessThan(1e-9);
    expect(error(y, woodburyInverse(stack([...state.gradients], 0), { damping }).apply(x))).toBeLessThan(1e-9);
    const columns = draw(seed + 2, [dim, 2]);
    expect(
      error(fisher.apply(state, columns).slice(null, 1), fisher.apply(state, columns.slice(null, 1))),
    ).toBeLessThan(1e-12);
  });

  for (const { name, damping, gradients, x, D, dynamic, product } of reference) {
    test(`with 60 digits, and the numbers of the paper: ${name}`, () => {
      const [m, d] = [gradients.length, x.length];
      const fisher = slidingInverseFisher({ dim: d, window: m, damping, dtype: "float64" });
      const state = pushed(fisher, tensor(gradients, { dtype: "float64" }));
      const y = fisher.apply(state, tensor(x, { dtype: "float64" }));
      const tolerance = name === "ill scaled" ? 1e-9 : 1e-12;
      expect(error(y, tensor(product, { dtype: "float64" }))).toBeLessThan(tolerance);
      expect(error(y, tensor(dynamic, { dtype: "float64" }))).toBeLessThan(tolerance);
      // D_ij = L_ji L_ii, less m on the diagonal.
      const l = state.factor.arraySync() as number[][];
      for (let i = 0; i < m; i++) {
        for (let j = i; j < m; j++) {
          const found = l[j][i] * l[i][i] - (i === j ? m : 0);
          expect(Math.abs(found - D[i][j])).toBeLessThan(1e-9 * (m + Math.sqrt(Math.abs(D[i][i] * D[j][j]))));
        }
      }
    });
  }

  test("λ = 1e-5 and gradients of very different size, to 1e-4", () => {
    const sizes = tensor(Float64Array.from({ length: 200 }, (_, a) => 10 ** (-3 + (a % 50) / 10)));
    const grads = draw(3, [64, 200]).mul(sizes);
    const x = draw(4, [200]);
    const fisher = slidingInverseFisher({ dim: 200, window: 64, dtype: "float64" });
    expect(fisher.damping).toBe(1e-5);
    const y = fisher.apply(pushed(fisher, grads), x);
    expect(error(matmul(denseFisher(grads, 64, 1e-5), y), x)).toBeLessThan(1e-4);
  });

  test("the order of the window does not matter", () => {
    const fisher = slidingInverseFisher({ dim: 12, window: 5, damping: 0.01, dtype: "float64" });
    const [grads, x] = [draw(5, [5, 12]), draw(6, [12])];
    const other = stack(
      [2, 0, 4, 1, 3].map((i) => grads.slice(i)),
      0,
    );
    expect(error(fisher.apply(pushed(fisher, other), x), fisher.apply(pushed(fisher, grads), x))).toBeLessThan(1e-12);
  });
});

describe("pushApply", () => {
  test("is push, then apply with the new gradient in the window", () => {
    const fisher = slidingInverseFisher({ dim: 20, window: 4, damping: 0.01, dtype: "float64" });
    let state = fisher.init();
    for (let i = 0; i < 9; i++) {
      const g = draw(i, [20]);
      const next = fisher.push(state, g);
      const both = fisher.pushApply(state, g);
      expect(both.product.dataSync()).toEqual(fisher.apply(next, g).dataSync());
      expect(both.state.gram.dataSync()).toEqual(next.gram.dataSync());
      state = both.state;
    }
  });

  test("with a window of 1 is g / (λ + ‖g‖²)", () => {
    const fisher = slidingInverseFisher({ dim: 20, window: 1, damping: 0.1, dtype: "float64" });
    const g = draw(7, [20]);
    const { product } = fisher.pushApply(fisher.push(fisher.init(), draw(8, [20])), g);
    expect(error(product, g.div(g.square().sum().add(0.1)))).toBeLessThan(1e-12);
  });

  test("the first of 10 pushes is scaled by 1/10, not by 1", () => {
    const fisher = slidingInverseFisher({ dim: 20, window: 10, damping: 0.1, dtype: "float64" });
    const g = draw(7, [20]);
    const { product } = fisher.pushApply(fisher.init(), g);
    expect(error(product, g.div(g.square().sum().div(10).add(0.1)))).toBeLessThan(1e-12);
  });

  test("leaves the state that it was given", () => {
    const fisher = slidingInverseFisher({ dim: 6, window: 2, damping: 0.1, dtype: "float64" });
    const state = pushed(fisher, draw(9, [3, 6]));
    const before = flatten(state as never).leaves.map((x) => x.dataSync());
    fisher.pushApply(state, draw(10, [6]));
    expect(flatten(state as never).leaves.map((x) => x.dataSync())).toEqual(before);
  });
});

test("4: zero gradients and the same ones again", () => {
  const fisher = slidingInverseFisher({ dim: 4, window: 9, damping: 1e-3, dtype: "float64" });
  const g = draw(11, [4]);
  const grads = stack([g, g, zeros([4], { dtype: "float64" }), g, draw(12, [4]), g, g, g.mul(3), g, g], 0);
  const x = draw(13, [4]);
  expect(error(fisher.apply(pushed(fisher, grads), x), matmul(inv(denseFisher(grads, 9, 1e-3)), x))).toBeLessThan(1e-9);
});

describe("5: symmetric and positive", () => {
  test.prop({ seed: fc.nat(1000) }, { numRuns: 15 })("as an operator", ({ seed }) => {
    const fisher = slidingInverseFisher({ dim: 40, window: 12, damping: 0.01, dtype: "float64" });
    const operator = fisher.operator(pushed(fisher, draw(seed, [17, 40])));
    const [x, y] = [draw(seed + 1, [40]), draw(seed + 2, [40])];
    const size = x.dot(operator.apply(x)).itemSync();
    expect(size).toBeGreaterThan(0);
    expect(Math.abs(x.dot(operator.apply(y)).itemSync() - y.dot(operator.apply(x)).itemSync())).toBeLessThan(
      1e-12 * size,
    );
    expect(operator).toMatchObject({ symmetric: true, positiveSemidefinite: true });
    expect(error(toDense(operator).matmul(x), operator.apply(x))).toBeLessThan(1e-12);
  });

  test("as a preconditioner it solves its own system in one step", async () => {
    const fisher = slidingInverseFisher({ dim: 40, window: 12, damping: 0.01, dtype: "float64" });
    const grads = draw(14, [12, 40]);
    const a = denseOperator(denseFisher(grads, 12, 0.01), { positiveSemidefinite: true });
    const { iterations, converged } = await cg(a, draw(15, [40]), {
      preconditioner: fisher.operator(pushed(fisher, grads)),
      rtol: 1e-9,
    });
    expect(converged).toBe(true);
    expect(iterations).toBeLessThanOrEqual(2);
  });
});

describe("the state is a tree", () => {
  const fisher = slidingInverseFisher({ dim: 8, window: 3, damping: 0.1 });

  test("that is saved and restored bit for bit", () => {
    const grads = random.normal(random.key(18), { shape: [9, 8] });
    const saved = pushed(fisher, grads.slice([0, 5]));
    const { leaves, structure } = flatten(saved as never);
    const bytes = leaves.map((x) => ({ data: x.dataSync(), shape: x.shape }));
    const restored = unflatten(
      structure,
      bytes.map(({ data, shape }) => tensor(data, { shape })),
    ) as unknown as SlidingState;
    let [a, b] = [saved, restored];
    for (let i = 5; i < 9; i++) {
      const [one, two] = [fisher.pushApply(a, grads.slice(i)), fisher.pushApply(b, grads.slice(i))];
      expect(two.product.dataSync()).toEqual(one.product.dataSync());
      [a, b] = [one.state, two.state];
    }
  });

  test("that goes through jit and vmap", () => {
    const wide = slidingInverseFisher({ dim: 8, window: 3, damping: 0.1, dtype: "float64" });
    const state = pushed(wide, draw(19, [4, 8]));
    const many = draw(20, [5, 8]);
    const step = (s: SlidingState, g: Tensor): { product: Tensor; state: SlidingState } => wide.pushApply(s, g);
    const compiled = jit(step);
    const [one, two] = [step(state, many.slice(0)), compiled(state, many.slice(0))];
    expect(error(two.product, one.product)).toBeLessThan(1e-14);
    expect(error(compiled(two.state, many.slice(1)).product, step(one.state, many.slice(1)).product)).toBeLessThan(
      1e-14,
    );
    const each = stack(
      [0, 1, 2, 3, 4].map((i) => step(state, many.slice(i)).product),
      0,
    );
    expect(error(vmap((g: Tensor) => step(state, g).product)(many), each)).toBeLessThan(1e-13);
    expect(
      error(
        vmap((x: Tensor) => wide.apply(state, x))(many),
        stack(
          [0, 1, 2, 3, 4].map((i) => wide.apply(state, many.slice(i))),
          0,
        ),
      ),
    ).toBeLessThan(1e-13);
  });

  test("and has derivatives", () => {
    const wide = slidingInverseFisher({ dim: 8, window: 3, damping: 0.1, dtype: "float64" });
    const [before, g] = [draw(21, [2, 8]), draw(22, [8])];
    const found = grad((v: Tensor) => wide.pushApply(pushed(wide, before), v).product.square().sum())(g);
    const wanted = grad((v: Tensor) => {
      const all = stack([before.slice(0), before.slice(1), v], 0);
      return matmul(inv(denseFisher(all, 3, 0.1)), v)
        .square()
        .sum();
    })(g);
    expect(error(found, wanted)).toBeLessThan(1e-10);
  });
});

describe("9: errors", () => {
  const fisher = slidingInverseFisher({ dim: 3, window: 2, dtype: "float64" });
  const state = fisher.init();
  const cases: [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
    ["window 0", () => slidingInverseFisher({ dim: 3, window: 0 }), DomainError, /window is 0/],
    ["dim 1.5", () => slidingInverseFisher({ dim: 1.5, window: 2 }), DomainError, /dim is 1.5/],
    ["damping −1", () => slidingInverseFisher({ dim: 3, window: 2, damping: -1 }), DomainError, /damping is -1/],
    ["dtype", () => slidingInverseFisher({ dim: 3, window: 2, dtype: "int32" as never }), DTypeError, /dtype is int32/],
    [
      "a gradient of another length",
      () => fisher.push(state, draw(1, [4])),
      ShapeError,
      /push: g has shape \[4\]; wants \[3\]/,
    ],
    [
      "a gradient that is a matrix",
      () => fisher.pushApply(state, draw(1, [3, 3])),
      ShapeError,
      /pushApply: g has shape/,
    ],
    [
      "another dtype",
      () => fisher.push(state, draw(1, [3]).cast("float32")),
      DTypeError,
      /g is float32; wants float64/,
    ],
    ["x of another length", () => fisher.apply(state, draw(1, [4])), ShapeError, /apply: x has shape \[4\]/],
    ["columns of another length", () => fisher.apply(state, draw(1, [4, 2])), ShapeError, /x has shape \[4, 2\]/],
    ["NaN", () => fisher.push(state, tensor([1, NaN, 2], { dtype: "float64" })), DomainError, /the gradient has NaN/],
    [
      "an infinity",
      () => fisher.pushApply(state, tensor([1, 1, -Infinity], { dtype: "float64" })),
      DomainError,
      /an infinity/,
    ],
  ];
  for (const [name, run, type, message] of cases) {
    test(name, () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
    });
  }
});
