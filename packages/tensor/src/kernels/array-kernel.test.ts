/** A kernel of one's own: values, elements left to the caller, threads, float32 and int32 operands. */

import { afterEach, expect, test } from "vitest";
import { setThreads } from "../index.js";
import { FunctionBody, f64, i32, op, resultArray, runArrayKernel, type ArrayKernel } from "./index.js";

/** x·y + 1; where y is 0, NaN and the word that says so. */
const example: ArrayKernel = {
  inputs: 2,
  chunk: 1000,
  scratch: 8,
  nanoseconds: 10,
  write(module) {
    const body = new FunctionBody([i32, i32, i32]);
    const [base, start, end] = [0, 1, 2];
    const y = body.local(f64);
    const at = (array: number): FunctionBody =>
      body.get(base).access(op.i32Load, 4 * array).get(start).int(3).emit(op.i32Shl, op.i32Add); // prettier-ignore
    body.countUp(
      start,
      () => body.get(end),
      1,
      () => {
        // By way of the scratch, which each thread has for itself.
        body.work();
        at(1).access(op.f64Load).access(op.f64Store);
        body.work().access(op.f64Load).tee(y).float(0, 64).emit(0x61);
        body.when(() => body.get(base).int(1).access(0x36, 12));
        at(2);
        at(0).access(op.f64Load).get(y).emit(op.f64Mul).float(1, 64).emit(op.f64Add);
        body.float(NaN, 64).get(y).float(0, 64).emit(0x62, 0x1b).access(op.f64Store);
      },
    );
    module.add(body, "kernel0");
  },
};

afterEach(() => setThreads(1));

test.each([1, 2, 3])("by %i threads", (threads) => {
  setThreads(threads);
  const n = 300_001; // three slabs
  const x = Float64Array.from({ length: n }, (_, i) => i / 7);
  const y = Float32Array.from({ length: n }, (_, i) => 1 + (i % 5));
  for (let repeat = 0; repeat < 5; repeat++) {
    const out = new Float64Array(n);
    expect(runArrayKernel(example, [x, y], out)).toBe("all");
    expect(out.every((value, i) => value === x[i] * y[i] + 1)).toBe(true);
  }
  const rounded = new Float32Array(n);
  for (const left of [5, 150_000, n - 1]) {
    y[left] = 0;
    expect(runArrayKernel(example, [x, y], rounded)).toBe("some");
    expect(rounded[left]).toBeNaN();
    expect(rounded[77]).toBe(Math.fround(x[77] * y[77] + 1));
    y[left] = 1;
  }
});

test.each([1, 2, 3])("into an array of the kernels' memory, by %i threads", (threads) => {
  setThreads(threads);
  const n = 100_001;
  const x = Float64Array.from({ length: n }, (_, i) => i / 7);
  const y = Float32Array.from({ length: n }, (_, i) => 1 + (i % 5));
  const wanted = new Float64Array(n);
  runArrayKernel(example, [x, y], wanted);
  for (let repeat = 0; repeat < 5; repeat++) {
    const out = resultArray("float64", n);
    expect(out.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(runArrayKernel(example, [x, y], out)).toBe("all");
    expect(out.every((value, i) => value === wanted[i])).toBe(true);
    // A result as an operand.
    const again = resultArray("float64", n);
    expect(runArrayKernel(example, [out, y], again)).toBe("all");
    expect(again.every((value, i) => value === wanted[i] * y[i] + 1)).toBe(true);
  }
  const zero = y.map((v, i) => (i === 77_777 ? 0 : v));
  const some = resultArray("float64", n);
  expect(runArrayKernel(example, [x, zero], some)).toBe("some");
  expect(some[77_777]).toBeNaN();
  expect(some[77_778]).toBe(wanted[77_778]);
});

test("nothing, and a few", () => {
  expect(runArrayKernel(example, [new Float64Array(0), new Float64Array(0)], new Float64Array(0))).toBe("all");
  const out = new Float64Array(3);
  expect(runArrayKernel(example, [Int32Array.of(1, 2, 3), Float64Array.of(0.5, 0.5, 0.5)], out)).toBe("all");
  expect([...out]).toEqual([1.5, 2, 2.5]);
});
