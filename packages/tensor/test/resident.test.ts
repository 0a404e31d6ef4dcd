/** Large results of compiled functions stay in the kernels' memory: whoever holds them finds them unchanged, and the last gives the memory back. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { jit, scan, tensor, tidy, type Tensor } from "../src/index.js";
import { kernelMemory } from "../src/cpu/wasm/memory.js";
import { expectSame, generate, print, run } from "./support/random-programs.js";

vi.mock("../src/cpu/wasm/resident-costs.js", () => ({ residentBytes: 64, mostResidentBytes: 2 ** 16 }));

const values = (x: Tensor): number[] => Array.from(x.dataSync());
/** Parts of the memory that are given out. */
const given = (): number => (kernelMemory() as unknown as { given: Map<number, number> }).given.size;
const isKept = (x: Tensor): boolean => (x.buffer as Float64Array).buffer instanceof SharedArrayBuffer;

const n = 50;
const numbers = (scale: number): Tensor => tensor(Float64Array.from({ length: n }, (_, i) => scale * i));
const double = jit((x: Tensor): Tensor => x.mul(2));
const doubled = Array.from({ length: n }, (_, i) => 2 * i);

/** Fills what is free with other numbers: who reads freed memory does not find the old ones. */
function disturb(): void {
  const made = Array.from({ length: 20 }, (_, i) => double(numbers(1000 + i)));
  for (const x of made) x.dispose();
}

/** Checks that afterwards as many parts are given out as before. */
function expectNothingHeld(f: () => void): void {
  f(); // compiled
  f(); // and its arguments there
  const before = given();
  f();
  expect(given()).toBe(before);
}

describe("a result", () => {
  test("stays in the kernels' memory until it is disposed", () => {
    const x = numbers(1);
    const before = [x, x].map((y) => double(y)); // the second call keeps a copy of the argument
    for (const y of before) y.dispose();
    const parts = given();
    const y = double(x);
    expect(isKept(y)).toBe(true);
    expect(given()).toBe(parts + 1);
    disturb();
    expect(values(y)).toEqual(doubled);
    y.dispose();
    expect(given()).toBe(parts);
    expect(() => y.dataSync()).toThrow("was disposed");
  });

  test("is an argument of the next call where it is", () => {
    const x = numbers(1);
    expectNothingHeld(() => {
      const y = double(x);
      const z = double(y);
      y.dispose();
      expect(values(z)).toEqual(doubled.map((v) => 2 * v));
      z.dispose();
    });
  });

  test("that is given twice, or is an argument, has its own life", () => {
    const x = numbers(1);
    const f = jit((y: Tensor) => {
      const z = y.mul(2);
      return [z, z, y, z.reshape(5, 10)] as const;
    });
    for (const first of [0, 1, 2, 3]) {
      const results = f(x);
      results[first].dispose();
      disturb();
      results.forEach((y, i) => {
        if (i !== first) expect(values(y)).toEqual(i === 2 ? values(x) : doubled);
        y.dispose();
      });
    }
    expect(values(x)).toEqual(values(numbers(1)));
  });

  test("of which a part is a result as well is not taken for it", () => {
    const x = numbers(1);
    const f = jit((y: Tensor) => {
      const z = y.mul(2);
      return [z.slice([10, 30]), z, z.slice([0, 20])] as const;
    });
    for (let call = 0; call < 3; call++) {
      const results = f(x);
      results[1].dispose();
      disturb();
      expect(values(results[0])).toEqual(doubled.slice(10, 30));
      expect(values(results[2])).toEqual(doubled.slice(0, 20));
      for (const y of results) y.dispose();
    }
  });

  test("under another shape, or by another name, lives on", () => {
    const x = numbers(1);
    expectNothingHeld(() => {
      for (const other of [(y: Tensor): Tensor => y.reshape(10, 5), (y: Tensor): Tensor => y.to("cpu")]) {
        for (const originalFirst of [true, false]) {
          const y = double(x);
          const z = other(y);
          const [first, last] = originalFirst ? [y, z] : [z, y];
          first.dispose();
          disturb();
          expect(values(last)).toEqual(doubled);
          last.dispose();
        }
      }
    });
  });

  test("is read by who waits for it, though it is disposed meanwhile", async () => {
    const y = double(numbers(1));
    const reading = y.data();
    y.dispose();
    disturb();
    expect(Array.from(await reading)).toEqual(doubled);
  });

  test("of an eager product is one as well", () => {
    const x = tensor(Float64Array.from({ length: 600 }, (_, i) => i % 7)).reshape(20, 30);
    const y = tensor(Float64Array.from({ length: 600 }, (_, i) => i % 5)).reshape(30, 20);
    const product = (a: Tensor, b: Tensor): Tensor => tensor(a.matmul(b).dataSync()).reshape(20, 20);
    const wanted = values(product(product(x, y), product(x, y)));
    expectNothingHeld(() => {
      const z = x.matmul(y);
      const again = z.matmul(z);
      expect(isKept(z) && isKept(again)).toBe(true);
      z.dispose();
      disturb();
      expect(values(again)).toEqual(wanted);
      again.dispose();
    });
  });

  test("that a compiled function captured is there as long as the function", () => {
    const y = double(numbers(1));
    const f = jit((x: Tensor) => x.add(y).sum());
    const wanted = f(tensor(1)).itemSync();
    const g = jit((x: Tensor) => x.mul(y).sum());
    g(tensor(1));
    y.dispose();
    disturb();
    expect(f(tensor(1)).itemSync()).toBe(wanted);
    expect(g(tensor(2)).itemSync()).toBe(2 * doubled.reduce((a, b) => a + b, 0));
  });

  test("gives rows to a loop that outlive it", () => {
    const rows = jit((x: Tensor): Tensor => x.mul(2))(
      tensor(Float64Array.from({ length: 60 }, (_, i) => i)).reshape(3, 20),
    );
    const [last] = scan((_previous: Tensor, row: Tensor) => [row, row.sum()], rows.slice(0), rows);
    rows.dispose();
    disturb();
    expect(values(last)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * (40 + i)));
  });

  test("of a scope is freed with it, unless it is returned", () => {
    const x = numbers(1);
    expectNothingHeld(() => {
      const z = tidy(() => {
        const y = double(x);
        double(y);
        return y.reshape(5, 10);
      });
      disturb();
      expect(values(z)).toEqual(doubled);
      z.dispose();
    });
  });

  test("that is donated makes room", () => {
    const step = jit((x: Tensor): Tensor => x.mul(2), { donate: [0] } as never);
    let x = double(numbers(1));
    for (let i = 0; i < 3; i++) x = step(x);
    const before = given();
    for (let i = 0; i < 20; i++) x = step(x);
    expect(given()).toBeLessThanOrEqual(before);
    expect(values(x)[1]).toBe(2 ** 24);
  });

  test("is copied out where much is kept already", () => {
    const x = numbers(1);
    const kept: Tensor[] = [];
    for (let i = 0; i < 200; i++) kept.push(double(x));
    expect(kept.filter(isKept).length).toBeGreaterThan(50);
    expect(isKept(kept[199])).toBe(false);
    for (const y of kept) {
      expect(values(y)).toEqual(doubled);
      y.dispose();
    }
    expect(isKept(double(x))).toBe(true);
  });
});

describe("an argument", () => {
  test("that comes again leaves a copy, which makes room for others", () => {
    const arguments_ = Array.from({ length: 300 }, (_, k) => numbers(k));
    for (let round = 0; round < 3; round++) {
      arguments_.forEach((x, k) => {
        const y = double(x);
        expect(values(y)[1]).toBe(2 * k);
        y.dispose();
      });
    }
    // 300 copies of 400 bytes do not fit 64 KiB.
    const before = given();
    for (const x of arguments_) double(x).dispose();
    expect(given()).toBe(before);
  });

  test("gives up its copy where the memory is short", () => {
    const memory = kernelMemory()!;
    const x = numbers(7);
    for (let i = 0; i < 3; i++) double(x).dispose();
    const parts = given();
    const grow = vi.spyOn(memory.memory, "grow").mockImplementation(() => {
      throw new RangeError("no more");
    });
    try {
      expect(() => memory.allocate(2 ** 31)).toThrow("the kernels need");
    } finally {
      grow.mockRestore();
    }
    expect(given()).toBeLessThan(parts);
    expect(values(double(x))[1]).toBe(14);
  });
});

afterEach(disturb);

const firstSeed = 40_000;
const runs = 150;

test(`functions ${firstSeed} to ${firstSeed + runs - 1} of results that come and go`, { timeout: 60_000 }, () => {
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    const program = generate(seed);
    const wanted = run(program, [...program.inputs]);
    const f = jit((xs: Tensor[]): Tensor[] => run(program, xs));
    // Arguments that were results themselves.
    const through = jit((xs: Tensor[]): Tensor[] => xs.map((x) => x.reshape(x.shape).broadcastTo(x.shape)));
    let inputs = [...program.inputs];
    let before: Tensor[] = [];
    for (let call = 0; call < 4; call++) {
      const results = f(inputs);
      const next = through(inputs);
      for (const y of before) y.dispose();
      disturb();
      expectSame(results, wanted, () => `CURV_FUZZ_SEED=${seed} CURV_FUZZ_RUNS=1: call ${call}\n${print(program)}`);
      before = [...results, ...(call === 0 ? [] : inputs)];
      inputs = next;
    }
  }
});
