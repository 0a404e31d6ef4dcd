/** What the card has no kernel for is done by the host, where that is allowed; and what compiled functions keep goes when they go. */

import { cummax, cummin, grad, jit, tensor, type Tensor } from "@curv/tensor";
import { eig, eigvals, expm } from "@curv/tensor/linalg";
import { afterAll, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { onFakeCard } from "./fake/on-card.js";

function expectNear(got: Tensor, expected: Tensor, bound: number): void {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.dataSync(), expected.dataSync()];
  const wrong = a.findIndex((x, i) => !(Math.abs(x - b[i]) <= bound));
  expect(wrong, `element ${wrong} is ${a[wrong]}, wanted ${b[wrong]}`).toBe(-1);
}

onFakeCard(({ card }) => {
  const opened: CudaBackend[] = [];
  const open = (hostFallback: boolean): CudaBackend => {
    const backend = cuda({ hostFallback, name: hostFallback ? "helped" : "alone" });
    opened.push(backend);
    return backend;
  };
  afterAll(() => {
    for (const backend of opened) backend.dispose();
  });

  const matrices = (dtype: "float32" | "float64"): Tensor =>
    tensor([1, 2, -3, 0.5, 4, 2, 7, -1, 0.25, 0, 1, 2, -1, 0, 0, 0, 0, 3], { dtype: "float64" }).cast(dtype).reshape([2, 3, 3]); // prettier-ignore

  const programs: Record<string, (x: Tensor) => Tensor[]> = {
    eig: (x) => {
      const { values, vectors } = eig(x.mul(2));
      return [values.re, values.im, vectors.re.add(1), vectors.im];
    },
    eigvals: (x) => {
      const { re, im } = eigvals(x.mul(2));
      return [re, im.square()];
    },
    expm: (x) => [expm(x.mul(0.5)).add(1)],
    "derivative of expm": (x) => [grad((y: Tensor) => expm(y.mul(0.5)).square().sum())(x)],
  };

  test.each(Object.entries(programs))("%s: refused by name, or done by the host amid what the card does", (name, f) => {
    const [alone, helped] = [open(false), open(true)];
    const primitive = name.startsWith("eig") ? "eig" : "expm";
    const there = matrices("float64").to(alone);
    expect(() => f(there)).toThrow(new RegExp(`^${primitive}: alone does not have this operation.*\\.to\\("cpu"\\)`));
    expect(() => jit(f)(there)).toThrow(new RegExp(`^${primitive}: .* does not have this operation.*\\.to\\("cpu"\\)`));
    // Refusing leaves the backend as it was.
    expect(matrices("float64").to(alone).sum().itemSync()).toBeCloseTo(18.75 - 1, 12);
    for (const [dtype, bound] of [
      ["float32", 2e-3],
      ["float64", 1e-10],
    ] as const) {
      // prettier-ignore
      const x = matrices(dtype);
      const expected = f(x);
      const y = x.to(helped);
      const compiled = jit(f);
      for (const got of [f(y), compiled(y), compiled(y), compiled(y)]) {
        got.forEach((z, i) => {
          expect(z.backend).toBe("helped");
          expectNear(z, expected[i], bound);
        });
      }
    }
    for (const backend of opened.splice(0)) backend.dispose();
  });

  test("running extremes, whose places are found on the card: ties, NaN, both directions, every axis and type", () => {
    const place = open(false);
    const data = [3, -1, 3, NaN, 2, 2, 5, -0, 0, 5, NaN, 7, -Infinity, 1, 1, Infinity, 0, -2, 4, 4, 4, -7, 9, 9];
    const x = tensor(data, { dtype: "float64" });
    const f = (y: Tensor, axis: number, reverse: boolean): Tensor[] => [cummax(y, axis, { reverse }), cummin(y, axis, { reverse })]; // prettier-ignore
    for (const dtype of ["float32", "float64", "int32", "uint32", "bool"] as const) {
      const whole = dtype.startsWith("float") ? x : tensor(data.map((v) => (Number.isFinite(v) ? Math.abs(v) : 6)), { dtype: "float64" }); // prettier-ignore
      const y = whole.cast(dtype).reshape([2, 3, 4]);
      for (const axis of [0, 1, 2]) {
        for (const reverse of [false, true]) {
          const expected = f(y, axis, reverse);
          f(y.to(place), axis, reverse).forEach((z, i) => expect(z.dataSync()).toEqual(expected[i].dataSync()));
        }
      }
    }
    const smooth = tensor(data.slice(16), { dtype: "float64" });
    const g = grad((y: Tensor) => cummax(y, 0).mul(y).sum());
    expect(g(smooth.to(place)).dataSync()).toEqual(g(smooth).dataSync());
  });

  // No garbage is collected here: what is registered for it is looked at, and what would happen is made to happen.
  test("a compiled function that is collected takes its CUDA graphs and its memory along, and others keep theirs", () => {
    const registered: { target: WeakKey; held: unknown; clean: (held: unknown) => void }[] = [];
    class Registry {
      constructor(private readonly clean: (held: unknown) => void) {}
      register(target: WeakKey, held: unknown): void {
        registered.push({ target, held, clean: this.clean });
      }
      unregister(): boolean {
        return false;
      }
    }
    vi.stubGlobal("FinalizationRegistry", Registry);
    let place: CudaBackend;
    try {
      place = cuda({ name: "collecting" });
    } finally {
      vi.unstubAllGlobals();
    }
    const x = tensor([1, 2, 3, 4], { dtype: "float64" }).to(place);
    // No constants: those belong to whoever made them.
    const chained = (twice: boolean) => (y: Tensor): Tensor =>
      (twice ? y.add(y) : y.square()).sum().exp().log().add(y).max().add(y.min()).mul(y).sum(); // prettier-ignore
    const state = (): object => ({ graphs: card.liveGraphs(), ...place.memory(), peakBytes: 0, keptBytes: 0 });
    const compiled = (twice: boolean): { call: () => number; own: () => typeof registered } => {
      const from = registered.length;
      const f = jit(chained(twice));
      const call = (): number => {
        const y = f(x);
        const value = y.itemSync();
        y.dispose();
        return value;
      };
      // What is registered with a function as its target: the executable, as tensors and handles are objects.
      return { call, own: () => registered.slice(from).filter(({ target }) => typeof target === "function") };
    };
    const before = state();
    const first = compiled(false);
    const values = [first.call(), first.call(), first.call()];
    expect(new Set(values).size).toBe(1);
    const withOne = state();
    expect(card.liveGraphs()).toBeGreaterThan((before as { graphs: number }).graphs);
    const second = compiled(true);
    const expected = [second.call(), second.call(), second.call()][0];
    expect(card.liveGraphs()).toBeGreaterThan((withOne as { graphs: number }).graphs);
    const [entry, ...more] = second.own();
    expect(more).toEqual([]);
    entry.clean(entry.held);
    expect(state()).toEqual(withOne);
    // The first one is there as before; the second one, if it were called after all, starts anew.
    expect(first.call()).toBe(values[0]);
    expect(state()).toEqual(withOne);
    expect([second.call(), second.call(), second.call()]).toEqual([expected, expected, expected]);
    for (const { clean, held } of [...first.own(), ...second.own()]) clean(held);
    expect(state()).toEqual(before);
    place.dispose();
    // A function may outlive its backend.
    for (const { clean, held } of first.own()) clean(held);
    expect(card.liveGraphs()).toBe((before as { graphs: number }).graphs);
  });
});
