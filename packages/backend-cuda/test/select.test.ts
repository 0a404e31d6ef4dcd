/** The first few of long rows are found without sorting them, and are the CPU's: values, places, ties in their order. */

import { bind, makeGraph, sort, tensor, topK, zeros, type DType, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { cuda } from "../src/index.js";
import { onFakeCard } from "./fake/on-card.js";

/** Numbers with many ties, zeros of both signs, infinities, and NaN of both signs in the first row. */
function special(rows: number, row: number, dtype: DType): Tensor {
  const data = Float64Array.from({ length: rows * row }, (_, i) => Math.round(Math.sin(i * i * 0.7) * 300) / 4);
  const odd = [-0, 0, Infinity, -Infinity, 5e-324, -1e-40];
  for (let i = 0; i < data.length; i++) if (i % 7 === 0) data[i] = odd[(i / 7) % odd.length];
  const negative = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0];
  for (let i = 5; i < row; i += 701) data[i] = i % 2 === 0 ? NaN : negative;
  if (dtype === "int32" || dtype === "uint32") for (let i = 0; i < data.length; i++) data[i] = Math.abs(data[i]) < 1e6 ? data[i] * 4e6 : 0; // prettier-ignore
  return tensor(data, { dtype: "float64" }).cast(dtype).reshape([rows, row]);
}

onFakeCard(({ card, backend }) => {
  const ascending = (x: Tensor, count: number): readonly Tensor[] => {
    const { primitive } = makeGraph((y: Tensor) => sort(y), x).equations[0];
    return bind(primitive, [x], { descending: false, count });
  };
  const largest = (x: Tensor, count: number): readonly Tensor[] => {
    const { values, indices } = topK(x, count);
    return [values, indices];
  };

  test.each(["float32", "float64", "int32", "uint32", "bool"] as const)("the first few of long rows: %s", (dtype) => {
    const x = special(2, 4500, dtype);
    const there = x.to(backend());
    for (const f of dtype === "float32" ? [largest, ascending] : [largest]) {
      for (const count of [1, 200]) {
        const expected = f(x, count);
        for (const [i, got] of f(there, count).entries()) {
          expect(Array.from(got.dataSync())).toEqual(Array.from(expected[i].dataSync()));
        }
      }
    }
  });

  test("a row of one number, and as many wanted as are still worth it", () => {
    const x = zeros([2048], { dtype: "float32" });
    const { values, indices } = topK(x.to(backend()), 512);
    expect(Array.from(values.dataSync())).toEqual(new Array(512).fill(0));
    expect(Array.from(indices.dataSync())).toEqual(Array.from({ length: 512 }, (_, i) => i));
  });

  test("rows are not sorted where few are wanted, and are where many are", () => {
    const steps = (count: number): readonly string[] =>
      backend().explain(makeGraph((x: Tensor) => topK(x, count).values, zeros([3, 5000])));
    const few = steps(5).filter((line) => /select/.test(line));
    expect(few).toHaveLength(2 * 4 + 2);
    expect(steps(5).filter((line) => /radix/.test(line))).toEqual([]);
    expect(steps(4000).filter((line) => /select/.test(line))).toEqual([]);
    expect(steps(4000).filter((line) => /radix/.test(line))).toHaveLength(3 * 4);
  });

  test("the same bits for 1, 80 and 132 multiprocessors and any order of warps", () => {
    const x = special(3, 9001, "float64");
    const seen = [1, 80, 132].map((multiprocessors, seed) => {
      card.setMultiprocessors(multiprocessors);
      card.setWarpSeed(seed);
      const card1 = cuda({ name: `with ${multiprocessors}` });
      const bits = largest(x.to(card1), 100).map((y) => Buffer.from(y.dataSync().buffer).toString("base64"));
      card1.dispose();
      return bits.join();
    });
    expect(new Set(seen).size).toBe(1);
  });
});
