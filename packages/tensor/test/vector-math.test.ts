/** The vector kernels give the bits of the portable ones: elementary functions over the whole range, products in all shapes. */

import { beforeAll, describe, expect, test } from "vitest";
import * as kernels from "../src/cpu/kernels/unary.js";
import { matmul } from "../src/cpu/kernels/matmul.js";
import type { UnaryKernels } from "../src/cpu/kernels/unary.js";
import { mapUnary } from "../src/cpu/unary-map.js";
import { kernelMemory, type KernelMemory } from "../src/cpu/wasm/memory.js";
import { matmulLibrary, workSpace } from "../src/cpu/wasm/matmul.js";
import * as functions from "../src/index.js";
import { jit, tensor, type Tensor } from "../src/index.js";

type Float = "float32" | "float64";
const arrayOf = { float32: Float32Array, float64: Float64Array };

/** A linear congruential generator: the same numbers at every run. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const edges = [
  0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN, 5e-324, -5e-324, 1.401298464324817e-45, 1.1754942106924411e-38,
  1.1754943508222875e-38, 2.225073858507201e-308, 2.2250738585072014e-308, 3.4028234663852886e38, 1.7976931348623157e308,
  88.72, 88.73, -87.34, -103.97, -103.98, -104.1, 709.78, 709.79, -708.4, -745.1, -745.2, -746.5, 1e3, 1001, -1001, 1e5,
  100001, -100001, 1e22, 0.7071067811865475, 0.7071067811865476, 1.4142135623730951, 9.999, 10, 10.001, 19.999, 20, 20.001,
  4.0999, 4.1001, 6.0999, 6.1001, 1e-8, -1e-8, 1e-300, 1.5707963267948966, 3.141592653589793, -1e-40, -0.9999999999999999,
]; // prettier-ignore

function points(dtype: Float, count: number): Float32Array | Float64Array {
  const random = generator(dtype === "float32" ? 32 : 64);
  const x = new arrayOf[dtype](count);
  const words = new Uint32Array(x.buffer);
  for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32; // any bits at all
  for (let i = count >> 1; i < count; i++) x[i] = (random() - 0.5) * [2, 40, 1500][i % 3];
  edges.forEach((value, i) => (x[i] = value));
  return x;
}

/** Functions that have a formula for vectors, by the names of their primitives. */
const named: Readonly<Record<string, UnaryKernels>> = {
  exp: kernels.exp,
  exp2: kernels.exp2,
  expm1: kernels.expm1,
  log: kernels.log,
  log2: kernels.log2,
  log1p: kernels.log1p,
  tanh: kernels.tanh,
  sigmoid: kernels.logistic,
  softplus: kernels.softplus,
  erf: kernels.erf,
  sin: kernels.sin,
  cos: kernels.cos,
};

/** Differences between the bits; NaN is one value. */
function expectSameBits(got: ArrayLike<number>, wanted: ArrayLike<number>, describePoint: (i: number) => string): void {
  for (let i = 0; i < wanted.length; i++) {
    if (!Object.is(got[i], wanted[i])) expect.fail(`${describePoint(i)}: ${got[i]}, wanted ${wanted[i]}`);
  }
}

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  const x = points(dtype, 60_000);

  test.each(Object.keys(named))("%s, eager", (name) => {
    const wanted = new arrayOf[dtype](x.length);
    named[name][dtype]!(x, wanted, x.length);
    const got = new arrayOf[dtype](x.length);
    mapUnary(name, named[name], dtype, x, got);
    expectSameBits(got, wanted, (i) => `${name}(${x[i]})`);
  });

  const unary = ["neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "square", "reciprocal", "rsqrt", "cbrt", "atan", "isNaN", "isFinite", ...Object.keys(named)] as const; // prettier-ignore

  test.each(unary)("%s, compiled", (name) => {
    const f = (functions as unknown as Record<string, (a: Tensor) => Tensor>)[name];
    const a = tensor(x);
    // Through the portable kernels, a few elements at a time: some of every part of the points.
    const step = 200;
    const compiled = jit(f)(a).dataSync();
    for (let i = 0; i < x.length; i += 10 * step) {
      const wanted = f(tensor(x.slice(i, i + step))).dataSync();
      expectSameBits(compiled.slice(i, i + step), wanted, (k) => `${name}(${x[i + k]})`);
    }
  });

  test("pow, compiled", () => {
    const random = generator(7);
    const bases: number[] = [];
    const exponents: number[] = [];
    const add = (base: number, exponent: number): void => {
      bases.push(base);
      exponents.push(exponent);
    };
    const special = [...edges, 2, -2, 3, -3, -7, 1e16, -(2 ** 53) + 1, 2 ** 53];
    for (const base of special) for (const exponent of special) add(base, exponent);
    const largest = dtype === "float32" ? 150 : 1080;
    for (let i = 0; i < 6000; i++) {
      add(x[60 + i], x[20_000 + i]);
      add((random() - 0.5) * 20, Math.round((random() - 0.5) * 40));
      const base = 1 + (random() - 0.5) * 2 ** (-40 * random());
      add(base, ((2 * random() - 1) * largest) / Math.abs(Math.log2(base)));
    }
    const [a, b] = [tensor(bases, { dtype }), tensor(exponents, { dtype })];
    const wanted = functions.pow(a, b).dataSync();
    expectSameBits(jit(functions.pow)(a, b).dataSync(), wanted, (i) => `${bases[i]} ^ ${exponents[i]}`);
  });

  test.each([-40, -17, -16, -5, -2, -1, 0, 1, 3, 16, 17, 31])("x^%i, compiled", (n) => {
    const a = tensor(x.subarray(0, 4001));
    const f = (t: Tensor): Tensor => t.pow(n);
    expectSameBits(jit(f)(a).dataSync(), f(a).dataSync(), (i) => `${x[i]} ^ ${n}`);
  });

  test("a power of float32 in a kernel of float64 lanes", () => {
    const a = tensor(points("float32", 801));
    const f = (t: Tensor): Tensor => t.pow(t.abs().mul(0.3)).cast("float64").mul(1.5);
    expectSameBits(jit(f)(a).dataSync(), f(a).dataSync(), (i) => `${i}`);
  });
});

describe("matrix products", () => {
  let memory: KernelMemory;
  beforeAll(() => {
    memory = kernelMemory()!;
  });

  /** C = A·B with rows of C `padding` elements longer than they need be, in memory that holds NaN. */
  function multiply(
    dtype: Float,
    [m, n, k]: readonly [number, number, number],
    [transposeA, transposeB]: readonly [boolean, boolean],
    fill: (i: number) => number,
    padding = 0,
  ): {
    a: Float32Array | Float64Array;
    b: Float32Array | Float64Array;
    c: Float32Array | Float64Array;
    untouched: boolean;
  } {
    const size = arrayOf[dtype].BYTES_PER_ELEMENT;
    const a = new arrayOf[dtype](m * k).map((_, i) => fill(i));
    const b = new arrayOf[dtype](k * n).map((_, i) => fill(i + 12345));
    const width = n + padding;
    const addresses = [m * k, k * n, m * width + 8].map((length) => memory.allocate(length * size + 16));
    const [pa, pb, pc] = addresses;
    const array = memory.arrays[dtype];
    array.set(a, pa / size);
    array.set(b, pb / size);
    array.fill(NaN, pc / size, pc / size + m * width + 8);
    const [aRow, aColumn] = transposeA ? [1, m] : [k, 1];
    const [bRow, bColumn] = transposeB ? [1, k] : [n, 1];
    const { multiply } = matmulLibrary(dtype);
    multiply(
      m, n, k, pa, aRow * size, aColumn * size, pb, bRow * size, bColumn * size, pc, width * size, workSpace(),
    ); // prettier-ignore
    const all = array.slice(pc / size, pc / size + m * width + 8) as Float32Array;
    for (const address of addresses) memory.release(address);
    const c = new arrayOf[dtype](m * n);
    for (let i = 0; i < m; i++) c.set(all.subarray(i * width, i * width + n), i * n);
    let untouched = true;
    for (let i = 0; i < all.length; i++) {
      const inside = i < m * width && i % width < n;
      if (!inside && !Number.isNaN(all[i])) untouched = false;
    }
    return { a, b, c, untouched };
  }

  function check(
    dtype: Float,
    sizes: readonly [number, number, number],
    transposes: readonly [boolean, boolean],
  ): void {
    const [m, n, k] = sizes;
    const random = generator(m * 10007 + n * 101 + k);
    const values = Array.from({ length: 997 }, () => random() - 0.5);
    const { a, b, c, untouched } = multiply(dtype, sizes, transposes, (i) => values[i % 997], 3);
    const title = `${dtype} ${sizes.join("×")} ${transposes.join()}`;
    expect(untouched, title).toBe(true);
    const [aRow, aColumn] = transposes[0] ? [1, m] : [k, 1];
    const [bRow, bColumn] = transposes[1] ? [1, k] : [n, 1];
    if (dtype === "float64") {
      const wanted = new Float64Array(m * n);
      matmul.float64!(m, n, k, a, 0, aRow, aColumn, b, 0, bRow, bColumn, wanted, 0);
      expectSameBits(c, wanted, (i) => `${title}, element ${i}`);
    }
    const epsilon = dtype === "float32" ? 2 ** -24 : 2 ** -53;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let size = 0;
        for (let p = 0; p < k; p++) {
          const term = a[i * aRow + p * aColumn] * b[p * bRow + j * bColumn];
          sum += term;
          size += Math.abs(term);
        }
        const error = Math.abs(c[i * n + j] - sum);
        if (!(error <= 2 * Math.max(1, k) * epsilon * size))
          expect.fail(`${title}, element ${i},${j}: off by ${error}`);
      }
    }
  }

  const transposes = [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const;

  test.each(["float32", "float64"] as const)("%s: every small size, four transpositions", (dtype) => {
    for (let m = 0; m <= 10; m++)
      for (let n = 0; n <= 18; n++) for (let k = 0; k <= 9; k++) check(dtype, [m, n, k], transposes[(m + n + k) % 4]);
  });

  test.each(["float32", "float64"] as const)("%s: about the sizes of tiles and blocks", (dtype) => {
    const lengths = [1, 3, 20, 31, 33, 63, 65, 129, 257, 513];
    lengths.forEach((m, i) => {
      for (const transpose of transposes) {
        check(dtype, [m, lengths[(i + 3) % 10], lengths[(i + 7) % 10]], transpose);
        check(dtype, [lengths[(i + 5) % 10], m, 257], transpose);
      }
    });
  });

  test("no terms: zeros; NaN and Infinity in an operand get into what they meet and nowhere else", () => {
    expect(Array.from(multiply("float64", [3, 5, 0], [false, false], () => 1).c)).toEqual(new Array(15).fill(0));
    const { c } = multiply("float32", [6, 9, 7], [false, false], (i) => (i === 8 ? NaN : i === 12345 ? Infinity : 1));
    for (let i = 0; i < 54; i++) {
      const [row, column] = [Math.floor(i / 9), i % 9];
      expect(Number.isNaN(c[i]), `element ${row},${column}`).toBe(row === 1);
      if (row !== 1) expect(c[i]).toBe(column === 0 ? Infinity : 7);
    }
  });
});
