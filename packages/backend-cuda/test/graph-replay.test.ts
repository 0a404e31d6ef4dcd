/** Compiled functions as CUDA graphs: the same numbers, one launch a call, memory that stays, and what happens when something is refused. */

import { fc, test as property } from "@fast-check/vitest";
import { grad, hvp, jit, logicalAnd, tensor, use, whileLoop, zeros, type Tensor, type TypedArray } from "@curv/tensor";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planArena } from "../src/arena.js";
import { CudaError } from "../src/errors.js";
import { cuda, type CudaBackend } from "../src/index.js";
import type { Step } from "../src/plan.js";
import { fakeCard, type FakeCard } from "./fake/build.js";

const made = fakeCard();
const card = made as FakeCard;

afterEach(() => use("cpu"));

const numbers = (n: number, seed = 1): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin(seed * 1000 + i * 1.7) * 0.5);

const bytes = (x: TypedArray): string => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString("base64");

interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
}

/** A network with its loss on fixed data, on a backend. */
function network(
  place: CudaBackend,
  dtype: "float32" | "float64",
): { params: Params; v: Params; loss: (p: Params) => Tensor } {
  const draw = (shape: number[], seed: number): Tensor =>
    tensor(numbers(shape.reduce((a, b) => a * b, 1), seed), { dtype: "float64" }).cast(dtype).reshape(shape).to(place); // prettier-ignore
  const x = draw([16, 5], 1);
  const y = draw([16, 1], 2);
  const loss = ({ w1, b1, w2 }: Params): Tensor => x.matmul(w1).add(b1).tanh().matmul(w2).sub(y).square().mean();
  const params = { w1: draw([5, 7], 3), b1: draw([7], 4), w2: draw([7, 1], 5) };
  return { params, v: { w1: draw([5, 7], 6), b1: draw([7], 7), w2: draw([7, 1], 8) }, loss };
}

const dispose = ({ w1, b1, w2 }: Params): void => [w1, b1, w2].forEach((x) => x.dispose());

describe("the arena", () => {
  const arrays = fc.array(fc.record({ size: fc.integer({ min: 1, max: 5000 }), from: fc.nat(12), length: fc.nat(6) }), {
    minLength: 1,
    maxLength: 40,
  });
  property.prop([arrays])("gives arrays that live at the same time places of their own", (lives) => {
    const last = 20;
    const steps = Array.from({ length: last }, (_, i) => ({
      ...({ kind: "clear", array: 0, label: "" } satisfies Step),
      makes: lives.flatMap(({ from }, k) => (from === i ? [k] : [])),
      dead: lives.flatMap(({ from, length }, k) => (from + length === i ? [k] : [])),
    }));
    const planned = lives.map(({ size }) => ({ dtype: "float32" as const, size }));
    const { bytes: total, offsets, peak } = planArena(planned, steps, () => true);
    const room = (k: number): number => Math.ceil((4 * lives[k].size) / 256) * 256;
    for (const [k, offset] of offsets) {
      expect(offset % 256).toBe(0);
      expect(offset + room(k)).toBeLessThanOrEqual(total);
      for (const [other, place] of offsets) {
        const [a, b] = [lives[k], lives[other]];
        if (k === other || a.from > b.from + b.length || b.from > a.from + a.length) continue;
        expect(offset + room(k) <= place || place + room(other) <= offset).toBe(true);
      }
    }
    expect(offsets.size).toBe(lives.length);
    // No less than what lives at once, and far less than all of it together where lives are short.
    expect(total).toBeGreaterThanOrEqual(peak.reduce((sum, k) => sum + room(k), 0));
  });

  test("a chain of steps needs room for two arrays, whatever its length", () => {
    const steps = Array.from({ length: 50 }, (_, i) => ({
      ...({ kind: "clear", array: i, label: "" } satisfies Step),
      makes: [i],
      dead: i === 0 ? [] : [i - 1],
    }));
    const planned = steps.map(() => ({ dtype: "float64" as const, size: 1000 }));
    expect(planArena(planned, steps, () => true).bytes).toBe(2 * 8192);
  });
});

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());

  /** How often each of the driver's functions is called by `work`. */
  const calls = (names: readonly string[], work: () => void): number[] => {
    const before = names.map((name) => card.count(name));
    work();
    return names.map((name, i) => card.count(name) - before[i]);
  };

  test("a compiled Hessian-vector product is one launch of one graph, and nothing else", () => {
    const { params, v, loss } = network(backend(), "float32");
    const product = jit((p: Params, u: Params) => hvp(loss, p, u));
    const step = (): void => dispose(product(params, v));
    const names = [
      "cuLaunchKernel",
      "cublasGemm",
      "cuGraphLaunch",
      "cuMemAllocAsync",
      "cuMemcpyDtoDAsync_v2",
      "fakeOnStream",
    ];
    const [first] = calls(["cuLaunchKernel"], step);
    expect(first).toBeGreaterThan(4);
    const before = backend().launches;
    const [recorded, replayed] = calls(["cuStreamBeginCapture_v2", "cuGraphLaunch"], step);
    expect([recorded, replayed]).toEqual([1, 1]);
    const perCall = backend().launches - before;
    expect(perCall).toBeGreaterThan(first);
    expect(calls(names, step)).toEqual([0, 0, 1, 0, 0, 0]);
    expect(backend().describe()).toMatch(/CUDA graphs, replayed 2 times/);
  });

  test("numbers are the same, bit for bit, with and without graphs", () => {
    const without = cuda({ name: "without", graphs: false });
    expect(without.describe()).toMatch("not recorded as CUDA graphs");
    for (const dtype of ["float32", "float64"] as const) {
      const run = (place: CudaBackend): string[] => {
        const { params: first, v, loss } = network(place, dtype);
        const product = jit((p: Params, u: Params) => hvp(loss, p, u));
        const step = jit((p: Params, rate: number) => {
          const g = grad(loss)(p);
          return { w1: p.w1.sub(g.w1.mul(rate)), b1: p.b1.sub(g.b1.mul(rate)), w2: p.w2.sub(g.w2.mul(rate)) };
        });
        let params = first;
        const seen: string[] = [];
        for (let i = 0; i < 12; i++) {
          const Hv = product(params, v);
          const next = step(params, 0.1 / (i + 1));
          seen.push(...[Hv.w1, Hv.b1, Hv.w2, next.w1, next.b1, next.w2].map((x) => bytes(x.dataSync())));
          dispose(Hv);
          if (i > 0) dispose(params);
          params = next;
        }
        return seen;
      };
      const [before] = [card.count("cuGraphLaunch")];
      const plain = run(without);
      expect(card.count("cuGraphLaunch")).toBe(before);
      expect(run(backend())).toEqual(plain);
      expect(card.count("cuGraphLaunch")).toBeGreaterThan(before + 16);
    }
  });

  test("memory and graphs are the same after 10,000 replays", { timeout: 600_000 }, () => {
    const step = jit((x: Tensor, m: Tensor) => {
      const next = m.mul(0.9).add(x.sub(x.sum().mul(0.01)).mul(0.1));
      return [x.sub(next.mul(next.max())), next];
    });
    let [x, m] = [
      tensor(numbers(9), { dtype: "float64" }).to(backend()),
      zeros([9], { dtype: "float64" }).to(backend()),
    ];
    const advance = (n: number): void => {
      for (let i = 0; i < n; i++) {
        const [y, k] = step(x, m);
        x.dispose();
        m.dispose();
        [x, m] = [y, k];
      }
    };
    advance(20);
    const state = (): object => ({ blocks: card.liveAllocations(), graphs: card.liveGraphs(), ...backend().memory() });
    const before = state();
    const [graphs, allocations, captures] = calls(["cuGraphLaunch", "cuMemAllocAsync", "cuStreamBeginCapture_v2"], () =>
      advance(10_000),
    );
    expect(state()).toEqual(before);
    expect([graphs, allocations, captures]).toEqual([10_000, 0, 0]);
    expect(x.dataSync().every(Number.isFinite)).toBe(true);
  });

  test("what lies elsewhere at every call is copied to a place that stays", () => {
    const f = jit((x: Tensor) => x.sub(x.max()).exp().div(x.sub(x.max()).exp().sum()).mul(x.sum()).add(x.min()));
    const plain = (x: Float64Array): TypedArray => f(tensor(x, { dtype: "float64" })).dataSync();
    // All inputs and results are kept, so that none has the address of another.
    const kept: Tensor[] = [];
    let copies = 0;
    for (let i = 0; i < 30; i++) {
      const data = numbers(50, i);
      const x = tensor(data, { dtype: "float64" }).to(backend());
      let y: Tensor | null = null;
      [copies] = calls(["cuMemcpyDtoDAsync_v2"], () => (y = f(x)));
      kept.push(x, y!);
      const expected = plain(data);
      y!.dataSync().forEach((got, k) => expect(got).toBeCloseTo(expected[k], 12));
    }
    expect(copies).toBe(2);
    expect(calls(["cuGraphLaunch", "cuLaunchKernel"], () => kept.push(f(kept[0])))).toEqual([1, 0]);
    kept.forEach((x) => x.dispose());
  });

  test("the body of a loop is a graph; its condition is read", () => {
    const A = tensor(Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 4 : 1 / (1 + Math.abs((i % 6) - Math.floor(i / 6))))), { dtype: "float64" }).reshape([6, 6]); // prettier-ignore
    const solve = (b: Tensor, matrix: Tensor): Tensor => {
      const start = { x: b.mul(0), r: b, p: b, i: tensor(0, { dtype: "int32" }) };
      return whileLoop(
        ({ r, i }) => logicalAnd(r.square().sum().greater(1e-20), i.less(40)),
        ({ x, r, p, i }) => {
          const Ap = matrix.matmul(p);
          const alpha = r.square().sum().div(p.mul(Ap).sum());
          const next = r.sub(Ap.mul(alpha));
          const beta = next.square().sum().div(r.square().sum());
          return { x: x.add(p.mul(alpha)), r: next, p: next.add(p.mul(beta)), i: i.add(1) };
        },
        start,
      ).x;
    };
    const b = tensor(numbers(6), { dtype: "float64" });
    const expected = solve(b, A).dataSync();
    const compiled = jit(solve);
    const [there, matrix] = [b.to(backend()), A.to(backend())];
    const [graphs] = calls(["cuGraphLaunch"], () => {
      compiled(there, matrix).dataSync().forEach((got, i) => expect(got).toBeCloseTo(expected[i], 10)); // prettier-ignore
    });
    expect(graphs).toBeGreaterThan(3);
  });

  test("a driver that refuses to record, or to keep, a graph gets its launches one by one", () => {
    for (const [name, code] of [
      ["cuStreamBeginCapture_v2", 900],
      ["cuStreamEndCapture", 901],
      ["cuGraphInstantiateWithFlags", 2],
    ] as const) {
      const place = cuda({ name: `refused ${name}` });
      const { params, v, loss } = network(place, "float64");
      const product = jit((p: Params, u: Params) => hvp(loss, p, u));
      const result = (): string => {
        const Hv = product(params, v);
        const seen = bytes(Hv.w1.dataSync());
        dispose(Hv);
        return seen;
      };
      const first = result();
      const graphs = card.liveGraphs();
      card.failNext(name, code);
      expect(result()).toBe(first);
      expect(result()).toBe(first);
      expect(place.describe()).toMatch(
        new RegExp(`0 CUDA graphs, replayed 0 times; not recorded: .*${name} returned ${code}`),
      );
      expect(card.liveGraphs()).toBe(graphs);
    }
  });

  test("when memory is short, graphs and arenas go first; disposing a backend leaves none", () => {
    const place = cuda({ name: "short" });
    const graphs = card.liveGraphs();
    const f = jit((x: Tensor) => {
      const y = x.reshape([-1, 1]).mul(x); // 720 kB, read by all that follows
      return [y.sum(0), y.sum(1), y.max(0), y.min(1)];
    });
    const x = tensor(numbers(300), { dtype: "float64" }).to(place);
    const run = (): string => {
      const results = f(x);
      const seen = bytes(results[0].dataSync());
      results.forEach((y) => y.dispose());
      return seen;
    };
    const first = run();
    for (let i = 0; i < 3; i++) expect(run()).toBe(first);
    expect(card.liveGraphs()).toBe(graphs + 1);
    const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
    const { memory, call } = place.device;
    memory.trim();
    call.cuMemGetInfo_v2(free, total);
    card.setMemory(Number(total[0] - free[0]) + 200_000);
    // Fits only in the place of the arena.
    const block = memory.allocate(700_000, () => "a large one");
    expect(card.liveGraphs()).toBe(graphs);
    memory.free(block);
    card.setMemory(Number(total[0]));
    for (let i = 0; i < 3; i++) expect(run()).toBe(first);
    // The first of these calls gets its blocks from the driver, at addresses in any order, and the others in ascending order.
    expect(card.liveGraphs() - graphs).toBeOneOf([1, 2]);
    place.dispose();
    expect(card.liveGraphs()).toBe(graphs);
  });

  test("an arena that does not fit is an error that names what is in it when it is fullest", () => {
    const place = cuda({ name: "small" });
    const f = jit((x: Tensor) => {
      const y = x.reshape([-1, 1]).mul(x);
      return y.sum(0).add(y.sum(1));
    });
    const x = tensor(numbers(400), { dtype: "float64" }).to(place);
    const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
    place.device.memory.trim();
    place.device.call.cuMemGetInfo_v2(free, total);
    card.setMemory(Number(total[0] - free[0]) + 500_000);
    expect(() => f(x)).toThrow(
      /no memory for intermediate results of one call, at their most \d arrays \(160000 float64 of mul \[400,400\].*1\.\d+ MiB were asked for.*\[400\] float64/,
    );
    card.setMemory(Number(total[0]));
    expect(f(x).shape).toEqual([400]);
    place.dispose();
  });

  describe("the fake driver, while it captures", () => {
    const source = 'extern "C" __global__ void add_one(double* x, int n) { for (int i = 0; i < n; i++) x[i] += 1.0; }';
    const begin = (place: CudaBackend): void => place.device.call.cuStreamBeginCapture_v2(place.device.stream, 1);
    const out = new BigUint64Array(1);

    test("runs nothing until the graph is launched, and then every time", () => {
      const { device } = backend();
      const kernel = device.kernel(source, "add_one");
      const x = device.memory.allocate(32, () => "x");
      device.call.cuMemsetD8Async(x.address, 0, 32, device.stream);
      const read = (): number[] => {
        const values = new Float64Array(4);
        device.call.cuMemcpyDtoHAsync_v2(values, x.address, 32, device.stream);
        device.synchronize();
        return [...values];
      };
      const recording = device.record(() =>
        device.launch(kernel, { x: 1 }, 1, [x.address, { type: "int32", value: 3 }], "add_one"),
      );
      expect(read()).toEqual([0, 0, 0, 0]);
      device.replay(recording);
      device.replay(recording);
      expect(read()).toEqual([2, 2, 2, 0]);
      device.forget(recording);
      device.memory.free(x);
    });

    test("refuses what must not be done, with the driver's numbers, and loses the capture", () => {
      const { device } = backend();
      const { raw } = device.driver;
      expect(raw.cuStreamEndCapture(device.stream, out)).toBe(401);
      expect(raw.cuStreamBeginCapture_v2(null, 1)).toBe(900);
      for (const forbidden of [
        () => raw.cuStreamSynchronize(device.stream),
        () => raw.cuCtxSynchronize(),
        () => raw.cuMemAllocAsync(out, 512, device.stream),
        () => raw.cuModuleLoadData(out, new Uint8Array(16)),
        () => raw.cuMemcpyDtoHAsync_v2(new Uint8Array(8), 0n, 8, device.stream),
      ]) {
        begin(backend());
        expect(raw.cuStreamBeginCapture_v2(device.stream, 1)).toBe(401);
        expect(forbidden()).toBe(900);
        // Lost: whatever is asked of the stream from here on.
        expect(forbidden()).toBe(901);
        expect(raw.cuStreamEndCapture(device.stream, out)).toBe(901);
        expect(out[0]).toBe(0n);
      }
      begin(backend());
      const event = device.takeEvent();
      device.call.cuEventRecord(event, device.stream);
      expect(raw.cuEventQuery(event)).toBe(907);
      expect(raw.cuStreamEndCapture(device.stream, out)).toBe(901);
      device.call.cuEventRecord(event, device.stream);
      device.returnEvent(event);
      expect(device.isDone(event)).toBe(true);
    });
  });

  // The last two leave the fake card dead, and revive it.
  test("a kernel that fails inside a graph: the error names what was in it, and the CPU goes on", () => {
    const place = cuda({ name: "doomed" });
    const { params, v, loss } = network(place, "float64");
    const product = jit((p: Params, u: Params) => hvp(loss, p, u));
    for (let i = 0; i < 3; i++) product(params, v).w1.dataSync();
    card.failKernel(3, 700);
    const failed = (): unknown => product(params, v).w1.dataSync();
    expect(failed).toThrow(CudaError);
    expect(failed).toThrow(/700 \(CUDA_ERROR_ILLEGAL_ADDRESS\).*a graph of \d+ launches \(.*dot 1 × .*\)/);
    expect(() => place.device.checkAlive()).toThrow(/700/);
    expect(tensor([1, 2]).add(1).dataSync()).toEqual(Float32Array.of(2, 3));
    card.failKernel(-1, 0);
    card.revive();
  });

  test("a graph that is launched after its memory was freed is found out", () => {
    const place = cuda({ name: "freed" });
    const { device } = place;
    const kernel = device.kernel('extern "C" __global__ void put(double* x) { x[0] = 1.0; }', "put");
    device.call.cuMemAllocAsync(out64, 512, device.stream);
    const [address] = out64;
    const recording = device.record(() => device.launch(kernel, { x: 1 }, 1, [address], "put"));
    device.replay(recording);
    device.synchronize();
    device.call.cuMemFreeAsync(address, device.stream);
    device.replay(recording);
    expect(() => device.synchronize()).toThrow(/700.*a graph of 1 launches \(put\)/);
    card.revive();
  });
});

const out64 = new BigUint64Array(1);
