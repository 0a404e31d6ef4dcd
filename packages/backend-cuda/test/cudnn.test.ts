/** Convolutions and their derivatives by cuDNN: the numbers of the CPU, each by the library's own function for it. */

import { conv, grad, jit, makeGraph, use, type Tensor } from "@curv/tensor";
import { conformance } from "@curv/tensor/testing";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { fakeCard, withCudnn, type FakeCudnn } from "./fake/build.js";
import { floats, numbers } from "./numbers.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();
const library = typeof made === "string" ? null : withCudnn(made);

afterEach(() => use("cpu"));

type Options = NonNullable<Parameters<typeof conv>[2]>;

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options?: Options;
  /** How often y, x and w are computed by the library in the convolution and its two derivatives; what is missing, own kernels do. */
  readonly ran: readonly [number, number, number];
}

const cases: Record<string, Case> = {
  plain: { x: [2, 3, 7, 6], w: [4, 3, 3, 2], ran: [2, 0, 1] },
  "strides and padding": { x: [2, 3, 8, 7], w: [4, 3, 3, 3], options: { stride: 2, padding: 1 }, ran: [1, 1, 1] },
  "dilated kernels": { x: [2, 3, 9, 9], w: [4, 3, 3, 3], options: { stride: 2, dilation: 2, padding: 2 }, ran: [1, 1, 1] }, // prettier-ignore
  "one axis": { x: [2, 3, 11], w: [4, 3, 3], options: { stride: 3 }, ran: [1, 1, 1] },
  "three axes": { x: [2, 2, 4, 5, 3], w: [3, 2, 2, 2, 2], options: { stride: [1, 2, 1] }, ran: [1, 1, 1] },
  groups: { x: [2, 16, 6, 5], w: [16, 8, 3, 3], options: { groups: 2, stride: 2, padding: 1 }, ran: [1, 1, 1] },
  "groups of few outputs": { x: [2, 4, 6, 5], w: [4, 1, 3, 3], options: { groups: 4 }, ran: [0, 0, 0] },
  // The library knows equal padding only.
  "unequal padding": { x: [1, 2, 6, 6], w: [3, 2, 3, 3], options: { padding: [[0, 2], [0, 2]] }, ran: [0, 0, 0] }, // prettier-ignore
};

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(library === null, String(made)));

  const opened: CudaBackend[] = [];
  const open = (options: Parameters<typeof cuda>[0] = {}): CudaBackend => {
    const backend = cuda({ name: `cuda-${opened.length}`, ...options });
    opened.push(backend);
    return backend;
  };
  afterAll(() => {
    for (const backend of opened) backend.dispose();
    expect(library?.live() ?? 0).toBe(0);
  });
  const cudnn = library as FakeCudnn;
  const since = (before: readonly number[]): number[] => cudnn.ran().map((n, i) => n - before[i]);

  describe.each(floats)("%s", (dtype) => {
    test.each(Object.entries(cases))("%s", (_name, { x: xShape, w: wShape, options = {}, ran }) => {
      const place = open();
      const [x, w] = [numbers(xShape, dtype), numbers(wShape, dtype, 2)];
      const f = (a: Tensor, b: Tensor): Tensor => conv(a, b, options);
      const weights = numbers(f(x, w).shape, dtype, 3);
      const slopes = [
        (a: Tensor, b: Tensor, c: Tensor): Tensor => grad((z: Tensor) => f(z, b).mul(c).sum())(a),
        (a: Tensor, b: Tensor, c: Tensor): Tensor => grad((z: Tensor) => f(a, z).mul(c).sum())(b),
      ];
      const before = cudnn.ran();
      for (const program of [f, ...slopes.map((slope) => jit(slope))]) {
        const expected = program(x, w, weights);
        const got = program(x.to(place), w.to(place), weights.to(place));
        expect(got.shape).toEqual(expected.shape);
        const bound = 64 * (dtype === "float32" ? 2 ** -23 : 2 ** -52) * expected.abs().max().itemSync();
        expect(got.to("cpu").sub(expected).abs().max().itemSync()).toBeLessThan(bound);
      }
      // The slopes compute no result that nothing reads.
      expect(since(before)).toEqual(ran);
    });
  });

  test("a compiled function turns no kernel over, and replays the same bits", () => {
    const place = open();
    const [x, w] = [numbers([2, 3, 8, 8], "float32").to(place), numbers([4, 3, 3, 3], "float32", 2).to(place)];
    const loss = (a: Tensor): Tensor => conv(a, w, { stride: 2, padding: 1 }).square().sum();
    const slope = jit(grad(loss));
    const first = slope(x).dataSync();
    for (let i = 0; i < 4; i++) expect(slope(x).dataSync()).toEqual(first);
    expect(place.device.replays).toBeGreaterThan(0);
    // The cotangent of x, with w as it lies.
    const back = (ct: Tensor, kernel: Tensor): Tensor =>
      grad((a: Tensor) => conv(a, kernel, { stride: 2, padding: 1 }).mul(ct).sum())(x);
    const lines = place.explain(makeGraph(back, numbers([2, 4, 4, 4], "float32"), numbers([4, 3, 3, 3], "float32")));
    expect(lines.filter((line) => /library|copy/.test(line))).toEqual(["library conv"]);
    expect(place.describe()).toMatch(
      /cuDNN 9\.24\.0 \(.*libcudnn\.so\.9\).*convolutions by cuDNN: \d+ planned, 0 left/,
    );
  });

  test("what the library refuses, own kernels do, and that is said", () => {
    const place = open();
    const [x, w] = [numbers([2, 3, 7, 6], "float64"), numbers([4, 3, 3, 2], "float64", 2)];
    const before = cudnn.ran();
    cudnn.setRefuses(true);
    try {
      const got = conv(x.to(place), w.to(place)).to("cpu");
      expect(got.sub(conv(x, w)).abs().max().itemSync()).toBeLessThan(1e-13);
    } finally {
      cudnn.setRefuses(false);
    }
    expect(since(before)).toEqual([0, 0, 0]);
    expect(place.describe()).toMatch(/convolutions by cuDNN: 0 planned, 1 left to own kernels/);
    const own = open({ convolutions: "own" });
    conv(x.to(own), w.to(own)).dataSync();
    expect(since(before)).toEqual([0, 0, 0]);
    expect(own.describe()).toContain("convolutions by own kernels, as asked");
    expect(() => cuda({ convolutions: "cudnn", products: "own" })).toThrow(/convolutions by cuDNN.*without cuBLAS/);
  });

  test("float32 is float32 unless less is asked for", () => {
    const [x, w] = [numbers([2, 40, 5, 5], "float32"), numbers([4, 40, 3, 3], "float32", 2)];
    const exact = conv(x.cast("float64"), w.cast("float64"));
    const errorOf = (matmulPrecision: "highest" | "tf32"): number => {
      const place = open({ matmulPrecision });
      const got = conv(x.to(place), w.to(place)).to("cpu").cast("float64");
      return got.sub(exact).abs().max().itemSync() / exact.abs().max().itemSync();
    };
    expect(errorOf("highest")).toBeLessThan(1e-6);
    expect(errorOf("tf32")).toBeGreaterThan(1e-5);
  });
});

if (library !== null) {
  conformance(cuda({ name: "cuda-conv" }), { tolerance: 4, only: ["conv"], dtypes: ["float64"] });
}
