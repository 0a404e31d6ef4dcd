/** What a backend promises beside its numbers: errors, memory, copies, and what it says of itself. */

import {
  add,
  argSort,
  BackendError,
  bitcast,
  bitwiseAnd,
  ceil,
  cond,
  cpu,
  cumsum,
  flip,
  floorDiv,
  fromTypedArray,
  getBackend,
  grad,
  jit,
  linearRecurrence,
  makeGraph,
  nextAfter,
  registerBackend,
  scan,
  sort,
  tensor,
  tidy,
  whileLoop,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as fft from "@curv/tensor/fft";
import * as linalg from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { beforeAll, describe, expect, test } from "vitest";
import { gpujs, GpujsError, type GpujsBackend, type GpuLibrary } from "./index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape });

/** The reason of the error that is thrown, now or when the promise settles. */
async function reasonOf(f: () => unknown): Promise<string> {
  try {
    await f();
  } catch (error) {
    expect(error).toBeInstanceOf(BackendError);
    return (error as GpujsError).reason;
  }
  return "nothing was thrown";
}

let backend: GpujsBackend;
beforeAll(async () => {
  backend = await gpujs({ mode: "webasm" });
});

describe("opening", () => {
  test("says what was found", () => {
    expect(backend.describe()).toMatch(
      /^gpu\.js, mode webasm on WebAssembly with vectors; float32, launches of at most 8388608/,
    );
    expect(backend.info).toMatchObject({ mode: "webasm", precision: "float32", refused: [] });
  });

  test("the first mode that works is taken, and why not those before it", async () => {
    const found = await gpujs({ mode: ["webgl2", "webasm"] });
    expect(found.info.mode).toBe("webasm");
    expect(found.info.refused[0]).toMatch(/^not webgl2: /);
    expect(found.describe()).toContain("not webgl2: ");
  });

  test("a mode that cannot be had is an error", async () => {
    await expect(gpujs({ mode: "webgl2" })).rejects.toThrow(GpujsError);
  });

  test("a slower mode in place of the one that was asked for is an error", async () => {
    // A gpu.js that answers webasm with cpu, as the real one does for kernels that webasm cannot run.
    const real = (await import("gpu.js")) as unknown as GpuLibrary;
    const library: GpuLibrary = {
      input: real.input,
      GPU: class {
        constructor() {
          return new real.GPU({ mode: "cpu" });
        }
      } as unknown as GpuLibrary["GPU"],
    };
    await expect(gpujs({ mode: "webasm", library })).rejects.toThrow("was degraded to cpu");
    expect(await reasonOf(() => gpujs({ mode: "webasm", library }))).toBe("degraded");
  });

  test("every backend has a name of its own, and is known by it when it is registered", async () => {
    const other = await gpujs({ mode: "webasm" });
    expect(other.name).not.toBe(backend.name);
    registerBackend(other);
    expect(getBackend(other.name)).toBe(other);
    await other.dispose();
    expect(() => tensor([1]).to(other).add(1)).toThrow("was disposed");
  });
});

describe("what it cannot do is refused", () => {
  test("float64", () => {
    expect(() => tensor([1], { dtype: "float64" }).to(backend)).toThrow(
      'does not support float64; cast with x.cast("float32")',
    );
  });

  test("eigenvalues, unless the CPU may help", async () => {
    const a = draw(1, [5, 5]);
    const symmetric = a.add(a.transpose());
    expect(() => linalg.eigh(symmetric.to(backend))).toThrow(/eigh: gpujs-webasm does not have this operation/);
    const helped = await gpujs({ mode: "webasm", hostFallback: true });
    const values = (x: Tensor): Tensor => linalg.eigh(x).values;
    const [got, wanted] = [values(symmetric.to(helped)).dataSync(), values(symmetric).dataSync()];
    got.forEach((x, i) => expect(x).toBeCloseTo(wanted[i], 5));
  });

  test("Fourier transforms whose length has a large prime factor", () => {
    expect(() => fft.fft({ re: zeros([2, 514]).to(backend), im: zeros([2, 514]).to(backend) })).toThrow(
      /fft: gpujs cannot transform 514 elements: a prime factor is too large/,
    );
  });

  test("operations on long arrays that are not cut into blocks", async () => {
    const x = zeros([2 ** 23 + 1]).to(backend);
    expect(await reasonOf(() => sort(x))).toBe("limit");
    expect(cpu.name === "cpu" && tensor([1, 2]).sum().itemSync()).toBe(3);
  });
});

describe("sums are whole and exact", () => {
  test.each([127, 129, 511, 513, 5000, 100_000, 2 ** 20])("%i ones", (n) => {
    const ones = fromTypedArray(new Float32Array(n).fill(1), [n]).to(backend);
    expect(ones.sum().itemSync()).toBe(n);
  });

  test("indices are right in the last cells of large arrays", () => {
    const n = 2 ** 21 - 7;
    const data = Float32Array.from({ length: n }, (_, i) => i % 1009);
    const x = fromTypedArray(data, [n]).to(backend);
    expect([...flip(x, 0).slice([0, 16]).dataSync()]).toEqual([...data.slice(-16).reverse()]);
    expect([...x.add(1).dataSync().slice(-16)]).toEqual([...data.slice(-16)].map((v) => v + 1));
  });

  test("running sums of many elements, forwards and back, and recurrences", () => {
    for (const n of [255, 256, 700, 20_000]) {
      const x = fromTypedArray(
        Float32Array.from({ length: n }, (_, i) => (i % 3) - 1),
        [n],
      );
      for (const reverse of [false, true]) {
        expect([...cumsum(x.to(backend), 0, { reverse }).dataSync()]).toEqual([
          ...cumsum(x, 0, { reverse }).dataSync(),
        ]);
        const z = linearRecurrence(x.to(backend).mul(0.5), x.to(backend), 0, { reverse }).dataSync();
        linearRecurrence(x.mul(0.5), x, 0, { reverse })
          .dataSync()
          .forEach((w, i) => expect(Math.abs(z[i] - w)).toBeLessThan(1e-6));
      }
    }
  });

  test("a sort of many", () => {
    const x = draw(2, [3000]);
    expect([...sort(x.to(backend)).dataSync()]).toEqual([...sort(x).dataSync()]);
    expect([...argSort(x.to(backend)).dataSync()]).toEqual([...argSort(x).dataSync()]);
  });
});

describe("in several kernels", () => {
  test.each([1, 60, 97, 1024, 3000])("a Fourier transform of %i elements", (n) => {
    const [re, im] = [draw(1, [2, n]), draw(2, [2, n])];
    const wanted = fft.fft({ re: re.cast("float64"), im: im.cast("float64") });
    const got = fft.fft({ re: re.to(backend), im: im.to(backend) });
    const scale = Math.max(...wanted.re.dataSync().map(Math.abs));
    for (const part of ["re", "im"] as const) {
      const w = wanted[part].dataSync();
      got[part].dataSync().forEach((y, i) => expect(Math.abs(y - w[i])).toBeLessThan(5e-7 * scale)); // prettier-ignore
    }
  });

  test("Cholesky factors and triangular systems: every column runs the same kernel", async () => {
    const fresh = await gpujs({ mode: "webasm" });
    const b = draw(1, [2, 40, 60]);
    const a = b.matmul(b.transpose([0, 2, 1])).div(60);
    const l = linalg.cholesky(a.to(fresh));
    const kernels = fresh.engine.compiledKernels;
    expect(kernels).toBeLessThan(8);
    const product = l.matmul(l.transpose([0, 2, 1])).dataSync();
    a.dataSync().forEach((y, i) => expect(Math.abs(product[i] - y)).toBeLessThan(2e-6));
    const x = linalg.triangularSolve(l, draw(2, [2, 40, 3]).to(fresh), { lower: true });
    const back = l.matmul(x).dataSync();
    draw(2, [2, 40, 3]).dataSync().forEach((y, i) => expect(Math.abs(back[i] - y)).toBeLessThan(2e-5)); // prettier-ignore
    expect(fresh.engine.compiledKernels).toBeLessThan(kernels + 8);
    await expect(async () => linalg.cholesky(a.neg().to(fresh))).rejects.toThrow(/not positive definite: pivot 0/);
  });

  test("neighbours and bits of numbers", () => {
    const x = tensor([0.1, 1, -2, 3.5e38, 1.5e-38, -0, 16777215, -1e-3]);
    for (const towards of [Infinity, -Infinity, 1]) {
      expect([...nextAfter(x.to(backend), towards).dataSync()]).toEqual([...nextAfter(x, towards).dataSync()]);
    }
    for (const dtype of ["int32", "uint32"] as const) {
      const bits = bitcast(x, dtype);
      expect([...bitcast(x.to(backend), dtype).dataSync()]).toEqual([...bits.dataSync()]);
      expect([...bitcast(bits.to(backend), "float32").dataSync()]).toEqual([...x.dataSync()]);
    }
  });
});

describe("fusion", () => {
  const twenty = (xs: Tensor[]): Tensor => xs.reduce((a, b, i) => (i % 2 === 0 ? add(a, b) : a.mul(b)).tanh());

  test("a graph of 20 inputs is split where a kernel would read too many arrays, and gives the same", () => {
    const inputs = Array.from({ length: 20 }, (_, i) => draw(i, [64]));
    const lines = backend.explain(makeGraph(twenty, inputs));
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.length).toBeLessThan(8);
    for (const line of lines) expect(Number(/\((\d+) arrays/.exec(line)![1])).toBeLessThanOrEqual(6);
    const moved = inputs.map((x) => x.to(backend));
    const [fused, eager] = [jit(twenty)(moved).dataSync(), twenty(moved).dataSync()];
    fused.forEach((y, i) => expect(Math.abs(y - eager[i])).toBeLessThan(1e-5));
  });

  test("a product takes in what follows it, a reduction what precedes it", () => {
    const layer = (x: Tensor, w: Tensor, b: Tensor): Tensor => x.matmul(w).add(b).tanh();
    expect(backend.explain(makeGraph(layer, zeros([8, 4]), zeros([4, 6]), zeros([6])))).toEqual([
      "kernel tanh + add + dot (3 arrays, 48 numbers)",
    ]);
    const energy = (x: Tensor): Tensor => x.exp().mul(2).square().sum(1);
    expect(backend.explain(makeGraph(energy, zeros([8, 4])))).toEqual([
      "kernel sum + square + mul + exp (1 arrays, 8 numbers)",
    ]);
  });

  test("minus minus x is x, and leaves x as it is", () => {
    const f = jit((x: Tensor) => x.neg().transpose().neg().transpose().add(x.mul(10)).add(ceil(x.neg()).mul(100)));
    expect([...f(tensor([[1, 2], [3, 4]]).to(backend)).dataSync()]).toEqual([-89, -178, -267, -356]); // prettier-ignore
  });

  test("log-sum-exp keeps its accuracy, fused or not", () => {
    const x = draw(3, [6, 40]).mul(200);
    const f = (y: Tensor): Tensor =>
      y
        .sub(y.max(1, { keepDims: true }))
        .exp()
        .sum(1)
        .log()
        .add(y.max(1));
    const wanted = f(x.cast("float64")).dataSync();
    for (const got of [f(x.to(backend)), jit(f)(x.to(backend))]) {
      got.dataSync().forEach((y, i) => expect(Math.abs(y - wanted[i])).toBeLessThan(4e-7 * Math.abs(wanted[i])));
    }
  });
});

describe("memory", () => {
  test("an upload is a copy, and so is what is read", async () => {
    const source = Float32Array.of(1, 2, 3);
    const x = fromTypedArray(source, [3]).to(backend);
    source[0] = 9;
    const y = x.add(0);
    const first = await y.data();
    first[1] = 9;
    expect([...(await y.data())]).toEqual([1, 2, 3]);
  });

  test("tidy and dispose free arrays; a reshape keeps what it shares", () => {
    const x = draw(4, [100]).to(backend);
    x.add(0).dispose();
    const before = backend.memory();
    const kept = tidy(() => x.exp().mul(2).log().reshape([10, 10]));
    expect(backend.memory().arrays).toBe(before.arrays + 1);
    expect(backend.memory().bytes).toBe(before.bytes + 400);
    expect(kept.sum().itemSync()).toBeCloseTo(x.add(Math.log(2)).sum().itemSync(), 3);
    kept.dispose();
    using scoped = x.add(1);
    expect(scoped.shape).toEqual([100]);
  });

  test("compiled training steps hold it flat", () => {
    const steps = Number(process.env.CURV_STEPS ?? 200);
    const x = draw(5, [8, 2]).to(backend);
    const y = draw(6, [8, 1]).to(backend);
    const step = jit((w: Tensor) => w.sub(grad((v: Tensor) => x.matmul(v).tanh().sub(y).square().sum())(w).mul(0.01)), {
      donate: [0],
    });
    let w = step(draw(7, [2, 1]).to(backend));
    const before = backend.memory();
    const rss = process.memoryUsage().rss;
    for (let i = 0; i < steps; i++) w = step(w);
    expect(backend.memory().arrays).toBe(before.arrays);
    expect(backend.memory().bytes).toBe(before.bytes);
    expect(backend.memory().peakBytes).toBeLessThan(before.peakBytes + 10_000);
    expect(process.memoryUsage().rss - rss).toBeLessThan(80e6);
    expect(Number.isFinite(w.sum().itemSync())).toBe(true);
  });
});

describe("results that have to be waited for", () => {
  let later: GpujsBackend;
  beforeAll(async () => {
    later = await gpujs({ mode: "webasm", asynchronous: true });
  });

  test("reading at once is refused, reading later works", async () => {
    const x = tensor([1, 2, 3]).to(later).mul(2);
    expect(() => x.dataSync()).toThrow("cannot read synchronously");
    expect([...(await x.data())]).toEqual([2, 4, 6]);
  });

  test("loops and branches of a compiled function run on the device", async () => {
    const collatz = jit(
      (n: Tensor) =>
        whileLoop(
          ({ n: m }: { n: Tensor; steps: Tensor }) => m.notEqual(1),
          ({ n: m, steps }: { n: Tensor; steps: Tensor }) => ({
            n: cond(
              bitwiseAnd(m, 1).equal(0),
              (k: Tensor) => floorDiv(k, 2),
              (k: Tensor) => k.mul(3).add(1),
              m,
            ),
            steps: steps.add(1),
          }),
          { n, steps: zeros([], { dtype: "int32" }) },
        ).steps,
    );
    expect(await collatz(tensor(27, { dtype: "int32" }).to(later)).item()).toBe(111);
    const sums = jit((xs: Tensor) => scan((s: Tensor, x: Tensor) => [s.add(x), s.add(x)] as const, zeros([2]), xs)[1]);
    const rows = tensor([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12], [13, 14]]); // prettier-ignore
    expect([...(await sums(rows.to(later)).data())]).toEqual([...sums(rows).dataSync()]);
  });

  test("an error of a launch is thrown where its result is read, and nowhere else", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    const x = zeros([4]).to(later);
    const engine = later.engine as unknown as { compile: (...args: unknown[]) => unknown };
    const compile = engine.compile;
    engine.compile = () => {
      throw new Error("out of memory");
    };
    const broken = x.add(41).mul(2);
    await later.settled();
    engine.compile = compile;
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    expect(await reasonOf(() => broken.data())).toBe("out-of-memory");
    await expect(broken.data()).rejects.toThrow(/add/);
    expect([...(await x.add(1).data())]).toEqual([1, 1, 1, 1]);
  });

  test("what is freed before it was computed leaves nothing behind", async () => {
    const x = tensor([1, 2]).to(later);
    await x.add(0).data();
    const before = later.memory().arrays;
    for (let i = 0; i < 20; i++) tidy(() => void x.add(i).exp());
    await later.settled();
    expect(later.memory().arrays).toBeLessThanOrEqual(before);
  });
});
