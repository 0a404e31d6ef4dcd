/** Transformations compose in any nesting and to any order: each composition is a derivative that is known by other means. */

import { describe, expect, test } from "vitest";
import {
  checkpoint,
  cond,
  exp,
  grad,
  greater,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  scan,
  sin,
  stack,
  tanh,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  type Tensor,
} from "@curv/tensor";

const at = (value: number | number[] | number[][]): Tensor => tensor(value, { dtype: "float64" });
const expectClose = (x: Tensor, y: Tensor, relative = 1e-13): void => {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [x.dataSync(), y.dataSync()];
  const scale = Math.max(...Array.from(b, Math.abs), 0);
  a.forEach((v, i) =>
    expect(Math.abs(v - b[i]), `element ${i}: ${v}, wanted ${b[i]}`).toBeLessThanOrEqual(relative * scale),
  );
};

/** f(x) = Σ sin(x_i x_{i+1}) + e^{Σx/4}: no term of its Hessian is zero. */
const x = at([0.3, -0.7, 1.1, 0.4]);
const f = (x: Tensor): Tensor => {
  const next = x.slice([1]);
  const own = x.slice([0, -1]);
  return sin(own.mul(next))
    .sum()
    .add(exp(x.sum().mul(0.25)));
};
const gradient = (x: Tensor): Tensor => {
  const v = Array.from(x.dataSync());
  const e = Math.exp(v.reduce((a, b) => a + b, 0) / 4) / 4;
  return at(
    v.map(
      (_, i) =>
        e + (i > 0 ? Math.cos(v[i] * v[i - 1]) * v[i - 1] : 0) + (i < 3 ? Math.cos(v[i] * v[i + 1]) * v[i + 1] : 0),
    ),
  );
};
const H = (x: Tensor): Tensor => {
  const v = Array.from(x.dataSync());
  const e = Math.exp(v.reduce((a, b) => a + b, 0) / 4) / 16;
  const second = (i: number, k: number): number => {
    const pair = (a: number, b: number): [number, number] => [
      -Math.sin(a * b) * b * b,
      Math.cos(a * b) - a * b * Math.sin(a * b),
    ];
    if (i === k) return e + (i > 0 ? pair(v[i], v[i - 1])[0] : 0) + (i < 3 ? pair(v[i], v[i + 1])[0] : 0);
    return e + (Math.abs(i - k) === 1 ? pair(v[i], v[k])[1] : 0);
  };
  return at(v.map((_, i) => v.map((_, k) => second(i, k))));
};

test.each<[string, (x: Tensor) => Tensor]>([
  ["grad f", grad(f)],
  ["grad(jit f)", grad(jit(f))],
  ["jit(grad f)", jit(grad(f))],
  ["grad(checkpoint f)", grad(checkpoint(f))],
  ["jit(grad(checkpoint(jit f)))", jit(grad(checkpoint(jit(f))))],
  ["jacrev f", jacrev(f)],
  ["jacfwd f", jacfwd(f)],
  ["valueAndGrad f", (x) => valueAndGrad(f)(x).grad],
  ["vmap of jvp over a basis", (x) => vmap((v: Tensor) => jvp(f, [x], [v]).tangent)(identity(4))],
  ["vmap of linearize over a basis", (x) => vmap(linearize(f, x).linear)(identity(4))],
  ["linearTranspose of linearize", (x) => linearTranspose(linearize(f, x).linear, x)(at(1))[0]],
])("∇f by %s", (_name, derivative) => {
  expectClose(derivative(x), gradient(x));
});

function identity(n: number): Tensor {
  return at(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, k) => +(i === k))));
}

const rows = (product: (v: Tensor) => Tensor): Tensor =>
  stack(Array.from({ length: 4 }, (_, i) => product(identity(4).slice(i))));

test.each<[string, (x: Tensor) => Tensor]>([
  ["hessian f", hessian(f)],
  ["jit(hessian f)", jit(hessian(f))],
  ["hessian(jit f)", hessian(jit(f))],
  ["hessian(checkpoint f)", hessian(checkpoint(f))],
  ["jacfwd(jacfwd f)", jacfwd(jacfwd(f))],
  ["jacrev(jacrev f)", jacrev(jacrev(f))],
  ["jacrev(jacfwd f)", jacrev(jacfwd(f))],
  ["jacfwd(jit(jacrev(jit f)))", jacfwd(jit(jacrev(jit(f))))],
  ["hvp, row by row", (x) => rows((v) => hvp(f, x, v))],
  ["vmap(hvp)", (x) => vmap((v: Tensor) => hvp(f, x, v))(identity(4))],
  ["grad(⟨grad f, v⟩)", (x) => rows((v) => grad((x: Tensor) => grad(f)(x).mul(v).sum())(x))],
  ["grad(jvp f)", (x) => rows((v) => grad((x: Tensor) => jvp(f, [x], [v]).tangent)(x))],
  [
    "jvp(jvp f)",
    (x) =>
      stack(
        Array.from({ length: 4 }, (_, i) =>
          rows((v) => jvp((x: Tensor) => jvp(f, [x], [v]).tangent, [x], [identity(4).slice(i)]).tangent),
        ),
      ),
  ],
  [
    "vmap(vmap(jvp(jvp f)))",
    (x) =>
      vmap((u: Tensor) =>
        vmap((v: Tensor) => jvp((x: Tensor) => jvp(f, [x], [v]).tangent, [x], [u]).tangent)(identity(4)),
      )(identity(4)),
  ],
  ["vjp(grad f) under vmap", (x) => vmap((u: Tensor) => vjp(grad(f), x).pullback(u)[0])(identity(4))],
  [
    "jvp(grad(jit(vmap …)))",
    (x) =>
      rows(
        (v) =>
          jvp(
            grad((x: Tensor) => split(jit(vmap(sin)))(x)),
            [x],
            [v],
          ).tangent,
      ),
  ],
  ["hessian(cond)", hessian((x: Tensor) => cond(greater(x.sum(), 0), f, (x: Tensor) => x.square().sum(), x))],
  ["jit(hessian(cond))", jit(hessian((x: Tensor) => cond(greater(x.sum(), 0), f, (x: Tensor) => x.square().sum(), x)))],
  ["hessian(scan)", hessian(scanned)],
  ["jvp(grad(scan)), row by row", (x) => rows((v) => jvp(grad(scanned), [x], [v]).tangent)],
])("∇²f by %s", (_name, derivative) => {
  expectClose(derivative(x), H(x), 1e-12);
});

/** f with the sine given. */
function split(sine: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) =>
    sine(x.slice([0, -1]).mul(x.slice([1])))
      .sum()
      .add(exp(x.sum().mul(0.25)));
}

/** f with its sums by scan. */
function scanned(x: Tensor): Tensor {
  const [state] = scan(
    (c: { sines: Tensor; sum: Tensor; before: Tensor }, v: Tensor) =>
      [{ sines: c.sines.add(sin(c.before.mul(v))), sum: c.sum.add(v), before: v }, null] as const,
    { sines: at(0), sum: x.slice(0), before: x.slice(0) },
    x.slice([1]),
  );
  return state.sines.add(exp(state.sum.mul(0.25)));
}

describe("grad(jit(vmap(grad f)))", () => {
  // f(x) = x⁴ t: f' = 4 x³ t, and d/dt Σ f' = Σ 4 x³, d/dx Σ f' = 12 x² t.
  const quartic = (x: Tensor, t: Tensor): Tensor => x.square().square().mul(t);
  const slopes = jit((x: Tensor, t: Tensor) => vmap(grad(quartic), { inAxes: [0, null] })(x, t));
  const total = (x: Tensor, t: Tensor): Tensor => slopes(x, t).sum();
  const xs = at([1, 2, -3]);

  test("is right in both arguments, at the first call and at the second", () => {
    for (const t of [0.5, 2]) {
      expect(grad(total)(xs, at(t)).arraySync()).toEqual([12 * t, 48 * t, 108 * t]);
      expect(grad(total, { argnums: 1 })(xs, at(t)).itemSync()).toBe(4 * (1 + 8 - 27));
    }
  });

  test("and so is one more derivative around it", () => {
    const wanted = at([[12, 0, 0], [0, 24, 0], [0, 0, -36]]); // prettier-ignore
    expectClose(hessian((x: Tensor) => total(x, at(0.5)))(xs), wanted, 0);
    expect(
      vmap(grad(total, { argnums: 1 }), { inAxes: [0, 0] })(stack([xs, xs.neg()]), at([1, 2])).arraySync(),
    ).toEqual([-72, 72]);
  });
});

test("vmap(jit f) and jit(vmap f) are the loop", () => {
  const batch = stack([x, x.mul(2), x.neg()]);
  const loop = stack([f(x), f(x.mul(2)), f(x.neg())]);
  expectClose(vmap(jit(f))(batch), loop);
  expectClose(jit(vmap(f))(batch), loop);
  expectClose(vmap(jit(hessian(f)))(batch), stack([H(x), H(x.mul(2)), H(x.neg())]), 1e-12);
});

test("derivatives of order one to six of tanh by grad upon grad", () => {
  // With y = tanh x: y⁽ⁿ⁾ = pₙ(y), pₙ₊₁ = pₙ'(y)(1 − y²).
  let p = [0, 1];
  let derivative: (x: Tensor) => Tensor = tanh;
  const y = Math.tanh(0.5);
  for (let order = 1; order <= 6; order++) {
    const slope = p.slice(1).map((c, i) => c * (i + 1));
    p = Array.from({ length: slope.length + 2 }, (_, i) => (slope[i] ?? 0) - (slope[i - 2] ?? 0));
    derivative = grad(derivative);
    const wanted = p.reduce((sum, c, i) => sum + c * y ** i, 0);
    expect(derivative(at(0.5)).itemSync()).toBeCloseTo(wanted, 11);
    if (order <= 4) expect(jit(derivative)(at(0.5)).itemSync()).toBe(derivative(at(0.5)).itemSync());
  }
});

test("gradients of trees: interfaces, tuples, optional leaves, integer leaves elsewhere", () => {
  const params = { layers: [{ w: at([[1, 2], [3, 4]]), b: at([1, 1]) }] as const, scale: at(2), none: null }; // prettier-ignore
  const loss = (p: typeof params, input: Tensor, label: Tensor): Tensor =>
    p.layers[0].w.matmul(input).add(p.layers[0].b).mul(p.scale).mul(label.cast("float64")).sum();
  const g = grad(loss)(params, at([1, 0]), tensor([1, 0], { dtype: "int32" }));
  expect(g.layers[0].w.arraySync()).toEqual([[2, 0], [0, 0]]); // prettier-ignore
  expect(g.layers[0].b.arraySync()).toEqual([2, 0]);
  expect(g.scale.itemSync()).toBe(2);
  expect(g.none).toBeNull();
});
