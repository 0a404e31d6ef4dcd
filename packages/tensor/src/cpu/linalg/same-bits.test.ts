/** The vector kernels and the portable functions round alike: every result has the same bits wherever its arrays are. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { sineSquares } from "../../../test/support/nasty-matrices.js";
import { addScaledRows, matrixVector } from "./matrix-vector.js";
import { multiplyAdd } from "./multiply.js";
import { beginSweep, flushRotations, rotationQueue } from "./plane-rotations.js";
import { symmetricVector } from "./symmetric-vector.js";
import { solveTriangle } from "./triangular-solve.js";
import { copied, doubles, inWorkSpace, kernelsFor } from "./work-space.js";
import type * as WorkSpace from "./work-space.js";

type Arrays = readonly Float64Array[];

/** Runs f on copies of the arrays outside and inside the kernel memory, and expects the arrays to come out alike. */
function expectSameBits(arrays: Arrays, f: (...arrays: Float64Array[]) => void): void {
  const outside = arrays.map((a) => a.slice());
  f(...outside);
  const inside = inWorkSpace(Infinity, 1 << 20, () => {
    const copies = arrays.map((a) => copied(a));
    expect(kernelsFor(copies[0], copies[0], copies[0])).not.toBeNull();
    f(...copies);
    return copies.map((a) => a.slice());
  });
  inside.forEach((a, i) => expect(firstDifference(a, outside[i])).toBe(-1));
  expect(outside.some((a, i) => firstDifference(a, arrays[i]) >= 0)).toBe(true);
}

const firstDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.prototype.findIndex.call(a, (x: number, i: number) => !Object.is(x, b[i]));

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 67];
const pairs = sizes.flatMap((m) => [1, 2, 5, 8, 70].map((n) => [m, n] as const));

describe.each(pairs)("[%i, %i]", (m, n) => {
  const a = sineSquares(m, n);
  test("multiplyAdd, both signs, any strides", () => {
    for (const k of [1, 3, 300]) {
      const [x, y, z] = [sineSquares(m, k), sineSquares(k, n), sineSquares(m + 1, n + 3)];
      for (const alpha of [1, -1] as const) {
        expectSameBits([x, y, z], (x, y, z) =>
          multiplyAdd(m, n, k, alpha, x, 0, k, 1, y, 0, n, 1, z, m * (n + 3) + 2, -(n + 3)),
        );
        expectSameBits([x, y, z], (x, y, z) =>
          multiplyAdd(m, n, k, alpha, x, 0, 1, m, y, k * n - 1, -1, -k, z, 0, n + 3),
        );
      }
    }
  });

  test("matrixVector and addScaledRows", () => {
    const x = sineSquares(n, 1);
    const y = sineSquares(3 * m, 1);
    expectSameBits([a, x, new Float64Array(m)], (a, x, out) => matrixVector(m, n, a, 0, n, x, 0, out, 0));
    expectSameBits([a, y, x], (a, y, out) => addScaledRows(m, n, -0.7, a, 0, n, y, 0, 3, out, 0));
  });

  test("solveTriangle, both triangles, unit and not, transposed", () => {
    if (m === 1) return; // a unit triangle of order 1 changes nothing
    const t = sineSquares(m, m);
    for (let i = 0; i < m; i++) t[i * m + i] += 3;
    for (const lower of [true, false]) {
      for (const unit of [true, false]) {
        const b = sineSquares(m + 1, n).map((x) => x + 0.3);
        expectSameBits([t, b], (t, b) => solveTriangle(t, 0, m, 1, m, lower, unit, b, 0, n, n));
        expectSameBits([t, b], (t, b) => solveTriangle(t, 0, 1, m, m, lower, unit, b, 0, n, n));
      }
    }
  });

  test("plane rotations in both directions", () => {
    if (n === 1) return;
    expectSameBits([a], (z) => {
      const queue = rotationQueue(z, m, n, n);
      for (let sweep = 0; sweep < 21; sweep++) {
        const step = sweep % 3 === 0 ? -1 : 1;
        const length = 1 + ((sweep * 7) % (n - 1));
        const at = beginSweep(queue, step === 1 ? n - 1 - length : n - 1, length, step);
        for (let i = 0; i < length; i++) {
          queue.c[at + i] = Math.cos(sweep + i * i);
          queue.s[at + i] = Math.sin(sweep + i * i);
        }
      }
      flushRotations(queue);
    });
  });
});

test.each(sizes)("symmetricVector of order %i", (n) => {
  const a = sineSquares(n, n);
  const x = sineSquares(n, 1);
  expectSameBits([a, x, new Float64Array(n)], (a, x, y) => symmetricVector(a, n, n, x, 0, y, 0));
});

test("the work space is used up to its end, and then ordinary memory", () => {
  inWorkSpace(Infinity, 1000, () => {
    const first = doubles(1000);
    expect(kernelsFor(first, first, first)).not.toBeNull();
    const rest = doubles(2000);
    expect(kernelsFor(rest, rest, rest)).toBeNull();
    expect(rest.every((x) => x === 0)).toBe(true);
  });
});

describe("whole factorisations, with and without the kernel memory", () => {
  afterEach(() => {
    vi.doUnmock("../wasm/memory.js");
    vi.doUnmock("./work-space.js");
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  type Results = Record<string, ArrayLike<number>>;

  async function factorAll(m: number, n: number): Promise<Results> {
    const [{ cholesky }, { lu }, { qr }, { eigh }, { svd }, { triangularSolve }] = await Promise.all([
      import("./cholesky.js"),
      import("./lu.js"),
      import("./qr.js"),
      import("./eigh.js"),
      import("./svd.js"),
      import("./triangular-solve.js"),
    ]);
    const k = Math.min(m, n);
    const a = sineSquares(m, n);
    const definite = sineSquares(n, n).map((x, i) => x + (i % (n + 1) === 0 ? 2 * n : 0));
    const [l, packed, perm] = [definite.slice(), a.slice(), new Int32Array(m)];
    const [q, r, w, v] = [m * m, m * n, n, n * n].map((size) => new Float64Array(size));
    const [s, u, vt] = [k, m * k, k * n].map((size) => new Float64Array(size));
    const [fullU, fullVt] = [m * m, n * n].map((size) => new Float64Array(size));
    const x = sineSquares(n, 9);
    cholesky(l, n);
    lu(packed, m, n, perm);
    qr(a, m, n, q, r, true);
    const info = [eigh(definite, n, w, v), svd(a, m, n, s, u, vt), svd(a, m, n, s, fullU, fullVt, { full: true })];
    triangularSolve(l, n, x, 9, { transpose: true });
    return { l, packed, perm, q, r, w, v, s, u, vt, fullU, fullVt, x, info };
  }

  test.each([
    [40, 40],
    [131, 97],
    [45, 150],
    [170, 60],
  ])("[%i, %i]", async (m, n) => {
    vi.resetModules();
    const { kernelMemory } = await import("../wasm/memory.js");
    expect(kernelMemory()!.shared).toBe(true);
    const vectors = await factorAll(m, n);
    vi.stubGlobal("crossOriginIsolated", false); // a memory that is not shared, whose views die when it grows
    vi.resetModules();
    const { kernelMemory: unshared } = await import("../wasm/memory.js");
    expect(unshared()!.shared).toBe(false);
    const others = [await factorAll(m, n)];
    vi.resetModules();
    vi.doMock("../wasm/memory.js", () => ({ kernelMemory: () => null }));
    others.push(await factorAll(m, n));
    for (const other of others) {
      for (const [name, result] of Object.entries(vectors)) {
        expect(firstDifference(result, other[name]), name).toBe(-1);
      }
    }
  });

  test.each([
    [25, 25],
    [131, 97],
    [17, 300],
    [300, 40],
  ])("[%i, %i]: what they ask for is enough", async (m, n) => {
    vi.resetModules();
    const outside: number[] = [];
    vi.doMock("./work-space.js", async (load) => {
      const actual = await load<typeof WorkSpace>();
      const observed = (array: Float64Array): Float64Array => {
        if (actual.kernelsFor(array, array, array) === null) outside.push(array.length);
        return array;
      };
      return {
        ...actual,
        doubles: (length: number) => observed(actual.doubles(length)),
        copied: (from: Float64Array, length?: number) => observed(actual.copied(from, length)),
      };
    });
    await factorAll(m, n);
    expect(outside).toEqual([]);
  });
});
