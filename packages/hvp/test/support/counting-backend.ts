/**
 * The portable backend, which writes down what each operation reads and makes: how large, from when to when, how much work. Graphs run one
 * operation after the other, so that nothing is hidden in a fused kernel. The numbers do not depend on time, threads or the collector.
 */

import { cpu, type Backend, type HostArray } from "@curv/tensor";

interface Life {
  readonly bytes: number;
  readonly made: number;
  used: number;
}

export interface Counts {
  /** For `use`; `use("cpu")` ends it. */
  readonly backend: Backend;
  /** Forgets all that was. */
  reset(): void;
  /** Elements of the largest array that an operation made. */
  readonly largest: number;
  /** Multiplications and elements read or written. */
  readonly work: number;
  /** Operations so far. */
  readonly now: number;
  /** Most bytes of arrays that were there already and are used later, at any time. */
  peak(): number;
  /** Bytes of arrays that were made before `time` and are used after it. */
  keptFrom(time: number): number;
}

export function counting(): Counts {
  const { compile: _, ...rest } = cpu;
  let lives = new Map<unknown, Life>();
  let [now, largest, work] = [0, 0, 0];

  /** Arrays that share a buffer live and die together. */
  function touch(array: unknown): void {
    const { buffer, byteLength, byteOffset } = array as Float64Array;
    const shared = buffer instanceof SharedArrayBuffer;
    const place = shared ? `${byteOffset}` : buffer;
    const life = lives.get(place);
    if (life === undefined) {
      lives.set(place, { bytes: shared ? byteLength : buffer.byteLength, made: now, used: now });
    } else life.used = now;
  }

  return {
    backend: {
      ...rest,
      name: "counting",
      upload: (data) => {
        touch(data);
        return data;
      },
      run: (primitive, inputs, params, outs) => {
        now++;
        for (const { buffer } of inputs) touch(buffer);
        const results = cpu.run(primitive, inputs, params, outs);
        for (const result of results) touch(result);
        const sizes = outs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
        largest = Math.max(largest, ...sizes);
        work += workOf(primitive.name, inputs as readonly HostArray[], sizes);
        return results;
      },
    },
    reset() {
      lives = new Map();
      [now, largest, work] = [0, 0, 0];
    },
    get largest() {
      return largest;
    },
    get work() {
      return work;
    },
    get now() {
      return now;
    },
    peak() {
      const change = new Float64Array(now + 2);
      for (const { bytes, made, used } of lives.values()) {
        change[made] += bytes;
        change[used + 1] -= bytes;
      }
      let [alive, most] = [0, 0];
      for (const bytes of change) most = Math.max(most, (alive += bytes));
      return most;
    },
    keptFrom: (time) =>
      [...lives.values()].reduce((sum, { bytes, made, used }) => (made <= time && used > time ? sum + bytes : sum), 0),
  };
}

function workOf(name: string, inputs: readonly HostArray[], outs: readonly number[]): number {
  const sizes = inputs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
  const moved = sum(sizes) + sum(outs);
  // [m, k] times [k, n] is √(mk · kn · mn) = m k n multiplications.
  if (name === "dot") return moved + Math.sqrt(sizes[0] * sizes[1] * outs[0]);
  // Rows of length d: out [a, b] takes a·b·d, as the sum over pages; every page of a is read for each row of b.
  if (name === "wideInner") return moved + outs[0] * inputs[0].shape[1];
  if (name === "wideCombine") return moved + sizes[0] * inputs[1].shape[1];
  return moved;
}
