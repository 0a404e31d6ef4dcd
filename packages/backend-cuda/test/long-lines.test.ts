/** Running extremes of long lines in chunks, and sums of many rows that meet: for any card and order of warps. */

import {
  cummax,
  cummin,
  makeGraph,
  scatterAdd,
  scatterSet,
  tensor,
  zeros,
  type DType,
  type Tensor,
} from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { onFakeCard } from "./fake/on-card.js";

onFakeCard(({ card, backend }) => {
  const elements = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array);

  /** What it comes to on cards with 1, 80 and 132 multiprocessors, in three orders of warps: the same bits. */
  const everywhere = (f: (backend: CudaBackend) => Tensor): number[] => {
    const seen = [1, 80, 132].map((multiprocessors, seed) => {
      card.setMultiprocessors(multiprocessors);
      card.setWarpSeed(seed);
      const own = cuda({ name: `with ${multiprocessors}` });
      const y = f(own).dataSync() as Float64Array;
      own.dispose();
      return y;
    });
    const [first, ...rest] = seen.map(({ buffer }) => Buffer.from(buffer).toString("base64"));
    expect(rest).toEqual([first, first]);
    return Array.from(seen[0]);
  };

  describe("running extremes", () => {
    /** Growing, with ties, zeros of both signs, infinities late, and NaN in one line of two. */
    const line = (n: number, dtype: DType): Tensor => {
      const data = Float64Array.from({ length: 2 * n }, (_, i) =>
        Math.round((i % n) / 500 + 3 * Math.sin(i * i * 0.7)),
      );
      for (let i = 0; i < data.length; i += 3) data[i] = i % 2 === 0 ? -0 : 0;
      for (const i of [n - 40, n - 20]) data[i] = Infinity;
      for (const i of [n + 2100, n + 2105]) data[i] = NaN;
      return tensor(data, { dtype: "float64" }).cast(dtype);
    };

    test.each(["float32", "float64", "int32", "uint32"] as const)(
      "are the CPU's along rows and few columns: %s",
      (dtype) => {
        const n = 2500;
        const x = line(n, dtype);
        for (const [shape, axis] of [
          [[2, n], 1],
          [[n, 2], 0],
        ] as const) {
          for (const reverse of [false, true]) {
            for (const f of dtype === "float32" ? [cummax, cummin] : [cummax]) {
              const y = x.reshape([...shape]);
              expect(elements(f(y.to(backend()), axis, { reverse }))).toEqual(elements(f(y, axis, { reverse })));
            }
          }
        }
      },
    );

    test("a line of one chunk is one kernel, a longer one three, and every card's bits are the same", () => {
      const steps = (n: number): number =>
        backend().explain(makeGraph((x: Tensor) => cummax(x, 0), zeros([n]))).filter((step) => /running_extreme/.test(step)).length; // prettier-ignore
      expect([steps(1000), steps(1024), steps(1025)]).toEqual([0, 1, 3]);
      const x = line(3000, "float32");
      expect(everywhere((own) => cummax(x.to(own), 0))).toEqual(elements(cummax(x, 0)));
    });
  });

  describe("rows that meet", () => {
    // In order: whole pieces, then one that begins at a cut, one across a cut but short, one that is a row too long, and one alone.
    const lengths = [1024, 2500, 700, 1025, 1];
    const width = 3;
    const rows = lengths.reduce((a, b) => a + b);
    // Rows come in another order than their places; those of a place are in theirs.
    const places = Int32Array.from(lengths.flatMap((n, place) => new Array<number>(n).fill(place)));
    const order = Array.from(places.keys(), (i) => (i * 1777) % rows);
    const index = Int32Array.from(order, (i) => places[i]);
    const indices = tensor(index, { dtype: "int32" }).reshape([rows, 1]);
    const data = Float64Array.from({ length: rows * width }, (_, i) => 10 ** (i % 7) * Math.sin(i * i * 0.7));
    const into = (x: Tensor, on?: CudaBackend): Tensor => {
      const start = zeros([lengths.length, width], { dtype: x.dtype });
      return on === undefined ? scatterAdd(start, indices, x) : scatterAdd(start.to(on), indices.to(on), x.to(on));
    };

    test.each(["float32", "float64"] as const)("are added one by one, in pieces where they are many: %s", (dtype) => {
      const x = tensor(data, { dtype: "float64" }).cast(dtype).reshape([rows, width]);
      const round = dtype === "float32" ? Math.fround : Number;
      const values = elements(x);
      const got = everywhere((own) => into(x, own));
      const cpu = elements(into(x));
      let start = 0;
      lengths.forEach((n, place) => {
        const own = Array.from(index.keys()).filter((i) => index[i] === place);
        for (let c = 0; c < width; c++) {
          let [sum, piece] = [0, 0];
          own.forEach((i, k) => {
            const at = start + k;
            if (n > 1024 && k > 0 && at % 1024 === 0) [sum, piece] = [round(sum + piece), 0];
            piece = round(piece + values[i * width + c]);
          });
          expect(got[place * width + c]).toBe(round(sum + piece));
          if (n <= 1024) expect(got[place * width + c]).toBe(cpu[place * width + c]);
          else expect(Math.abs(got[place * width + c] - cpu[place * width + c])).toBeLessThan(rows * 1e6 * 2 ** (dtype === "float32" ? -24 : -53)); // prettier-ignore
        }
        start += n;
      });
    });

    test("integers are the CPU's, and so is which row comes last", () => {
      const x = tensor(data, { dtype: "float64" }).cast("int32").reshape([rows, width]);
      expect(elements(into(x, backend()))).toEqual(elements(into(x)));
      const on = backend();
      const start = zeros([lengths.length, width], { dtype: "int32" });
      const set = scatterSet(start.to(on), indices.to(on), x.to(on));
      expect(elements(set)).toEqual(elements(scatterSet(start, indices, x)));
    });
  });
});
