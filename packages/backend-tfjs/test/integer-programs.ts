/** Random programs on int32: what each step gives on a backend is what it gives on the CPU, to the last bit, or a refusal by a typed error. */

import {
  argMax,
  argMin,
  argSort,
  BackendError,
  bitcast,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  clip,
  concat,
  cummax,
  cummin,
  cumprod,
  cumsum,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  flip,
  floorDiv,
  linearRecurrence,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mod,
  pad,
  prod,
  rem,
  repeat,
  roll,
  scatterAdd,
  scatterSet,
  shiftLeft,
  shiftRight,
  sort,
  sum,
  take,
  takeAlong,
  tensor,
  topK,
  where,
  zeros,
  type Shape,
  type Tensor,
} from "@curv/tensor";
import fc from "fast-check";

/** Operands of a step: two arrays of earlier steps, and a number that chooses an axis, an offset, a bound. */
type Operation = (x: Tensor, y: Tensor, k: number) => Tensor;

const axisOf = (x: Tensor, k: number): number => k % x.rank;
/** One axis, and the same as two: rows as long as the last axis. */
const flat = (x: Tensor): Tensor => x.reshape(x.size);
const rows = (x: Tensor): Tensor => x.reshape(-1, x.shape[x.rank - 1]);
const int = (x: Tensor): Tensor => x.cast("int32");
/** Places in n for each element of x, some of them more than once, some not at all. */
const spread = (x: Tensor, k: number): Tensor =>
  tensor(Int32Array.from({ length: x.size }, (_, i) => (i * (k + 3) + k) % x.size));

/** Every operation gives as many elements as x has; the runner puts them into its shape. */
export const integerOperations: Readonly<Record<string, Operation>> = {
  add: (x, y) => x.add(y),
  "add a number": (x, _y, k) => x.add(k - 20),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  "mul by a number": (x, _y, k) => x.mul(k - 20),
  neg: (x) => x.neg(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  square: (x) => x.square(),
  pow: (x, _y, k) => x.pow(tensor(k % 5, { dtype: "int32" })),
  floorDiv,
  mod,
  rem,
  "mod a number": (x, _y, k) => mod(x, k + 1),
  maximum,
  minimum,
  clip: (x, _y, k) => clip(x, -k, 2 ** (k % 31)),
  equal: (x, y) => int(x.equal(y)),
  notEqual: (x, y) => int(x.notEqual(y)),
  less: (x, y) => int(x.less(y)),
  lessEqual: (x, y) => int(x.lessEqual(y)),
  greater: (x, y) => int(x.greater(y)),
  "less than a number": (x, _y, k) => int(x.less(2 ** (k % 31))),
  "equal to a neighbour": (x, _y, k) => int(x.equal(roll(x, 1, axisOf(x, k)))),
  where: (x, y) => where(x.less(y), y, x),
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  bitwiseNot: (x) => bitwiseNot(x),
  shiftLeft: (x, _y, k) => shiftLeft(x, k % 32),
  shiftRight: (x, y) => shiftRight(x, mod(y, 32)),
  bitcast: (x) => bitcast(bitcast(x, "uint32"), "int32"),
  sum: (x) => sum(x).broadcastTo(x.shape),
  "sum along an axis": (x, _y, k) => sum(x, axisOf(x, k), { keepDims: true }).broadcastTo(x.shape),
  prod: (x, _y, k) => prod(x, axisOf(x, k), { keepDims: true }).broadcastTo(x.shape),
  max: (x, _y, k) => max(x, axisOf(x, k), { keepDims: true }).broadcastTo(x.shape),
  min: (x, _y, k) => min(x, axisOf(x, k), { keepDims: true }).broadcastTo(x.shape),
  argMax: (x, _y, k) => expandDims(argMax(x, axisOf(x, k)), axisOf(x, k)).broadcastTo(x.shape),
  argMin: (x, _y, k) => expandDims(argMin(x, axisOf(x, k)), axisOf(x, k)).broadcastTo(x.shape),
  "subtract the mean, in whole numbers": (x) => x.sub(floorDiv(sum(x), x.size)),
  matmul: (x, y) => matmul(matmul(rows(x), rows(y).T), rows(x)),
  "inner product": (x, y) => matmul(flat(x), flat(y)).broadcastTo(x.shape),
  "outer sum": (x, y) => sum(flat(x).reshape(-1, 1).sub(flat(y)), 1),
  cumsum: (x, _y, k) => cumsum(x, axisOf(x, k), { reverse: k > 20 }),
  cumprod: (x, _y, k) => cumprod(x, axisOf(x, k)),
  cummax: (x, _y, k) => cummax(x, axisOf(x, k), { reverse: k > 20 }),
  cummin: (x, _y, k) => cummin(x, axisOf(x, k)),
  linearRecurrence: (x, y, k) => linearRecurrence(x, y, axisOf(x, k)),
  sort: (x, _y, k) => sort(x, axisOf(x, k), { descending: k > 20 }),
  argSort: (x, _y, k) => argSort(x, axisOf(x, k)),
  topK: (x) => topK(flat(x), x.size).values,
  flip: (x, _y, k) => flip(x, axisOf(x, k)),
  transpose: (x) => x.transpose(),
  roll: (x, _y, k) => roll(x, k, axisOf(x, k)),
  "concat and slice": (x, y, k) => concat([flat(x), flat(y)], 0).slice([k % x.size, (k % x.size) + x.size]),
  "slice in steps": (x, y) => concat([flat(x), flat(y)], 0).slice([0, null, 2]),
  pad: (x, _y, k) => pad(flat(x), [[k % 5, 0]], 2 ** 31 - 1 - k).slice([0, x.size]),
  repeat: (x) => repeat(flat(x), 2, 0).slice([0, x.size]),
  take: (x, _y, k) => take(flat(x), spread(x, k)),
  "take at computed places": (x, y) => take(flat(x), mod(flat(y), x.size)),
  "take clipped": (x, y) => take(flat(x), flat(y), 0, { mode: "clip" }),
  "take wrapped": (x, y) => take(flat(x), flat(y), 0, { mode: "wrap" }),
  takeAlong: (x, y, k) => takeAlong(x, mod(y, x.shape[axisOf(x, k)]), axisOf(x, k)),
  scatterAdd: (x, y, k) => scatterAdd(flat(x), spread(x, k).reshape(-1, 1), flat(y)),
  "scatterAdd to zeros": (x, _y, k) => scatterAdd(zeros([x.size], { dtype: "int32" }), mod(spread(x, k), 3).reshape(-1, 1), flat(x)),
  "scatterAdd at computed places": (x, y) => scatterAdd(flat(x), mod(flat(y), x.size).reshape(-1, 1), flat(y)),
  scatterSet: (x, y, k) => scatterSet(flat(x), spread(x, k).reshape(-1, 1), flat(y)),
  dynamicSlice: (x, y, k) => {
    const [n, start] = [x.size, flat(y).slice([k % x.size, (k % x.size) + 1])];
    return concat([flat(y), dynamicSlice(flat(x), start, [Math.ceil(n / 2)])], 0).slice([Math.ceil(n / 2)]);
  },
  dynamicUpdateSlice: (x, y, k) => dynamicUpdateSlice(flat(x), flat(y).slice([0, Math.ceil(x.size / 2)]), flat(x).slice([k % x.size, (k % x.size) + 1])),
  "by way of float32": (x) => int(x.cast("float32")),
  "by way of bool": (x) => int(x.cast("bool")),
  "divided as floats": (x, y) => int(x.cast("float32").div(where(y.equal(0), 1, y).cast("float32"))),
  "halved as floats": (x, _y, k) => int(x.cast("float32").mul(2 ** -(k % 12))),
}; // prettier-ignore

/** Quotients of floats that are no powers of two are not those of the CPU on a GPU, whose division is off by a unit or two. */
export const inexactOnCards: readonly string[] = ["divided as floats"];

interface Step {
  readonly name: string;
  /** Which of the inputs and of the steps before, modulo their number. */
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

export interface IntegerProgram {
  readonly shape: Shape;
  /** Two arrays of integers, and one of floats that become integers. */
  readonly inputs: readonly [readonly number[], readonly number[], readonly number[]];
  readonly steps: readonly Step[];
}

const near = (center: number): fc.Arbitrary<number> => fc.integer({ min: -5, max: 5 }).map((d) => (center + d) | 0);
/** Kinds of integers, of which an array has one or several: small, where floats round, where integers wrap, any. */
const kinds = [
  fc.integer({ min: -9, max: 9 }),
  fc.integer({ min: -2000, max: 2000 }),
  fc.constantFrom(-(2 ** 23), 2 ** 23, -(2 ** 24), 2 ** 24, 2 ** 25).chain(near),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 6, 2 ** 30, 2 ** 16, -(2 ** 16)).chain(near),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
] as const;
const floats = fc.oneof(
  fc.float({ noDefaultInfinity: true }),
  fc.float({ min: -100, max: 100, noNaN: true }),
  fc.constantFrom(NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2147483520, 2 ** 24 + 2, -0, 0.5, -0.99999994, 3e9),
);

/** @param without - Operations that are left out. */
export function integerPrograms(without: readonly string[] = []): fc.Arbitrary<IntegerProgram> {
  const names = Object.keys(integerOperations).filter((name) => !without.includes(name));
  const index = fc.nat({ max: 40 });
  return fc.constantFrom<Shape[]>([24], [4, 6], [2, 3, 2], [1, 5], [1], [1, 2, 1, 2, 3]).chain((shape) => {
    const size = shape.reduce((n, m) => n * m, 1);
    const array = (element: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
      fc.array(element, { minLength: size, maxLength: size });
    const integers = fc.oneof(...kinds.map(array), array(fc.oneof(...kinds)));
    return fc.record({
      shape: fc.constant(shape),
      inputs: fc.tuple(integers, integers, array(floats)),
      steps: fc.array(fc.record({ name: fc.constantFrom(...names), x: index, y: index, k: index }), {
        minLength: 1,
        maxLength: 8,
      }),
    });
  });
}

export interface Outcome {
  /** Names of the steps that were refused. */
  readonly refused: readonly string[];
  /** What is wrong, in words; null if nothing is. */
  readonly wrong: string | null;
}

/**
 * Runs a program on the CPU and where `place` puts tensors, and compares all steps after the last, so that no reading on the way tells a backend
 * what it holds. A step that is refused goes on from the CPU's result.
 */
export async function runIntegerProgram(
  { shape, inputs, steps }: IntegerProgram,
  place: (x: Tensor) => Tensor,
): Promise<Outcome> {
  const [a, b, c] = inputs;
  const start = (put: (x: Tensor) => Tensor): Tensor[] => [
    put(tensor(Int32Array.from(a)).reshape(shape)),
    put(tensor(Int32Array.from(b)).reshape(shape)),
    put(tensor(Float32Array.from(c)).reshape(shape)).cast("int32"),
  ];
  const [here, there] = [start((x) => x), start(place)];
  const refused: string[] = [];
  for (const { name, x, y, k } of steps) {
    const f = integerOperations[name];
    const on = (values: Tensor[]): Tensor => f(values[x % values.length], values[y % values.length], k).reshape(shape);
    const expected = on(here);
    try {
      there.push(on(there));
    } catch (error) {
      if (!(error instanceof BackendError)) return { refused, wrong: `${name} throws ${String(error)}` };
      refused.push(name);
      there.push(place(expected));
    }
    here.push(expected);
  }
  for (let i = here.length - 1; i >= 0; i--) {
    const [expected, got] = [await here[i].data(), await there[i].data()];
    const at = expected.findIndex((v, j) => v !== got[j]);
    const what = i < inputs.length ? `input ${i}` : `step ${i - inputs.length} (${steps[i - inputs.length].name})`;
    if (at >= 0) return { refused, wrong: `${what} gives ${got[at]} at ${at}, the CPU ${expected[at]}` };
    if (there[i].dtype !== here[i].dtype || got.constructor !== expected.constructor)
      return { refused, wrong: `${what} is of another dtype` };
  }
  return { refused, wrong: null };
}
