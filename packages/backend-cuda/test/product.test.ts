/** Products by own kernels: the same bits for every size of tile, and the CPU's numbers for every way in which factors lie. */

import { einsum, makeGraph, matmul, tensor, zeros, type DType, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { planGraph } from "../src/graph-plan.js";
import { onFakeCard } from "./fake/on-card.js";

onFakeCard(({ card }) => {
  const wave = (shape: readonly number[], seed: number, dtype: DType): Tensor => {
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 300 * Math.sin(seed * 1000 + i * i * 0.7)); // prettier-ignore
    return tensor(data, { dtype: "float64" }).cast(dtype).reshape(shape);
  };

  /** With 1, 16 and 132 multiprocessors the tiles of these products are as large as can be, of 4 × 4 elements a thread, and of one. */
  const tiles = (f: (backend: CudaBackend) => Tensor): Float64Array[] =>
    [1, 16, 132].map((multiprocessors, seed) => {
      card.setMultiprocessors(multiprocessors);
      card.setWarpSeed(seed);
      const own = cuda({ name: `with ${multiprocessors}`, products: "own" });
      const y = f(own).dataSync() as Float64Array;
      own.dispose();
      return y;
    });
  const bits = (y: Float64Array): string => Buffer.from(y.buffer, y.byteOffset, y.byteLength).toString("base64");

  test.each(["float32", "float64", "int32"] as const)(
    "for all four ways in which factors lie, with ragged edges: %s",
    (dtype) => {
      const [m, n, k] = [150, 133, 37];
      for (const equation of ["ik,kj->ij", "ki,kj->ij", "ik,jk->ij", "ki,jk->ij"]) {
        const [left, right] = equation.split(/,|-/);
        const a = wave(left === "ik" ? [m, k] : [k, m], 1, dtype);
        const b = wave(right === "kj" ? [k, n] : [n, k], 2, dtype);
        const expected = einsum(equation, a, b).dataSync() as Float64Array;
        const [got, ...rest] = tiles((on) => einsum(equation, a.to(on), b.to(on)));
        expect(rest.map(bits)).toEqual([bits(got), bits(got)]);
        const bound = { float32: 2 ** -23, float64: 2 ** -52, int32: 0 }[dtype] * 300 * 300 * k * k;
        const wrong = got.findIndex((x, i) => !(Math.abs(x - expected[i]) <= bound));
        expect(wrong, `${equation}: element ${wrong} is ${got[wrong]}, wanted ${expected[wrong]}`).toBe(-1);
      }
    },
  );

  test("batches, and what is not finite beside the edge, stay where they are", () => {
    const [a, b] = [wave([3, 70, 9], 3, "float32"), wave([3, 9, 68], 4, "float32")];
    const [x, y] = [a.dataSync().slice(), b.dataSync().slice()];
    [x[9 * 69 + 8], x[0], y[68 * 9 - 1]] = [Infinity, NaN, -Infinity];
    const [left, right] = [tensor(x).reshape([3, 70, 9]), tensor(y).reshape([3, 9, 68])];
    const expected = matmul(left, right).dataSync();
    const [got, ...rest] = tiles((on) => matmul(left.to(on), right.to(on)));
    expect(rest.map(bits)).toEqual([bits(got), bits(got)]);
    const near = (p: number, q: number): boolean => Object.is(p, q) || Math.abs(p - q) <= 9 * 9 * 9e4 * 2 ** -23;
    expect(got.findIndex((v, i) => !near(v, expected[i]))).toBe(-1);
    // A product below all numbers keeps its sign, however many terms are added that are not there.
    const [p, q] = [zeros([70, 1]).sub(1e-30), zeros([1, 70]).add(1e-30)];
    for (const z of tiles((on) => matmul(p.to(on), q.to(on)))) expect(z.every((v) => Object.is(v, -0))).toBe(true);
  });

  test("tiles are as large as there are enough of them", () => {
    const blocks = (m: number, n: number, dtype: DType): unknown => {
      const graph = makeGraph(matmul, zeros([m, 20], { dtype }), zeros([20, n], { dtype }));
      const plan = planGraph(graph, { multiprocessors: 132, hostFallback: false, library: false });
      return plan.steps.map((step) => (step.kind === "launch" ? step.grid : null));
    };
    expect(blocks(4096, 4096, "float32")).toEqual([{ x: 32, y: 32, z: 1 }]);
    expect(blocks(4096, 4096, "float64")).toEqual([{ x: 64, y: 64, z: 1 }]);
    expect(blocks(512, 512, "float32")).toEqual([{ x: 8, y: 8, z: 1 }]);
    expect(blocks(64, 64, "float32")).toEqual([{ x: 4, y: 4, z: 1 }]);
    expect(blocks(9000, 8, "float32")).toEqual([{ x: 1, y: 563, z: 1 }]);
  });
});
