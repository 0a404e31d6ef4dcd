/** The page: opens an engine that only a browser has, and does what it is told to. */

import {
  bind,
  definePrimitive,
  expm1,
  log1p,
  registerLowering,
  sum,
  tensor,
  use,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import "@tensorflow/tfjs-backend-webgpu";
import { accuracy, conformance, type PrimitiveAccuracy } from "@curv/tensor/testing";
import { runCollected, type Outcome } from "../../../../test/support/vitest-in-page.js";
import { backendFromTfjs, type TfjsBackend, type TfjsKernel } from "../../src/index.js";
import { inexactOnCards, integerPrograms, runIntegerProgram } from "../integer-programs.js";
import { integerResults } from "../integers.js";
import { programs } from "../programs.js";
import { training } from "../training.js";

let backend: TfjsBackend | null = null;

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** Each with what it is, and an interval. */
const functions: Readonly<Record<string, readonly [(x: Tensor) => Tensor, (v: number) => number, number, number]>> = {
  exp: [(x) => x.exp(), Math.exp, -10, 10],
  log: [(x) => x.log(), Math.log, 2, 1000],
  "log near 1": [(x) => x.log(), Math.log, 0.45, 2.2],
  tanh: [(x) => x.tanh(), Math.tanh, 0.01, 4],
  sigmoid: [(x) => x.sigmoid(), sigmoid, -10, 10],
  sin: [(x) => x.sin(), Math.sin, 0.1, 3],
  cos: [(x) => x.cos(), Math.cos, 2, 4],
  expm1: [expm1, Math.expm1, 1e-6, 1e-2],
  log1p: [log1p, Math.log1p, 1e-6, 1e-2],
  sqrt: [(x) => x.sqrt(), Math.sqrt, 0.1, 1000],
};

/** What the engine holds. */
interface Held {
  readonly numTensors: number;
  readonly numBytes: number;
}

const held = (): Held => {
  const { numTensors, numBytes } = tf.memory();
  return { numTensors, numBytes };
};

/** Runs with the engine in use. */
async function onEngine<T>(f: () => Promise<T>): Promise<T> {
  use(backend!);
  try {
    return await f();
  } finally {
    use("cpu");
  }
}

/** What a test can ask of the page. */
export const page = {
  /** What the engine is, or why there is none. */
  async open(engine: "webgl" | "webgpu", hostFallback: boolean): Promise<string> {
    // Small arrays would be computed on the host, by the kernels of the cpu engine.
    tf.env().set(engine === "webgl" ? "WEBGL_CPU_FORWARD" : "WEBGPU_CPU_FORWARD", false);
    if (!(await tf.setBackend(engine))) throw new Error(`TensorFlow.js cannot start ${engine}`);
    await tf.ready();
    backend = backendFromTfjs(tf, { hostFallback });
    return backend.describe();
  },

  /** Of elementary functions, the largest error in units of the last place, against Math in float64. */
  async errors(): Promise<Record<string, number>> {
    const errors: Record<string, number> = {};
    for (const [name, [f, exact, low, high]] of Object.entries(functions)) {
      const x = Float32Array.from({ length: 4096 }, (_, i) => low + ((high - low) * (i + 0.5)) / 4096);
      const y = await f(tensor(x).to(backend!)).data();
      errors[name] = x.reduce((worst, v, i) => {
        const value = exact(v);
        const ulp = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);
        return Math.max(worst, Math.abs(y[i] - value) / ulp);
      }, 0);
    }
    return errors;
  },

  /** What operations on int32 give: see `test/integers.ts`. */
  async integers(): Promise<Record<string, number[] | string>> {
    return integerResults((x) => x.to(backend!));
  },

  /** Of so many random programs on int32, how many steps were refused, and what is wrong in the first that is. */
  async integerPrograms(
    seed: number,
    numRuns: number,
  ): Promise<{ refused: number; steps: number; wrong: string | null }> {
    const total = { refused: 0, steps: 0 };
    const property = fc.asyncProperty(integerPrograms(inexactOnCards), async (program) => {
      const { refused, wrong } = await runIntegerProgram(program, (x) => x.to(backend!));
      if (wrong !== null) throw new Error(wrong);
      total.refused += refused.length;
      total.steps += program.steps.length;
    });
    const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns, endOnFailure: true });
    return { ...total, wrong: failed ? `${String(errorInstance)}: ${JSON.stringify(counterexample)}` : null };
  },

  /** Outcomes of the conformance suite for these primitives. */
  async conformance(only: readonly string[]): Promise<Outcome[]> {
    // Words of 32 bits live on the host, which webgpu cannot read at once; products may be contracted in one program and not in another.
    const words = backend!.capabilities.syncRead ? (["uint32"] as const) : [];
    const dtypes = ["float32", "int32", "bool", ...words] as const;
    conformance(backend!, { dtypes, tolerance: 4, sameBits: false, only });
    return runCollected();
  },

  /**
   * Errors in float32 of every primitive, as shares of what is promised; none for one that is refused for some of its operands. Each is measured by
   * itself, on the backend as if it had no other, so that a refusal stops nothing else.
   */
  async accuracy(): Promise<PrimitiveAccuracy[]> {
    const having = (has: (name: string) => boolean): TfjsBackend =>
      Object.create(backend!, {
        supports: { value: (p: Primitive) => has(p.name) && backend!.supports(p) },
      }) as TfjsBackend;
    const all = await accuracy(
      having(() => false),
      ["float32"],
    );
    const found: PrimitiveAccuracy[] = [];
    for (const entry of all) {
      const { primitive: name } = entry;
      try {
        const measured = await accuracy(
          having((other) => other === name),
          ["float32"],
        );
        found.push(measured.find(({ primitive }) => primitive === name)!);
      } catch (error) {
        if (!/cannot read synchronously/.test(String(error))) throw new Error(`${name}: ${String(error)}`, { cause: error }); // prettier-ignore
        found.push({ ...entry, supported: true });
      }
    }
    return found;
  },

  /** A program's arrays on the engine. */
  async run(name: string): Promise<Record<string, number[]>> {
    const arrays = await onEngine(programs[name][0]);
    return Object.fromEntries(Object.entries(arrays).map(([key, values]) => [key, Array.from(values)]));
  },

  /** What `tf.memory()` counts after the third and after the last of so many compiled training steps, and the loss before and after. */
  async train(steps: number): Promise<{ early: Held; late: Held; start: number; end: number }> {
    const { step, loss, init } = training(backend!);
    let p = init();
    const start = await loss(p).item();
    let early: Held | null = null;
    for (let i = 0; i < steps; i++) {
      const next = step(p);
      for (const x of p) x.dispose();
      p = next;
      if (i === 2) early = held();
      // What is not read piles up in the queue of the device. (The first fifty wait for nothing, so that nothing is collected meanwhile.)
      if (i > 0 && i % 50 === 0) await p[0].data();
    }
    const late = held();
    const end = await loss(p).item();
    for (const x of p) x.dispose();
    return { early: early!, late, start, end };
  },

  /** What is said of a kernel that throws, and of so many elements; and what engine and CPU make of 1 + 1 after them. */
  async fail(elements: number): Promise<{ kernel: string; memory: string; left: number; engine: number; cpu: number }> {
    const x = tensor([1, 2, 3, 4]).to(backend!);
    const before = tf.memory().numTensors;
    const broken = definePrimitive<null>({ name: "broken", shape: ([v]) => [v] });
    registerLowering(broken, "tfjs", ((engine, [v]) => {
      engine.mul(v, 2);
      throw new Error("a kernel's own words");
    }) satisfies TfjsKernel);
    const messageOf = async (f: () => Tensor): Promise<string> => {
      try {
        return `nothing was thrown: ${String((await f().data()).length)} elements`;
      } catch (error) {
        return String(error);
      }
    };
    const kernel = await messageOf(() => bind(broken, [x], null)[0]);
    const left = tf.memory().numTensors - before;
    const memory = await messageOf(() => sum(x.reshape(4, 1).broadcastTo([4, elements / 4])));
    const [engine] = await x.add(1).data();
    const cpu = await tensor([1]).add(1).item();
    return { kernel, memory, left, engine, cpu };
  },

  /** What is said when the device goes away, and what the CPU makes of 1 + 1 after it. */
  async lose(): Promise<{ run: string; read: string; cpu: number }> {
    const x = tensor([1, 2, 3]).to(backend!);
    const y = x.exp();
    await y.data();
    const device = tf.backend() as {
      gpgpu?: { gl: WebGLRenderingContext };
      device?: { destroy(): void; lost: Promise<unknown> };
    };
    device.gpgpu?.gl.getExtension("WEBGL_lose_context")!.loseContext();
    device.device?.destroy();
    await device.device?.lost;
    const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
    const answer = { run: "nothing was thrown", read: "nothing was thrown", cpu: 0 };
    try {
      answer.read = String(await y.add(1).data());
    } catch (error) {
      answer.run = message(error);
    }
    try {
      answer.read = String(await y.data());
    } catch (error) {
      answer.read = message(error);
    }
    answer.cpu = await tensor([1]).add(1).item();
    return answer;
  },
};

Object.assign(globalThis, { page });
