/** Products with a bias and a rectifier at their end, by one call of cuBLASLt: when that is done, and that it changes no bit. */

import { grad, jit, makeGraph, relu, tensor, use, zeros, type DType, type Tensor } from "@curv/tensor";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { fakeCard, type FakeCard } from "./fake/build.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();
const card = made as FakeCard;

const wave = (shape: number[], seed: number, dtype: DType): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: n }, (_, i) => Math.sin(seed * 100 + i * i * 0.7));
  return tensor(data, { dtype: "float64" }).reshape(shape).cast(dtype);
};

const bits = (x: Tensor): string => Buffer.from(x.dataSync().buffer).toString("base64");

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: readonly [CudaBackend, CudaBackend] | null = null;
  /** With and without epilogues. */
  const backends = (): readonly [CudaBackend, CudaBackend] =>
    (opened ??= [cuda(), cuda({ epilogues: false, name: "without" })]);
  afterAll(() => {
    for (const backend of opened ?? []) backend.dispose();
  });

  const explained = (
    backend: CudaBackend,
    f: (...args: Tensor[]) => Tensor | Tensor[],
    ...args: Tensor[]
  ): string[] => [...backend.explain(makeGraph(f as (...xs: Tensor[]) => Tensor[], ...args))];

  const layer = (x: Tensor, w: Tensor, b: Tensor): Tensor => relu(x.matmul(w).add(b));
  const cases: Record<string, { f: (x: Tensor, w: Tensor, b: Tensor) => Tensor | Tensor[]; steps: RegExp[] }> = {
    "bias and relu": { f: layer, steps: [/^cublas dot 1 × \[5, 7\] \[7, 6\] \+ bias, relu$/] },
    "bias and maximum, the bias first": {
      f: (x, w, b) => b.add(x.matmul(w)).maximum(0),
      steps: [/^cublas .* \+ bias, relu$/],
    },
    "bias alone": { f: (x, w, b) => x.matmul(w).add(b), steps: [/^cublas .* \+ bias$/] },
    "both operands transposed in memory, and a bias from the middle of an array": {
      f: (x, w, b) =>
        relu(
          w
            .transpose()
            .matmul(x.transpose())
            .add(x.reshape([35]).slice([15, 20]))
            .add(b.sum()),
        ),
      steps: [/^cublas dot 1 × \[6, 7\] \[7, 5\] \+ bias$/, /curv_reduce/, /curv_map/],
    },
    "a sum that others read is not cut off": {
      f: (x, w, b) => {
        const z = x.matmul(w).add(b);
        return [z, relu(z)];
      },
      steps: [/^cublas .* \+ bias$/, /^curv_map lessEqual\+select|^curv_map select/],
    },
    "another number than 0": {
      f: (x, w, b) => x.matmul(w).add(b).maximum(0.1),
      steps: [/^cublas .* \+ bias$/, /^curv_map maximum/],
    },
    "a product that others read": {
      f: (x, w, b) => {
        const z = x.matmul(w);
        return [z, z.add(b)];
      },
      steps: [/^cublas dot 1 × \[5, 7\] \[7, 6\]$/, /^curv_map add/],
    },
    "a bias for each row": {
      f: (x, w) => x.matmul(w).add(x.sum(1, { keepDims: true })),
      steps: [/^cublas dot 1 × \[5, 7\] \[7, 6\]$/, /^curv_reduce/, /^curv_map add/],
    },
    "two products": {
      f: (x, w) => x.matmul(w).add(x.mul(2).matmul(w)),
      steps: [
        /^curv_map mul/,
        /^cublas dot 1 × \[5, 7\] \[7, 6\]$/,
        /^cublas dot 1 × \[5, 7\] \[7, 6\]$/,
        /^curv_map add/,
      ],
    },
    "a batch": {
      f: (x, w, b) =>
        relu(
          x
            .reshape([5, 1, 7])
            .matmul(w.broadcastTo([5, 7, 6]))
            .add(b),
        ),
      steps: [/^cublas dot 5 × \[1, 7\] \[7, 6\]$/, /^curv_map/],
    },
  };

  test.each(Object.entries(cases))("%s", (_name, { f, steps }) => {
    const [place, without] = backends();
    for (const dtype of ["float32", "float64"] as const) {
      const args = [wave([5, 7], 1, dtype), wave([7, 6], 2, dtype), wave([6], 3, dtype)] as const;
      const lines = explained(place, f as never, ...args);
      const left = [...lines];
      for (const step of steps) {
        const at = left.findIndex((line) => step.test(line));
        expect(at, `${step} in ${lines.join("; ")}`).toBeGreaterThanOrEqual(0);
        left.splice(at, 1);
      }
      expect(left, lines.join("; ")).toEqual([]);
      const compiled = jit(f as (x: Tensor, w: Tensor, b: Tensor) => Tensor[]);
      const run = (backend: CudaBackend): string[] => {
        const there = args.map((x) => x.to(backend)) as [Tensor, Tensor, Tensor];
        return [compiled(...there)].flat().map(bits);
      };
      expect(run(place)).toEqual(run(without));
    }
  });

  test("one call for each product, also when it is a part of a graph", () => {
    const [place, without] = backends();
    const loss = (w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, x: Tensor): Tensor =>
      layer(layer(x, w1, b1), w2, b2)
        .square()
        .sum();
    const step = jit((...args: [Tensor, Tensor, Tensor, Tensor, Tensor]) => [
      loss(...args),
      ...grad((w1: Tensor, b1: Tensor) => loss(w1, b1, args[2], args[3], args[4]), { argnums: [0, 1] })(
        args[0],
        args[1],
      ),
    ]);
    const args = [[4, 8], [8], [8, 3], [3], [9, 4]].map((shape, i) => wave(shape, i, "float32"));
    const runs = [place, without].map((backend) => {
      const there = args.map((x) => x.to(backend)) as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const before = card.epilogues();
      const seen = Array.from({ length: 4 }, () =>
        step(...there)
          .map(bits)
          .join(),
      );
      return { seen, calls: card.epilogues() - before };
    });
    expect(new Set(runs.flatMap(({ seen }) => seen)).size).toBe(1);
    // Two calls ask for two products each; the third records them, the fourth only replays.
    expect(runs.map(({ calls }) => calls > 0)).toEqual([true, false]);
    expect(place.device.replays).toBeGreaterThan(0);
  });

  test("NaN and zeros of both signs come out as from the CPU", () => {
    const [place] = backends();
    for (const dtype of ["float32", "float64"] as const) {
      const x = tensor([[1, NaN], [-1, 1], [0, 0], [Infinity, 1], [-Infinity, 1]], { dtype }); // prettier-ignore
      const w = tensor([[1, 0], [0, 1]], { dtype }); // prettier-ignore
      const b = tensor([0, -0], { dtype });
      expect(jit(layer)(...([x, w, b].map((y) => y.to(place)) as [Tensor, Tensor, Tensor])).dataSync()).toEqual(
        layer(x, w, b).dataSync(),
      );
    }
  });

  test("a library that makes 0 of NaN, or has no way, is not asked to", () => {
    const [x, w, b] = [wave([5, 7], 1, "float32"), wave([7, 6], 2, "float32"), wave([6], 3, "float32")];
    card.setRectifierDropsNaN(true);
    const dropping = cuda({ name: "dropping" });
    expect(explained(dropping, layer as never, x, w, b)).toEqual([
      "cublas dot 1 × [5, 7] [7, 6] + bias",
      expect.stringMatching(/^curv_map/),
    ]);
    card.setRectifierDropsNaN(false);
    card.setHasEpilogues(false);
    const lacking = cuda({ name: "lacking" });
    expect(explained(lacking, layer as never, x, w, b)).toEqual([
      "cublas dot 1 × [5, 7] [7, 6]",
      expect.stringMatching(/^curv_map/),
    ]);
    card.setHasEpilogues(true);
    for (const backend of [dropping, lacking]) backend.dispose();
    expect(() => explained(lacking, layer as never, x, w, b)).toThrow(/lacking was disposed/);
    expect(explained(backends()[1], layer as never, x, w, b)).toHaveLength(2);
  });

  test("the zero of a rectifier is known where tensors are made on the card, too", () => {
    const [place] = backends();
    use(place);
    const [x, w, b] = [wave([5, 7], 1, "float32"), wave([7, 6], 2, "float32"), wave([6], 3, "float32")];
    expect(explained(place, layer as never, x, w, b)).toEqual(["cublas dot 1 × [5, 7] [7, 6] + bias, relu"]);
    use("cpu");
  });

  test("less than float32 where it is asked for, with a bias, too", () => {
    const coarse = cuda({ matmulPrecision: "bf16", name: "coarse" });
    const [x, w, b] = [tensor([[1 + 2 ** -9]]), tensor([[1]]), zeros([1])].map((y) => y.to(coarse)); // prettier-ignore
    const before = card.epilogues();
    const wide = w.broadcastTo([1, 4]);
    expect([...jit((p: Tensor) => p.matmul(wide.mul(1)).add(b.broadcastTo([4]).mul(1)))(x).dataSync()]).toEqual([
      1, 1, 1, 1,
    ]);
    expect(card.epilogues()).toBeGreaterThan(before);
    coarse.dispose();
  });
});
