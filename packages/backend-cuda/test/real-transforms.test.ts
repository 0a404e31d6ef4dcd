/** Transforms of real numbers, and to real numbers, at half the work, under `jit`: the numbers of the CPU, whatever of them is read. */

import { grad, jit, makeGraph, tensor, use, vmap, zeros, type Tensor } from "@curv/tensor";
import { fft, fft2, ifft, irfft, rfft } from "@curv/tensor/fft";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { librariesOf } from "../src/lib/libraries.js";
import { fakeCard } from "./fake/build.js";
import { floats, numbers } from "./numbers.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();

afterEach(() => {
  use("cpu");
  vi.restoreAllMocks();
});

type Program = (x: Tensor, y: Tensor) => Tensor[];
type Kind = "ofReal" | "toReal" | "transform";

/** Programs of two real tensors [3, n], and the transforms that they come to. */
const programs: Record<string, [Program, readonly Kind[]]> = {
  "the first half of a real transform": [
    (x) => {
      const { re, im } = rfft(x);
      return [re.mul(2), im];
    },
    ["ofReal"],
  ],
  "all of a real transform": [(x) => Object.values(fft(x)) as Tensor[], ["ofReal"]],
  "all of an inverse transform of real numbers": [(x) => Object.values(ifft(x)) as Tensor[], ["ofReal"]],
  "of imaginary numbers, both ways": [
    (x) => [fft, ifft].flatMap((f) => Object.values(f({ re: zeros(x.shape, { dtype: x.dtype }), im: x }))),
    ["ofReal", "ofReal"],
  ],
  "the first values of an inverse transform": [
    (x) => {
      const { re, im } = ifft(x);
      return [re.slice("...", [0, 2]), im.slice("...", [0, 2]).exp(), im.slice("...", [1, 2])];
    },
    ["ofReal"],
  ],
  "real numbers from half a spectrum": [
    (x, y) => [irfft({ re: x, im: y }), irfft({ re: x, im: y }, { n: 2 * x.shape[1] - 1 })],
    ["toReal", "toReal"],
  ],
  "the real part of a transform": [
    (x, y) => [fft({ re: x, im: y }).re, ifft({ re: x, im: y }).re],
    ["toReal", "toReal"],
  ],
  "the imaginary part": [(x, y) => [fft({ re: x, im: y }).im, ifft({ re: x, im: y }).im], ["toReal", "toReal"]],
  "both parts of a complex transform": [(x, y) => Object.values(fft({ re: x, im: y })) as Tensor[], ["transform"]],
  "a filter, there and back": [
    (x, y) => {
      const [a, b] = [rfft(x), rfft(y)];
      const product = { re: a.re.mul(b.re).sub(a.im.mul(b.im)), im: a.re.mul(b.im).add(a.im.mul(b.re)) };
      return [irfft(product, { n: x.shape[1] })];
    },
    ["ofReal", "ofReal", "toReal"],
  ],
  "the slope of a filter": [
    (x, y) => {
      const loss = (z: Tensor): Tensor => {
        const [a, b] = [rfft(z), rfft(y)];
        return irfft({ re: a.re.mul(b.re), im: a.im.mul(b.re) }, { n: z.shape[1] })
          .square()
          .sum();
      };
      return [grad(loss)(x)];
    },
    ["ofReal", "ofReal", "toReal", "ofReal", "toReal"],
  ],
  "a row that begins amid an array": [(x) => [rfft(x.slice([1, 2])).re, rfft(x.slice([2, 3])).im], ["ofReal", "ofReal"]], // prettier-ignore
  "two axes": [(x) => Object.values(fft2(x)) as Tensor[], ["ofReal", "transform"]],
  mapped: [(x) => [vmap((row: Tensor) => rfft(row).im)(x)], ["ofReal"]],
};

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());

  describe.each(floats)("%s", (dtype) => {
    test.each(Object.entries(programs))("%s", (_name, [program, kinds]) => {
      const place = backend();
      const { fourier } = librariesOf(place.device);
      const calls: Kind[] = [];
      for (const kind of ["ofReal", "toReal", "transform"] as const) {
        const original = fourier[kind].bind(fourier) as (...args: unknown[]) => void;
        vi.spyOn(fourier, kind).mockImplementation((...args: unknown[]) => {
          calls.push(kind);
          original(...args);
        });
      }
      for (const n of [2, 7, 12]) {
        const [x, y] = [numbers([3, n], dtype), numbers([3, n], dtype, 2)];
        const expected = program(x, y);
        calls.length = 0;
        // Constants are made where tensors are made while the function is traced: on the card, or not.
        if (n > 7) use(place);
        const got = jit(program)(x.to(place), y.to(place));
        use("cpu");
        // Two numbers have a real transform.
        if (n > 2) expect(calls.sort()).toEqual([...kinds].sort());
        const size = Math.max(1, ...expected.map((z) => z.abs().max().itemSync()));
        const bound = 8 * n * size * (dtype === "float32" ? 2 ** -23 : 2 ** -52);
        got.forEach((z, i) => {
          expect(z.shape).toEqual(expected[i].shape);
          expect(z.to("cpu").sub(expected[i]).abs().max().itemSync()).toBeLessThan(bound);
        });
      }
    });
  });

  test("replayed graphs give the same bits, and a transform of real numbers takes what it transforms as it lies", () => {
    const place = backend();
    const [x, y] = [numbers([3, 12], "float64").to(place), numbers([3, 12], "float64", 2).to(place)];
    const filter = jit((a: Tensor, b: Tensor) => programs["a filter, there and back"][0](a, b)[0]);
    const first = filter(x, y).dataSync();
    const { replays } = place.device;
    for (let i = 0; i < 4; i++) expect(filter(x, y).dataSync()).toEqual(first);
    expect(place.device.replays).toBeGreaterThan(replays);
    // No copy before the transform, and none after it where only the half is read.
    const lines = place.explain(makeGraph((a: Tensor) => Object.values(rfft(a)) as Tensor[], x));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["library", "curv_map", "curv_map"]);
  });

  test("what is not a number spreads as on the CPU", () => {
    const place = backend();
    const n = 6;
    for (const at of [0, 1, 3, 4]) {
      const spoilt = tensor(
        Float64Array.from({ length: n }, (_, i) => (i === at ? NaN : i)),
        { dtype: "float64" },
      );
      const clean = numbers([n], "float64");
      const program = (x: Tensor, y: Tensor): Tensor[] => [
        ifft({ re: x, im: y }).re,
        fft({ re: y, im: x }).re,
        fft({ re: x, im: y }).im,
        rfft(x).re,
      ];
      const got = jit(program)(spoilt.to(place), clean.to(place));
      for (const z of got) expect(z.dataSync().every(Number.isNaN)).toBe(true);
    }
  });
});
