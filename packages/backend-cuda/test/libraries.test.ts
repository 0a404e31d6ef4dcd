/** Factorisations, triangular systems, Fourier transforms and the precision of products, by the libraries of the fake card. */

import { cpu, eye, isCurvError, jit, tensor, use, vmap, type Tensor } from "@curv/tensor";
import { fft, ifft } from "@curv/tensor/fft";
import { cholesky, eigh, eigvalsh, lu, qr, solve, svd, svdvals, triangularSolve } from "@curv/tensor/linalg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { librariesOf } from "../src/lib/libraries.js";
import { fakeCard } from "./fake/build.js";
import { floats, numbers, type Float } from "./numbers.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();

afterEach(() => use("cpu"));

const positive = (shape: readonly number[], dtype: Float): Tensor => {
  const x = numbers(shape, dtype);
  const n = shape[shape.length - 1];
  return x.matmul(x.transpose([...shape.slice(0, -2).keys(), shape.length - 1, shape.length - 2])).add(eye(n, n, { dtype }).mul(0.1 * n)); // prettier-ignore
};

function expectNear(got: Tensor, expected: Tensor, dtype: Float, factor = 1): void {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.dataSync(), expected.dataSync()];
  const size = Math.max(1, ...b.map(Math.abs));
  const bound = factor * size * (dtype === "float32" ? 2e-5 : 5e-12);
  const wrong = a.findIndex((x, i) => !(Math.abs(x - b[i]) < bound));
  expect(wrong, `element ${wrong} is ${a[wrong]}, wanted ${b[wrong]}`).toBe(-1);
}

function rowsOf(x: Tensor): number[][] {
  const [rows, columns] = x.shape;
  const data = x.dataSync();
  return Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
}

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());
  const same = (f: (x: Tensor) => Tensor[], x: Tensor, dtype: Float, factor = 1): void => {
    const expected = f(x);
    f(x.to(backend())).forEach((y, i) => expectNear(y, expected[i], dtype, factor));
  };

  // One matrix; a batch that the library takes at once; one that it takes one by one.
  test.each([
    ["float32", [[3, 5, 5]]],
    [
      "float64",
      [
        [40, 40],
        [3, 5, 5],
        [2, 130, 130],
      ],
    ],
  ] as const)("factors, signs and permutations are the CPU's in %s", (dtype, shapes) => {
    for (const shape of shapes) {
      same((x) => [cholesky(x)], positive(shape, dtype), dtype, 10);
      same((x) => Object.values(lu(x)).map((y: Tensor) => y.cast(dtype)), numbers(shape, dtype), dtype, 300);
    }
    for (const shape of [
      [7, 4],
      [3, 7, 4],
      [3, 4, 7],
      [2, 35, 3],
    ] as const) {
      same((x) => Object.values(qr(x)), numbers(shape, dtype), dtype, 100);
      same((x) => Object.values(svd(x)), numbers(shape, dtype), dtype, 3000);
    }
    for (const shape of shapes.filter(([n]) => n !== 2)) {
      same((x) => Object.values(eigh(x)), positive(shape, dtype), dtype, 3000);
      same((x) => [eigvalsh(x), svdvals(x)], positive(shape, dtype), dtype, 10);
    }
  });

  test("the complete and full factors are orthogonal, and their extra vectors obey the rule of signs", () => {
    for (const shape of [
      [6, 3],
      [3, 6],
    ] as const) {
      const x = numbers(shape, "float64").to(backend());
      const { u, s, vt } = svd(x, { full: true });
      const rebuilt = u
        .slice(null, [0, 3])
        .mul(s)
        .matmul(vt.slice([0, 3], null));
      expectNear(rebuilt, x, "float64");
      for (const q of [u, vt, qr(x, { mode: "complete" }).q]) {
        expectNear(q.transpose([1, 0]).matmul(q), eye(q.shape[0], q.shape[0], { dtype: "float64" }), "float64");
      }
      const columns = rowsOf(u.transpose([1, 0]));
      const vectors = [...columns, ...rowsOf(vt).slice(3)];
      for (const v of vectors) {
        const largest = Math.max(...v.map(Math.abs));
        expect(v.find((y) => Math.abs(y) >= largest * (1 - 2 ** -10))).toBeGreaterThan(0);
      }
    }
  });

  test.each(floats)(
    "QR factors and singular vectors of a batch, also the complete ones, are those of each matrix: %s",
    (dtype) => {
      const place = backend();
      const { solver, products } = librariesOf(place.device);
      const [one, all, oneSvd, allSvd] = [
        vi.spyOn(solver, "qr"),
        vi.spyOn(products, "qrBatched"),
        vi.spyOn(solver, "svd"),
        vi.spyOn(solver, "svdBatched"),
      ];
      const programs = [
        (x: Tensor) => Object.values(qr(x)) as Tensor[],
        (x: Tensor) => Object.values(qr(x, { mode: "complete" })) as Tensor[],
        (x: Tensor) => Object.values(svd(x)) as Tensor[],
        (x: Tensor) => Object.values(svd(x, { full: true })) as Tensor[],
        (x: Tensor) => [svdvals(x)],
      ];
      for (const shape of [
        [3, 7, 4],
        [3, 4, 7],
        [2, 3, 5, 5],
        [4, 32, 2],
        [3, 1, 1],
      ] as const) {
        // prettier-ignore
        const x = numbers(shape, dtype, 3);
        const [m, n] = shape.slice(-2);
        const each = x.reshape([-1, m, n]);
        const count = each.shape[0];
        for (const f of programs) {
          const [before, beforeSvd] = [one.mock.calls.length, oneSvd.mock.calls.length];
          const whole = f(x.to(place)).map((y) => y.reshape([count, ...y.shape.slice(shape.length - 2)]));
          expect([one.mock.calls.length, oneSvd.mock.calls.length]).toEqual([before, beforeSvd]);
          for (let i = 0; i < count; i++) {
            f(each.slice(i).to(place)).forEach((y, j) => expectNear(whole[j].slice(i), y, dtype, 100));
          }
        }
      }
      expect([all.mock.calls.length, allSvd.mock.calls.length]).toEqual([10, 15]);
      vi.restoreAllMocks();
    },
  );

  test.each(floats)("triangles are solved from every side, one by one and in batches, in %s", (dtype) => {
    for (const [a, b] of [
      [
        [30, 30],
        [30, 4],
      ],
      [
        [3, 6, 6],
        [3, 6, 2],
      ],
    ] as const) {
      // prettier-ignore
      const [x, y] = [numbers(a, dtype).add(eye(a[a.length - 1], a[a.length - 1], { dtype }).mul(20)), numbers(b, dtype, 2)]; // prettier-ignore
      for (const lower of [true, false]) {
        for (const transpose of [true, false]) {
          for (const unit of [true, false]) {
            const scaled = unit ? x.mul(0.02) : x;
            same((z) => [triangularSolve(z, y.to(z.owner!), { lower, transpose, unit })], scaled, dtype); // prettier-ignore
          }
        }
      }
    }
  });

  test("systems are solved under jit and vmap, and recorded graphs give the same bits", () => {
    const a = positive([4, 9, 9], "float64").to(backend());
    const b = numbers([4, 9], "float64").to(backend());
    const f = jit(vmap((m: Tensor, y: Tensor) => solve(m, y)));
    const first = f(a, b).dataSync();
    for (let i = 0; i < 4; i++) expect(f(a, b).dataSync()).toEqual(first);
    expectNear(a.matmul(f(a, b).expandDims(-1)).squeeze(-1), b, "float64");
    const values = jit((x: Tensor) => eigh(x.mul(2)).values.sum(-1).add(1).exp().log());
    const expected = values(a).dataSync();
    for (let i = 0; i < 4; i++) expect(values(a).dataSync()).toEqual(expected);
  });

  test("what the library reports becomes the typed error of the CPU", () => {
    const messageOf = (f: () => unknown): string => {
      try {
        f();
      } catch (error) {
        expect(isCurvError(error, "CURV_DOMAIN")).toBe(true);
        return (error as Error).message;
      }
      return "nothing was thrown";
    };
    const indefinite = tensor([4, 2, 2, 2, 1, 0, 2, 0, 9], { dtype: "float64" }).reshape([3, 3]);
    const singular = tensor([1, 2, 2, 4], { dtype: "float64" }).reshape([2, 2]);
    for (const place of [cpu, backend()]) {
      expect(messageOf(() => cholesky(indefinite.to(place)))).toMatch(/not positive definite: pivot 1 is 0\. Add/);
      expect(messageOf(() => solve(singular.to(place), tensor([1, 1], { dtype: "float64" }).to(place)))).toMatch(
        /singular: pivot 1 is 0/,
      );
    }
    // In a batch, the matrix that is at fault alone.
    const mixed = [eye(3, 3, { dtype: "float64" }), indefinite].map((x) => x.reshape([1, 3, 3]));
    const pair = tensor([...mixed[0].dataSync(), ...mixed[1].dataSync()], { dtype: "float64" }).reshape([2, 3, 3]);
    expect(messageOf(() => cholesky(pair.to(backend())))).toMatch(/pivot 1 is 0/);
  });

  test("without the library the operation is refused by name, or done by the host if that is allowed", () => {
    const matrix = positive([3, 3], "float64");
    const own = cuda({ products: "own", name: "own" });
    expect(() => cholesky(matrix.to(own))).toThrow(
      /cholesky: cuda does this by cuSOLVER.*without cuBLAS.*hostFallback/,
    );
    const helped = cuda({ products: "own", hostFallback: true, name: "helped" });
    expect(cholesky(matrix.to(helped)).dataSync()).toEqual(cholesky(matrix).dataSync());
  });

  test.each(floats)("transforms of every length, in both directions, in %s", (dtype) => {
    for (const n of [1, 2, 7, 48]) {
      const z = { re: numbers([3, n], dtype), im: numbers([3, n], dtype, 2) };
      const there = { re: z.re.to(backend()), im: z.im.to(backend()) };
      const [got, expected] = [fft(there), fft(z)];
      expectNear(got.re, expected.re, dtype, 4);
      expectNear(got.im, expected.im, dtype, 4);
      const back = ifft(got);
      expectNear(back.re, z.re, dtype);
      expectNear(back.im, z.im, dtype);
    }
  });

  test("float32 products are float32 unless less is asked for", () => {
    const [a, b] = [numbers([20, 4096], "float32"), numbers([4096, 20], "float32", 2)];
    const exact = a.cast("float64").matmul(b.cast("float64")).dataSync();
    const errorOf = (matmulPrecision: "highest" | "tf32" | "bf16" | "bf16x9"): number => {
      const place = cuda({ matmulPrecision, name: matmulPrecision });
      const got = a.to(place).matmul(b.to(place)).dataSync();
      const [error, norm] = [0, 0].map((_, k) => Math.hypot(...exact.map((x, i) => (k === 0 ? got[i] - x : x))));
      return error / norm;
    };
    expect(errorOf("highest")).toBeLessThan(5e-6);
    expect(errorOf("bf16x9")).toBeLessThan(5e-6);
    expect(errorOf("tf32")).toBeGreaterThan(2e-5);
    expect(errorOf("tf32")).toBeLessThan(2e-3);
    expect(errorOf("bf16")).toBeGreaterThan(2e-4);
    expect(errorOf("bf16")).toBeLessThan(2e-2);
  });
});
