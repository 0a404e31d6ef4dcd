/** What the reference values do not show: where tensors live, reading, NaN in branches, Python's rules by exhaustion. */

import { afterEach, describe, expect, it } from "vitest";
import * as curv from "../src/index.js";
import { BackendError, bind, definePrimitive, tensor, use, zeros, type Backend, type Tensor } from "../src/index.js";
import * as linalg from "../src/linalg/index.js";
import { fakeDevice } from "./support/fake-device.js";

afterEach(() => use("cpu"));

const failing = definePrimitive<null>({
  name: "failing",
  shape: ([x]) => [x],
  lower: () => {
    throw new Error("a kernel's own words");
  },
});

describe("placement", () => {
  const device = fakeDevice("device");
  const other = fakeDevice("other");
  it("numbers and fresh tensors follow the operand that was placed", async () => {
    const x = tensor([1, 2]).to(device);
    const y = x.add(tensor([10, 20])).mul(2);
    expect(y.backend).toBe("device");
    expect(tensor([10, 20]).add(x).backend).toBe("device");
    expect(await y.array()).toEqual([22, 44]);
    expect(curv.where(tensor([true, false]), x, 0).backend).toBe("device");
  });
  it("what a placed tensor made is placed", () => {
    const x = tensor([1, 2]).to(device);
    expect(() => x.add(1).add(tensor([1, 2]).to(other))).toThrow('move one with .to("device")');
    expect(() => x.add(tensor([1, 2]).to("cpu"))).toThrow("operands live on device and cpu");
  });
  it("fresh tensors may meet from two defaults; the present default computes", () => {
    const a = tensor([1]);
    use(device);
    const b = tensor([2]);
    expect([a.backend, b.backend]).toEqual(["cpu", "device"]);
    expect(a.add(b).backend).toBe("device");
  });
  it("use sets the default and moves nothing", async () => {
    const before = tensor([1]);
    use(device);
    expect(before.backend).toBe("cpu");
    expect(zeros([2]).backend).toBe("device");
    expect(await curv.arange(3).array()).toEqual([0, 1, 2]);
    expect(curv.backends()).toContain("device");
    use("cpu");
    expect(zeros([2]).backend).toBe("cpu");
  });
  it("gradients are computed where the parameters live", async () => {
    const x = tensor([1, 2]).to(device);
    const g = curv.grad((v: Tensor) => v.square().sum())(x);
    expect(g.backend).toBe("device");
    expect(await g.array()).toEqual([2, 4]);
  });
  it("jit runs on the device", async () => {
    const x = tensor([1, 2]).to(device);
    expect(
      await curv
        .jit((v: Tensor) => v.add(1).tanh())(x)
        .array(),
    ).toEqual(tensor([2, 3]).tanh().arraySync());
  });
  describe("a primitive that the device lacks is named, with what to do", () => {
    const lacking = (kind: string, syncRead: boolean): Backend => {
      const poor = { ...fakeDevice("poor", ["tanh"]), kind };
      return syncRead ? { ...poor, downloadSync: () => new Float32Array(1) } : poor;
    };
    const onCpu = 'move the operands with .to("cpu")';
    const byReading =
      'read the operands, and compute it on the CPU: use("cpu"), then tensor(await x.array(), { dtype: x.dtype }) for each';
    const opened = (call: string): string => `, or open the backend as ${call}: the CPU then does it, on copies`;
    it.each([
      ["fake", true, onCpu],
      ["fake", false, byReading],
      ["cuda", true, onCpu + opened("cuda({ hostFallback: true })")],
      ["gpujs", true, onCpu + opened("await gpujs({ hostFallback: true })")],
      ["gpujs", false, byReading + opened("await gpujs({ hostFallback: true })")],
      ["tfjs", true, onCpu + opened("backendFromTfjs(tf, { hostFallback: true })")],
      ["tfjs", false, byReading],
    ] as const)("on one of kind %s, read at once: %s", (kind, syncRead, remedy) => {
      const x = tensor([1]).to(lacking(kind, syncRead));
      expect(() => x.tanh()).toThrow(new BackendError(`tanh: poor does not have this operation; ${remedy}.`));
    });
    it("and one that the CPU lacks, too", () => {
      const lost = definePrimitive<null>({ name: "lost", shape: ([x]) => [x] });
      expect(() => bind(lost, [tensor([1]).to(device)], null)).toThrow(
        'lost: device does not have this operation; nor does the CPU: give it a kernel with registerLowering(primitive, "fake", kernel).',
      );
    });
    it("what is advised works where nothing can be read at once", async () => {
      use(fakeDevice("poor", ["tanh"]));
      const x = tensor([[1, 2]]);
      expect(() => x.tanh()).toThrow(byReading);
      use("cpu");
      const y = tensor(await x.array(), { dtype: x.dtype }).tanh();
      expect([y.backend, y.dtype, await y.array()]).toEqual([
        "cpu",
        "float32",
        tensor([[1, 2]])
          .tanh()
          .arraySync(),
      ]);
    });
  });
  it("a failed check of values surfaces at the next read, once", async () => {
    const a = tensor([
      [1, 0],
      [0, -2],
    ]).to(device);
    const l = linalg.cholesky(a);
    await expect(l.data()).rejects.toThrow("matrix is not positive definite: pivot 1 is -2");
    expect(await a.array()).toEqual([
      [1, 0],
      [0, -2],
    ]);
    const taken = curv.take(tensor([1, 2, 3]).to(device), tensor(Int32Array.of(0, 7)).to(device));
    await expect(taken.array()).rejects.toThrow("index 7 at position [1] is out of range");
  });
  it("what follows an operand to a device leaves nothing there", () => {
    const placed = fakeDevice("placed", ["tanh"]);
    const x = tensor([1, 2]).to(placed);
    const fresh = tensor([10, 20]);
    const compiled = curv.jit((v: Tensor) => v.add(zeros([2]).add(3)).mul(fresh));
    for (let i = 0; i < 3; i++) {
      x.add(fresh).dispose();
      compiled(x).dispose();
      expect(() => curv.bind(failing, [x, fresh], null)).toThrow("a kernel's own words");
    }
    expect(placed.live()).toBe(1);
  });
  it("a compiled function is compiled for a backend, not for its name", () => {
    const compiledBy: string[] = [];
    const open = (place: string): Backend => ({
      ...fakeDevice("namesake"),
      compile: () => {
        compiledBy.push(place);
        return null;
      },
    });
    const f = curv.jit((v: Tensor) => v.exp().sum());
    for (const backend of [open("first"), open("second")]) {
      const x = tensor([1, 2]).to(backend);
      f(x);
      f(x);
    }
    expect(compiledBy).toEqual(["first", "second"]);
  });
  it("tensors without elements never reach a backend", async () => {
    const calls = device.ran.length;
    const x = zeros([0, 3]).to(device);
    const y = x.add(1).mul(x);
    expect(device.ran.length).toBe(calls);
    expect([y.backend, y.shape, await y.array()]).toEqual(["device", [0, 3], []]);
    const sum = x.sum(0);
    expect([sum.backend, await sum.array()]).toEqual(["device", [0, 0, 0]]);
  });
});

describe("reading", () => {
  it("array, item, data and their synchronous twins agree", async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { dtype: "uint32" },
    );
    expect(await x.array()).toEqual(x.arraySync());
    expect(await x.data()).toEqual(Uint32Array.of(1, 2, 3, 4));
    expect(await tensor([[7]]).item()).toBe(7);
    expect(tensor(true).itemSync()).toBe(1);
    expect(tensor(true).arraySync()).toBe(true);
    expect(zeros([0]).arraySync()).toEqual([]);
    expect(zeros([2, 0]).arraySync()).toEqual([[], []]);
    expect(zeros([0, 2]).arraySync()).toEqual([]);
  });
});

describe("Python's slices", () => {
  /** x[start:stop:step], by the definition in Python's reference. */
  function python(n: number, start: number | null, stop: number | null, step: number): number[] {
    const clamp = (v: number, lo: number, hi: number): number => Math.min(Math.max(v < 0 ? v + n : v, lo), hi);
    const [lo, hi] = step > 0 ? [0, n] : [-1, n - 1];
    const from = start === null ? (step > 0 ? lo : hi) : clamp(start, lo, hi);
    const to = stop === null ? (step > 0 ? hi : lo) : clamp(stop, lo, hi);
    const out: number[] = [];
    for (let i = from; step > 0 ? i < to : i > to; i += step) out.push(i);
    return out;
  }
  it.each([0, 1, 4])("every start, stop and step of a length of %d", (n) => {
    const x = curv.arange(n);
    const places = [null, -6, -4, -3, -1, 0, 1, 2, 3, 4, 6];
    for (const start of places) {
      for (const stop of places) {
        for (const step of [-5, -2, -1, 1, 2, 3]) {
          expect(x.slice([start, stop, step]).arraySync(), `[${start}:${stop}:${step}]`).toEqual(
            python(n, start, stop, step),
          );
        }
      }
    }
  });
});

describe("NaN and infinities where branches meet", () => {
  it("where: an infinite derivative in the branch not taken gives NaN (documented); cond and a safe argument do not", () => {
    const root = (x: Tensor): Tensor => curv.where(x.less(1), x, x.sqrt());
    expect(curv.grad(root)(tensor(0)).itemSync()).toBeNaN();
    expect(
      curv
        .grad((x: Tensor) =>
          curv.cond(
            x.less(1),
            (v: Tensor) => v,
            (v: Tensor) => v.sqrt(),
            x,
          ),
        )(tensor(0))
        .itemSync(),
    ).toBe(1);
    const rows = curv.vmap(
      curv.grad((x: Tensor) =>
        curv.cond(
          x.less(1),
          (v: Tensor) => v,
          (v: Tensor) => v.sqrt(),
          x,
        ),
      ),
    );
    expect(rows(tensor([0, 4])).arraySync()).toEqual([1, 0.25]);
  });
  it("relu keeps NaN and has derivative 0 at 0; maximum halves a tie", () => {
    expect(curv.relu(tensor([NaN, -1, 0, 2])).arraySync()).toEqual([NaN, 0, 0, 2]);
    expect(
      curv
        .grad((x: Tensor) => curv.relu(x).sum())(tensor([-1, 0, 2]))
        .arraySync(),
    ).toEqual([0, 0, 1]);
    expect(
      curv
        .grad((x: Tensor) => x.maximum(0).sum())(tensor([-1, 0, 2]))
        .arraySync(),
    ).toEqual([0, 0.5, 1]);
    expect(
      curv
        .grad((x: Tensor) => curv.clip(x, 0, 1).sum())(tensor([-1, 0, 0.5, 1, 2]))
        .arraySync(),
    ).toEqual([0, 0.5, 1, 0.5, 0]);
  });
  it("x**0.5 is pow: +0 at −0, ∞ at −∞; sqrt is not", () => {
    const x = tensor([-0, -Infinity, 4, NaN, -1], { dtype: "float64" });
    expect([...x.pow(0.5).dataSync()]).toEqual([0, Infinity, 2, NaN, NaN]);
    expect([...x.sqrt().dataSync()]).toEqual([-0, NaN, 2, NaN, NaN]);
  });
  it("ties of max share the derivative, of maxPool the first takes it", () => {
    expect(
      curv
        .grad((x: Tensor) => x.max())(tensor([1, 3, 3]))
        .arraySync(),
    ).toEqual([0, 0.5, 0.5]);
    const pooled = curv.grad((x: Tensor) => curv.maxPool(x, { window: 2, stride: 1 }).sum())(tensor([[[1, 1, 1]]]));
    expect(pooled.arraySync()).toEqual([[[1, 1, 0]]]);
  });
  it("logSumExp: NaN gradient where all is −∞, 0 where one is", () => {
    const g = curv.grad((x: Tensor) => curv.logSumExp(x));
    expect(g(tensor([-Infinity, -Infinity])).arraySync()).toEqual([NaN, NaN]);
    expect(g(tensor([-Infinity, 0])).arraySync()).toEqual([0, 1]);
  });
});
