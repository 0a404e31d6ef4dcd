/** Functions with derivative rules of their own, and derivatives by the implicit function theorem. */

import { describe, expect, test } from "vitest";
import {
  cos,
  customJvp,
  customLinearSolve,
  customRoot,
  customVjp,
  exp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  log,
  sigmoid,
  sin,
  softplus,
  stack,
  tensor,
  TracingError,
  vmap,
  whileLoop,
  type Tensor,
} from "@curv/tensor";
import { solve } from "@curv/tensor/linalg";

const at = (value: number | number[] | number[][]): Tensor => tensor(value, { dtype: "float64" });
const expectClose = (x: Tensor, y: Tensor, relative = 1e-12): void => {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [x.dataSync(), y.dataSync()];
  const scale = Math.max(...Array.from(b, Math.abs), 0);
  a.forEach((v, i) =>
    expect(Math.abs(v - b[i]), `element ${i}: ${v}, wanted ${b[i]}`).toBeLessThanOrEqual(relative * scale),
  );
};

const logAddExp: (x: Tensor, y: Tensor) => Tensor = customJvp(
  (x: Tensor, y: Tensor) => x.maximum(y).add(softplus(x.sub(y).abs().neg())),
  ([x, y], [dx, dy]) => ({
    value: logAddExp(x, y),
    tangent: sigmoid(x.sub(y))
      .mul(dx)
      .add(sigmoid(y.sub(x)).mul(dy)),
  }),
);
const naive = (x: Tensor, y: Tensor): Tensor => log(exp(x).add(exp(y)));

describe("customJvp", () => {
  const [x, y] = [at([0.3, -0.5]), at([0.1, 0.8])];
  const h = (f: typeof naive) => (z: Tensor) =>
    f(z.slice([0, 2]), z.slice([2, 4]))
      .mul(at([1, 3]))
      .sum();
  const z = at([0.3, -0.5, 0.1, 0.8]);

  test("its rule serves forward and reverse mode, to any order, under jit and vmap", () => {
    expectClose(logAddExp(x, y), naive(x, y));
    expectClose(jacfwd(h(logAddExp))(z), grad(h(naive))(z));
    expectClose(grad(h(logAddExp))(z), grad(h(naive))(z));
    expectClose(hessian(h(logAddExp))(z), hessian(h(naive))(z));
    expectClose(jit(hessian(h(logAddExp)))(z), hessian(h(naive))(z));
    expectClose(hessian(jit(h(logAddExp)))(z), hessian(h(naive))(z));
    const batch = stack([z, z.neg()]);
    expectClose(vmap(hessian(h(logAddExp)))(batch), vmap(hessian(h(naive)))(batch));
    expectClose(
      hessian((b: Tensor) => vmap(h(logAddExp))(b).sum())(batch),
      hessian((b: Tensor) => vmap(h(naive))(b).sum())(batch),
    );
  });

  test("the rule is used: where f itself has another derivative, that of the rule wins", () => {
    const odd = customJvp(
      (x: Tensor) => x,
      ([x], [dx]) => ({ value: x, tangent: dx.mul(7) }),
    );
    for (const g of [grad((v: Tensor) => odd(v)), jit(grad((v: Tensor) => odd(v))), grad(jit((v: Tensor) => odd(v)))]) {
      expect(g(at(1)).itemSync()).toBe(7);
    }
    expect(vmap(grad((v: Tensor) => odd(v)))(at([1, 2])).arraySync()).toEqual([7, 7]);
    expect(grad((b: Tensor) => vmap(odd)(b).sum())(at([1, 2])).arraySync()).toEqual([7, 7]);
  });

  test("a value that the function closes over has no derivative through the rule", () => {
    const scaled = (s: Tensor): ((x: Tensor) => Tensor) =>
      customJvp(
        (x: Tensor) => x.mul(s),
        ([x], [dx]) => ({ value: x.mul(s), tangent: dx.mul(s) }),
      );
    const message =
      /^customJvp\(anonymous\): differentiating with respect to a closed-over value; pass it as an argument\.$/;
    // Whether the argument is traced or not.
    expect(() => grad((s: Tensor) => scaled(s)(s.mul(2)))(at(3))).toThrow(TracingError);
    expect(() => grad((s: Tensor) => scaled(s)(s.mul(2)))(at(3))).toThrow(message);
    expect(() => grad((s: Tensor) => scaled(s)(at(2)))(at(3))).toThrow(message);
    expect(() => jvp((s: Tensor) => scaled(s)(at(2)), [at(3)], [at(1)])).toThrow(message);
    // Other transformations may pass through it; a derivative in the argument leaves an ordinary function of s.
    expect(vmap((s: Tensor) => scaled(s)(at(2)))(at([3, 4])).arraySync()).toEqual([6, 8]);
    expect(jit((s: Tensor) => scaled(s)(at(2)))(at(3)).itemSync()).toBe(6);
    expect(grad((s: Tensor) => grad((x: Tensor) => scaled(s)(x))(at(2)))(at(3)).itemSync()).toBe(1);
  });
});

describe("customVjp", () => {
  /** sin with its reverse derivative by hand. */
  const sine = customVjp(
    (x: Tensor) => sin(x),
    (x) => [sin(x), x] as const,
    (x, bar) => [cos(x).mul(bar)] as const,
  );
  const f = (g: (x: Tensor) => Tensor) => (x: Tensor) => g(x.mul(2)).square().sum();
  const x = at([0.3, -0.5, 1.1]);

  test("reverse mode uses its rule, and forward mode is the transpose of that (§11.7)", () => {
    expectClose(grad(f(sine))(x), grad(f(sin))(x));
    expectClose(jvp(f(sine), [x], [x]).tangent, jvp(f(sin), [x], [x]).tangent);
    expectClose(jacfwd(sine)(x), jacfwd(sin)(x));
    expectClose(linearize(sine, x).linear(x), linearize(sin, x).linear(x));
    expectClose(jit(jacfwd(sine))(x), jacfwd(sin)(x));
  });

  test("second order by every nesting, under jit and vmap", () => {
    const wanted = hessian(f(sin))(x);
    for (const d of [
      hessian(f(sine)),
      jacrev(grad(f(sine))),
      jacfwd(jacfwd(f(sine))),
      jacrev(jacfwd(f(sine))),
      jit(hessian(f(sine))),
      hessian(jit(f(sine))),
    ]) {
      expectClose(d(x), wanted);
    }
    const batch = stack([x, x.neg()]);
    expectClose(vmap(hessian(f(sine)))(batch), vmap(hessian(f(sin)))(batch));
    expectClose(
      hessian((b: Tensor) => vmap(f(sine))(b).sum())(batch),
      hessian((b: Tensor) => vmap(f(sin))(b).sum())(batch),
    );
  });

  test("a rule that clips is used, not f's own derivative; an argument shared by a batch gets the sum", () => {
    const clipped = customVjp(
      (x: Tensor, s: Tensor) => x.mul(s),
      (x, s) => [x.mul(s), { x, s }] as const,
      ({ x, s }, bar) => [bar.mul(s).minimum(1), bar.mul(x)] as const,
    );
    expect(grad(clipped)(at(2), at(5)).itemSync()).toBe(1);
    const total = (xs: Tensor, s: Tensor): Tensor => vmap(clipped, { inAxes: [0, null] })(xs, s).sum();
    expect(grad(total)(at([1, 2, 3]), at(5)).arraySync()).toEqual([1, 1, 1]);
    expect(grad(total, { argnums: 1 })(at([1, 2, 3]), at(5)).itemSync()).toBe(6);
  });

  test("a wrong number of cotangents is refused", () => {
    const bad = customVjp((x: Tensor, y: Tensor) => x.mul(y), (x, y) => [x.mul(y), null] as const, (_r, bar) => [bar] as never); // prettier-ignore
    expect(() => grad(bad)(at(1), at(2))).toThrow(/bwd returned 1 cotangents; f has 2 arguments\.$/);
  });
});

describe("customLinearSolve", () => {
  const n = 4;
  const base = at(
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, k) => (i === k ? 5 : Math.sin((i + 1) * (k + 2) ** 2))),
    ),
  );
  const direction = at(
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, k) => Math.cos((i * n + k) ** 2))),
  );
  const b = at([1, -2, 0.5, 3]);
  const matrix = (t: Tensor): Tensor => base.add(direction.mul(t)).add(direction.mul(t.square()));

  /** A few steps of refinement by a fixed approximate inverse: a method whose steps are not to be differentiated. */
  const iterative = (A: Tensor, b: Tensor): Tensor => {
    const step = (x: Tensor): Tensor => x.add(b.sub(A.matmul(x)).mul(0.18));
    return whileLoop(
      (c: { x: Tensor; i: Tensor }) => c.i.less(400),
      (c) => ({ x: step(c.x), i: c.i.add(1) }),
      { x: b.mul(0.2), i: tensor(0, { dtype: "int32" }) },
    ).x as Tensor;
  };
  const implicit = (t: Tensor, b: Tensor): Tensor => {
    const A = matrix(t);
    return customLinearSolve(
      {
        matvec: (x: Tensor) => A.matmul(x),
        solve: (y: Tensor) => iterative(A, y),
        transposeSolve: (y: Tensor) => iterative(A.T, y),
      },
      b,
    );
  };
  const direct = (t: Tensor, b: Tensor): Tensor => solve(matrix(t), b);
  const loss = (f: typeof direct) => (z: Tensor) =>
    f(z.slice(0), z.slice([1]))
      .square()
      .mul(at([1, 2, 3, 4]))
      .sum();
  const z = at([0.3, 1, -2, 0.5, 3]);

  test("first, second and third derivatives in A and b are those of the direct solve", () => {
    expectClose(implicit(at(0.3), b), direct(at(0.3), b), 1e-11);
    const [F, G] = [loss(implicit), loss(direct)];
    expectClose(grad(F)(z), grad(G)(z), 1e-11);
    expectClose(jacfwd(F)(z), grad(G)(z), 1e-11);
    const wanted = hessian(G)(z);
    for (const second of [hessian(F), jacrev(grad(F)), jacfwd(jacfwd(F)), jit(hessian(F)), hessian(jit(F))])
      expectClose(second(z), wanted, 1e-10);
    expectClose(jvp(hessian(F), [z], [z]).tangent, jvp(hessian(G), [z], [z]).tangent, 1e-10);
  });

  test("the second derivative is the limit of differences, and symmetric", () => {
    const F = loss(implicit);
    const v = at([0.2, -0.4, 0.6, 0.1, -0.3]);
    const h = 1e-5;
    const slope = grad(F)(z.add(v.mul(h)))
      .sub(grad(F)(z.sub(v.mul(h))))
      .div(2 * h);
    expectClose(jvp(grad(F), [z], [v]).tangent, slope, 1e-8);
    const second = hessian(F)(z);
    expectClose(second, second.T, 1e-11);
  });

  test("vmap over A, over b, over both, and of derivatives", () => {
    const [ts, bs] = [at([0.1, 0.2, 0.3]), stack([b, b.neg(), b.mul(2)])];
    for (const inAxes of [
      [0, null],
      [null, 0],
      [0, 0],
    ] as const) {
      // prettier-ignore
      const [p, q] = [inAxes[0] === 0 ? ts : at(0.3), inAxes[1] === 0 ? bs : b];
      expectClose(vmap(implicit, { inAxes })(p, q), vmap(direct, { inAxes })(p, q), 1e-10);
    }
    const batch = stack([z, z.mul(0.9)]);
    expectClose(vmap(hessian(loss(implicit)))(batch), vmap(hessian(loss(direct)))(batch), 1e-10);
  });

  test("without transposeSolve reverse mode says what is missing", () => {
    const f = (b: Tensor): Tensor =>
      customLinearSolve({ matvec: (x: Tensor) => base.matmul(x), solve: (y: Tensor) => solve(base, y) }, b).sum();
    expect(jvp(f, [b], [b]).tangent.itemSync()).toBeCloseTo(solve(base, b).sum().itemSync(), 12);
    expect(() => grad(f)(b)).toThrow(/reverse mode needs transposeSolve/);
  });

  test("on trees", () => {
    const f = (s: Tensor): Tensor => {
      const x = customLinearSolve<{ a: Tensor; b: Tensor }>(
        {
          matvec: (x) => ({ a: x.a.mul(s).add(x.b), b: x.b.mul(2) }),
          solve: (y) => ({ a: y.a.sub(y.b.mul(0.5)).div(s), b: y.b.mul(0.5) }),
          transposeSolve: (y) => ({ a: y.a.div(s), b: y.b.sub(y.a.div(s)).mul(0.5) }),
        },
        { a: at(3), b: at(4) },
      );
      return x.a.add(x.b); // (3 − 2)/s + 2
    };
    expect(f(at(2)).itemSync()).toBe(2.5);
    expect(grad(f)(at(2)).itemSync()).toBeCloseTo(-0.25, 14);
    expect(grad(grad(f))(at(2)).itemSync()).toBeCloseTo(0.25, 14);
  });
});

describe("customRoot", () => {
  /** x with x³ + x = a, by Newton's method. */
  const cubic = (a: Tensor): Tensor =>
    customRoot((x: Tensor) => x.mul(x).mul(x).add(x).sub(a), at(1), {
      solve: (f, start) => {
        let x = start;
        for (let i = 0; i < 30; i++) x = x.sub(f(x).div(x.square().mul(3).add(1)));
        return x;
      },
      tangentSolve: (linear, dy) => dy.div(linear(at(1))),
    });
  // x' = 1/(3x² + 1), x'' = −6x x'³
  test("derivatives of order one to three, by grad and jvp, under jit and vmap", () => {
    const x = cubic(at(5)).itemSync();
    const first = 1 / (3 * x * x + 1);
    const second = -6 * x * first ** 3;
    const third = -6 * first ** 4 + 108 * x * x * first ** 5;
    expect(x ** 3 + x).toBeCloseTo(5, 13);
    for (const d of [grad(cubic), jit(grad(cubic)), (a: Tensor) => jvp(cubic, [a], [at(1)]).tangent])
      expect(d(at(5)).itemSync()).toBeCloseTo(first, 13);
    for (const d of [grad(grad(cubic)), jit(grad(grad(cubic))), hessian(cubic)])
      expect(d(at(5)).itemSync()).toBeCloseTo(second, 13);
    expect(grad(grad(grad(cubic)))(at(5)).itemSync()).toBeCloseTo(third, 13);
    expect(vmap(grad(cubic))(at([5, 5])).arraySync()).toEqual([
      grad(cubic)(at(5)).itemSync(),
      grad(cubic)(at(5)).itemSync(),
    ]);
  });
});
