/** What happens to traced values outside their trace (theme-tensor-core §2, §11.4, §11.5), and to traces that break off. */

import { describe, expect, test } from "vitest";
import {
  checkpoint,
  cond,
  configure,
  customJvp,
  customVjp,
  full,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  makeGraph,
  scan,
  tensor,
  TracingError,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
  type Tensor,
} from "@curv/tensor";

const at = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });
const x = at(2);
const yes = tensor(true);

/** Each transformation of a function of one scalar; control flow runs under jit, where it traces. */
const transformations: Readonly<Record<string, (f: (x: Tensor) => Tensor) => unknown>> = {
  grad: (f) => grad(f)(x),
  valueAndGrad: (f) => valueAndGrad(f)(x),
  jvp: (f) => jvp(f, [x], [x]),
  vjp: (f) => vjp(f, x).pullback(x),
  linearize: (f) => linearize(f, x).linear(x),
  linearTranspose: (f) => linearTranspose(f, x)(x),
  vmap: (f) => vmap(f)(at([1, 2])),
  jit: (f) => jit(f)(x),
  makeGraph: (f) => makeGraph(f, x),
  jacfwd: (f) => jacfwd(f)(x),
  jacrev: (f) => jacrev(f)(x),
  hessian: (f) => hessian(f)(x),
  checkpoint: (f) => grad(checkpoint(f))(x),
  customJvp: (f) => grad(customJvp(f, ([v], [dv]) => ({ value: v, tangent: dv })))(x),
  customVjp: (f) =>
    grad(
      customVjp(
        f,
        (v) => [v, null] as const,
        (_r, c) => [c] as const,
      ),
    )(x),
  scan: (f) => scan((c: Tensor, _v: Tensor) => [f(c), c] as const, x, at([1, 2])),
  whileLoop: (f) =>
    whileLoop(
      (c: Tensor) => c.less(10),
      (c) => f(c).mul(0).add(11),
      x,
    ),
  cond: (f) => jit((p: Tensor) => cond(p, f, (v) => v, x))(yes),
};

describe.each(Object.entries(transformations))("%s", (name, transform) => {
  test("a leaked value says whose it was", () => {
    let leaked: Tensor | null = null;
    transform((v) => {
      leaked = v;
      return v.mul(2);
    });
    const act = (): unknown => leaked!.mul(2);
    expect(act).toThrow(TracingError);
    expect(act).toThrow(
      /^mul: this value belongs to .+, which has returned\. Return it from the function instead of storing it outside\.$/,
    );
  });

  test("a leaked value that is not used does no harm", () => {
    const kept: Tensor[] = [];
    transform((v) => {
      kept.push(v);
      return v.mul(2);
    });
    expect(kept.length).toBeGreaterThan(0);
    expect(String(kept[0].shape)).toBe("");
  });

  test("a function that throws leaves later derivatives working", () => {
    const mine = new Error("mine");
    expect(() =>
      transform((v) => {
        v.mul(2);
        throw mine;
      }),
    ).toThrow(mine);
    // Nothing is being recorded any more: constants are values, derivatives are right.
    expect(full([2], 3).dataSync()).toEqual(new Float32Array([3, 3]));
    expect(grad((v: Tensor) => v.mul(v).mul(v))(x).itemSync()).toBe(12);
  });

  test("a function that returns a Promise is refused", () => {
    const asynchronous = (async (v: Tensor) => v) as unknown as (x: Tensor) => Tensor;
    if (name === "scan" || name === "whileLoop") return; // their wrappers above use the result first
    expect(() => transform(asynchronous)).toThrow(/returned a Promise/);
  });
});

test("with debug, the error says where the leaked value was made", () => {
  configure({ debug: true });
  try {
    let leaked: Tensor | null = null;
    grad((v: Tensor) => (leaked = v.square()))(x);
    expect(() => leaked!.mul(2)).toThrow(/It was made at/);
  } finally {
    configure({ debug: false });
  }
});

test("jit that closes over a value of an enclosing derivative is right at every call", () => {
  let outer = x;
  const scaled = jit((y: Tensor) => outer.square().mul(y));
  const f = (v: Tensor): Tensor => {
    outer = v;
    return scaled(at(3));
  };
  const slope = grad(f);
  for (const v of [2, 5, 7]) expect(slope(at(v)).itemSync()).toBe(6 * v);
  for (const v of [2, 5]) expect(grad(slope)(at(v)).itemSync()).toBe(6);
  expect(vmap(f)(at([1, 2, 3])).arraySync()).toEqual([3, 12, 27]);
  expect(vmap(grad(f))(at([1, 2, 3])).arraySync()).toEqual([6, 12, 18]);
});

test("jit keeps an earlier captured constant, and with debug says that it changed", () => {
  let factor = at(2);
  const f = jit((y: Tensor) => y.mul(factor));
  expect(f(x).itemSync()).toBe(4);
  factor = at(3);
  expect(f(x).itemSync()).toBe(4);
  configure({ debug: true });
  try {
    expect(() => f(x)).toThrow(/a captured value changed/);
  } finally {
    configure({ debug: false });
  }
});

test("values may be read under grad and jvp, not under vmap and jit", () => {
  expect(grad((v: Tensor) => v.mul(v.itemSync()))(at(3)).itemSync()).toBe(3);
  expect(jvp((v: Tensor) => v.mul(v.itemSync()), [at(3)], [at(1)]).tangent.itemSync()).toBe(3);
  expect(() => jit((v: Tensor) => v.mul(v.itemSync()))(x)).toThrow(/itemSync: the value is not known while jit traces/);
  expect(() => vmap((v: Tensor) => v.mul(v.itemSync()))(at([1, 2]))).toThrow(
    /itemSync: the value is not known while vmap/,
  );
});
