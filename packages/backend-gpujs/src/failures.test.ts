/** What goes wrong on a device is an error with a reason, where its result is read; the CPU goes on, and nothing is left behind. */

import {
  BackendError,
  bind,
  definePrimitive,
  registerLowering,
  tensor,
  zeros,
  type Aval,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import { expect, test } from "vitest";
import { gpujs, type GpujsBackend, type GpujsError, type GpujsFunctions, type GpuLibrary } from "./index.js";

const real = (await import("gpu.js")) as unknown as GpuLibrary;

/** gpu.js whose kernels fail while `fault` is set, as a driver does. */
function faulty(): { library: GpuLibrary; fault: { error: Error | null } } {
  const fault: { error: Error | null } = { error: null };
  class Gpu extends real.GPU {
    override createKernel(...args: Parameters<InstanceType<GpuLibrary["GPU"]>["createKernel"]>): never {
      const kernel = super.createKernel(...args);
      return new Proxy(kernel, {
        apply: (target, self, operands) => {
          if (fault.error !== null) throw fault.error;
          return Reflect.apply(target, self, operands) as unknown;
        },
      }) as never;
    }
  }
  return { library: { GPU: Gpu, input: real.input }, fault };
}

async function failure(f: () => unknown): Promise<GpujsError> {
  try {
    await f();
  } catch (error) {
    expect(error).toBeInstanceOf(BackendError);
    return error as GpujsError;
  }
  throw new Error("nothing was thrown");
}

const faults: readonly (readonly [reason: string, Error, goesOn: boolean])[] = [
  ["out-of-memory", new RangeError("Array buffer allocation failed"), true],
  ["limit", new Error("output of 9000000000 bytes but this device allows 1073741824 bytes per buffer"), true],
  ["device-lost", new Error("WebGPU device was lost; call kernel.destroy() and run again"), false],
];

for (const asynchronous of [false, true]) {
  test.each(faults)(`%s${asynchronous ? ", of a device that is waited for" : ""}`, async (reason, error, goesOn) => {
    const { library, fault } = faulty();
    const backend = await gpujs({ mode: "webasm", library, asynchronous });
    const x = tensor([1, 2, 3]).to(backend);
    const y = x.add(1);
    expect([...(await y.data())]).toEqual([2, 3, 4]);
    const before = backend.memory();
    fault.error = error;
    const thrown = await failure(() => y.mul(5).exp().data());
    fault.error = null;
    expect(thrown.reason).toBe(reason);
    expect(thrown.message).toMatch(/mul|exp/);
    expect(backend.memory().arrays).toBe(before.arrays);
    expect(await tensor([1, 2]).sum().item()).toBe(3);
    if (goesOn) expect([...(await y.mul(5).data())]).toEqual([10, 15, 20]);
    else expect((await failure(() => y.mul(5).data())).reason).toBe(reason);
    const other = await gpujs({ mode: "webasm" });
    expect([...(await tensor([1, 2]).to(other).add(1).data())]).toEqual([2, 3]);
    await other.dispose();
  });
}

/** A primitive whose function for gpu.js is this text. */
function withSource(name: string, body: string): Primitive<null> {
  const primitive = definePrimitive<null>({ name, shape: ([x]) => [x as Aval] });
  const functions: GpujsFunctions = { functions: () => [[`c_${name}`, ["x"], body]], nameOf: () => `c_${name}` };
  registerLowering(primitive, "gpujs", functions);
  return primitive;
}

test("a function that does not compile", async () => {
  const backend = await gpujs({ mode: "webasm" });
  const broken = withSource("broken", "return undeclared * x;");
  const thrown = await failure(() => bind(broken, [tensor([1, 2]).to(backend)], null)[0].data());
  expect(thrown.message).toMatch(/^broken: gpujs \(webasm\): /);
  expect([...tensor([1, 2]).to(backend).add(1).dataSync()]).toEqual([2, 3]);
  const half = withSource("half", "return 0.5 * c_exp(x);");
  expect(bind(half, [tensor([0]).to(backend)], null)[0].itemSync()).toBe(0.5);
});

test("what waits for a device keeps no more on it than what is held", async () => {
  const backend: GpujsBackend = await gpujs({ mode: "webasm", asynchronous: true });
  let x: Tensor = tensor(new Float32Array(1000)).to(backend);
  await x.add(0).data();
  const { peakBytes } = backend.memory();
  for (let i = 0; i < 1000; i++) {
    const next = x.add(1);
    x.dispose();
    x = next;
  }
  expect((await x.data())[0]).toBe(1000);
  expect(backend.memory().peakBytes - peakBytes).toBeLessThanOrEqual(3 * 4000);
});

test.each([false, true])("a page that gives few memories to WebAssembly; asynchronous: %s", async (asynchronous) => {
  const most = 12;
  let used = 0;
  class Gpu extends real.GPU {
    override createKernel(...args: Parameters<InstanceType<GpuLibrary["GPU"]>["createKernel"]>): never {
      const kernel = super.createKernel(...args);
      let has = false;
      return new Proxy(kernel, {
        apply: (target, self, operands) => {
          if (!has && used === most) throw new RangeError("WebAssembly.Memory(): could not allocate memory");
          if (!has) used++;
          has = true;
          return Reflect.apply(target, self, operands) as unknown;
        },
        get: (target, name) =>
          name === "destroy"
            ? () => {
                if (has) used--;
                has = false;
                target.destroy();
              }
            : (Reflect.get(target, name) as unknown),
      }) as never;
    }
  }
  const backend = await gpujs({ mode: "webasm", library: { GPU: Gpu, input: real.input }, asynchronous });
  const kept: Tensor[] = [];
  for (let n = 1; n <= 40; n++) kept.push(zeros([n]).to(backend).add(1));
  for (const [i, x] of kept.entries()) expect([...(await x.data())]).toEqual(new Array<number>(i + 1).fill(1));
  expect(used).toBeLessThanOrEqual(most);
  await backend.dispose();
});
