/** What the adapter promises beside numbers: whose memory it is, which errors come, and that the CPU goes on. */

import {
  BackendError,
  DomainError,
  definePrimitive,
  bind,
  grad,
  jit,
  jvp,
  maxPool,
  ones,
  registerLowering,
  sum,
  tensor,
  tidy,
  use,
  type Tensor,
} from "@curv/tensor";
import { logIv } from "@curv/bessel";
import { fft } from "@curv/tensor/fft";
import * as linalg from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { engines, open, whyNot } from "../test/engines.js";
import { roundingEngine } from "../test/rounding-engine.js";
import { training } from "../test/training.js";
import { backendFromTfjs, fromTfjs, toTfjs, type TfjsKernel, type TfjsModule } from "./index.js";

beforeAll(async () => {
  await tf.setBackend("wasm");
  await tf.setBackend("cpu");
});
afterEach(async () => {
  use("cpu");
  await tf.setBackend("cpu");
});

/** Steps of the memory test: CURV_STEPS=10000 for the long one. */
const steps = Number(process.env.CURV_STEPS ?? 200);

for (const engine of engines) {
  describe(`on the ${engine} engine`, () => {
    beforeEach(({ skip }) => {
      const reason = whyNot(engine);
      skip(reason !== undefined, reason);
    });

    test("an upload is a copy, and so is what is read", async () => {
      const backend = await open(engine);
      use(backend);
      const source = Float32Array.of(1, 2, 3);
      const x = tensor(source);
      source[0] = 42;
      const read = (await x.data()) as Float32Array;
      read[1] = 99;
      expect(await x.array()).toEqual([1, 2, 3]);
    });

    test("tensors of both share memory, and outlive each other", async () => {
      const backend = await open(engine);
      const theirs = tf.tensor([[1, 2], [3, 4]]); // prettier-ignore
      const before = tf.memory();
      const ours = fromTfjs(theirs, backend);
      // The native engine counts handles; TensorFlow shares what is beneath them.
      if (engine !== "native") expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
      expect(ours.shape).toEqual([2, 2]);
      theirs.dispose();
      const back = toTfjs(ours.mul(2)) as unknown as tf.Tensor;
      ours.dispose();
      expect(await back.data()).toEqual(Float32Array.of(2, 4, 6, 8));
      expect(back.shape).toEqual([2, 2]);
      back.dispose();
      const scalar = toTfjs(tensor(3).to(backend));
      expect(await scalar.data()).toEqual(Float32Array.of(3));
      scalar.dispose();
    });

    test("every dtype, rank 0 and no elements go over and back", async () => {
      const backend = await open(engine);
      const before = tf.memory().numTensors;
      const cases: readonly [number | boolean | number[] | boolean[][], number[], "float32" | "int32" | "bool"][] = [
        [[1.5, -2], [2], "float32"], [[7, -(2 ** 31)], [2], "int32"], [[[true, false]], [1, 2], "bool"],
        [0.5, [], "float32"], [3, [], "int32"], [true, [], "bool"],
        [[], [0], "float32"], [[], [0, 3], "int32"], [[], [2, 0], "bool"],
      ]; // prettier-ignore
      for (const [values, shape, dtype] of cases) {
        const theirs = tf.tensor(values, shape, dtype);
        const ours = fromTfjs(theirs, backend);
        expect([ours.shape, ours.dtype]).toEqual([shape, dtype]);
        expect(await ours.data()).toEqual(await theirs.data());
        const back = toTfjs(ours) as unknown as tf.Tensor;
        expect([back.shape, back.dtype]).toEqual([shape, dtype]);
        expect(await back.data()).toEqual(await theirs.data());
        theirs.dispose();
        ours.dispose();
        back.dispose();
      }
      expect(tf.memory().numTensors).toBe(before);
    });

    test("a tf.tidy around Curv frees nothing of Curv's", async () => {
      const backend = await open(engine);
      use(backend);
      let y: Tensor | undefined;
      const returned = tf.tidy((() => {
        y = tensor([1, 2, 3]).mul(2).add(1);
        return y.neg();
      }) as never) as unknown as Tensor;
      expect(await returned.array()).toEqual([-3, -5, -7]);
      expect(await y!.array()).toEqual([3, 5, 7]);
    });

    test("a tidy around Curv frees all that it made, whatever ran in it", async () => {
      const backend = await open(engine);
      use(backend);
      const x = tensor([[1, 2], [3, 4]]); // prettier-ignore
      const f = (v: Tensor): Tensor =>
        sum(
          v
            .matmul(v)
            .tanh()
            .add(random.normal(random.key(1), { shape: [2, 2] })),
        );
      const compiled = jit(grad(f));
      tidy(() => compiled(x));
      const before = tf.memory().numTensors;
      const y = tidy(() => {
        const { tangent } = jvp(grad(f), [x], [x]);
        return compiled(x).add(tangent).add(linear(x));
      });
      expect(tf.memory().numTensors).toBe(before + 1);
      y.dispose();
      y.dispose();
      expect(tf.memory().numTensors).toBe(before);
      x.dispose();
      expect(tf.memory().numTensors).toBe(before - 1);
      expect(() => x.add(1)).toThrow(BackendError);
    });

    test(
      "training holds a flat memory, with tidy and with a compiled step alone",
      { timeout: 60_000 + 60 * steps },
      async () => {
        const { init, loss, eager, step } = training(await open(engine));
        for (const [advance, count] of [
          [(p: Tensor[]) => tidy(() => eager(p)), 30],
          [step, steps],
        ] as const) {
          let p = init();
          const start = await loss(p).item();
          let numTensors = 0;
          let numBytes = 0;
          for (let i = 0; i < count; i++) {
            const next = advance(p);
            for (const x of p) x.dispose();
            p = next;
            if (i === 2) ({ numTensors, numBytes } = tf.memory());
          }
          expect(tf.memory().numTensors).toBe(numTensors);
          expect(tf.memory().numBytes).toBe(numBytes);
          expect(await loss(p).item()).toBeLessThan(start);
          for (const x of p) x.dispose();
        }
      },
    );

    test("float64 is refused with the remedy, on every way in", async () => {
      const backend = await open(engine);
      const x = tensor([1, 2], { dtype: "float64" });
      expect(() => x.to(backend)).toThrow(/does not support float64; cast with x.cast\("float32"\)/);
      use(backend);
      expect(() => tensor([1, 2], { dtype: "float64" })).toThrow(/tensor: tfjs-\w+ does not support float64; pass/);
      expect(() => tensor([1, 2]).cast("float64")).toThrow(/cast: tfjs-\w+ does not support float64/);
    });

    test("what the engine lacks is refused by name, and runs on the host if that is allowed", async () => {
      const strict = await open(engine);
      const A = tensor([[4, 2], [2, 3]]); // prettier-ignore
      expect(() => linalg.cholesky(A.to(strict))).toThrow(
        /cholesky: tfjs-\w+ does not have this operation; .*to\("cpu"\)/,
      );
      const lenient = await open(engine, { hostFallback: true });
      const L = linalg.cholesky(A.to(lenient));
      expect(L.backend).toBe(lenient.name);
      expect(await L.data()).toEqual(await linalg.cholesky(A).data());
    });

    test("a function of another package is refused by name, and runs on the host if that is allowed", async () => {
      const strict = await open(engine);
      const x = tensor([0.5, 2, 10]);
      expect(() => logIv(1.5, x.to(strict))).toThrow(/modifiedBessel: tfjs-\w+ does not have this operation/);
      const lenient = await open(engine, { hostFallback: true });
      const y = logIv(1.5, x.to(lenient));
      expect(y.backend).toBe(lenient.name);
      expect(await y.data()).toEqual(await logIv(1.5, x).data());
    });

    test("long sums of ones are exact", async () => {
      const backend = await open(engine);
      for (const n of [5000, 10 ** 5, 2 ** 20]) {
        expect(await sum(ones([n]).to(backend)).item()).toBe(n);
      }
    });

    test("the gradient of a maximum over a window goes to the first of several", async () => {
      const backend = await open(engine);
      const x = tensor([[[[1, 3, 3, 2], [3, 3, 0, 2]]]]).to(backend); // prettier-ignore
      const gradient = grad((v: Tensor) => sum(maxPool(v, { window: 2, stride: 2 })))(x);
      expect(await gradient.array()).toEqual([[[[0, 1, 1, 0], [0, 0, 0, 0]]]]); // prettier-ignore
    });

    test("random numbers have the bits of the CPU", async () => {
      const backend = await open(engine);
      const draw = async (): Promise<unknown[]> => {
        const [a, b] = random.split(random.key(7));
        const parts = [random.bits(a, { shape: [5] }), random.uniform(b, { shape: [2, 3] }), random.permutation(a, 7), random.bernoulli(b, 0.3, { shape: [9] }), random.foldIn(a, 3)]; // prettier-ignore
        return Promise.all(parts.map((x) => x.array()));
      };
      const expected = await draw();
      const normals = await random.normal(random.key(3), { shape: [100] }).data();
      use(backend);
      expect(await draw()).toEqual(expected);
      const here = await random.normal(random.key(3), { shape: [100] }).data();
      normals.forEach((v, i) => expect(Math.abs(here[i] - v)).toBeLessThan(1e-6 * Math.max(1, Math.abs(v))));
    });

    test("an error in a kernel names the operation, and the CPU goes on", async () => {
      const backend = await open(engine);
      const x = tensor([1, 2, 3]).to(backend);
      const before = tf.memory().numTensors;
      expect(() => bind(broken, [x], null)).toThrow(/broken: tfjs-\w+ failed: a kernel's own words/);
      expect(tf.memory().numTensors).toBe(before);
      expect(await x.add(1).array()).toEqual([2, 3, 4]);
      expect(await tensor([1, 2]).add(1).array()).toEqual([2, 3]);
    });

    test("a kernel of a package's own", async () => {
      const backend = await open(engine);
      registerLowering(cube, "tfjs", ((engine, [x]) => [engine.mul(engine.mul(x, x), x)]) satisfies TfjsKernel);
      const [y] = bind(cube, [tensor([1, 2, 3]).to(backend)], null);
      expect(await y.array()).toEqual([1, 8, 27]);
    });
  });
}

const linear = (x: Tensor): Tensor => x.slice(0).add(x.slice(1)).reshape(1, 2).broadcastTo([2, 2]);

const broken = definePrimitive<null>({ name: "broken", shape: ([x]) => [x], lower: ([x]) => [x.buffer] });
registerLowering(broken, "tfjs", ((engine, [x]) => {
  engine.mul(x, 2);
  throw new Error("a kernel's own words");
}) satisfies TfjsKernel);
const cube = definePrimitive<null>({
  name: "cube",
  shape: ([x]) => [x],
  lower: ([x]) => [x.buffer.map((v) => v ** 3)],
});

describe("engines and modules", () => {
  test("a backend refuses to run when another engine is active", async () => {
    const onCpu = await open("cpu");
    const x = tensor([1, 2]).to(onCpu);
    await tf.setBackend("wasm");
    expect(() => x.add(1)).toThrow(/add: tfjs-cpu belongs to the cpu engine, but tf.setBackend has switched to wasm/);
    await expect(x.data()).rejects.toThrow(/switched to wasm/);
    await tf.setBackend("cpu");
    expect(await x.add(1).array()).toEqual([2, 3]);
  });

  test("what is no module is refused with the line to run", () => {
    expect(() => backendFromTfjs({} as never)).toThrow(/npm install @tensorflow\/tfjs/);
    expect(() => backendFromTfjs({ ...tf, getBackend: () => undefined } as never)).toThrow(/no engine is ready/);
  });

  test("webgl on a device whose textures are of 16 bits is refused", () => {
    const half = (has: boolean): TfjsModule => ({ ...roundingEngine("webgl"), env: () => ({ getBool: () => has }) });
    expect(() => backendFromTfjs(half(false))).toThrow(
      /webgl engine has numbers of 16 bits only.*setBackend\("wasm"\)/,
    );
    expect(backendFromTfjs(half(true)).name).toBe("tfjs-webgl");
  });

  test("options of another type are refused by name", () => {
    for (const [options, message] of [
      [null, /options is null; wants an object/],
      ["wasm", /options is "wasm"; wants an object/],
      [{ name: "" }, /name is ""; wants a string that is not empty/],
      [{ name: Symbol("x") }, /name is a symbol; wants a string/],
      [{ hostFallback: 1 }, /hostFallback is 1; wants true or false/],
    ] as const) {
      expect(() => backendFromTfjs(tf, options as never)).toThrow(message);
      expect(() => backendFromTfjs(tf, options as never)).toThrow(DomainError);
    }
  });

  test("what is refused comes with what can be done, where nothing can be read at once, too", async () => {
    const byReading = /use\("cpu"\), then tensor\(await x\.array\(\), \{ dtype: x\.dtype \}\) for each\.$/;
    const A = tensor([[4, 2], [2, 3]]); // prettier-ignore
    for (const hostFallback of [false, true]) {
      const onCard = A.to(backendFromTfjs(roundingEngine("webgpu"), { hostFallback }));
      expect(() => linalg.cholesky(onCard)).toThrow(/cholesky: tfjs-webgpu (does not have|cannot read synchronously)/);
      expect(() => linalg.cholesky(onCard)).toThrow(byReading);
      expect(() => onCard.to("cpu")).toThrow(BackendError);
      const read = tensor(await onCard.array(), { dtype: onCard.dtype });
      expect(await linalg.cholesky(read).data()).toEqual(await linalg.cholesky(A).data());
    }
    const long = ones([128]);
    const transform = (name: "webgl" | "webgpu"): unknown => fft(long.to(backendFromTfjs(roundingEngine(name))));
    const option = /backendFromTfjs\(tf, \{ hostFallback: true \}\): the CPU then does it/;
    expect(() => transform("webgl")).toThrow(option);
    expect(() => transform("webgpu")).not.toThrow(option);
    expect(() => transform("webgpu")).toThrow(byReading);
  });

  test("describe() says what it is", async () => {
    const text = (await open("wasm")).describe();
    expect(text).toMatch(/TensorFlow.js wasm engine, \d+ kernels, float32/);
  });

  test("tensors that cannot go over are refused", async () => {
    const backend = await open("cpu");
    expect(() => fromTfjs(tf.tensor(["a"]), backend)).toThrow(/fromTfjs: x is string; wants float32/);
    expect(() => toTfjs(tensor([1]))).toThrow(/toTfjs: x lives on cpu/);
    expect(() => toTfjs(random.key(0).to(backend))).toThrow(/uint32, which no engine has/);
    const gone = tf.tensor([1, 2]);
    gone.dispose();
    expect(() => fromTfjs(gone, backend)).toThrow(/fromTfjs: x was disposed/);
    const ours = tensor([1, 2]).to(backend);
    ours.dispose();
    expect(() => toTfjs(ours)).toThrow(/toTfjs: x was disposed/);
    expect(() => fromTfjs(ours as never, backend)).toThrow(/fromTfjs: x is not a tf.Tensor/);
    expect(() => fromTfjs(null as never, backend)).toThrow(/fromTfjs: x is not a tf.Tensor/);
    expect(() => fromTfjs(tf.tensor([1]), undefined as never)).toThrow(/fromTfjs: backend is not one of TensorFlow.js/);
    expect(() => toTfjs([1, 2] as never)).toThrow(/toTfjs: x is not a value/);
    jit((x: Tensor) => {
      expect(() => toTfjs(x)).toThrow(/toTfjs: x is not a value/);
      return x;
    })(tensor([1, 2]).to(backend));
  });

  test("a tensor that another engine of the module holds is moved", async () => {
    await open("cpu");
    const theirs = tf.tensor([1, 2, 3]);
    const ours = fromTfjs(theirs, await open("wasm"));
    expect(await ours.mul(2).array()).toEqual([2, 4, 6]);
  });

  test("an engine that is taken away is reported, and the CPU and a new one go on", async () => {
    const old = await open("cpu");
    const x = tensor([1, 2]).to(old);
    const make = tf.findBackendFactory("cpu");
    tf.removeBackend("cpu");
    expect(() => x.add(1)).toThrow(
      /add: tfjs-cpu belongs to an engine that was removed or reset since, and its tensors/,
    );
    await expect(x.data()).rejects.toThrow(/data: .*removed or reset since/);
    tf.registerBackend("cpu", make);
    const next = await open("cpu");
    expect(() => x.add(1)).toThrow(/removed or reset since/);
    expect(() => x.dataSync()).toThrow(/removed or reset since/);
    x.dispose();
    expect(await tensor([1, 2]).to(next).add(1).array()).toEqual([2, 3]);
    expect(await tensor([1, 2]).add(1).array()).toEqual([2, 3]);
  });
});

// Last: the wasm engine does not recover. (The native one would first take all memory that there is.)
for (const engine of ["cpu", "wasm"] as const) {
  test(`running out of memory on ${engine} is said so, and the CPU goes on`, { timeout: 60_000 }, async () => {
    const backend = await open(engine);
    const x = tensor([1, 2, 3, 4]).to(backend);
    expect(() => x.reshape(4, 1).broadcastTo([4, 2 ** (engine === "wasm" ? 28 : 30)])).toThrow(
      /broadcast: tfjs-\w+ is out of memory/,
    );
    expect(await tensor([1, 2]).add(1).array()).toEqual([2, 3]);
  });
}
