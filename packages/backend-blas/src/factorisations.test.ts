/** A LAPACK's factorisations are Curv's: the same triangles, orders, signs, errors and derivatives. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError, cpu, eye, full, grad, jit, tensor, tidy, tril, triu, vmap, type Tensor } from "@curv/tensor";
import * as linalg from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lapackRoutines, libraryFactorisations } from "./factorisations.js";
import { candidates, findLibrary, lapackCandidates, type LoadedLibrary } from "./find-library.js";
import { integerBits } from "./integer-width.js";
import { describeBlas, registerBlas, unregisterBlas } from "./register.js";

const blas = process.env.CURV_BLAS ? [process.env.CURV_BLAS] : (candidates[process.platform] ?? []);
const found = [
  findLibrary(blas, lapackRoutines),
  findLibrary(lapackCandidates[process.platform] ?? [], lapackRoutines),
];
const library = found.find((x): x is LoadedLibrary => "handle" in x);
const present = "handle" in findLibrary(blas) && library !== undefined;
if (!present) console.log(`skipped: factorisations of a LAPACK: none is installed (${found.flat().join("; ")})`);

type Float = "float32" | "float64";
const draw = (seed: number, shape: number[], dtype: Float): Tensor => random.normal(random.key(seed), { shape, dtype });
const positive = (a: Tensor): Tensor => a.matmul(a.transpose()).div(a.shape[1]).add(identity(a));
const identity = (a: Tensor): Tensor => eye(a.shape[0], a.shape[0], { dtype: a.dtype });

/** Every result of a square B, and of a tall and a wide one. */
const functions: Readonly<Record<string, (b: Tensor, tall: Tensor, wide: Tensor) => readonly Tensor[]>> = {
  cholesky: (b) => [linalg.cholesky(positive(b))],
  "cholesky of a lower triangle": (b) => {
    const a = positive(b);
    return [linalg.cholesky(tril(a).add(triu(full(a.shape, Infinity, { dtype: a.dtype }), 1)))];
  },
  lu: (b, tall, wide) => [b, tall, wide].flatMap((x) => Object.values(linalg.lu(x)) as Tensor[]),
  qr: (b, tall, wide) => [b, tall, wide].flatMap((x) => Object.values(linalg.qr(x))),
  "qr, complete": (b, tall) => Object.values(linalg.qr(tall, { mode: "complete" })),
  eigh: (b) => Object.values(linalg.eigh(positive(b))),
  eigvalsh: (b) => [linalg.eigvalsh(positive(b))],
  svd: (b, tall, wide) => [b, tall, wide].flatMap((x) => Object.values(linalg.svd(x))),
  "svd, full": (b, tall, wide) => [linalg.svd(tall, { full: true }).s, linalg.svd(wide, { full: true }).u],
  svdvals: (b, tall) => [linalg.svdvals(tall)],
  eig: (b) => {
    const { values, vectors } = linalg.eig(b);
    return [values.re, values.im, vectors.re, vectors.im];
  },
  triangularSolve: (b, tall) => {
    const t = b.add(identity(b).mul(4 * b.shape[0]));
    return [
      linalg.triangularSolve(t, b),
      linalg.triangularSolve(t, b, { lower: false }),
      linalg.triangularSolve(t, b.slice(null, 0), { transpose: true }),
      linalg.triangularSolve(t, tall.transpose().slice([0, b.shape[0]], [0, 5]), { lower: false, transpose: true }),
      linalg.triangularSolve(t.div(4 * b.shape[0]), b, { unit: true }),
    ];
  },
  solve: (b, tall) => [linalg.solve(b, tall.transpose().slice(null, [0, 3]).reshape([-1]).slice([0, b.shape[0]]))],
  det: (b) => [linalg.slogdet(b).logAbsDet],
  "gradient through cholesky": (b) => [grad((x: Tensor) => linalg.cholesky(positive(x)).sum())(b)],
  "gradient through eigh": (b) => [grad((x: Tensor) => linalg.eigvalsh(positive(x)).log().sum())(b)],
  batched: (b) => [
    vmap((x: Tensor) => linalg.cholesky(positive(x)))(
      b.reshape([1, ...b.shape]).mul(tensor([1, 2], { dtype: b.dtype }).reshape([2, 1, 1])),
    ),
  ],
};

describe.skipIf(!present)("with a library", () => {
  beforeAll(() => {
    registerBlas({ threads: 1 });
  });
  afterAll(() => unregisterBlas());

  test("it is described", () => {
    expect(describeBlas()!.lapack).toMatch(/lapack|blas|mkl|Accelerate/i);
    expect(cpu.describe!()).toContain("factorisations by");
  });

  test.each(Object.keys(functions))("%s, eager and compiled, as by Curv's own kernels", (name) => {
    for (const dtype of ["float64", "float32"] as const) {
      for (const n of [33, 64]) {
        const inputs = [
          draw(n, [n, n], dtype),
          draw(1, [2 * n + 1, n], dtype),
          draw(2, [n, 2 * n + 3], dtype),
        ] as const;
        const f = functions[name];
        const eager = f(...inputs);
        const compiled = jit(f)(...inputs);
        unregisterBlas();
        const wanted = f(...inputs);
        registerBlas({ threads: 1 });
        wanted.forEach((w, k) => {
          const reference = Array.from(w.dataSync(), Number);
          const size = Math.max(1, ...reference.map(Math.abs));
          const tolerance = (dtype === "float64" ? 1e-11 : 1e-4) * size;
          for (const got of [eager[k], compiled[k]]) {
            expect(got.shape).toEqual(w.shape);
            // Not an `expect` for each of some million elements.
            const values = Array.from(got.dataSync(), Number);
            const off = values.findIndex((x, i) => !(Math.abs(x - reference[i]) <= tolerance));
            if (off >= 0) {
              expect.fail(`${dtype} ${n}, output ${k}, element ${off}: ${values[off]}; wanted ${reference[off]}`);
            }
          }
        });
      }
    }
  });

  test("the library is asked, above a few entries", () => {
    const { cholesky } = libraryFactorisations(library!, integerBits(library!), "test");
    const a = new Float64Array([4, NaN, 2, 5]);
    expect(cholesky(a, 2)).toBe(true);
    expect(Array.from(a)).toEqual([2, NaN, 1, 2]);
    expect(cholesky(new Float64Array([1, 0, 2, 1]), 2)).toBe(false);
  });

  test("errors are Curv's own: the pivot is named", () => {
    const a = identity(draw(1, [40, 40], "float64"));
    const values = Float64Array.from(a.dataSync());
    values[20 * 41] = -3;
    expect(() => linalg.cholesky(tensor(values).reshape([40, 40]))).toThrow("pivot 20 is -3");
    values[20 * 41] = NaN;
    expect(() => linalg.cholesky(tensor(values).reshape([40, 40]))).toThrow("input has NaN at [20, 20]");
    expect(() => linalg.eigh(tensor(values).reshape([40, 40]))).toThrow();
    expect(() => linalg.solve(tensor(new Float64Array(1600)).reshape([40, 40]), tensor(new Float64Array(40)))).toThrow(
      /singular/,
    );
  });

  test("tiny and huge entries neither vanish nor overflow", () => {
    const b = draw(3, [40, 40], "float64");
    const s = linalg.svdvals(b).dataSync();
    for (const scale of [1e-300, 1e300]) {
      linalg
        .svdvals(b.mul(scale))
        .dataSync()
        .forEach((x, i) => expect(x / scale).toBeCloseTo(s[i], 10));
    }
  });

  test("what is no array of the right kind and length never reaches the library", () => {
    const { cholesky, lu, qr, eigh, svd, eig, solveTriangle } = libraryFactorisations(library!, 32, "test");
    const short = new Float64Array(3);
    const a = new Float64Array(4);
    const options = { lower: true, transpose: false, unit: false };
    expect(() => cholesky(short, 2)).toThrow("cholesky: a has 3 elements; wants at least 4.");
    expect(() => cholesky(new Float32Array(4) as never, 2)).toThrow(
      "cholesky: a is Float32Array; wants a Float64Array.",
    );
    expect(() => lu(short, 2, 2, new Int32Array(2))).toThrow("lu: a has 3");
    expect(() => solveTriangle(short, 2, a, 2, options)).toThrow("solveTriangle: a has 3");
    expect(() => solveTriangle(a, 2, short, 2, options)).toThrow("solveTriangle: b has 3");
    expect(() => qr(a, 2, 2, short, 2)).toThrow("qr: q has 3");
    expect(() => eigh(a, 2, new Float64Array(1), true)).toThrow("eigh: w has 1");
    expect(() => svd(a, 2, 2, new Float64Array(1), null, null, false)).toThrow("svd: s has 1");
    expect(() => svd(a, 2, 2, new Float64Array(2), short, a, false)).toThrow("svd: u has 3");
    expect(() => eig(a, 2, new Float64Array(1), new Float64Array(2), null)).toThrow("eig: wr has 1");
  });

  test("10,000 factorisations leave no memory behind", () => {
    const a = positive(draw(4, [33, 33], "float64"));
    for (let i = 0; i < 100; i++) tidy(() => void linalg.cholesky(a));
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 10_000; i++) tidy(() => void linalg.cholesky(a));
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6); // 10,000 copies of A would be 87 MB, its factors as much again
  });
});

describe("without a LAPACK", () => {
  test("one that is named must be one", () => {
    if ("handle" in findLibrary(blas)) {
      expect(() => registerBlas({ lapack: "libnothing.so.9" })).toThrow(BackendError);
      expect(() => registerBlas({ lapack: "libnothing.so.9" })).toThrow("libnothing.so.9: cannot be loaded");
    } else expect(() => registerBlas({ lapack: "libnothing.so.9" })).toThrow("no BLAS was found");
    expect(describeBlas()).toBeNull();
  });

  const compiler = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;
  test("a BLAS of 64-bit integers without one leaves the factorisations to Curv", ({ skip }) => {
    skip(!compiler, "there is no C compiler to build such a library with");
    const folder = mkdtempSync(join(tmpdir(), "blas-"));
    const names = ["sgemm", "dgemm", "sgemv", "dgemv", "ssyrk", "dsyrk"];
    writeFileSync(
      join(folder, "fake.c"),
      `#include <stddef.h>
size_t cblas_idamax64_(long n, const double *x, long step) { return n < 0 ? 0 : 1; }
${names.map((name) => `void cblas_${name}64_(void) {}`).join("\n")}
`,
    );
    const path = join(folder, "libfake.so");
    execFileSync("cc", ["-shared", "-fPIC", "-o", path, join(folder, "fake.c")]);
    expect(registerBlas({ library: path })).toMatchObject({ lapack: null, integers: 64 });
    expect(cpu.describe!()).not.toContain("factorisations by");
    unregisterBlas();
  });
});
