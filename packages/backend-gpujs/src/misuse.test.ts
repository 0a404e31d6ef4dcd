/** What is asked for wrongly is refused by a typed error that says what was got and what is wanted; nothing is half done. */

import {
  bind,
  BackendError,
  CurvError,
  definePrimitive,
  DomainError,
  jit,
  makeGraph,
  registerBackend,
  registerLowering,
  tensor,
  use,
  zeros,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import * as exported from "./index.js";
import { gpujs, GpujsBackend, GpujsError } from "./index.js";

const expPrimitive = makeGraph((y: Tensor) => y.exp(), tensor([1])).equations[0].primitive;

let backend: GpujsBackend;
let other: GpujsBackend;
beforeAll(async () => {
  [backend, other] = [await gpujs({ mode: "webasm" }), await gpujs({ mode: "webasm" })];
});
afterEach(() => use("cpu"));

test.each<readonly [unknown, string]>([
  ["webasm", 'gpujs: options is "webasm"; wants an object'],
  [null, "gpujs: options is null; wants an object"],
  [{ mode: "gpu" }, 'gpujs: mode is "gpu"; wants one of webgpu, webgl2, webgl, webasm, cpu'],
  [{ mode: null }, "gpujs: mode is null; wants one of"],
  [{ mode: [] }, "gpujs: mode is []; wants one of"],
  [{ mode: ["webasm", "cuda"] }, 'gpujs: mode is ["webasm","cuda"]; wants one of'],
  [{ mode: "webasm", hostFallback: "yes" }, 'gpujs: hostFallback is "yes"; wants true or false'],
  [{ mode: "webasm", library: {} }, "gpujs: library is {} without GPU or input"],
])("options %j", async (options, message) => {
  const opening = gpujs(options as never);
  await expect(opening).rejects.toThrow(DomainError);
  await expect(opening).rejects.toThrow(message);
});

test("a mode that there is elsewhere says so", async () => {
  await expect(gpujs({ mode: "webgl" })).rejects.toMatchObject({ name: "BackendError", reason: "unsupported" });
});

test("a backend that is registered or used twice stays one", () => {
  registerBackend(backend);
  registerBackend(backend);
  use(backend);
  use(backend.name);
  expect(tensor([1, 2]).add(1).backend).toBe(backend.name);
});

test("what another backend made is refused, and left alone", async () => {
  const [x, y] = [tensor([1, 2]).to(backend), tensor([1, 2]).to(other)];
  expect(() => x.add(y)).toThrow(/operands live on gpujs-webasm\S* and gpujs-webasm/);
  const operand = { buffer: y.buffer, shape: [2], dtype: "float32", weak: false } as const;
  await expect(backend.download(operand)).rejects.toThrow("got a buffer that it did not make");
  await expect(backend.download({ ...operand, buffer: new Float32Array(2) })).rejects.toThrow(BackendError);
  backend.free(y.buffer);
  backend.free(null);
  expect([...y.dataSync()]).toEqual([1, 2]);
  expect(() => backend.explain({} as never)).toThrow("explain: graph is {}; wants what makeGraph returns");
});

describe("every export refuses by a typed error what it cannot take", () => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    1,
    "x",
    [],
    {},
    () => 1,
    [null],
    { shape: [1] },
    10n,
    Symbol("s"),
  ];

  test("the constructor of the backend says how to open one", () => {
    expect(() => new (GpujsBackend as unknown as new () => unknown)()).toThrow(DomainError);
    expect(() => new (GpujsBackend as unknown as new () => unknown)()).toThrow(
      "open a backend with await gpujs({ mode })",
    );
  });

  const methods: Readonly<Record<string, (x: unknown) => unknown>> = {
    gpujs: (x) => (x === undefined ? Promise.reject(new DomainError("has a default")) : gpujs(x as never)),
    "gpujs, mode": (mode) => gpujs({ mode: mode === undefined ? null : mode } as never),
    supports: (x) => backend.supports(x as never),
    upload: (x) => backend.upload(x as never, [1], "float32"),
    "upload, shape": (x) =>
      backend.upload(new Float32Array(1), (Array.isArray(x) && x.length === 0 ? null : x) as never, "float32"),
    "upload, dtype": (x) => backend.upload(new Float32Array(1), [1], x as never),
    download: (x) => backend.download(x as never),
    downloadSync: (x) => backend.downloadSync!(x as never),
    run: (x) => backend.run(x as never, [], null, []),
    "run, inputs": (x) => backend.run(expPrimitive, (Array.isArray(x) && x.length === 0 ? null : x) as never, null, []),
    compile: (x) => backend.compile(x as never),
    explain: (x) => backend.explain(x as never),
    "an executable": (x) => backend.compile(makeGraph((y: Tensor) => y.exp(), tensor([1])))(x as never),
  };
  const names = Object.keys(methods);

  test.each(names)("%s", async (name) => {
    for (const x of wrong) {
      // An object is options that leave all to the defaults.
      if (name === "gpujs" && typeof x === "object" && x !== null && !Array.isArray(x)) continue;
      const error: unknown = await (async () => methods[name](x))().then(
        () => null,
        (e: unknown) => e,
      );
      expect(error, `${name}(${typeof x})`).toBeInstanceOf(CurvError);
      if (name !== "an executable" && x !== undefined) expect((error as Error).message).toContain(name.split(",")[0]);
    }
  });

  test("what is not said to be wrong does nothing", () => {
    for (const x of wrong) backend.free(x);
    expect(new GpujsError("why", "limit")).toMatchObject({ name: "BackendError", reason: "limit", message: "why" });
    expect(Object.keys(exported).sort()).toEqual(["GpujsBackend", "GpujsError", "gpujs"]);
  });
});

test("arrays of no elements are arguments as others are", () => {
  const f = jit((x: Tensor, y: Tensor) => x.sum().add(y));
  expect(f(zeros([0, 3]).to(backend), tensor(2).to(backend)).itemSync()).toBe(2);
});

describe("functions of other packages", () => {
  let count = 0;
  const withLowering = (lowering: unknown): Primitive<null> => {
    const primitive = definePrimitive<null>({ name: `mine${count++}`, shape: ([x]) => [x] });
    registerLowering(primitive, "gpujs", lowering as never);
    return primitive;
  };
  const run = (lowering: unknown): number[] => [
    ...bind(withLowering(lowering), [tensor([0, 1]).to(backend)], null)[0].dataSync(),
  ];
  const one = (definition: unknown, name = "c_mine"): object => ({ functions: () => [definition], nameOf: () => name });

  test.each<readonly [string, unknown, RegExp]>([
    ["no object", null, /^mine\d+: gpujs: registerLowering.* got no object with the methods functions and nameOf/],
    ["no methods", {}, /got no object with the methods functions and nameOf/],
    ["no list", { functions: () => "c_mine", nameOf: () => "c_mine" }, /its functions are no list of/],
    ["a name of another kind", one(["mine", ["x"], "return x;"], "mine"), /with names that start with c_/],
    ["a name that nobody brought", one(["c_mine", ["x"], "return x;"], "c_yours"), /it brings no function c_yours/],
    ["too many parameters", one(["c_mine", ["x", "y"], "return x;"]), /no function c_mine of 1 parameters/],
    ["a call of nothing", one(["c_mine", ["x"], "return c_nothing(x);"]), /^mine\d+: gpujs: it calls c_nothing/],
    ["no program", one(["c_mine", ["x"], "retrn x"]), /^mine\d+: gpujs \(webasm\): Unexpected token/],
    ["the backend's own name", one(["c_exp", ["x"], "return 1.0;"], "c_exp"), /a function c_exp, and there is another/],
  ])("%s", (_what, lowering, message) => {
    expect(() => run(lowering)).toThrow(message);
    expect(() => run(lowering)).toThrow(CurvError);
    expect(tensor([0]).to(backend).exp().itemSync()).toBe(1);
  });

  test("two packages may call different functions the same, in different kernels", () => {
    expect(run(one(["c_mine", ["x"], "return x + 1.0;"]))).toEqual([1, 2]);
    expect(run(one(["c_mine", ["x"], "return x + 2.0;"]))).toEqual([2, 3]);
  });
});

test.each([false, true])("a backend that is disposed says so; asynchronous: %s", async (asynchronous) => {
  const closed = await gpujs({ mode: "webasm", asynchronous });
  const x = tensor([0, 1]).to(closed);
  const y = x.exp();
  const pending = y.data();
  await Promise.all([closed.dispose(), closed.dispose()]);
  expect((await pending)[0]).toBe(1);
  const refusal = /gpujs-webasm\S* was disposed; open a new backend/;
  await expect(y.data()).rejects.toThrow(refusal);
  expect(() => y.add(1)).toThrow(refusal);
  expect(() => jit((v: Tensor) => v.add(1))(y)).toThrow(refusal);
  expect(() => tensor([1]).to(closed)).toThrow(refusal);
  expect(() => y.to("cpu")).toThrow(BackendError);
  for (const z of [x, y]) z.dispose();
  await closed.dispose();
  expect(closed.memory().arrays).toBe(0);
  expect(tensor([1, 2]).sum().itemSync()).toBe(3);
});
