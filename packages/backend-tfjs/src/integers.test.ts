/** int32 on the engines is that of the CPU to the last bit, at the ends of its range and where it wraps; on those that round integers, or refused. */

import { clip, take, tensor, use } from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { engines, open, whyNot } from "../test/engines.js";
import { integerResults } from "../test/integers.js";
import { roundingEngine } from "../test/rounding-engine.js";
import { backendFromTfjs, fromTfjs, toTfjs } from "./index.js";

let expected: Record<string, number[] | string>;
beforeAll(async () => {
  expected = await integerResults((x) => x);
});

afterEach(async () => {
  use("cpu");
  await tf.setBackend("cpu");
});

test.for(engines)("on the %s engine", async (engine, { skip }) => {
  const reason = whyNot(engine);
  skip(reason !== undefined, reason);
  const backend = await open(engine);
  expect(await integerResults((x) => x.to(backend))).toEqual(expected);
});

describe("on an engine that rounds integers beyond 2^24", () => {
  test("that can be read: the host computes what the engine would round", async () => {
    const backend = backendFromTfjs(roundingEngine("webgl"));
    expect(await integerResults((x) => x.to(backend))).toEqual(expected);
  });

  test("that cannot be read: what may be rounded is refused", async () => {
    const backend = backendFromTfjs(roundingEngine("webgpu"));
    const results = Object.entries(await integerResults((x) => x.to(backend)));
    const isRefused = ([, result]: (typeof results)[number]): boolean =>
      typeof result === "string" && /^BackendError: \w+: tfjs-webgpu .*cannot read synchronously/.test(result);
    const right = results.filter((result) => !isRefused(result));
    expect(Object.fromEntries(right)).toEqual(Object.fromEntries(right.map(([name]) => [name, expected[name]])));
    const small = right.filter(([name]) => name.endsWith(", 5 bits")).map(([name]) => name.split(",")[0]);
    const all = Object.keys(expected)
      .filter((name) => name.endsWith(", 5 bits"))
      .map((name) => name.split(",")[0]);
    const refused = all.filter((name) => !small.includes(name));
    expect(refused).toEqual(["pow", "prod", "prod of rows", "cumprod", "pad"]);
  });

  describe.each(["webgl", "webgpu"] as const)("%s", (name) => {
    const backend = backendFromTfjs(roundingEngine(name));
    const floats = [2.7, -2.7, 16777216, 33554436, 2 ** 31, -3e9, NaN, 8388609];
    const integers = [2, -2, 16777216, 33554436, 2 ** 31 - 1, -(2 ** 31), 0, 8388609];
    const data = tensor(Float32Array.from(floats)).to(backend).cast("int32");

    test("floats become integers of their range, and can be moved, chosen and compared", async () => {
      expect(await data.array()).toEqual(integers);
      expect(await data.cast("float32").array()).toEqual(integers.map(Math.fround));
      expect(await data.reshape(2, 4).T.array()).toEqual([0, 1, 2, 3].map((i) => [integers[i], integers[4 + i]]));
      expect(await data.less(3).array()).toEqual(integers.map((v) => v < 3));
      expect(await data.equal(2).array()).toEqual(integers.map((v) => v === 2));
      expect(Array.from(toTfjs(data.slice([0, 3])).dataSync())).toEqual([2, -2, 16777216]);
    });

    test("once bounded, they are what others are", async () => {
      const fresh = tensor(Float32Array.from(floats)).to(backend).cast("int32");
      expect(await clip(fresh, -3, 1000).mul(3).array()).toEqual(
        integers.map((v) => 3 * Math.min(Math.max(v, -3), 1000)),
      );
      const rows = take(tensor([5, 6, 7]).to(backend), clip(fresh, 0, 2));
      expect(await rows.array()).toEqual(integers.map((v) => [5, 6, 7][Math.min(Math.max(v, 0), 2)]));
    });

    test("those of the engine itself count as unknown until they were read", async () => {
      const x = fromTfjs(backend.tf.tensor([1, 2, 3] as never, [3] as never, "int32" as never), backend);
      if (name === "webgpu") expect(() => x.add(x)).toThrow(/add: tfjs-webgpu rounds integers beyond 2\^23/);
      await x.data();
      expect(await x.add(x).array()).toEqual([2, 4, 6]);
    });
  });
});
