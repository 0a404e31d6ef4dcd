/** Nested transformations do not confuse their perturbations (theme-tensor-core §11.3), in each of the 16 inner–outer pairs. */

import { describe, expect, test } from "vitest";
import { grad, jit, jvp, tensor, vmap, type Tensor } from "@curv/tensor";

const at = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });
const one = at(1);

/** The inner transformation of y ↦ h(x, y) at y = 3, and what it is as a polynomial in x for h = x + y and for h = x y². */
const inner = {
  grad: { apply: (h: (y: Tensor) => Tensor) => grad(h)(at(3)), sum: () => 1, product: (x: number) => 6 * x },
  jvp: {
    apply: (h: (y: Tensor) => Tensor) => jvp(h, [at(3)], [one]).tangent,
    sum: () => 1,
    product: (x: number) => 6 * x,
  },
  vmap: {
    apply: (h: (y: Tensor) => Tensor) => vmap(h)(at([3, 2])).sum(),
    sum: (x: number) => 2 * x + 5,
    product: (x: number) => 13 * x,
  },
  jit: { apply: (h: (y: Tensor) => Tensor) => jit(h)(at(3)), sum: (x: number) => x + 3, product: (x: number) => 9 * x },
} as const;

/** The outer transformation of a function of x, at x = 5; `expected` does the same to a quadratic function. */
const outer = {
  grad: { apply: (f: (x: Tensor) => Tensor) => grad(f)(at(5)).arraySync(), expected: derivative },
  jvp: { apply: (f: (x: Tensor) => Tensor) => jvp(f, [at(5)], [one]).tangent.arraySync(), expected: derivative },
  vmap: {
    apply: (f: (x: Tensor) => Tensor) => vmap(f)(at([5, 6])).arraySync(),
    expected: (f: (x: number) => number) => [f(5), f(6)],
  },
  jit: { apply: (f: (x: Tensor) => Tensor) => jit(f)(at(5)).arraySync(), expected: (f: (x: number) => number) => f(5) },
} as const;

/** Exact for quadratic functions. */
function derivative(f: (x: number) => number): number {
  return (f(6) - f(4)) / 2;
}

const names = ["grad", "jvp", "vmap", "jit"] as const;

describe.each(names)("outer %s", (o) => {
  test.each(names)("inner %s", (i) => {
    const T = outer[o];
    expect(T.apply((x) => x.mul(inner[i].apply((y) => x.add(y))))).toEqual(T.expected((x) => x * inner[i].sum(x)));
    expect(T.apply((x) => x.mul(inner[i].apply((y) => x.mul(y).mul(y))))).toEqual(
      T.expected((x) => x * inner[i].product(x)),
    );
  });
});

test("d/dx [x · d/dy (x + y)] = 1", () => {
  expect(grad((x: Tensor) => x.mul(grad((y: Tensor) => x.add(y))(one)))(one).itemSync()).toBe(1);
});

test("an inner derivative of a function that ignores its argument is 0, whatever it closes over", () => {
  expect(grad((x: Tensor) => x.mul(grad((_y: Tensor) => x.square())(one)))(at(3)).itemSync()).toBe(0);
  expect(
    jvp((x: Tensor) => jvp((_y: Tensor) => x.square(), [one], [one]).tangent, [at(3)], [one]).tangent.itemSync(),
  ).toBe(0);
});
