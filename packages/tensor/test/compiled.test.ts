/** What a compiled function must do beside computing: give back what it takes, fail as eager code fails, be callable from within. */

import type * as Curv from "../src/index.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  cond,
  CurvError,
  customJvp,
  customLinearSolve,
  DomainError,
  grad,
  jit,
  logicalAnd,
  scan,
  tensor,
  vmap,
  unstack,
  whileLoop,
  zeros,
  type Tensor,
} from "../src/index.js";
import { cholesky, solve } from "../src/linalg/index.js";
import { check } from "../src/primitives/check.js";
import { placeConstant, releaseConstants, type Places } from "../src/cpu/wasm/constants.js";
import { kernelMemory } from "../src/cpu/wasm/memory.js";

const values = (x: Tensor): number[] => Array.from(x.dataSync());
const memoryBytes = (): number => kernelMemory()!.memory.buffer.byteLength;

/** Parts of the memory that are given out. */
const given = (): number => (kernelMemory() as unknown as { given: Map<number, number> }).given.size;

const positive = (x: Tensor): Tensor => {
  check([x], [x.rank], (data) =>
    data.some((v) => v <= 0) ? new DomainError("positive: wants positive numbers.") : null,
  );
  return x.sqrt();
};

describe("memory", () => {
  test("does not grow over ten thousand calls", () => {
    const step = jit(grad((w: Tensor, x: Tensor) => x.matmul(w).tanh().square().sum()));
    const w = tensor(Array.from({ length: 64 }, (_, i) => Math.sin(i))).reshape([8, 8]);
    const x = tensor(Array.from({ length: 32 }, (_, i) => Math.cos(i))).reshape([4, 8]);
    for (let i = 0; i < 10; i++) step(w, x);
    const before = [memoryBytes(), given()];
    for (let i = 0; i < 10_000; i++) step(w, x);
    expect([memoryBytes(), given()]).toEqual(before);
  });

  test("a call that fails gives back what it took", () => {
    const f = jit((x: Tensor) => positive(x.exp().sub(1)).sum());
    expect(values(f(tensor([1, 2])))[0]).toBeGreaterThan(0);
    const before = given();
    for (let i = 0; i < 20; i++) expect(() => f(tensor([1, -2]))).toThrow("positive: wants positive numbers.");
    expect(given()).toBe(before);
  });

  test("constants stay until the program is gone; arguments do not", () => {
    const table = tensor(Array.from({ length: 3000 }, (_, i) => i));
    const f = jit((x: Tensor) => table.mul(x).sum());
    f(tensor(1));
    const before = given();
    for (let i = 0; i < 100; i++) f(tensor(i));
    expect(given()).toBe(before);
  });

  test("a constant is there once for all programs, and as long as one of them is", () => {
    const memory = kernelMemory()!;
    const table = tensor(Array.from({ length: 3000 }, (_, i) => i));
    const run = (scale: number): number => jit((x: Tensor) => table.mul(x.mul(scale)).sum())(tensor(1)).itemSync();
    const total = run(1);
    const before = given();
    expect(run(2)).toBe(2 * total);
    expect(given()).toBe(before);

    const data = Float32Array.from({ length: 100 }, (_, i) => i);
    const [first, second]: Places[] = [[], []];
    const address = placeConstant(memory, first, data);
    expect(placeConstant(memory, second, data)).toBe(address);
    releaseConstants(memory, first);
    expect(given()).toBe(before + 1);
    expect(memory.arrays.float32[address / 4 + 99]).toBe(99);
    releaseConstants(memory, second);
    expect(given()).toBe(before);
    const again: Places = [];
    expect(memory.arrays.float32[placeConstant(memory, again, data) / 4 + 99]).toBe(99);
    releaseConstants(memory, again);
    expect(given()).toBe(before);
  });

  test("nothing is written outside of a program's block", () => {
    const memory = kernelMemory()!;
    const sizes = [1, 3, 5, 7, 13, 33, 101];
    for (const n of sizes) {
      const f = jit((x: Tensor) => [
        x.add(x.slice([0, 1], null)),
        x.sum(0),
        x.sum(1),
        x.transpose().mul(2),
        x.matmul(x.transpose()),
      ]);
      const x = tensor(Array.from({ length: n * n }, (_, i) => i)).reshape([n, n]);
      f(x);
      // The free memory is filled, and looked at after the next call.
      const free = (memory as unknown as { free: { start: number; bytes: number }[] }).free;
      const canaries = [memory.allocate(4096), memory.allocate(4096)];
      for (const at of canaries) memory.arrays.bool.fill(0xff, at, at + 4096);
      f(x);
      for (const at of canaries) {
        expect(memory.arrays.bool.subarray(at, at + 4096).every((byte) => byte === 0xff)).toBe(true);
        memory.release(at);
      }
      expect(free.length).toBeGreaterThan(0);
    }
  });
});

describe("compilation", () => {
  test("happens once for a signature, inside of grad and vmap as well", () => {
    const modules = vi.spyOn(WebAssembly, "Module");
    const f = jit((x: Tensor) => x.matmul(x).tanh().sum());
    const gradient = jit(grad(f));
    const x = tensor([0.1, 0.2, 0.3, 0.4]).reshape([2, 2]);
    const batch = tensor([0.1, 0.2, 0.3, 0.4, 1, 2, 3, 4]).reshape([2, 2, 2]);
    const all = (): void => {
      f(x);
      gradient(x);
      grad(f)(x);
      vmap(f)(batch);
    };
    all();
    all();
    const compiled = modules.mock.calls.length;
    expect(compiled).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) all();
    expect(modules.mock.calls.length).toBe(compiled);
    modules.mockRestore();
  });
});

describe("errors that depend on values", () => {
  test.each([
    [
      "a loop",
      (x: Tensor) => scan((c: Tensor, v: Tensor): [Tensor, Tensor] => [c.add(positive(v)), c], zeros([]), x)[0],
    ],
    [
      "a branch",
      (x: Tensor) =>
        cond(
          x.sum().less(10),
          (y: Tensor) => positive(y).sum(),
          (y: Tensor) => y.sum(),
          x,
        ),
    ],
    ["a batch", (x: Tensor) => vmap((v: Tensor) => positive(v))(x).sum()],
    [
      "a loop of unknown length",
      (x: Tensor) =>
        whileLoop(
          (c: Tensor) => c.less(3),
          (c: Tensor) => c.add(positive(x).sum()),
          zeros([]),
        ),
    ],
  ] as const)("surface from %s, and only from what runs", (_where, f) => {
    const compiled = jit(f as (x: Tensor) => Tensor);
    expect(values(compiled(tensor([1, 4])))).toEqual(values((f as (x: Tensor) => Tensor)(tensor([1, 4]))));
    expect(() => compiled(tensor([1, -1]))).toThrow(CurvError);
    expect(values(compiled(tensor([9, 4])))).toEqual(values((f as (x: Tensor) => Tensor)(tensor([9, 4]))));
  });

  test("a branch that is not taken does not check", () => {
    const f = jit((x: Tensor) =>
      cond(
        x.sum().greater(0),
        (y: Tensor) => y.sum(),
        (y: Tensor) => positive(y.neg()).sum(),
        x,
      ),
    );
    expect(values(f(tensor([5, -1])))).toEqual([4]);
  });
});

describe("calls from within", () => {
  test("a compiled function inside a compiled one, a loop and a branch", () => {
    const inner = jit((x: Tensor) => x.square().add(1));
    const outer = jit(
      (x: Tensor) =>
        scan((c: Tensor, v: Tensor): [Tensor, Tensor] => [inner(c).mul(0.1).add(v), c], inner(x.sum()), x)[0],
    );
    const plain = (x: Tensor): Tensor => {
      let c = x.sum().square().add(1);
      for (const v of unstack(x)) c = c.square().add(1).mul(0.1).add(v);
      return c;
    };
    const x = tensor([0.5, -1, 2]);
    expect(values(outer(x))).toEqual(values(plain(x)));
  });

  test("linear solves, factorisations and custom rules", () => {
    const a = tensor([4, 1, 0, 1, 3, 1, 0, 1, 2]).reshape([3, 3]);
    const double = customJvp(
      (x: Tensor) => x.mul(2),
      ([x], [dx]) => ({ value: x.mul(2), tangent: dx.mul(2) }),
    );
    const f = (b: Tensor): Tensor => {
      const direct = solve(a, b);
      const implicit = customLinearSolve(
        { matvec: (x: Tensor) => a.matmul(x), solve: (r: Tensor) => solve(a, r), symmetric: true },
        b,
      );
      return cholesky(a)
        .matmul(direct.add(double(implicit)))
        .sum();
    };
    const b = tensor([1, -2, 0.5]);
    expect(values(jit(f)(b))).toEqual(values(f(b)));
    expect(values(jit(grad(f))(b))).toEqual(values(grad(f)(b)));
  });

  test("an iterative solver inside jit is one program", () => {
    const a = tensor([4, 1, 1, 3]).reshape([2, 2]);
    const newton = (b: Tensor): Tensor =>
      whileLoop(
        ([x, n]: [Tensor, Tensor]) => logicalAnd(a.matmul(x).sub(b).square().sum().greater(1e-24), n.less(200)),
        ([x, n]: [Tensor, Tensor]): [Tensor, Tensor] => [x.sub(a.matmul(x).sub(b).mul(0.2)), n.add(1)],
        [zeros([2], { dtype: "float64" }), tensor(0, { dtype: "int32" })] as [Tensor, Tensor],
      )[0];
    const x = jit(newton)(tensor([1, 2], { dtype: "float64" }));
    expect(x.dataSync()[0]).toBeCloseTo(1 / 11, 9);
    expect(x.dataSync()[1]).toBeCloseTo(7 / 11, 9);
  });
});

describe("without WebAssembly", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test("jit interprets, with the same results", async () => {
    const x = [0.5, -1, 2, 3];
    const f = (curv: typeof Curv): number[] => {
      const y = curv.jit((a: Tensor) =>
        curv.grad((b: Tensor) =>
          b
            .reshape([2, 2])
            .matmul(b.reshape([2, 2]))
            .tanh()
            .sum(),
        )(a),
      );
      return Array.from(y(curv.tensor(x, { dtype: "float64" })).dataSync());
    };
    const wanted = f(await import("../src/index.js"));
    vi.resetModules();
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.stubGlobal("WebAssembly", undefined);
    const portable = await import("../src/index.js");
    expect(f(portable)).toEqual(wanted);
    portable.setThreads(4);
    expect(f(portable)).toEqual(wanted);
    expect(warn.mock.calls.map(([text]) => String(text).slice(0, 30))).toEqual(["Curv: there is no WebAssembly "]);
    warn.mockRestore();
  });
});
