/** Random functions of tensors, from a seed: compositions of primitives with shapes, dtypes, loops and branches. */

import { expect } from "vitest";
import * as curv from "../../src/index.js";
import { tensor, type DType, type Tensor } from "../../src/index.js";

class Random {
  private state: number;
  constructor(seed: number) {
    this.state = Math.imul(seed, 2654435761) >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }
  next(): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    // The low bits of such a generator are poor.
    return (this.state >>> 8) / 2 ** 24;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

/** One application: makes a value from those before it. */
export interface Instruction {
  readonly text: string;
  readonly apply: (values: readonly Tensor[]) => Tensor;
}

export interface Program {
  readonly inputs: readonly Tensor[];
  readonly instructions: readonly Instruction[];
  /** Which values are returned. */
  readonly outputs: readonly number[];
}

const floatUnary = ["neg", "abs", "sign", "floor", "round", "sqrt", "square", "exp", "expm1", "log1p", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "atan", "reciprocal", "log", "rsqrt", "cbrt"] as const; // prettier-ignore
const anyBinary = ["add", "sub", "mul", "maximum", "minimum"] as const;
const floatBinary = [...anyBinary, "div", "atan2", "pow", "rem"] as const;
const comparisons = ["less", "lessEqual", "equal", "notEqual", "greater"] as const;
const reductions = ["sum", "max", "min", "prod", "mean"] as const;

export const isFloat = (x: Tensor): boolean => x.dtype === "float32" || x.dtype === "float64";
type Function1 = (x: Tensor) => Tensor;
type Function2 = (x: Tensor, y: Tensor) => Tensor;
const named = curv as unknown as Readonly<Record<string, (...args: unknown[]) => Tensor>>;

function randomInput(random: Random, shape: readonly number[], dtype: DType): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const special = [0, -0, 1, -1, 0.5, 2, 1e-3, 30];
  const value = (): number => (random.below(8) === 0 ? random.pick(special) : (random.next() - 0.5) * 4);
  const data = Array.from({ length: size }, () => {
    const x = value();
    if (dtype === "bool") return x > 0;
    return dtype === "int32" ? Math.trunc(3 * x) : dtype === "uint32" ? Math.abs(Math.trunc(3 * x)) : x;
  });
  return tensor(data, { dtype, shape: [...shape] });
}

/** Shapes that broadcast with `shape`: some axes 1, some leading ones missing. */
function partner(random: Random, shape: readonly number[]): number[] {
  const kept = random.below(3) === 0 ? shape.slice(random.below(shape.length + 1)) : [...shape];
  return kept.map((n) => (random.below(4) === 0 ? 1 : n));
}

export function generate(seed: number): Program {
  const random = new Random(seed);
  const dims = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17, 33];
  const dimension = (): number => (random.below(25) === 0 ? 0 : dims[1 + random.below(dims.length - 1)]);
  const rank = random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]);
  // Not too many elements in all.
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.push(Math.min(dimension(), rank > 3 ? 3 : 33));
  if (random.below(12) === 0 && rank > 0)
    shape[rank - 1] = random.pick([4096, 5000, 9001].filter(() => rank === 1).concat(40));
  const main = random.pick<DType>(["float32", "float64", "float32", "float64", "int32", "uint32"]);
  const inputs = [randomInput(random, shape, main), randomInput(random, partner(random, shape), main)];
  if (random.below(2) === 0)
    inputs.push(randomInput(random, partner(random, shape), random.pick(["float32", "float64", "int32", "bool"])));
  const values: Tensor[] = [...inputs];
  const instructions: Instruction[] = [];
  const attempt = (instruction: Instruction): boolean => {
    let y: Tensor;
    try {
      y = instruction.apply(values);
    } catch (error) {
      // What does not fit, or is refused for its values, is not part of the function.
      if (error instanceof curv.CurvError) return false;
      throw error;
    }
    if (y.size > 20000) return false;
    values.push(y);
    instructions.push(instruction);
    return true;
  };
  const length = 1 + random.below(14);
  for (let tries = 0; instructions.length < length && tries < 60; tries++) attempt(randomInstruction(random, values));
  const outputs = new Set([values.length - 1]);
  for (let i = 0; i < 2; i++) outputs.add(inputs.length + random.below(Math.max(1, instructions.length)));
  return { inputs, instructions, outputs: [...outputs].filter((i) => i < values.length) };
}

function randomInstruction(random: Random, values: readonly Tensor[]): Instruction {
  // Recent values more often, so that chains grow.
  const index = (): number =>
    random.below(3) === 0 ? random.below(values.length) : Math.max(0, values.length - 1 - random.below(3));
  const i = index();
  const j = index();
  const x = values[i];
  const y = values[j];
  const one = (name: string, f: Function1): Instruction => ({ text: `${name} v${i}`, apply: (v) => f(v[i]) });
  const two = (name: string, f: Function2): Instruction => ({
    text: `${name} v${i} v${j}`,
    apply: (v) => f(v[i], v[j]),
  });
  const axis = x.rank === 0 ? 0 : random.below(x.rank);
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const name = isFloat(x) ? random.pick(floatUnary) : random.pick(["neg", "abs", "square", "sign"]);
      return one(name, (a) => named[name](a));
    }
    case 4:
    case 5:
    case 6:
    case 7: {
      const name = isFloat(x) && isFloat(y) ? random.pick(floatBinary) : random.pick(anyBinary);
      return two(name, (a, b) => named[name](a, b));
    }
    case 8: {
      const name = random.pick(comparisons);
      return two(name, (a, b) => named[name](a, b));
    }
    case 9: {
      const k = index();
      return {
        text: `where (v${k} < 0.3) v${i} v${j}`,
        apply: (v) => curv.where(v[k].dtype === "bool" ? v[k] : v[k].less(v[k].dtype === "uint32" ? 1 : 0), v[i], v[j]),
      };
    }
    case 10: {
      const dtype = random.pick<DType>(["float32", "float64", "int32", "uint32", "bool", "float64"]);
      return one(`cast ${dtype}`, (a) => a.cast(dtype));
    }
    case 11:
    case 12:
    case 13: {
      const name = random.pick(reductions);
      const axes = random.below(4) === 0 ? undefined : x.shape.map((_, a) => a).filter(() => random.below(2) === 0);
      const keepDims = random.below(2) === 0;
      return one(`${name} [${axes?.join() ?? "all"}]${keepDims ? " kept" : ""}`, (a) =>
        named[name](a, axes, { keepDims }),
      );
    }
    case 14: {
      const order = x.shape.map((_, a) => a).sort(() => random.next() - 0.5);
      return one(`transpose [${order.join()}]`, (a) => a.transpose(order));
    }
    case 15: {
      const shape = random.pick([
        [-1],
        [x.size, 1],
        [1, ...x.shape],
        x.shape.length > 1 ? [x.shape[0] * x.shape[1], ...x.shape.slice(2)] : [-1],
      ]);
      return one(`reshape [${shape.join()}]`, (a) => a.reshape(shape));
    }
    case 16: {
      const n = x.shape[axis] ?? 0;
      const start = random.below(n + 1);
      const stop = start + random.below(n - start + 1);
      const step = 1 + random.below(3);
      return one(`slice axis ${axis} ${start}:${stop}:${step}`, (a) =>
        a.slice(...a.shape.map((_, k) => (k === axis ? ([start, stop, step] as const) : null))),
      );
    }
    case 17:
      return one(`flip ${axis}`, (a) => curv.flip(a, axis));
    case 18: {
      if (x.rank > 0 && random.below(2) === 0) return two(`concat ${axis}`, (a, b) => curv.concat([a, b, a], axis));
      const padding = x.shape.map(
        () => [random.below(3) - (random.below(5) === 0 ? 1 : 0), random.below(3), random.below(2)] as const,
      );
      return one(`pad ${JSON.stringify(padding)}`, (a) => curv.pad(a, padding, 1));
    }
    case 19:
      if (x.rank > 2 && random.below(2) === 0) {
        return two("batched matmul", (a, b) =>
          curv.matmul(a, b.rank === a.rank && isFloat(b) ? curv.matrixTranspose(b) : curv.matrixTranspose(a)),
        );
      }
      return two("matmul", (a, b) => {
        const left = a.rank >= 2 ? a : a.reshape([1, -1]);
        const right =
          b.rank >= 2 && b.shape[b.rank - 2] === left.shape[left.rank - 1]
            ? b
            : left.transpose([...left.shape.keys()].reverse());
        return left.rank === right.rank && left.rank === 2
          ? curv.matmul(left, right.cast(left.dtype))
          : curv.tensordot(left, left, left.rank);
      });
    case 20: {
      const name = random.pick(["cumsum", "sort", "argMax", "topK", "scatter"]);
      if (name === "scatter") {
        const places = [random.below(7), random.below(7), random.below(7)];
        return one(`scatterAdd ${places.join()}`, (a) => {
          const flat = a.reshape([-1]).slice([0, 3]);
          const coordinates = tensor(places.slice(0, flat.size), { dtype: "int32", shape: [flat.size, 1] });
          return curv.scatterAdd(curv.zeros([7], { dtype: a.dtype === "bool" ? "int32" : a.dtype }), coordinates, flat);
        });
      }
      if (name === "argMax") return one(`argMax ${axis}`, (a) => curv.argMax(a, axis));
      if (name === "topK")
        return one("take", (a) => curv.take(a.reshape([-1]), [0, a.size - 1, Math.floor(a.size / 2)]));
      return one(`${name} ${axis}`, (a) => (name === "sort" ? curv.sort(a, axis) : curv.cumsum(a, axis)));
    }
    default:
      return controlFlow(random, i, j);
  }
}

function controlFlow(random: Random, i: number, j: number): Instruction {
  const half = (a: Tensor): Tensor => (isFloat(a) ? a.mul(0.5).add(0.25) : a.add(1));
  switch (random.below(5)) {
    case 4: {
      const steps = 1 + random.below(3);
      return {
        text: `scan ${steps} v${i} of a branch by v${j} with a loop inside`,
        apply: (v) => {
          const x = v[i].cast("float64");
          const count = (n: Tensor): Tensor => n.add(1);
          const loop = (c: Tensor): Tensor =>
            curv.whileLoop(
              ([, n]: [Tensor, Tensor]) => n.less(steps),
              ([p, n]: [Tensor, Tensor]): [Tensor, Tensor] => [p.mul(0.5).tanh(), count(n)],
              [c, tensor(0, { dtype: "int32" })] as [Tensor, Tensor],
              { maxSteps: 4 },
            )[0];
          return curv.scan(
            (c: Tensor, _: null): [Tensor, Tensor] => [
              curv.cond(v[j].cast("float64").sum().less(c.sum()), loop, (b: Tensor) => b.add(1).sin(), c),
              c.sum(),
            ],
            x,
            null,
            { length: steps },
          )[0];
        },
      };
    }
    case 0: {
      const count = random.below(4);
      return {
        text: `scan ${count} v${i} over v${j}`,
        apply: (v) => {
          const xs = v[j].rank > 0 && v[j].shape[0] > 0 && v[j].shape[0] < 10 ? v[j] : null;
          const reverse = count % 2 === 1;
          const step = (c: Tensor, x: Tensor | null): [Tensor, Tensor] => {
            const next = x === null ? half(c) : c.add(x.sum().cast(c.dtype === "bool" ? "int32" : c.dtype));
            return [next, isFloat(c) ? c.sin() : c];
          };
          const start = v[i].dtype === "bool" ? v[i].cast("int32") : v[i];
          const [carry, ys] =
            xs === null
              ? curv.scan((c: Tensor, x: null) => step(c, x), start, null, { length: count, reverse })
              : curv.scan((c: Tensor, x: Tensor) => step(c, x), start, xs, { reverse });
          return ys.rank < 5 && count > 1 ? curv.concat([ys.reshape([-1]), carry.reshape([-1])], 0) : carry;
        },
      };
    }
    case 1: {
      const steps = random.below(5);
      return {
        text: `while ${steps} v${i}, exchanging with v${j}`,
        apply: (v) => {
          const [a, b] = [v[i].cast("float64"), v[i].cast("float64").neg()];
          const [x, y] = curv.whileLoop(
            ([, , n]: [Tensor, Tensor, Tensor]) => n.less(steps),
            ([p, q, n]: [Tensor, Tensor, Tensor]): [Tensor, Tensor, Tensor] => [q, p.mul(0.5).tanh(), n.add(1)],
            [a, b, tensor(0, { dtype: "int32" })] as [Tensor, Tensor, Tensor],
            { maxSteps: 6 },
          );
          return x.sub(y.mul(2));
        },
      };
    }
    default: {
      return {
        text: `cond any v${j} v${i}`,
        apply: (v) =>
          curv.cond(
            v[j].cast("float64").sum().greater(0),
            (a: Tensor) => half(a),
            (a: Tensor) => (isFloat(a) ? a.square() : a.add(1)),
            v[i].dtype === "bool" ? v[i].cast("int32") : v[i],
          ),
      };
    }
  }
}

export function run({ instructions, outputs }: Program, inputs: readonly Tensor[]): Tensor[] {
  const values = [...inputs];
  for (const { apply } of instructions) values.push(apply(values));
  return outputs.map((i) => values[i]);
}

export function print({ inputs, instructions, outputs }: Program): string {
  const lines = inputs.map((x, i) => `v${i} = input ${x.dtype} [${x.shape.join()}]`);
  instructions.forEach(({ text }, k) => lines.push(`v${inputs.length + k} = ${text}`));
  return `${lines.join("\n")}\nreturns ${outputs.map((i) => `v${i}`).join()}`;
}

/** Fails with the program if two results differ in a bit; NaN is one value. */
export function expectSame(got: readonly Tensor[], wanted: readonly Tensor[], describeCase: () => string): void {
  wanted.forEach((y, k) => {
    const x = got[k];
    if (x.dtype !== y.dtype || x.shape.join() !== y.shape.join()) {
      expect.fail(
        `${describeCase()}\noutput ${k}: ${x.dtype} [${x.shape.join()}], wanted ${y.dtype} [${y.shape.join()}]`,
      );
    }
    const [a, b] = [x.dataSync(), y.dataSync()];
    for (let e = 0; e < b.length; e++) {
      if (!Object.is(a[e], b[e])) expect.fail(`${describeCase()}\noutput ${k}, element ${e}: ${a[e]}, wanted ${b[e]}`);
    }
  });
}
