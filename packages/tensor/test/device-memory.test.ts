/** What a device holds: graphs keep their constants and free what no later step reads, whatever scope is around the call. */

import { expect, test } from "vitest";
import { grad, jit, scan, sum, tensor, tidy, use, type Tensor } from "../src/index.js";
import { fakeDevice, type FakeDevice } from "./support/fake-device.js";

async function on(f: (device: FakeDevice) => Promise<void>): Promise<void> {
  const device = fakeDevice("device memory");
  use(device);
  try {
    await f(device);
  } finally {
    use("cpu");
  }
}

test("a compiled function that was first called in a tidy keeps its constants", () =>
  on(async () => {
    const f = jit((x: Tensor) => x.mul(tensor([1, 2])).add(3));
    const gradient = jit(grad((x: Tensor) => sum(x.mul(tensor([1, 2])).tanh())));
    const x = tensor([1, 1]);
    for (let i = 0; i < 3; i++) {
      const y = tidy(() => f(x));
      expect(await y.array()).toEqual([4, 5]);
      const g = tidy(() => gradient(x));
      expect((await g.data())[0]).toBeCloseTo(1 - Math.tanh(1) ** 2, 6);
    }
  }));

test("disposing a result that is a constant of the graph does not take it from the graph", () =>
  on(async () => {
    const slope = jit(grad((x: Tensor) => sum(x.mul(tensor([5, 7])))));
    const x = tensor([1, 1]);
    for (let i = 0; i < 3; i++) {
      const g = slope(x);
      expect(await g.array()).toEqual([5, 7]);
      g.dispose();
    }
  }));

test("intermediate values are freed without a tidy", () =>
  on(async (device) => {
    const f = jit((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 20; i++) y = y.mul(y).tanh();
      return y;
    });
    const x = tensor([1, 2]);
    f(x).dispose();
    const before = device.live();
    f(x).dispose();
    expect(device.live()).toBe(before);
  }));

test("scan frees carries, and keeps those that it stacks", () =>
  on(async (device) => {
    const f = jit((x: Tensor) =>
      scan(
        (c: Tensor, _: Tensor) => {
          const next = c.mul(2);
          return [next, next] as const;
        },
        x,
        tensor([0, 0, 0]),
      ),
    );
    const x = tensor([1, 2]);
    const run = async (): Promise<void> => {
      const [last, all] = f(x);
      expect(await last.array()).toEqual([8, 16]);
      expect(await all.array()).toEqual([[2, 4], [4, 8], [8, 16]]); // prettier-ignore
      last.dispose();
      all.dispose();
    };
    await run();
    const before = device.live();
    await run();
    expect(device.live()).toBe(before);
  }));
