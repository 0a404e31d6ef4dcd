/** The backend on a fake card that executes the generated CUDA C: bits, launches, memory, failures, and users' programs. */

import {
  cpu,
  flip,
  grad,
  hvp,
  isCurvError,
  jit,
  makeGraph,
  take,
  tensor,
  tidy,
  use,
  zeros,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { expm } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cuda, cudaDevices, type CudaBackend } from "../src/index.js";
import { koffi } from "../src/environment.js";
import { fakeCard, type FakeCard } from "./fake/build.js";

const made = fakeCard();
const card = made as FakeCard;

afterEach(() => use("cpu"));

/** Numbers of both signs, the same on every backend. */
const numbers = (n: number, seed = 1): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin(seed * 1000 + i * 1.7) * 3);

const bytes = (x: TypedArray): string => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString("base64");

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());

  test("devices and description", () => {
    const [device] = cudaDevices();
    expect(device).toMatchObject({ index: 0, name: "Fake card", capability: [9, 0], multiprocessors: 132 });
    expect(backend().describe()).toMatch(
      /Fake card.*driver 13\.0.*NVRTC 13\.0.*by cuBLAS.*cuBLAS 13\.1\.0 \(.*cuSOLVER 12\.0\.4 \(.*cuFFT 12\.0\.0 \(.*NCCL (missing: |\d)/,
    );
    expect(() => cuda({ device: 3 })).toThrow(/device is 3; this machine has 1/);
  });

  test("a chain of operations is one kernel, and its shared parts are stored once", () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.mul(y).add(1).tanh().exp().sub(y);
    const graph = makeGraph(f, zeros([100]), zeros([100]));
    expect(backend().explain(graph)).toEqual(["curv_map sub [100]"]);
    const shared = makeGraph(
      (x: Tensor) => {
        const y = x.exp();
        return [y.sum(), y.mul(x)];
      },
      zeros([100]),
    );
    expect(backend().explain(shared)).toHaveLength(3);
    // What a reduction reads is computed where it is read.
    expect(backend().explain(makeGraph((x: Tensor) => x.square().sum(), zeros([4000])))).toEqual([
      "curv_reduce sum [4000] over 0",
      "curv_fold sum [4000] over 0",
    ]);
  });

  test("loads of 16 bytes, single loads and strides give the same bits", () => {
    const f = (x: Tensor): Tensor => x.mul(x).add(0.5).exp().div(x);
    for (const dtype of ["float32", "float64"] as const) {
      const x = tensor(numbers(4099), { dtype: "float64" }).cast(dtype).to(backend());
      const whole = jit(f)(x.slice([0, 4096])).dataSync();
      const shifted = jit((y: Tensor) => f(y.slice([1, 4097])))(x).dataSync();
      const turned = jit((y: Tensor) => f(flip(y.slice([0, 4096]), 0)))(x).dataSync();
      expect(bytes(whole.subarray(1))).toBe(bytes(shifted.subarray(0, 4095)));
      expect(bytes(whole)).toBe(bytes(turned.slice().reverse()));
    }
  });

  test("sums do not depend on the number of multiprocessors or on the order of warps", () => {
    const data = numbers(3 * 5000);
    const sums = (dtype: "float32" | "float64"): string[] => {
      const x = tensor(data, { dtype: "float64" }).cast(dtype).to(opened!).reshape([3, 5000]);
      return [x.sum(), x.sum(1), x.sum(0), x.argMax(1), x.max(0), x.slice(null, [0, 700]).sum(1)].map((y) =>
        bytes(y.dataSync()),
      );
    };
    const seen = new Set<string>();
    for (const [multiprocessors, seed] of [
      [1, 0],
      [80, 7],
      [132, 99],
    ] as const) {
      card.setMultiprocessors(multiprocessors);
      card.setWarpSeed(seed);
      opened = cuda();
      seen.add(sums("float32").join() + sums("float64").join());
    }
    card.setWarpSeed(0);
    expect(seen.size).toBe(1);
    const exact = data.reduce((a, b) => a + b, 0);
    const got = tensor(data, { dtype: "float64" }).to(backend()).sum().itemSync();
    expect(Math.abs((got as number) - exact)).toBeLessThan(1e-12 * data.length);
  });

  test("rows that are added to one place are added in the order of their indices", () => {
    const at = Int32Array.from({ length: 300 }, (_, i) => (i * i) % 7);
    for (const dtype of ["float32", "float64"] as const) {
      const results = [cpu, backend()].map((place) => {
        const x = zeros([7, 2], { dtype }).to(place);
        const indices = tensor(at, { dtype: "int32" }).to(place);
        const rows = tensor(numbers(600), { dtype: "float64" }).cast(dtype).reshape([300, 2]).to(place);
        return bytes(grad((y: Tensor) => take(y, indices, 0).mul(rows).sum())(x).dataSync());
      });
      expect(results[1]).toBe(results[0]);
    }
  });

  test("random bits are those of the CPU", () => {
    const draw = (): string => {
      const key = random.key(42);
      return [random.bits(key, { shape: [1001] }), random.uniform(key, { shape: [3, 5] }), random.permutation(key, 40)]
        .map((x) => bytes(x.dataSync()))
        .join();
    };
    const expected = draw();
    use(backend());
    expect(draw()).toBe(expected);
  });

  test("own matrix products are those of the library, for every layout", () => {
    const own = cuda({ products: "own", name: "own" });
    const products = [backend(), own].map((place) => {
      const a = tensor(numbers(2 * 19 * 33), { dtype: "float64" })
        .reshape([2, 19, 33])
        .to(place);
      const b = tensor(numbers(2 * 33 * 17, 2), { dtype: "float64" })
        .reshape([2, 33, 17])
        .to(place);
      const [at, bt] = [a.transpose([0, 2, 1]), b.transpose([0, 2, 1])];
      const f = jit(() => [
        a.matmul(b),
        bt.matmul(at),
        a.slice(null, [2, 9]).matmul(b.slice(null, null, [3, 8])),
        at.transpose([0, 2, 1]).matmul(b),
      ]);
      return f().flatMap((y) => [...y.dataSync()]);
    });
    products[0].forEach((x, i) => expect(products[1][i]).toBeCloseTo(x, 11));
    expect(own.describe()).toMatch("own kernels");
  });

  test("memory is flat over many steps", () => {
    const place = backend();
    const x = tensor(numbers(2000), { dtype: "float64" }).to(place);
    const step = jit((y: Tensor) => y.mul(0.999).add(y.square().sum().mul(1e-9)));
    let state = step(x);
    const advance = (): void => {
      const next = tidy(() => step(state).add(x.mul(0)));
      state.dispose();
      state = next;
    };
    for (let i = 0; i < 5; i++) advance();
    const before = { live: card.liveAllocations(), ...place.memory() };
    for (let i = 0; i < 500; i++) advance();
    expect({ live: card.liveAllocations(), ...place.memory() }).toEqual(before);
  });

  test("a read that has to wait leaves the event loop breathing", async () => {
    card.setCopyDelay(120);
    const x = tensor(numbers(50_000), { dtype: "float64" }).to(backend());
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const [a, b] = await Promise.all([x.mul(2).data(), x.add(1).data()]);
    clearInterval(timer);
    card.setCopyDelay(0);
    expect([a[7], b[7]]).toEqual([numbers(8)[7] * 2, numbers(8)[7] + 1]);
    expect(ticks).toBeGreaterThan(5);
  });

  test("memory that runs out is an error with figures, after which work goes on", () => {
    const place = backend();
    const held = tensor(numbers(1000), { dtype: "float64" }).to(place);
    card.setMemory(48 * 2 ** 20);
    const square = jit((x: Tensor) => x.reshape([-1, 1]).add(x));
    const large = tensor(numbers(3000), { dtype: "float64" }).to(place);
    expect(() => square(large)).toThrow(
      /no memory for 9000000 float64 elements of add \[3000,3000\]: 69 MiB were asked for.*free, this backend holds.*at most.*largest: .* float64 .*tidy/,
    );
    card.setMemory(2 ** 30);
    expect(square(large).shape).toEqual([3000, 3000]);
    expect(held.mul(2).dataSync()[3]).toBe(numbers(4)[3] * 2);
  });

  test("a call from a thread without the context is refused", async () => {
    const info = koffi().load(`${card.folder}/libcuda.so.1`).func("cuMemGetInfo_v2", "int", ["void *", "void *"]);
    const out = new BigUint64Array(2);
    const elsewhere = await new Promise<number>((resolve, reject) => {
      (info as unknown as { async(...args: unknown[]): void }).async(out, out, (error: Error | null, code: number) =>
        error === null ? resolve(code) : reject(error),
      );
    });
    expect(elsewhere).toBe(201);
    expect((info as unknown as (...args: unknown[]) => number)(out, out)).toBe(0);
  });

  test("what has no kernel is refused by name, or done by the host if that is allowed", () => {
    const matrix = tensor([4, 2, 2, 3], { dtype: "float64" }).reshape([2, 2]);
    const refused = (): unknown => expm(matrix.to(backend()));
    expect(refused).toThrow(/expm: cuda does not have this operation/);
    const helped = cuda({ hostFallback: true, name: "helped" });
    expect([...expm(matrix.to(helped)).dataSync()]).toEqual([...expm(matrix).dataSync()]);
  });

  test("users' programs: a compiled Hessian product, control flow, and a training run", () => {
    const program = (dtype: "float32" | "float64"): number[] => {
      const [k1, k2, k3, k4] = random.split(random.key(3), 4);
      const normal = (key: random.Key, shape: number[]): Tensor => random.normal(key, { shape, dtype });
      const x = normal(k1, [32, 3]);
      const y = x.square().sum(1, { keepDims: true }).sin();
      interface Params { w1: Tensor; b1: Tensor; w2: Tensor } // prettier-ignore
      const loss = ({ w1, b1, w2 }: Params): Tensor => x.matmul(w1).add(b1).tanh().matmul(w2).sub(y).square().mean();
      let params: Params = { w1: normal(k2, [3, 8]), b1: zeros([8], { dtype }), w2: normal(k3, [8, 1]) };
      const v: Params = { w1: normal(k4, [3, 8]), b1: normal(k1, [8]), w2: normal(k2, [8, 1]) };
      const Hv = jit((p: Params, u: Params) => hvp(loss, p, u))(params, v);
      const step = jit((p: Params, rate: number) => {
        const g = grad(loss)(p);
        return { w1: p.w1.sub(g.w1.mul(rate)), b1: p.b1.sub(g.b1.mul(rate)), w2: p.w2.sub(g.w2.mul(rate)) };
      });
      for (let i = 0; i < 30; i++) params = step(params, 0.1 / (1 + 0.01 * i));
      return [Hv.w1, Hv.b1, Hv.w2, params.w1, params.b1, params.w2, loss(params)].flatMap((t) => [...t.dataSync()]);
    };
    for (const [dtype, tolerance] of [
      ["float64", 1e-12],
      ["float32", 2e-5],
    ] as const) {
      const expected = program(dtype);
      use(backend());
      const got = program(dtype);
      use("cpu");
      const scale = Math.max(...expected.map(Math.abs));
      got.forEach((z, i) => expect(Math.abs(z - expected[i]), `${dtype} number ${i}`).toBeLessThan(tolerance * scale));
    }
  });

  test("several cards in one process: each backend works on its own", () => {
    card.setDevices(2);
    const [first, second] = [backend(), cuda({ device: 1, name: "second" })];
    const [x, y] = [first, second].map((place) => tensor(numbers(40), { dtype: "float64" }).to(place));
    const f = jit((z: Tensor) => z.square().sum().sub(z.max()).mul(z.sum()).add(z));
    for (let i = 0; i < 4; i++) expect(bytes(f(x).dataSync())).toBe(bytes(f(y).dataSync()));
    expect(() => x.add(y)).toThrow(/\.to\(/);
    expect(bytes(x.to(second).add(y).dataSync())).toBe(bytes(x.add(x).dataSync()));
    expect(() => cuda({ device: 2 })).toThrow(/device is 2; this machine has 2, numbered from 0/);
    second.dispose();
    expect(x.add(1).dataSync()[0]).toBe(numbers(1)[0] + 1);
    card.setDevices(1);
  });

  // The last one: it leaves the fake card dead.
  test("a kernel that fails names itself, and the backend stays dead", () => {
    const place = cuda({ name: "doomed" });
    const x = tensor([1, 2, 3], { dtype: "float32" }).to(place);
    const divergent = place.device.kernel(
      'extern "C" __global__ void bad(int* x) { if (threadIdx.x < 5) __syncthreads(); }',
      "bad",
    );
    place.device.launch(divergent, { x: 1 }, 64, [0n], "the divergent one");
    const failed = (): unknown => x.add(1).dataSync();
    expect(failed).toThrow(/719.*the divergent one/);
    expect(failed).toThrow(/719.*the divergent one/);
    let error: unknown;
    try {
      x.dataSync();
    } catch (e) {
      error = e;
    }
    expect(isCurvError(error, "CURV_BACKEND")).toBe(true);
    card.revive();
    expect(cuda({ name: "fresh" }).describe()).toMatch("Fake card");
  });
});
