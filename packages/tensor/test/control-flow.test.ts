/** Loops and branches: values, derivatives of every kind, batches, and checks of values in what does not run. */

import { describe, expect, test } from "vitest";
import {
  check,
  cond,
  DomainError,
  forLoop,
  grad,
  greater,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  less,
  linearize,
  scan,
  sin,
  sqrt,
  stack,
  tanh,
  tensor,
  vjp,
  vmap,
  where,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";

const at = (value: number | number[] | number[][]): Tensor => tensor(value, { dtype: "float64" });
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());
const expectClose = (x: Tensor, y: Tensor, relative = 1e-13): void => {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [numbers(x), numbers(y)];
  const scale = Math.max(...b.map(Math.abs), 0);
  a.forEach((v, i) =>
    expect(Math.abs(v - b[i]), `element ${i}: ${v}, wanted ${b[i]}`).toBeLessThanOrEqual(relative * scale),
  );
};

describe("scan is the unrolled loop", () => {
  const xs = at([[0.1, 0.4], [-0.3, 0.2], [0.5, -0.1], [0.2, 0.9]]); // prettier-ignore
  const h0 = at([0.3, -0.2]);
  const w = at([[0.5, -0.4], [0.3, 0.8]]); // prettier-ignore

  const step = (w: Tensor, h: Tensor, x: Tensor): [Tensor, Tensor] => {
    const next = tanh(h.matmul(w).add(x));
    return [next, next.square().sum()];
  };
  /** A scalar function of weights, start and inputs by scan, and by a JavaScript loop. */
  const scanned =
    (reverse: boolean) =>
    (w: Tensor, h: Tensor, x: Tensor): Tensor => {
      const [last, ys] = scan((c: Tensor, v: Tensor) => step(w, c, v), h, x, { reverse });
      return last.sum().add(ys.mul(at([1, 2, 3, 4])).sum());
    };
  const unrolled =
    (reverse: boolean) =>
    (w: Tensor, h: Tensor, x: Tensor): Tensor => {
      let carry = h;
      let total = zeros([], { dtype: "float64" });
      for (let k = 0; k < 4; k++) {
        const i = reverse ? 3 - k : k;
        const [next, y] = step(w, carry, x.slice(i));
        carry = next;
        total = total.add(y.mul(i + 1));
      }
      return carry.sum().add(total);
    };

  describe.each([false, true])("reverse %s", (reverse) => {
    const [f, g] = [scanned(reverse), unrolled(reverse)];
    test("value, gradient, and those under jit", () => {
      expectClose(f(w, h0, xs), g(w, h0, xs));
      expectClose(jit(f)(w, h0, xs), g(w, h0, xs));
      for (const i of [0, 1, 2]) {
        const wanted = grad(g, { argnums: i })(w, h0, xs);
        expectClose(grad(f, { argnums: i })(w, h0, xs), wanted);
        expectClose(jit(grad(f, { argnums: i }))(w, h0, xs), wanted);
        expectClose(grad(jit(f), { argnums: i })(w, h0, xs), wanted);
      }
    });
    test("jvp and linearize along each argument", () => {
      for (const i of [0, 1, 2]) {
        const along =
          (h: typeof f): ((v: Tensor) => Tensor) =>
          (v) =>
            h(i === 0 ? v : w, i === 1 ? v : h0, i === 2 ? v : xs);
        const x = [w, h0, xs][i];
        const wanted = jvp(along(g), [x], [sin(x)]).tangent;
        expectClose(jvp(along(f), [x], [sin(x)]).tangent, wanted);
        expectClose(linearize(along(f), x).linear(sin(x)), wanted);
      }
    });
    test("Hessian: forward over reverse, reverse over reverse", () => {
      const [F, G] = [(v: Tensor) => f(v, h0, xs), (v: Tensor) => g(v, h0, xs)];
      const wanted = hessian(G)(w);
      expectClose(hessian(F)(w), wanted, 1e-12);
      expectClose(jit(hessian(F))(w), wanted, 1e-12);
      expectClose(jacrev(grad(F))(w), wanted, 1e-12);
      expectClose(jacfwd(jacrev(F))(w), wanted, 1e-12);
    });
    test("jvp(grad(scan)) against differences", () => {
      const gradient = grad((v: Tensor) => f(v, h0, xs));
      const v = sin(w);
      const product = jvp(gradient, [w], [v]).tangent;
      const h = 1e-5;
      const slope = gradient(w.add(v.mul(h)))
        .sub(gradient(w.sub(v.mul(h))))
        .div(2 * h);
      expectClose(product, slope, 1e-8);
    });
    test("vmap over every choice of arguments", () => {
      for (let mask = 1; mask < 8; mask++) {
        const batched = [w, h0, xs].map((x, i) => ((mask >> i) & 1 ? stack([x, x.mul(0.5), x.neg()]) : x));
        const axes = [0, 1, 2].map((i) => ((mask >> i) & 1 ? 0 : null));
        const lane = (k: number): [Tensor, Tensor, Tensor] =>
          batched.map((x, i) => (axes[i] === 0 ? x.slice(k) : x)) as [Tensor, Tensor, Tensor];
        const run = (h: typeof f): Tensor => vmap(h, { inAxes: axes })(...(batched as [Tensor, Tensor, Tensor]));
        expectClose(run(f), stack([0, 1, 2].map((k) => g(...lane(k)))));
        expectClose(run(grad(f)), stack([0, 1, 2].map((k) => grad(g)(...lane(k)))));
      }
    });
  });

  test("no steps: the start comes back, and its derivative is 1", () => {
    const f = (x: Tensor): Tensor =>
      scan((c: Tensor, v: Tensor) => [c.mul(v), c] as const, x, zeros([0], { dtype: "float64" }))[0];
    expect(f(at(3)).itemSync()).toBe(3);
    expect(grad(f)(at(3)).itemSync()).toBe(1);
    expect(
      scan((c: Tensor, v: Tensor) => [c, c.mul(v)] as const, at(3), zeros([0], { dtype: "float64" }))[1].shape,
    ).toEqual([0]);
  });

  test("a carry that becomes active only after some steps", () => {
    // a → b → c: the tangent of x reaches c in the third step.
    const f = (x: Tensor): Tensor => {
      const start = { a: at(1), b: at(1), c: at(1) };
      const body = (s: typeof start): typeof start => ({ a: s.a.mul(x), b: s.a.mul(s.b), c: s.b.mul(s.c) });
      return forLoop(0, 4, (_i, s) => body(s as typeof start), start).c as Tensor;
    };
    const plain = (x: number): number => {
      let [a, b, c] = [1, 1, 1];
      for (let i = 0; i < 4; i++) [a, b, c] = [a * x, a * b, b * c];
      return c;
    };
    expect(f(at(2)).itemSync()).toBe(plain(2));
    expect(grad(f)(at(2)).itemSync()).toBeCloseTo((plain(2 + 1e-6) - plain(2 - 1e-6)) / 2e-6, 6);
    expect(jvp(f, [at(2)], [at(1)]).tangent.itemSync()).toBe(grad(f)(at(2)).itemSync());
  });

  test("integer carries and inputs have no derivative and disturb none", () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (c: { n: Tensor; v: Tensor }, i: Tensor) =>
          [{ n: c.n.add(i), v: c.v.mul(x).add(i.cast("float64")) }, c.n] as const,
        { n: tensor(0, { dtype: "int32" }), v: x },
        tensor([1, 2, 3], { dtype: "int32" }),
      )[0].v;
    // ((x·x + 1)·x + 2)·x + 3
    expect(grad(f)(at(2)).itemSync()).toBe(4 * 8 + 2 * 2 + 2);
    expect(grad(grad(f))(at(2)).itemSync()).toBe(12 * 4 + 2);
  });
});

describe("whileLoop", () => {
  /** Collatz-like: halves until below 1, counting; x-dependent number of steps. */
  const halvings = (x: Tensor): { n: Tensor; v: Tensor } =>
    whileLoop(
      (c: { n: Tensor; v: Tensor }) => c.v.greaterEqual(1),
      (c) => ({ n: c.n.add(1), v: c.v.mul(0.5) }),
      {
        n: tensor(0, { dtype: "int32" }),
        v: x,
      },
    ) as { n: Tensor; v: Tensor };

  test("under vmap each lane stops by itself", () => {
    const { n, v } = vmap(halvings)(at([0.5, 3, 40, 1]));
    expect(numbers(n)).toEqual([0, 2, 6, 1]);
    expect(numbers(v)).toEqual([0.5, 0.75, 0.625, 0.5]);
    expect(numbers(jit(vmap(halvings))(at([0.5, 3, 40, 1])).v)).toEqual([0.5, 0.75, 0.625, 0.5]);
    expect(numbers(vmap(jit(halvings))(at([0.5, 3, 40, 1])).n)).toEqual([0, 2, 6, 1]);
  });

  test("jvp follows the steps taken; vmap of it, too", () => {
    const slope = (x: Tensor): Tensor => jvp((v: Tensor) => halvings(v).v, [x], [at(1)]).tangent;
    expect(slope(at(40)).itemSync()).toBe(1 / 64);
    expect(numbers(vmap(slope)(at([0.5, 3, 40])))).toEqual([1, 0.25, 1 / 64]);
  });

  test("reverse mode with maxSteps, lane by lane", () => {
    const bounded = (x: Tensor): Tensor =>
      whileLoop(
        (c: Tensor) => c.greaterEqual(1),
        (c) => c.mul(0.5),
        x,
        { maxSteps: 10 },
      ) as Tensor;
    expect(grad(bounded)(at(40)).itemSync()).toBe(1 / 64);
    expect(numbers(vmap(grad(bounded))(at([0.5, 3, 40])))).toEqual([1, 0.25, 1 / 64]);
    expect(numbers(grad((x: Tensor) => vmap(bounded)(x).sum())(at([0.5, 3, 40])))).toEqual([1, 0.25, 1 / 64]);
    expect(() => grad((x: Tensor) => halvings(x).v)(at(40))).toThrow(
      /whileLoop: reverse mode needs a bound; pass \{maxSteps\}/,
    );
  });

  test("maxSteps stops the loop, and a second derivative goes through it", () => {
    const square = (x: Tensor): Tensor =>
      whileLoop(
        (c: Tensor) => c.less(1e9),
        (c) => c.mul(c),
        x,
        { maxSteps: 2 },
      ) as Tensor; // x⁴
    expect(square(at(3)).itemSync()).toBe(81);
    expect(grad(square)(at(3)).itemSync()).toBe(108);
    expect(grad(grad(square))(at(3)).itemSync()).toBe(108);
    expect(hessian((x: Tensor) => vmap(square)(x).sum())(at([1, 2])).arraySync()).toEqual([[12, 0], [0, 48]]); // prettier-ignore
  });

  test("frozen lanes pass no NaN on: neither values nor gradients (0·∞)", () => {
    // Once v < 0 a further step would take the root of a negative number.
    const f = (x: Tensor, scale: Tensor): Tensor =>
      whileLoop(
        (c: Tensor) => c.greater(0),
        (c) => sqrt(c).mul(scale).sub(2),
        x,
        { maxSteps: 6 },
      ) as Tensor;
    const xs = at([-1, 4, 30]);
    const scale = at(1);
    const loop = [-1, 4, 30].map((x) => ({
      value: f(at(x), scale),
      slope: grad(f)(at(x), scale),
      other: grad(f, { argnums: 1 })(at(x), scale),
    }));
    expect(numbers(vmap(f, { inAxes: [0, null] })(xs, scale))).toEqual(loop.map((l) => l.value.itemSync()));
    expect(numbers(vmap(grad(f), { inAxes: [0, null] })(xs, scale))).toEqual(loop.map((l) => l.slope.itemSync()));
    const total = grad((s: Tensor) => vmap(f, { inAxes: [0, null] })(xs, s).sum())(scale).itemSync();
    expect(total).toBeCloseTo(
      loop.reduce((sum, l) => sum + l.other.itemSync(), 0),
      12,
    );
  });
});

describe("cond", () => {
  const branches = (p: Tensor, x: Tensor, w: Tensor): Tensor =>
    cond(
      p,
      (x: Tensor, w: Tensor) => sin(x).mul(w),
      (x: Tensor, w: Tensor) => sqrt(x).add(w.square()),
      x,
      w,
    );
  const sign = (x: Tensor): Tensor => less(x, 1);

  test("known predicates run their branch; traced ones are the same", () => {
    const f = (x: Tensor, w: Tensor): Tensor => branches(sign(x), x, w);
    for (const x of [0.5, 2]) {
      const g = (v: Tensor, w: Tensor): Tensor => (x < 1 ? sin(v).mul(w) : sqrt(v).add(w.square()));
      const [a, b] = [at(x), at(3)];
      expectClose(jit(f)(a, b), g(a, b));
      for (const i of [0, 1]) {
        expectClose(grad(f, { argnums: i })(a, b), grad(g, { argnums: i })(a, b));
        expectClose(jit(grad(f, { argnums: i }))(a, b), grad(g, { argnums: i })(a, b));
        expectClose(grad(jit(f), { argnums: i })(a, b), grad(g, { argnums: i })(a, b));
      }
      expectClose(hessian((v: Tensor) => f(v, b))(a), hessian((v: Tensor) => g(v, b))(a));
      expectClose(jit(hessian((v: Tensor) => f(v, b)))(a), hessian((v: Tensor) => g(v, b))(a));
      expectClose(hessian(jit((v: Tensor) => f(v, b)))(a), hessian((v: Tensor) => g(v, b))(a));
    }
  });

  test("a batched predicate chooses lane by lane, in values, gradients and Hessians", () => {
    const f = (x: Tensor, w: Tensor): Tensor => branches(sign(x), x, w);
    const xs = at([0.5, 2, 0.25, 3]);
    const w = at(3);
    const lanes = [0.5, 2, 0.25, 3].map(at);
    const over = { inAxes: [0, null] } as const;
    expectClose(vmap(f, over)(xs, w), stack(lanes.map((x) => f(x, w))));
    expectClose(vmap(grad(f), over)(xs, w), stack(lanes.map((x) => grad(f)(x, w))));
    expectClose(vmap(hessian(f), over)(xs, w), stack(lanes.map((x) => hessian(f)(x, w))));
    expectClose(jit(vmap(grad(f), over))(xs, w), stack(lanes.map((x) => grad(f)(x, w))));
    const total = (w: Tensor): Tensor => vmap(f, over)(xs, w).sum();
    const loop = (w: Tensor): Tensor => lanes.map((x) => f(x, w)).reduce((a, b) => a.add(b));
    expectClose(grad(total)(w), grad(loop)(w));
    expectClose(hessian(total)(w), hessian(loop)(w));
    expectClose(jvp(total, [w], [at(1)]).tangent, jvp(loop, [w], [at(1)]).tangent);
  });

  test("a predicate that is not batched keeps one branch", () => {
    const f = (p: Tensor, x: Tensor): Tensor =>
      cond(
        p,
        (v: Tensor) => v.mul(2),
        (v: Tensor) => v.neg(),
        x,
      );
    const run = jit(vmap(f, { inAxes: [null, 0] }));
    expect(numbers(run(tensor(true), at([1, 2])))).toEqual([2, 4]);
    expect(numbers(run(tensor(false), at([1, 2])))).toEqual([-1, -2]);
  });

  test("the branch not taken passes no NaN on, nor 0·∞ from operands that all lanes share", () => {
    // √w has slope ∞ at w = 0, which only the lanes with x ≥ 1 would use.
    const f = (x: Tensor, w: Tensor): Tensor =>
      cond(
        less(x, 1),
        (x: Tensor, _w: Tensor) => x,
        (x: Tensor, w: Tensor) => x.mul(sqrt(w)),
        x,
        w,
      );
    const xs = at([0, 0.5]);
    const w = at(0);
    const over = { inAxes: [0, null] } as const;
    expect(numbers(grad((w: Tensor) => vmap(f, over)(xs, w).sum())(w))).toEqual([0]);
    expect(numbers(vmap(grad(f, { argnums: 1 }), over)(xs, w))).toEqual([0, 0]);
    expect(numbers(jit(grad((w: Tensor) => vmap(f, over)(xs, w).sum()))(w))).toEqual([0]);
  });

  test("where passes on the NaN that cond keeps out (§11.17)", () => {
    const selected = (x: Tensor): Tensor => where(less(x, 1), x, sqrt(x));
    const chosen = (x: Tensor): Tensor =>
      cond(
        less(x, 1),
        (v: Tensor) => v,
        (v: Tensor) => sqrt(v),
        x,
      );
    expect(grad(selected)(at(0)).itemSync()).toBeNaN();
    expect(grad(chosen)(at(0)).itemSync()).toBe(1);
    expect(jit(grad(chosen))(at(0)).itemSync()).toBe(1);
    expect(numbers(vmap(grad(chosen))(at([0, 4])))).toEqual([1, 0.25]);
    expect(numbers(grad((x: Tensor) => vmap(chosen)(x).sum())(at([0, 4])))).toEqual([1, 0.25]);
    expect(numbers(jit(vmap(grad(chosen)))(at([0, 4])))).toEqual([1, 0.25]);
  });

  test("cond in scan, scan in cond, cond in cond, batched inside and outside", () => {
    const inner = (x: Tensor, y: Tensor): Tensor =>
      cond(
        greater(x, 0),
        (x: Tensor, y: Tensor) =>
          cond(
            greater(y, 0),
            (a: Tensor) => a.mul(y),
            (a: Tensor) => a.square(),
            x,
          ),
        (_x: Tensor, y: Tensor) => y,
        x,
        y,
      );
    const plain = (x: number, y: number): number => (x > 0 ? (y > 0 ? x * y : x * x) : y);
    const [xs, ys] = [[1, 2, -1, -2], [3, -1, 5, -7]]; // prettier-ignore
    const grid = vmap(vmap(inner, { inAxes: [null, 0] }), { inAxes: [0, null] })(at(xs), at(ys));
    expect(numbers(grid)).toEqual(xs.flatMap((x) => ys.map((y) => plain(x, y))));
    const sums = (x: Tensor): Tensor => scan((c: Tensor, y: Tensor) => [c.add(inner(c, y)), c] as const, x, at(ys))[0];
    const plainSums = (x: number): number => ys.reduce((c, y) => c + plain(c, y), x);
    expect(numbers(vmap(sums)(at(xs)))).toEqual(xs.map(plainSums));
    expect(numbers(jit(vmap(sums))(at(xs)))).toEqual(xs.map(plainSums));
    expectClose(vmap(grad(sums))(at(xs)), stack(xs.map((x) => grad(sums)(at(x)))));
    const either = (x: Tensor): Tensor => cond(greater(x, 0), sums, (v: Tensor) => v.mul(3), x);
    expect(numbers(vmap(either)(at(xs)))).toEqual(xs.map((x) => (x > 0 ? plainSums(x) : 3 * x)));
    expectClose(vmap(grad(either))(at(xs)), stack(xs.map((x) => grad(either)(at(x)))));
  });
});

describe("checks of values", () => {
  /** √x that refuses negative numbers. */
  const root = (x: Tensor): Tensor => {
    check([x], [x.rank], (values) => (values.some((v) => v < 0) ? new DomainError("root: negative") : null));
    return sqrt(x.abs());
  };
  const guarded = (x: Tensor): Tensor => cond(x.greaterEqual(0), root, (v: Tensor) => v, x);
  const refuses = (act: () => unknown): void => expect(act).toThrow("root: negative");

  test("throw at once, under grad and jvp, in any lane of vmap, and whenever a jitted function runs", () => {
    refuses(() => root(at(-1)));
    refuses(() => grad(root)(at(-1)));
    refuses(() => jvp(root, [at(-1)], [at(1)]));
    refuses(() => vmap(root)(at([1, -1])));
    const compiled = jit(root);
    expect(compiled(at(4)).itemSync()).toBe(2);
    refuses(() => compiled(at(-1)));
    refuses(() => jit(grad(root))(at(-1)));
    refuses(() => grad(jit(root))(at(-1)));
    refuses(() => vmap(jit(root))(at([1, -1])));
    refuses(() => jit(vmap(root))(at([1, -1])));
  });

  test("are not made in a branch that is not taken", () => {
    for (const f of [guarded, jit(guarded)]) {
      expect(f(at(-1)).itemSync()).toBe(-1);
      expect(f(at(4)).itemSync()).toBe(2);
      expect(numbers(vmap(f)(at([-1, 4, -9])))).toEqual([-1, 2, -9]);
      expect(numbers(vmap(grad(f))(at([-1, 4, -9])))).toEqual([1, 0.25, 1]);
    }
    expect(numbers(jit(vmap(guarded))(at([-1, 4])))).toEqual([-1, 2]);
    expect(numbers(jit(vmap(grad(guarded)))(at([-1, 4])))).toEqual([1, 0.25]);
    expect(numbers(vmap(jit(grad(guarded)))(at([-1, 4])))).toEqual([1, 0.25]);
  });

  test("are made in a branch that is taken", () => {
    const wrong = (x: Tensor): Tensor => cond(x.greaterEqual(0), (v: Tensor) => v, root, x);
    for (const f of [wrong, jit(wrong)]) {
      refuses(() => f(at(-1)));
      refuses(() => vmap(f)(at([4, -1])));
      refuses(() => vmap(grad(f))(at([4, -1])));
    }
    refuses(() => jit(vmap(wrong))(at([4, -1])));
  });

  test("look only at the lanes that are live, through nested branches, batches, loops and calls", () => {
    const nested = (x: Tensor, y: Tensor): Tensor =>
      cond(
        x.greaterEqual(0),
        (y: Tensor) => guarded(y).add(root(x)),
        (y: Tensor) => y,
        y,
      );
    const over = vmap(vmap(nested, { inAxes: [null, 0] }), { inAxes: [0, null] });
    expect(numbers(over(at([-1, 4]), at([-5, 9])))).toEqual([-5, 9, -3, 5]);
    expect(numbers(jit(over)(at([-1, 4]), at([-5, 9])))).toEqual([-5, 9, -3, 5]);
    const inner = (x: Tensor, ys: Tensor): Tensor =>
      cond(
        x.greaterEqual(0),
        (ys: Tensor) => vmap(guarded)(ys).add(root(x)),
        (ys: Tensor) => ys,
        ys,
      );
    expect(numbers(vmap(inner, { inAxes: [0, null] })(at([-1, 4]), at([-5, 9])))).toEqual([-5, 9, -3, 5]);
    const deep = (x: Tensor): Tensor =>
      cond(
        x.greaterEqual(0),
        jit((v: Tensor) => scan((c: Tensor, _: Tensor) => [root(c), c] as const, v, at([1, 2]))[0]),
        (v: Tensor) => v,
        x,
      );
    expect(numbers(vmap(deep)(at([-1, 16])))).toEqual([-1, 2]);
    const looped = (x: Tensor): Tensor =>
      cond(
        x.greaterEqual(0),
        (v: Tensor) => whileLoop((c: Tensor) => c.greater(2), root, v) as Tensor,
        (v: Tensor) => v,
        x,
      );
    expect(numbers(vmap(looped)(at([-1, 16])))).toEqual([-1, 2]);
  });

  test("are not made in the frozen rows of a loop", () => {
    const f = (x: Tensor): Tensor =>
      whileLoop(
        (c: Tensor) => c.greater(1),
        (c) => root(c).sub(2),
        x,
      ) as Tensor;
    expect(numbers(vmap(f)(at([-3, 9, 100])))).toEqual([-3, 1, root(at(8)).sub(2).itemSync()]);
    expect(numbers(jit(vmap(f))(at([-3, 9])))).toEqual([-3, 1]);
    const wrong = (x: Tensor): Tensor =>
      whileLoop(
        (c: Tensor) => c.less(1),
        (c) => root(c).add(2),
        x,
      ) as Tensor;
    refuses(() => vmap(wrong)(at([4, -3])));
  });

  test("in a loop of no steps are not made", () => {
    const none = zeros([0], { dtype: "float64" });
    const f = (x: Tensor): Tensor => scan((c: Tensor, v: Tensor) => [c.mul(root(x)).mul(v), c] as const, x, none)[0];
    expect(f(at(-1)).itemSync()).toBe(-1);
    expect(grad(f)(at(-1)).itemSync()).toBe(1);
    const called = (x: Tensor): Tensor =>
      scan((c: Tensor, v: Tensor) => [c.mul(jit(root)(x)).mul(v), c] as const, x, none)[0];
    expect(grad(called)(at(-1)).itemSync()).toBe(1);
  });
});

describe("branches and bodies that close over values instead of taking operands", () => {
  test("pass no 0·∞ on from what is not run", () => {
    const chosen = (x: Tensor): Tensor =>
      cond(
        less(x, 1),
        () => x,
        () => sqrt(x),
      );
    expect(numbers(vmap(grad(chosen))(at([0, 4])))).toEqual([1, 0.25]);
    expect(numbers(grad((x: Tensor) => vmap(chosen)(x).sum())(at([0, 4])))).toEqual([1, 0.25]);
    expect(jit(grad(chosen))(at(0)).itemSync()).toBe(1);
    const never = (x: Tensor): Tensor => whileLoop((c: Tensor) => c.less(0), (c) => c.add(sqrt(x)), at(1), { maxSteps: 3 }) as Tensor; // prettier-ignore
    expect(grad(never)(at(0)).itemSync()).toBe(0);
    expect(jit(grad(never))(at(0)).itemSync()).toBe(0);
  });

  test("have the derivatives of those that take operands, to second order", () => {
    const w = at([0.5, -0.3]);
    const f = (x: Tensor): Tensor =>
      cond(
        greater(x.sum(), 0),
        () => scan((c: Tensor, v: Tensor) => [sin(c.mul(v).add(x.mul(w).sum())), c] as const, x.sum(), x)[0],
        () => x.square().sum(),
      );
    const g = (x: Tensor): Tensor => {
      if (x.sum().itemSync() <= 0) return x.square().sum();
      let c = x.sum();
      for (const i of [0, 1]) c = sin(c.mul(x.slice(i)).add(x.mul(w).sum()));
      return c;
    };
    for (const x of [at([0.4, 0.7]), at([-0.4, 0.2])]) {
      expectClose(jit(grad(f))(x), grad(g)(x));
      expectClose(grad(jit(f))(x), grad(g)(x));
      expectClose(jit(hessian(f))(x), hessian(g)(x), 1e-12);
      expectClose(hessian(jit(f))(x), hessian(g)(x), 1e-12);
      expectClose(vmap(hessian(f))(stack([x, x.neg()])), stack([hessian(g)(x), hessian(g)(x.neg())]), 1e-12);
    }
  });

  test("check no constants unless they run", () => {
    const wrong = tensor(-1, { dtype: "float64" });
    const root = (x: Tensor): Tensor => {
      check([x], [x.rank], (values) => (values.some((v) => v < 0) ? new DomainError("root: negative") : null));
      return sqrt(x.abs());
    };
    const f = jit((p: Tensor, x: Tensor) =>
      cond(
        p,
        () => root(wrong).mul(x),
        () => x,
      ),
    );
    expect(f(tensor(false), at(2)).itemSync()).toBe(2);
    expect(() => f(tensor(true), at(2))).toThrow("root: negative");
    expect(grad((x: Tensor) => f(tensor(false), x))(at(2)).itemSync()).toBe(1);
    expect(numbers(vmap(f)(tensor([false, false]), at([2, 3])))).toEqual([2, 3]);
    expect(() => vmap(f)(tensor([false, true]), at([2, 3]))).toThrow("root: negative");
  });
});

test("the pullback of a loop may be called again, and under vmap", () => {
  const f = (x: Tensor): Tensor => scan((c: Tensor, v: Tensor) => [c.mul(x).add(v), c] as const, x, at([1, 2, 3]))[1];
  const { pullback } = vjp(f, at(2));
  const rows = [at([1, 0, 0]), at([0, 1, 0]), at([0, 0, 1])].map((bar) => pullback(bar)[0].itemSync());
  expect(rows).toEqual([1, 4, 13]); // x, x² + 1, x³ + x + 2
  expect(numbers(jacrev(f)(at(2)))).toEqual(rows);
  expect(numbers(jacfwd(f)(at(2)))).toEqual(rows);
});
