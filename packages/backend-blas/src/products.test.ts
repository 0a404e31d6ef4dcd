/** The library's products are Curv's, for every way in which a matrix may lie in memory; where there is no library, that is said. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError, conv, cpu, DomainError, grad, jit, setThreads, tensor, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { candidates, findLibrary, type LoadedLibrary } from "./find-library.js";
import { integerBits } from "./integer-width.js";
import { libraryProducts, reading } from "./products.js";
import { describeBlas, registerBlas, unregisterBlas } from "./register.js";

const library = findLibrary(process.env.CURV_BLAS ? [process.env.CURV_BLAS] : (candidates[process.platform] ?? []));
const present = "handle" in library;
if (!present) console.log(`skipped: products of a BLAS: none is installed (${library.join("; ")})`);

const values = (x: Tensor): number[] => Array.from(x.dataSync());

describe.skipIf(!present)("with a library", () => {
  beforeAll(() => {
    registerBlas({ threads: 1 });
  });
  afterAll(() => unregisterBlas());

  test("it is described", () => {
    const { library: path, integers, threads } = describeBlas()!;
    expect(path).toMatch(/blas|mkl|Accelerate/i);
    expect([32, 64]).toContain(integers);
    expect(threads === null || threads >= 1).toBe(true);
    expect(cpu.describe!()).toContain(path);
  });

  const draw = (seed: number, shape: number[], dtype: "float32" | "float64"): Tensor =>
    random.normal(random.key(seed), { shape, dtype });

  const functions: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
    "A B": (a, b) => a.matmul(b),
    "Aᵀ B": (a, b) => a.transpose().matmul(b.reshape([a.shape[0], -1])),
    "A Bᵀ": (a, b) => a.matmul(b.transpose().transpose()),
    "rows of A": (a, b) => a.slice([0, null, 2]).matmul(b),
    "columns of A": (a, b) => a.slice(null, [0, null, 2]).matmul(b.slice([0, null, 2])),
    "a vector": (a, b) => a.slice(1).matmul(b),
    "a column": (a, b) => a.matmul(b.slice(null, 0)),
    "a column of Aᵀ": (a, b) => a.transpose().matmul(b.reshape([-1]).slice([0, 2 * a.shape[0], 2])),
    "a column by a row": (a, b) => a.slice(null, [1, 2]).matmul(b.slice([1, 2])),
    "A Aᵀ": (a) => a.matmul(a.transpose()),
    "Aᵀ A": (a) => a.transpose().matmul(a),
    "A A": (a) => a.slice(null, [0, 4]).matmul(a.slice([0, 4])),
    batched: (a, b) => vmap((x: Tensor) => x.matmul(b))(a.reshape([2, a.shape[0] / 2, a.shape[1]])),
    convolution: (a, b) => conv(a.reshape([1, 1, ...a.shape]), b.slice([0, 3], [0, 3]).reshape([1, 1, 3, 3])),
    gradient: (a, b) => grad((x: Tensor) => x.matmul(b).tanh().sum())(a),
  };

  test.each(Object.keys(functions))("%s, eager and compiled, as by Curv's own kernels", (name) => {
    for (const dtype of ["float64", "float32"] as const) {
      for (const [m, k, n] of [
        [4, 4, 4],
        [34, 12, 34],
        [64, 130, 64],
      ]) {
        const a = draw(1, [m, k], dtype);
        const b = name === "Aᵀ B" ? draw(2, [m, n], dtype) : draw(2, [k, n], dtype);
        const f = functions[name];
        const [eager, compiled] = [values(f(a, b)), values(jit(f)(a, b))];
        unregisterBlas();
        const wanted = values(f(a, b));
        registerBlas({ threads: 1 });
        const size = Math.max(...wanted.map(Math.abs));
        const tolerance = (dtype === "float64" ? 1e-14 : 1e-5) * k * size;
        wanted.forEach((w, i) => {
          expect(Math.abs(eager[i] - w), `${name} ${dtype} ${m} ${k} ${n}: eager ${i}`).toBeLessThanOrEqual(tolerance);
          expect(Math.abs(compiled[i] - w), `${name} ${dtype}: compiled ${i}`).toBeLessThanOrEqual(tolerance);
        });
      }
    }
  });

  test("beside worker threads: products stay with the library", () => {
    const x = draw(5, [300, 300], "float64");
    const f = jit((y: Tensor) => y.matmul(y).exp().sum(0));
    const wanted = values(f(x));
    setThreads(2);
    expect(values(f(x))).toEqual(values(f(x)));
    expect(values(f(x))).toEqual(wanted);
    setThreads(1);
  });

  test("NaN and Infinity get through; sizes of zero never reach the library", () => {
    const a = tensor([1, NaN, 2, Infinity], { dtype: "float64" }).reshape([2, 2]);
    expect(values(a.matmul(tensor([1, 0, 0, 1], { dtype: "float64" }).reshape([2, 2])))).toEqual([
      NaN,
      NaN,
      NaN,
      Infinity,
    ]);
    const empty = tensor([] as number[], { dtype: "float64" }).reshape([2, 0]);
    expect(values(empty.matmul(empty.transpose()))).toEqual([0, 0, 0, 0]);
  });

  test("what is no array of the right kind and length is refused before the library sees it", () => {
    const { multiply } = libraryProducts(library as LoadedLibrary, "test");
    const a = { data: new Float64Array(4), row: 2, column: 1 };
    const c = new Float64Array(4);
    expect(() => multiply("float64", 2, 2, 2, { ...a, data: new Float64Array(3) }, a, c)).toThrow(
      "a has 3 elements; wants at least 4",
    );
    expect(() => multiply("float64", 2, 2, 2, a, { ...a, data: new Float32Array(4) }, c)).toThrow(
      "b is Float32Array; wants a Float64Array",
    );
    expect(() => multiply("float64", 2, 2, 2, a, a, new Float64Array(2))).toThrow("c has 2 elements");
    for (const wrong of [1024, null, undefined, [1, 2, 3, 4], {}]) {
      expect(() => multiply("float64", 2, 2, 2, { ...a, data: wrong as never }, a, c)).toThrow(/wants a Float64Array/);
    }
    // Elements that are not side by side in either direction: Curv does it.
    expect(multiply("float64", 2, 2, 2, { ...a, row: 4, column: 2 }, a, c)).toBe(false);
  });

  test("threads must be a positive integer", () => {
    for (const threads of [0, -1, 1.5, NaN]) expect(() => registerBlas({ threads })).toThrow(DomainError);
    expect(registerBlas({ threads: 1 })).toMatchObject({ threads: 1 });
  });
});

test("reading: plain, transposed, neither", () => {
  expect(reading(3, 4, 4, 1)).toEqual({ transpose: 111, leading: 4 });
  expect(reading(3, 4, 9, 1)).toEqual({ transpose: 111, leading: 9 });
  expect(reading(3, 4, 1, 3)).toEqual({ transpose: 112, leading: 3 });
  expect(reading(3, 4, 1, 7)).toEqual({ transpose: 112, leading: 7 });
  expect(reading(1, 4, 0, 1)).toEqual({ transpose: 111, leading: 4 });
  expect(reading(1, 4, 0, 5)).toEqual({ transpose: 112, leading: 5 });
  expect(reading(4, 1, 5, 0)).toEqual({ transpose: 111, leading: 5 });
  expect(reading(3, 4, 8, 2)).toBeNull();
  expect(reading(3, 4, 0, 1)).toBeNull();
});

describe("without a library", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    unregisterBlas();
  });

  test("an explicit registration is refused, naming what was tried", () => {
    expect(() => registerBlas({ library: "libnothing.so.9" })).toThrow(BackendError);
    expect(() => registerBlas({ library: "libnothing.so.9" })).toThrow("libnothing.so.9: cannot be loaded");
    expect(describeBlas()).toBeNull();
  });

  test("an optional one goes on with Curv's kernels and says so once", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(registerBlas({ library: "libnothing.so.9", optional: true })).toBeNull();
    expect(registerBlas({ library: "libnothing.so.9", optional: true })).toBeNull();
    expect(warn).toHaveBeenCalledTimes(1);
    const a = tensor([1, 2, 3, 4]).reshape([2, 2]);
    expect(values(a.matmul(a))).toEqual([7, 10, 15, 22]);
  });

  test("a library without CBLAS is none", ({ skip }) => {
    skip(process.platform !== "linux", "the name of a library that is always there is known for Linux only");
    const libc = "libc.so.6";
    expect(findLibrary([libc])).toEqual([`${libc}: has no cblas_dgemm`]);
  });
});

const compiler = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;
if (!compiler) console.log("skipped: integers of a fake library: there is no C compiler");

test.skipIf(!compiler).each([
  ["int", "", 32],
  ["long", "64_", 64],
] as const)("a library whose integers are %s, with the suffix '%s', has %d bits", (type, suffix, bits) => {
  const folder = mkdtempSync(join(tmpdir(), "blas-"));
  const source = `#include <stddef.h>
size_t cblas_idamax${suffix}(${type} n, const double *x, ${type} step) {
  size_t best = 0;
  for (${type} i = 1; i < n; i++) if (x[i * step] > x[best * step]) best = i;
  return best;
}
void cblas_dgemm${suffix}(void) {}
`;
  writeFileSync(join(folder, "fake.c"), source);
  execFileSync("cc", ["-shared", "-fPIC", "-o", join(folder, "libfake.so"), join(folder, "fake.c")]);
  const fake = findLibrary([join(folder, "libfake.so")]) as LoadedLibrary;
  expect(fake.symbol("cblas_dgemm")).toBe(`cblas_dgemm${suffix}`);
  expect(integerBits(fake)).toBe(bits);
});
