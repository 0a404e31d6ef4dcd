/** Products with float64 sums: equal to plain ones, the same bits with and without WebAssembly, and each the other's transpose. */

import { concat, grad, jit, jvp, matmul, matrixTranspose, stack, tensor, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import { portableKernels, scratchBytes, webAssemblyKernels, type VectorKernels } from "./vector-kernels.js";
import { combinations, innerProducts, type Row } from "./wide-products.js";
import { wideCombine, wideInner } from "./wide-primitives.js";

// Many small systems: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const [compiled, portable] = [webAssemblyKernels(), portableKernels()];

/** Numbers of very different size, as exact in both dtypes. */
function numbers(seed: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i) * 10 ** ((i + seed) % 5));
}

function rows(seed: number, count: number, length: number, narrow: boolean): Row[] {
  const data = numbers(seed, count * length);
  return Array.from({ length: count }, (_, i) => ({
    data: narrow ? data : Float64Array.from(data),
    start: i * length,
  }));
}

/** Whether two arrays have the same numbers; `toEqual` takes seconds for large ones. */
function same(x: Row["data"], y: Row["data"]): boolean {
  return x.length === y.length && x.every((v, i) => v === y[i]);
}

const shapes = {
  a: fc.integer({ min: 1, max: 10 }),
  b: fc.integer({ min: 1, max: 18 }),
  length: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 8185, max: 17000 })),
  blockSize: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 20000 })),
  narrow: fc.boolean(),
};

describe("kernels", () => {
  test.prop(shapes, { numRuns: 25 })("inner products and combinations are the sums", (shape) => {
    const { a: m, b: k, length, narrow } = shape;
    const blockSize = Math.min(length, Math.max(shape.blockSize, Math.ceil(length / 500)));
    const coordinates = { length, blockSize };
    const [a, b] = [rows(1, m, length, narrow), rows(2, k, length, narrow)];
    const inner = innerProducts(compiled, a, b, coordinates);
    expect(same(innerProducts(portable, a, b, coordinates), inner)).toBe(true);
    const blocks = Math.ceil(length / blockSize);
    for (const [block, i, j] of [
      [0, 0, 0],
      [blocks - 1, m - 1, k - 1],
      [blocks >> 1, m >> 1, k >> 1],
    ]) {
      let [sum, size] = [0, 0];
      for (let x = block * blockSize; x < Math.min(length, (block + 1) * blockSize); x++) {
        const term = a[i].data[a[i].start + x] * b[j].data[b[j].start + x];
        sum += term;
        size += Math.abs(term);
      }
      expect(Math.abs(inner[(block * m + i) * k + j] - sum)).toBeLessThanOrEqual(length * 2.3e-16 * size);
    }

    const c = Float64Array.from(numbers(3, blocks * k * m));
    const results = [compiled, portable].map((kernels) => {
      const out = narrow ? new Float32Array(k * length) : new Float64Array(k * length);
      combinations(kernels, c, a, { rows: b, scale: 3 }, coordinates, out);
      return out;
    });
    expect(same(results[0], results[1])).toBe(true);
    for (const [i, x] of [
      [0, 0],
      [k - 1, length - 1],
      [k >> 1, length >> 1],
    ]) {
      const block = Math.floor(x / blockSize);
      let sum = 3 * b[i].data[b[i].start + x];
      let size = Math.abs(sum);
      for (let j = 0; j < m; j++) {
        const term = c[(block * k + i) * m + j] * a[j].data[a[j].start + x];
        sum += term;
        size += Math.abs(term);
      }
      const error = narrow ? 6e-8 * Math.abs(sum) : 0;
      expect(Math.abs(results[0][i * length + x] - sum)).toBeLessThanOrEqual(error + m * 2.3e-16 * size);
    }
  });

  test("rows that lie in the kernels' memory are read there, to the same bits", () => {
    const [count, length] = [7, 9001];
    const coordinates = { length, blockSize: length };
    const [a, b] = [rows(1, count, length, true), rows(2, 2, length, true)];
    const c = Float64Array.from(numbers(3, 2 * count));
    const combine = (kernels: VectorKernels, of: readonly Row[]): Float32Array => {
      const out = new Float32Array(2 * length);
      combinations(kernels, c, of, { rows: b, scale: 3 }, coordinates, out);
      return out;
    };
    for (const kernels of [webAssemblyKernels, portableKernels].map((make) =>
      make(scratchBytes + 4 * count * length),
    )) {
      const resident = a.map(({ data, start }, i) => {
        const own = new Float32Array(kernels.buffer, scratchBytes + 4 * i * length, length);
        own.set(data.subarray(start, start + length));
        return { data: own, start: 0 };
      });
      const inner = innerProducts(kernels, resident, [resident[3], ...b], coordinates);
      expect(same(inner, innerProducts(compiled, a, [a[3], ...b], coordinates))).toBe(true);
      expect(same(combine(kernels, resident), combine(compiled, a))).toBe(true);
    }
  });

  test("float32 rows are not summed in float32", () => {
    // 1 + 2⁻²⁴ + 2⁻²⁴ is 1 in float32, in any order that adds to 1.
    const row = Float32Array.of(1, 2 ** -24, 2 ** -24, 2 ** -24, 2 ** -24);
    const ones = new Float32Array(5).fill(1);
    const coordinates = { length: 5, blockSize: 5 };
    const inner = innerProducts(compiled, [{ data: row, start: 0 }], [{ data: ones, start: 0 }], coordinates);
    expect(inner[0]).toBe(1 + 2 ** -22);
  });
});

describe("primitives", () => {
  const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
  const close = (x: Tensor, y: Tensor, tolerance = 1e-12): void => {
    expect(x.shape).toEqual(y.shape);
    const [a, b] = [x.dataSync(), y.dataSync()];
    b.forEach((v, i) => expect(Math.abs(a[i] - v)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(v))));
  };
  const [p, q, r] = [draw(1, [2, 7]), draw(2, [3, 7]), draw(3, [4, 7])];
  const a = concat([p, q], 0);

  test("inner products are the plain ones, with the same derivatives", () => {
    const wide = (x: Tensor, y: Tensor, z: Tensor): Tensor => wideInner([x, y], [z], 7).squeeze(0).square().sum();
    const plain = (x: Tensor, y: Tensor, z: Tensor): Tensor =>
      matmul(concat([x, y], 0), z.transpose())
        .square()
        .sum();
    close(wide(p, q, r), plain(p, q, r));
    for (const argnums of [0, 1, 2]) {
      close(grad(wide, { argnums })(p, q, r), grad(plain, { argnums })(p, q, r));
      const second = (f: typeof wide): Tensor =>
        grad((...args: [Tensor, Tensor, Tensor]) =>
          grad(f, { argnums })(...args)
            .square()
            .sum(),
        )(p, q, r);
      close(second(wide), second(plain));
    }
  });

  test("combinations are the plain ones, with the same derivatives", () => {
    const c = draw(4, [1, 4, 5]);
    const wide = (x: Tensor, y: Tensor, z: Tensor, w: Tensor): Tensor =>
      wideCombine(w, [x, y], { blockSize: 7, dtype: "float64", base: z, scale: 2 }).square().sum();
    const plain = (x: Tensor, y: Tensor, z: Tensor, w: Tensor): Tensor =>
      z
        .mul(2)
        .add(matmul(w.squeeze(0), concat([x, y], 0)))
        .square()
        .sum();
    close(wide(p, q, r, c), plain(p, q, r, c));
    for (const argnums of [0, 1, 2, 3])
      close(grad(wide, { argnums })(p, q, r, c), grad(plain, { argnums })(p, q, r, c));
    const direction = [p.mul(2), q.neg(), r, c] as const;
    close(jvp(wide, [p, q, r, c], [...direction]).tangent, jvp(plain, [p, q, r, c], [...direction]).tangent);
  });

  test("blocks are the parts of a matrix", () => {
    const inner = wideInner([a], [r], 3);
    const parts = [
      [0, 3],
      [3, 6],
      [6, 7],
    ].map(([from, to]) => matmul(a.slice(null, [from, to]), r.slice(null, [from, to]).transpose()));
    close(inner, stack(parts, 0));
    const c = matrixTranspose(inner);
    const combined = wideCombine(c, [a], { blockSize: 3, dtype: "float64" });
    close(
      combined,
      concat(
        [
          [0, 3],
          [3, 6],
          [6, 7],
        ].map(([from, to], k) => matmul(c.slice(k), a.slice(null, [from, to]))),
        1,
      ),
    );
  });

  test("vmap and jit, over either operand", () => {
    const many = draw(5, [2, 4, 7]);
    const each = (f: (x: Tensor) => Tensor): Tensor => stack([f(many.slice(0)), f(many.slice(1))], 0);
    const coefficients = draw(6, [2, 1, 4, 4]);
    for (const f of [
      (x: Tensor) => wideInner([p, q], [r, x], 3),
      (x: Tensor) => wideInner([p, x], [r], 7),
      (x: Tensor) => wideInner([x], [x], 5),
      (x: Tensor) => wideCombine(coefficients.slice(0), [x], { blockSize: 7, dtype: "float64", base: r, scale: 2 }),
      (x: Tensor) => wideCombine(coefficients.slice(0), [r], { blockSize: 7, dtype: "float64", base: x, scale: 2 }),
    ]) {
      close(vmap(f)(many), each(f));
      close(jit(vmap(f))(many), each(f));
      close(
        grad((x: Tensor) => vmap(f)(x).square().sum())(many),
        grad((x: Tensor) =>
          stack([f(x.slice(0)), f(x.slice(1))], 0)
            .square()
            .sum(),
        )(many),
      );
    }
    const scaled = (c: Tensor): Tensor => wideCombine(c, [r], { blockSize: 7, dtype: "float64" });
    close(vmap(scaled)(coefficients), stack([scaled(coefficients.slice(0)), scaled(coefficients.slice(1))], 0));
  });

  test("the result has the dtype that is asked for", () => {
    const half = r.cast("float32");
    expect(wideInner([half], [half], 7).dtype).toBe("float64");
    expect(
      wideCombine(tensor([[[1, 1, 1, 1]]], { dtype: "float64" }), [half], { blockSize: 7, dtype: "float32" }).dtype,
    ).toBe("float32");
  });
});
