/** Several cards in one process: whose array is whose, and collectives by NCCL and by the host. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpu, grad, isCurvError, jit, mul, tensor, tidy, use, zeros, type DType, type Tensor } from "@curv/tensor";
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, cudaGroup, type CudaBackend, type CudaGroup, type Reduction } from "../src/index.js";
import { fakeCard, withNccl, type FakeCard, type FakeNccl } from "./fake/build.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();
const card = made as FakeCard;
const folders = process.env.CURV_CUDA_LIB_DIR;
const nccl = typeof made === "string" ? null : withNccl(made);

afterEach(() => use("cpu"));

describe("on fake cards", () => {
  beforeEach(({ skip }) => skip(nccl === null, String(made)));

  const places: CudaBackend[] = [];
  beforeAll(() => {
    if (nccl === null) return;
    card.setDevices(3);
    for (let device = 0; device < 3; device++) places.push(cuda({ device }));
  });
  afterAll(() => {
    for (const place of places) place.dispose();
    if (nccl === null) return;
    expect([nccl.live(), card.liveAllocations()]).toEqual([0, 0]);
    card.setDevices(1);
  });
  const library = nccl as FakeNccl;
  const on = (xs: readonly Tensor[]): Tensor[] => xs.map((x, i) => x.to(places[i]));
  const read = (xs: readonly Tensor[]): number[][] => xs.map((x) => [...x.dataSync()]);

  describe("arrays", () => {
    test("each card has a name of its own, and its arrays are refused on the others", () => {
      expect(places.map(({ name }) => name)).toEqual(["cuda", "cuda-1", "cuda-2"]);
      const [x, y] = on([tensor([1, 2, 3]), tensor([4, 5, 6])]);
      expect(() => x.add(y)).toThrow(/operands live on cuda and cuda-1; move one with \.to\("cuda"\)/);
      expect(() => jit((a: Tensor, b: Tensor) => a.mul(b).add(1).sum())(x, y)).toThrow(/live on cuda and cuda-1/);
      expect([...x.to(places[1]).add(y).dataSync()]).toEqual([5, 7, 9]);
    });

    test("two backends of one name: a compiled function is compiled for each", () => {
      const [a, b] = [0, 1].map((device) => cuda({ device, name: "one-name" }));
      const f = jit((x: Tensor) => x.exp().sum());
      const sums = [a, b].map((place) => f(tensor([1, 2, 3]).to(place)));
      expect(sums.map((y) => y.owner)).toEqual([a, b]);
      expect(sums[1].dataSync()).toEqual(sums[0].dataSync());
      for (const y of sums) y.dispose();
      a.dispose();
      b.dispose();
    });
  });

  const ways = ["nccl", "host"] as const;
  const dtypes: readonly DType[] = ["float32", "float64", "int32", "uint32"];
  const operations: readonly Reduction[] = ["sum", "max", "min", "avg"];

  describe.each(ways)("by %s", (collectives) => {
    let group: CudaGroup;
    beforeAll(() => {
      if (nccl !== null) group = cudaGroup(places, { collectives });
    });
    afterAll(() => group?.dispose());

    const values = (i: number, dtype: DType): Tensor =>
      tensor(Array.from({ length: 6 }, (_, j) => (dtype === "uint32" ? 7 * i + j : (j % 3) * (i - 1) + j)), { dtype }).reshape([6, 1]); // prettier-ignore

    test.each(dtypes)("%s: reductions are those of the CPU, on every card", (dtype) => {
      const given = [0, 1, 2].map((i) => values(i, dtype));
      const before = library.ran();
      for (const op of operations.filter((o) => o !== "avg" || dtype.startsWith("float"))) {
        const [a, b, c] = given;
        const by = { sum: a.add(b).add(c), avg: a.add(b).add(c).div(3), max: a.maximum(b).maximum(c), min: a.minimum(b).minimum(c) }; // prettier-ignore
        const wanted = [...by[op].dataSync()];
        const all = group.allReduce(on(given), op);
        expect(all.map((y) => [y.dtype, y.shape, y.backend])).toEqual(places.map(({ name }) => [dtype, [6, 1], name])); // prettier-ignore
        const parts = group.reduceScatter(on(given), op);
        expect(parts.map(({ shape }) => shape)).toEqual(Array(3).fill([2, 1]));
        for (const got of [...read(all), read(parts).flat()])
          got.forEach((y, j) => expect(Math.abs(y - wanted[j])).toBeLessThanOrEqual(op === "avg" ? 1e-6 : 0));
      }
      expect(library.ran() > before).toBe(collectives === "nccl");
    });

    test("what NCCL takes for a missing number, NaN, is on all cards what it is on one", () => {
      const given = on([tensor([NaN, 1, 5]), tensor([2, NaN, 4]), tensor([3, 0, -Infinity])]);
      expect(read(group.allReduce(given, "max"))).toEqual(Array(3).fill([NaN, NaN, 5]));
      expect(read(group.allReduce(given, "min"))).toEqual(Array(3).fill([NaN, NaN, -Infinity]));
      expect(read(group.reduceScatter(given, "max"))).toEqual([[NaN], [NaN], [5]]);
    });

    test("rows of all cards, and the tree of one, on every card", () => {
      const rows = on([0, 1, 2].map((i) => tensor([[i, i + 0.5]])));
      expect(read(group.allGather(rows))).toEqual(Array(3).fill([0, 0.5, 1, 1.5, 2, 2.5]));
      expect(group.allGather(rows)[1].shape).toEqual([3, 2]);
      const tree = { w: tensor([1, 2]).to(places[1]), flags: [tensor([true, false]).to(places[1]), null] };
      for (const [i, { w, flags }] of group.broadcast(tree).entries()) {
        expect([w.backend, ...w.dataSync()]).toEqual([places[i].name, 1, 2]);
        expect([flags[0]!.dtype, ...flags[0]!.dataSync(), flags[1]]).toEqual(["bool", 1, 0, null]);
      }
      const none = on([0, 1, 2].map(() => zeros([0, 4])));
      expect(group.allGather(none)[2].shape).toEqual([0, 4]);
      expect(group.allReduce(none, "sum")[0].size).toBe(0);
    });

    test("a loop of collectives holds memory flat", () => {
      const given = on([0, 1, 2].map((i) => tensor([1 + i, 2], { dtype: "float64" })));
      const step = (): void => void tidy(() => void group.allReduce(given, "max").map((y) => y.sum().itemSync()));
      step();
      const before = places.map((place) => place.memory().bytes);
      for (let i = 0; i < 20; i++) step();
      expect(places.map((place) => place.memory().bytes)).toEqual(before);
    });

    test("gradients of the parts of a batch add up to that of the whole, step by step", () => {
      const loss = (w: { a: Tensor; b: Tensor }, x: Tensor, y: Tensor): Tensor => mul(x.matmul(w.a).add(w.b).tanh().sub(y).square().sum(), 1 / 12); // prettier-ignore
      const gradient = jit(grad(loss));
      const X = tensor(Array.from({ length: 48 }, (_, i) => Math.sin(i)), { dtype: "float64" }).reshape([12, 4]); // prettier-ignore
      const Y = tensor(
        Array.from({ length: 12 }, (_, i) => Math.cos(i)),
        { dtype: "float64" },
      );
      let one = { a: tensor([0.1, -0.2, 0.3, 0.4], { dtype: "float64" }), b: tensor(0.5, { dtype: "float64" }) };
      let many = group.broadcast({ a: one.a.to(places[0]), b: one.b.to(places[0]) });
      const shards = places.map((place, i) => [X, Y].map((t) => t.slice([4 * i, 4 * i + 4]).to(place)));
      for (let step = 0; step < 5; step++) {
        const whole = gradient(one, X, Y);
        one = { a: one.a.sub(whole.a.mul(0.5)), b: one.b.sub(whole.b.mul(0.5)) };
        const sums = group.allReduce(many.map((w, i) => gradient(w, shards[i][0], shards[i][1])), "sum"); // prettier-ignore
        many = many.map((w, i) => ({ a: w.a.sub(sums[i].a.mul(0.5)), b: w.b.sub(sums[i].b.mul(0.5)) }));
      }
      for (const w of many) {
        w.a.dataSync().forEach((y, i) => expect(y).toBeCloseTo(one.a.dataSync()[i], 13));
        expect(w.b.itemSync()).toBeCloseTo(one.b.itemSync(), 13);
        expect([...w.a.dataSync()]).toEqual([...many[0].a.dataSync()]);
      }
    });

    test("what does not go together is refused by its name", () => {
      const xs = on([tensor([1, 2, 3]), tensor([1, 2, 3]), tensor([1, 2, 3])]);
      const [a, b, c] = xs;
      const refused = (f: () => unknown, message: RegExp): void => expect(f).toThrow(message);
      refused(() => group.allReduce([a, b], "sum"), /allReduce: there are 2 trees for 3 cards/);
      refused(() => group.allReduce([a, c, b], "sum"), /trees\[1\] lives on cuda-2; wants it on cuda-1: move it with/);
      refused(() => group.allReduce([{ w: a }, { w: b }, { w: tensor([1, 2, 3]) }], "sum"), /trees\[2\]\.w lives on cpu/); // prettier-ignore
      refused(() => group.allReduce([a, b, c.slice([0, 2])], "sum"), /trees\[0\] has shape \[3\], but trees\[2\] has \[2\]/); // prettier-ignore
      refused(() => group.allReduce([a, b, c.cast("int32")], "sum"), /trees\[0\] is float32, but trees\[2\] is int32/);
      refused(() => group.allReduce([a, b, { c } as unknown as Tensor], "sum"), /trees\[2\] has another structure/);
      refused(() => group.allReduce(xs, "mean" as Reduction), /op is mean; wants "sum", "max", "min" or "avg"/);
      refused(() => group.allReduce(xs.map((x) => x.cast("int32")), "avg"), /int32, whose average is no int32/); // prettier-ignore
      refused(() => group.reduceScatter(xs.map((x) => x.cast("bool")), "sum"), /is bool; wants numbers/); // prettier-ignore
      refused(() => group.reduceScatter(xs.map((x) => x.slice([0, 2])), "sum"), /shape \[2\]; wants a first axis that 3/); // prettier-ignore
      refused(() => group.allGather(xs.map((x) => x.sum())), /trees\[0\] is a scalar/);
      refused(() => group.broadcast(tensor([1])), /tree lives on cpu; wants it on cuda/);
      refused(() => group.broadcast([a, b]), /tree\[1\] lives on cuda-1; wants it on cuda:/);
      refused(() => jit((x: Tensor) => group.broadcast(x)[0])(a), /inside a transformation/);
      refused(() => grad((x: Tensor) => group.allReduce([x, x, x], "sum")[0].sum())(a), /inside a transformation/);
      const gone = tensor([1, 2, 3]).to(places[0]);
      gone.dispose();
      refused(() => group.allReduce([gone, b, c], "sum"), /trees\[0\] was disposed/);
    });
  });

  describe("a group", () => {
    test("is of different cards, which are open", () => {
      const again = cuda({ device: 1, name: "again" });
      expect(() => cudaGroup([])).toThrow(/backends is empty/);
      expect(() => cudaGroup(undefined as never)).toThrow(/backends is undefined; wants an array/);
      expect(() => cudaGroup([places[1], again])).toThrow(/cuda-1 and again are both of card 1/);
      expect(() => cudaGroup([cpu as unknown as CudaBackend])).toThrow(/must come from cuda/);
      expect(() => cudaGroup(places, { collectives: "mpi" as "host" })).toThrow(/wants "nccl" or "host"/);
      again.dispose();
      expect(() => cudaGroup([places[0], again])).toThrow(/again was disposed/);
    });

    test("works where cards have no way between them, and needs it opened where they have", () => {
      for (const there of [false, true]) {
        card.setPeers(there);
        const opened = card.count("cuMemPoolSetAccess");
        const group = cudaGroup(places);
        expect(card.count("cuMemPoolSetAccess") - opened).toBe(there ? 6 : 0);
        expect(read(group.allReduce(on([tensor([1]), tensor([2]), tensor([3])]), "sum"))).toEqual([[6], [6], [6]]);
        expect(() => group.allReduce(null as never, "sum")).toThrow(/allReduce: trees is null; wants an array/);
        group.dispose();
      }
    });
  });
});

describe("cards that are lost", () => {
  beforeEach(({ skip }) => skip(nccl === null, String(made)));
  const library = nccl as FakeNccl;
  let count = 0;
  const two = (): [CudaBackend, CudaBackend] => {
    card.setDevices(2);
    return [0, 1].map((device) => cuda({ device, name: `lost-${count++}` })) as [CudaBackend, CudaBackend];
  };
  afterEach(() => card.revive());
  afterAll(() => {
    if (nccl !== null) card.setDevices(1);
  });

  test("a kernel that touches another card's array fails, and only its card is lost", () => {
    card.setPeers(true);
    const [a, b] = two();
    const x = zeros([8]).to(b);
    const kernel = a.device.kernel('extern "C" __global__ void peek(float* x) { x[threadIdx.x] = 1.0f; }', "peek");
    a.device.launch(kernel, { x: 1 }, 8, [b.bufferOf(x.buffer, "float32").address], "the one that reaches over");
    expect(() => a.device.synchronize()).toThrow(/700.*the one that reaches over/);
    expect([...x.add(1).dataSync()]).toEqual(Array(8).fill(1));
  });

  test("a collective whose cards may not read each other is named by the next read", () => {
    const [a, b] = two();
    const group = cudaGroup([a, b]);
    const xs = [tensor([1]).to(a), tensor([2]).to(b)];
    // Closes what the group opened.
    card.setPeers(true);
    const [torn] = group.allReduce(xs, "sum");
    expect(() => torn.dataSync()).toThrow(/700.*allReduce of \[1\] float32 over 2 cards/);
    expect(() => group.allReduce(xs, "sum")).toThrow(/700.*allReduce of/);
    group.dispose();
  });

  test("what NCCL refuses, or found wrong since, is an error, and the end of the group", () => {
    const [a, b] = two();
    const xs = [tensor([1]).to(a), tensor([2]).to(b)];
    const [refused, late] = [cudaGroup([a, b]), cudaGroup([a, b])];
    const live = library.live();
    library.failNext(3);
    const attempt = (): unknown => refused.allReduce(xs, "sum");
    expect(attempt).toThrow(/ncclGroupEnd returned 3 \(ncclInternalError\): as the test asked\. NCCL_DEBUG.*The group is lost/); // prettier-ignore
    expect(attempt).toThrow(/ncclGroupEnd returned 3/);
    library.setAsyncError(6);
    expect(() => late.allReduce(xs, "sum")).toThrow(/a collective returned 6 \(ncclRemoteError\)/);
    library.setAsyncError(0);
    expect(live - library.live()).toBe(4);
    // The cards go on.
    const next = cudaGroup([a, b]);
    expect(next.allReduce(xs, "sum").map((y) => y.itemSync())).toEqual([3, 3]);
    // A group does not outlive its cards.
    b.dispose();
    expect(() => next.allReduce(xs, "sum")).toThrow(/the group was disposed/);
    expect(() => late.dispose()).not.toThrow();
    a.dispose();
    expect(library.live()).toBe(live - 4);
  });

  test("the README's example: the average of two cards' gradients is that of the whole batch", async () => {
    card.setDevices(2);
    const directory = fileURLToPath(new URL("..", import.meta.url));
    const [, code] = /```ts no-run\n([^`]*cudaGroup[^`]*)```/.exec(readFileSync(join(directory, "README.md"), "utf8"))!;
    const folder = join(directory, ".cache/group");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `example-${process.pid}.ts`);
    writeFileSync(file, code);
    const printed: Float32Array[][] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...values) => void printed.push(values as Float32Array[]));
    try {
      await import(/* @vite-ignore */ file);
    } finally {
      log.mockRestore();
      rmSync(folder, { recursive: true, force: true });
    }
    const [[average, whole]] = printed;
    expect(average.length).toBe(2);
    average.forEach((y, i) => expect(y).toBeCloseTo(whole[i], 4));
    expect(Math.abs(average[0])).toBeGreaterThan(1);
  });

  test("without NCCL there is no group, unless the host is asked for", () => {
    const places = two();
    const all = process.env.CURV_CUDA_LIB_DIR;
    process.env.CURV_CUDA_LIB_DIR = folders;
    let error: unknown;
    try {
      cudaGroup(places);
    } catch (thrown) {
      error = thrown;
    }
    // A machine may have the library itself.
    if (error !== undefined) {
      expect(isCurvError(error, "CURV_BACKEND")).toBe(true);
      expect(String(error)).toMatch(/nccl was not found; install NCCL.*pip install nvidia-nccl-cu13.*Tried:/);
    }
    const group = cudaGroup(places, { collectives: "host" });
    process.env.CURV_CUDA_LIB_DIR = all;
    const xs = places.map((place) => tensor([1, 2]).to(place));
    expect(group.allReduce(xs, "avg").map((y) => [...y.dataSync()])).toEqual([[1, 2], [1, 2]]); // prettier-ignore
    for (const place of places) place.dispose();
  });
});
