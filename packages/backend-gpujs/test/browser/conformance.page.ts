/** The page: opens a mode, and does what it is told to. */

import { bind, concat, definePrimitive, grad, jit, registerLowering, use, type Tensor } from "@curv/tensor";
import { accuracy, conformance, type PrimitiveAccuracy } from "@curv/tensor/testing";
import * as random from "@curv/tensor/random";
import { gpujs, type DeviceMemory, type GpujsBackend, type GpujsFunctions, type Mode } from "../../src/index.js";
import { accuracyBounds, largestError } from "../accuracy-bounds.js";
import { besselErrors } from "../bessel-accuracy.js";
import { differences, withShortBlocks } from "../long-programs.js";
import { comparable, trainDigits, type Images } from "../workloads.js";
import { runCollected, type Outcome } from "../../../../test/support/vitest-in-page.js";
import { failureOf, starve, type Failure } from "./faults.js";

/** What `exhaust` reports. */
interface Exhausted {
  readonly failures: Readonly<Record<string, Failure>>;
  readonly values: Readonly<Record<string, number[]>>;
  /** A sum on the CPU afterwards: 1000. */
  readonly cpu: number;
  /** Bytes on the device before and after. */
  readonly held: readonly number[];
}

let backend: GpujsBackend | null = null;

async function images(name: string, width: number): Promise<Images> {
  const [pixels, labels] = await Promise.all(
    ["pixels", "labels"].map(async (part) => (await fetch(`/${name}-${part}`)).arrayBuffer()),
  );
  return { pixels: new Float32Array(pixels), labels: new Int32Array(labels), width };
}

/** What a test can ask of the page. */
export const page = {
  async open(mode: Mode, hostFallback = false): Promise<string> {
    backend = await gpujs({ mode, hostFallback });
    return backend.describe();
  },

  /** Outcomes of the conformance suite, all of it if `only` is null. */
  async conformance(only: readonly string[] | null): Promise<Outcome[]> {
    conformance(backend!, {
      dtypes: ["float32", "int32", "uint32", "bool"],
      tolerance: 4,
      ...(only !== null && { only }),
    });
    return runCollected();
  },

  /** Errors in float32 of every primitive, as shares of what is promised. */
  async accuracy(): Promise<PrimitiveAccuracy[]> {
    return accuracy(backend!, ["float32"]);
  },

  /** A program's numbers on the device. */
  async run(name: string): Promise<number[]> {
    use(backend!);
    try {
      return await comparable[name]();
    } finally {
      use("cpu");
    }
  },

  /** Share of the test digits that a network reads right after training on the device. */
  async train(width: number): Promise<number> {
    const [train, test] = [await images("train", width), await images("test", width)];
    use(backend!);
    try {
      return await trainDigits(train, test);
    } finally {
      use("cpu");
    }
  },

  /** Random bits, made on the device. */
  async bits(seed: number, count: number): Promise<number[]> {
    return [...(await random.bits(random.key(seed).to(backend!), { shape: [count] }).data())];
  },

  /** Elementary functions whose largest error exceeds twice their bound on WebAssembly, with that error in ulp. */
  async inaccurate(points: number): Promise<string[]> {
    const found: string[] = [];
    for (const bound of accuracyBounds) {
      const error = await largestError(bound, backend!, points);
      if (!(error <= 2 * bound.ulp)) found.push(`${bound.name} on [${bound.from}, ${bound.to}]: ${error}`);
    }
    return found;
  },

  /**
   * Programs on long arrays that come out otherwise than on the CPU, of all or some of them: with so many rows, or with blocks that are short.
   */
  async longArrays(mode: Mode, rows: number | null, only: readonly string[] | null): Promise<string[]> {
    const run = async (count: number): Promise<string[]> => {
      const device = await gpujs({ mode });
      try {
        return await differences(device, count, only);
      } finally {
        await device.dispose();
      }
    };
    return rows === null ? withShortBlocks(() => run(25)) : run(rows);
  },

  /** Largest errors of the modified Bessel functions, in ulp. */
  async besselErrors(count: number): Promise<Record<string, number>> {
    return besselErrors(backend!, count);
  },

  /** Arrays and bytes on the device before and after so many steps of a compiled training loop. */
  async hold(steps: number): Promise<readonly [before: DeviceMemory, after: DeviceMemory]> {
    const x = random.normal(random.key(5), { shape: [8, 2] }).to(backend!);
    const loss = (v: Tensor): Tensor => x.matmul(v).tanh().square().sum();
    const step = jit((v: Tensor) => v.sub(grad(loss)(v).mul(0.01)), { donate: [0] });
    let w = step(random.normal(random.key(7), { shape: [2, 1] }).to(backend!));
    await w.data();
    const before = backend!.memory();
    for (let i = 0; i < steps; i++) w = step(w);
    await w.data();
    return [before, backend!.memory()];
  },

  /** Each way in which a device can run out of memory: what fails, and with which error; what goes on; what is left when all is freed. */
  async exhaust(mode: Mode): Promise<Exhausted> {
    const device = await gpujs({ mode });
    const x = random.uniform(random.key(0), { shape: [1000] });
    const y = x.to(device).add(1);
    await y.data();
    const made = y.mul(2);
    await made.data();
    made.dispose();
    const before = device.memory();
    const unread = y.square();
    await device.settled();
    const failures: Record<string, Failure> = {};
    const note = async (name: string, f: () => Promise<unknown>): Promise<void> => {
      failures[name] = await failureOf(f);
    };
    await starve(device, () => note("reading", () => unread.data()));
    const twice = concat([x, x]).to(device);
    const [failed, moved] = await starve(device, async () => {
      const results = [y.mul(2), twice.add(0)];
      await device.settled();
      return results;
    });
    const derived = failed.add(1);
    await note("a kernel", () => failed.data());
    await note("what is computed from it", () => derived.data());
    await note("uploading", () => moved.data());
    const again = y.mul(2);
    const values: Record<string, number[]> = {};
    for (const [name, z] of Object.entries({ y, unread, again })) {
      values[name] = await z.data().then(
        (data) => [...data],
        () => [],
      );
    }
    for (const z of [unread, twice, failed, moved, derived, again]) z.dispose();
    const after = device.memory();
    await device.dispose();
    return { failures, values, cpu: await x.mul(0).add(1).sum().item(), held: [before.bytes, after.bytes] };
  },

  /** On WebGL memory that runs out ends the context, or is an error of no array: what is read afterwards, and whether the CPU works. */
  async exhaustWebGl(mode: Mode): Promise<{ forgotten: Failure; failures: readonly Failure[]; cpu: number }> {
    const [said, device] = [await gpujs({ mode }), await gpujs({ mode })];
    const x = random.uniform(random.key(0), { shape: [1000] });
    const there = x.to(said).add(1);
    const gl = said.engine.context as { getError?: () => number };
    gl.getError = () => 0x0505; // Chromium ends the context; others say so.
    const forgotten = await failureOf(() => there.data());
    const y = x.to(device).add(1);
    await y.data();
    const failed = await starve(device, async () => {
      const result = y.square();
      await failureOf(() => result.data());
      return result;
    });
    const failures: Failure[] = [];
    for (const z of [() => failed, () => y, () => y.mul(0)]) failures.push(await failureOf(async () => z().data()));
    return { forgotten, failures, cpu: await x.mul(0).add(1).sum().item() };
  },

  /** What a kernel that does not compile does: its error, and whether the device and the CPU go on. */
  async broken(mode: Mode): Promise<{ failure: Failure; values: number[]; cpu: number; held: readonly number[] }> {
    const device = await gpujs({ mode });
    const x = random.uniform(random.key(0), { shape: [16] });
    const y = x.to(device).add(1);
    await y.data();
    const before = device.memory();
    const wrong = definePrimitive<null>({ name: "wrong", shape: ([a]) => [a] });
    registerLowering(wrong, "gpujs", {
      functions: () => [["c_wrong", ["x"], "return undeclared * x;"]],
      nameOf: () => "c_wrong",
    } satisfies GpujsFunctions);
    const failure = await failureOf(async () => bind(wrong, [y], null)[0].data());
    const flat = y.mul(0);
    const two = flat.add(2);
    const values = [...(await two.data())];
    for (const z of [flat, two]) z.dispose();
    const after = device.memory();
    await device.dispose();
    return { failure, values, cpu: await x.mul(0).add(1).sum().item(), held: [before.bytes, after.bytes] };
  },

  /** What an array holds after the kernel that made it had to make room for others, and kernels and arrays that are left. */
  async crowd(mode: Mode): Promise<{ values: number[]; kernels: number; arrays: number }> {
    const small = await gpujs({ mode });
    small.engine.mostKernels = 3;
    const x = random.uniform(random.key(0), { shape: [5] }).to(small);
    const y = x.add(1);
    for (let i = 0; i < 6; i++) {
      const z = y.mul(y).slice([0, (i % 4) + 1]);
      await z.data();
      z.dispose();
    }
    const values = [...(await y.data())];
    y.dispose();
    x.dispose();
    const found = { values, kernels: small.engine.compiledKernels, arrays: small.memory().arrays };
    await small.dispose();
    return found;
  },

  /** What happens when the device goes away: the error of reading, and whether the CPU and a new device still work. */
  async lose(mode: Mode): Promise<{ reason: string; cpu: number; fresh: number }> {
    const doomed = await gpujs({ mode });
    const x = random.normal(random.key(0), { shape: [16] });
    const y = x.to(doomed).exp();
    await y.data();
    const context = doomed.engine.context as {
      device?: { destroy(): void; lost: Promise<unknown> };
      getExtension?(name: string): { loseContext(): void } | null;
    };
    if (context.device !== undefined) {
      context.device.destroy();
      await context.device.lost;
    } else context.getExtension!("WEBGL_lose_context")!.loseContext();
    let reason = "nothing was thrown";
    try {
      await y.mul(2).data();
    } catch (error) {
      reason = (error as { reason?: string }).reason ?? String(error);
    }
    const sum = await x.mul(0).add(1).sum().item();
    const next = await gpujs({ mode });
    const fresh = await x.to(next).mul(0).add(1).sum().item();
    return { reason, cpu: sum, fresh };
  },
};

Object.assign(globalThis, { page });
