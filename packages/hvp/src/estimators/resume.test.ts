/** An estimate that stopped and goes on has the bits of one that did not stop. */

import { denseOperator, linearOperator, type LinearOperator } from "@curv/linsolve";
import { concat, isTensor, matmul, ShapeError, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  frobeniusNorm,
  hutchinsonDiagonal,
  hutchinsonTrace,
  hutchPlusPlus,
  spectralMeasure,
  traceByLayer,
  xDiagonal,
  xTrace,
} from "../index.js";

const key = random.key(31);
const n = 36;
const g = random.normal(random.foldIn(key, 1), { shape: [n, n], dtype: "float64" });
const decay = tensor(Float64Array.from({ length: n }, (_, i) => 0.8 ** i));
const matrix = matmul(g.mul(decay), g.transpose());
const symmetric = denseOperator(matrix, { symmetric: true });
const general = denseOperator(matrix.add(g));
/** The same matrix on a tree with two layers. */
const layered: LinearOperator<Layers> = (() => {
  const shape = { first: g.slice([0, 10], 0), second: g.slice([10, n], 0).reshape([2, 13]) };
  const flat = ({ first, second }: Layers): Tensor => symmetric.matvec(concat([first, second.reshape([-1])], 0));
  return linearOperator({
    matvec: (v: Layers) => {
      const y = flat(v);
      return { first: y.slice([0, 10]), second: y.slice([10, n]).reshape([2, 13]) };
    },
    domain: shape,
    symmetric: true,
  });
})();
interface Layers {
  readonly first: Tensor;
  readonly second: Tensor;
}

/** Everything that a result holds, as numbers. */
function bits(result: unknown): unknown {
  if (isTensor(result)) return Array.from(result.dataSync());
  if (result instanceof Map) return [...result].map(([name, value]) => [name, bits(value)]);
  if (Array.isArray(result)) return result.map(bits);
  if (typeof result === "object" && result !== null) {
    return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, bits(value)]));
  }
  return result;
}

/** An estimate of `size`, from an earlier one; it has `products(size)` products. */
interface Case {
  readonly name: string;
  readonly products: (size: number) => number;
  readonly estimate: (size: number, more: object) => Promise<{ readonly products: number }>;
}
const one = (size: number): number => size;
const cases: readonly Case[] = [
  {
    name: "hutchinsonTrace",
    products: one,
    estimate: (probes, o) => hutchinsonTrace(symmetric, key, { probes, ...o }),
  },
  {
    name: "hutchinsonDiagonal",
    products: one,
    estimate: (probes, o) => hutchinsonDiagonal(general, key, { probes, ...o }),
  },
  { name: "frobeniusNorm", products: one, estimate: (probes, o) => frobeniusNorm(general, key, { probes, ...o }) },
  { name: "traceByLayer", products: one, estimate: (probes, o) => traceByLayer(layered, key, { probes, ...o }) },
  {
    name: "spectralMeasure",
    products: (probes) => 5 * probes,
    estimate: (probes, o) => spectralMeasure(symmetric, key, { probes, steps: 5, ...o }),
  },
  {
    name: "hutchPlusPlus",
    products: (k) => 3 * k,
    estimate: (k, o) => hutchPlusPlus(general, key, { products: 3 * k, ...o }),
  },
  { name: "xTrace", products: (k) => 2 * k, estimate: (k, o) => xTrace(general, key, { products: 2 * k, ...o }) },
  {
    name: "xTrace with normal probes",
    products: (k) => 2 * k,
    estimate: (k, o) => xTrace(symmetric, key, { products: 2 * k, distribution: "normal", ...o }),
  },
  { name: "xDiagonal", products: (k) => 2 * k, estimate: (k, o) => xDiagonal(general, key, { products: 2 * k, ...o }) },
];

test.each(cases)("$name stopped after 3 of 14 and after 9, bit for bit", async ({ name, estimate, products }) => {
  const blocks = name === "spectralMeasure" ? {} : { atOnce: 3 };
  const whole = await estimate(14, blocks);
  const first = await estimate(3, blocks);
  const second = await estimate(9, { ...blocks, resume: first });
  const told: number[] = [];
  const onProgress = ({ products: done, of }: { products: number; of: number }): void => {
    expect(of).toBe(products(14));
    told.push(done);
  };
  const resumed = await estimate(14, { ...blocks, resume: second, onProgress });
  expect(bits(resumed)).toEqual(bits(whole));
  expect(bits(first)).not.toEqual(bits(whole));
  // Only what was missing was computed.
  expect(told[0]).toBeGreaterThan(products(9));
  expect(told[told.length - 1]).toBe(products(14));
  // Nothing is missing: nothing is computed.
  expect(bits(await estimate(4, { ...blocks, resume: whole }))).toEqual(bits(whole));
});

describe("what cannot be gone on from", () => {
  test("an estimate of another operator is refused", async () => {
    const small = denseOperator(g.slice([0, 20], [0, 20]));
    const trace = await xTrace(small, key, { products: 8 });
    const wrong = /resume\.sketch\.basis has shape \[20, 4\]; wants \[36, 4\]/;
    await expect(xTrace(general, key, { products: 12, resume: trace })).rejects.toThrow(ShapeError);
    await expect(xTrace(general, key, { products: 12, resume: trace })).rejects.toThrow(wrong);
    const diagonal = await xDiagonal(small, key, { products: 8 });
    await expect(xDiagonal(general, key, { products: 12, resume: diagonal })).rejects.toThrow(wrong);
    const plus = await hutchPlusPlus(small, key, { products: 12 });
    await expect(hutchPlusPlus(general, key, { products: 15, resume: plus })).rejects.toThrow(wrong);
    const layers = await traceByLayer(layered, key, { probes: 2 });
    const other = { ...layers, layers: new Map([["third", layers.total]]) };
    await expect(traceByLayer(layered, key, { probes: 4, resume: other })).rejects.toThrow(
      /resume has the layers third; wants first, second/,
    );
  });

  test("where a block was cut short the numbers agree to rounding", async () => {
    const whole = await xTrace(symmetric, key, { products: 24, atOnce: 4 });
    const resume = await xTrace(symmetric, key, { products: 10, atOnce: 4 });
    const { trace } = await xTrace(symmetric, key, { products: 24, atOnce: 4, resume });
    expect(Math.abs(trace / whole.trace - 1)).toBeLessThan(1e-10);
  });
});
