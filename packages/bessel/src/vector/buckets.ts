/**
 * A function of two arrays whose formula depends on the region of the plane: points are sorted into one bucket a region, so that each formula
 * runs over a packed array of its own, without a branch, and results go back to where their points came from.
 */

import {
  FunctionBody, i32, lanes32, node, op, v128, type ArrayKernel, type Expression, type ModuleBuilder,
} from "@curv/tensor/kernels"; // prettier-ignore
import { loopOver, StraightWriter, type Formula } from "./interleave.js";

export interface Region {
  readonly formula: Formula;
  /** How many vectors it works on at once: several for short ones, to hide latencies; one where the registers are few. */
  readonly vectors: number;
}

export interface Regions {
  /** Region of four points, given as float32, as integers: 0 for points that are left to the caller, k for regions[k − 1]. */
  readonly index: Formula;
  readonly regions: readonly Region[];
}

/** Points that are sorted at a time: the buckets have to fit into the work space of a thread. */
const block = 1920;
/** Elements of a bucket: the last vectors are padded. */
const mostVectors = 4;
const capacity = block + 2 * mostVectors;
/** A bucket holds orders, arguments, and offsets of the points in the output. */
const [arguments_, offsets, bucketBytes] = [8 * capacity, 16 * capacity, 24 * capacity];
const headBytes = 128;

/**
 * The kernel of a function that is given by its regions, which are made when it is first run.
 *
 * @param nanoseconds - Rough time for a point.
 * @param count - How many regions there are.
 */
export function bucketKernel(regions: () => Regions, nanoseconds: number, count: number): ArrayKernel {
  return {
    inputs: 2,
    chunk: 4 * block,
    scratch: headBytes + (count + 1) * bucketBytes,
    nanoseconds,
    write: (module) => {
      const all = regions();
      // More of them would write over what lies behind the scratch.
      if (all.regions.length !== count) throw new RangeError(`${all.regions.length} regions; ${count} were said`);
      writeModule(module, all);
    },
  };
}

function writeModule(module: ModuleBuilder, regions: Regions): void {
  const functions = regions.regions.map(({ formula, vectors }) => module.add(loopOver(formula, arguments_, vectors)));
  const body = new FunctionBody([i32, i32, i32]);
  const [base, start, end] = [0, 1, 2];
  const [work, v, x, out, stop] = [body.local(), body.local(), body.local(), body.local(), body.local()];
  const first = (bucket: number): FunctionBody =>
    body.get(work).int(headBytes + bucket * bucketBytes).emit(op.i32Add); // prettier-ignore
  body.work().set(work);
  [v, x, out].forEach((array, i) =>
    body
      .get(base)
      .access(op.i32Load, 4 * i)
      .set(array),
  );
  body.countUp(
    start,
    () => body.get(end),
    block,
    () => {
      for (let bucket = 0; bucket <= functions.length; bucket++) {
        body.get(work);
        first(bucket).access(i32Store, 4 * bucket);
      }
      body.get(start).int(block).emit(op.i32Add).tee(stop).get(end).emit(op.i32GtS);
      body.when(() => body.get(end).set(stop));
      sort(body, regions.index, { work, v, x, start, stop });
      regions.regions.forEach(({ vectors }, i) =>
        empty(body, { work, out }, () => first(i + 1), i + 1, functions[i], vectors),
      );
      leave(body, { work, out, base }, () => first(0));
    },
  );
  module.add(body, "kernel0");
}

const i32Store = 0x36;
const f64LoadSplat = 0x0a;
const vectorStore = 0x0b;
const storeLane = 0x5b;
const extract32 = 0x1b;
const demote = 0x5e;
const shuffle = 0x0d;
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** Puts the points from `start` to `stop` into their buckets, four at a time. Each bucket's next free place stands in the head. */
function sort(
  body: FunctionBody,
  region: Formula,
  { work, v, x, start, stop }: Record<"work" | "v" | "x" | "start" | "stop", number>,
): void {
  const [i, slot, place] = [body.local(), body.local(), body.local()];
  // Orders and arguments of two pairs of points.
  const pairs = [v, x].map((array) => ({ array, locals: [body.local(v128), body.local(v128)] }));
  const four = ({ locals: [a, b] }: (typeof pairs)[number]): Expression =>
    node([], () =>
      body
        .get(a)
        .simd(demote)
        .get(b)
        .simd(demote)
        .simd(shuffle, ...lowHalves),
    );
  const regions = new StraightWriter(body, lanes32.shiftLeft(region(four(pairs[0]), four(pairs[1])), 2));
  const append = (lane: number, index: number): void => {
    body.get(work).get(index).simd(extract32, lane).emit(op.i32Add).tee(slot).access(op.i32Load).set(place);
    pairs.forEach(({ locals }, k) => {
      body
        .get(place)
        .get(locals[lane >> 1])
        .vectorAccess(storeLane, k * arguments_, lane & 1);
    });
    body.get(place).get(i).int(lane).emit(op.i32Add).int(3).emit(op.i32Shl).access(i32Store, offsets);
    body.get(slot).get(place).int(8).emit(op.i32Add).access(i32Store);
  };
  const forFour = (each: (lane: number, index: number) => void): void => {
    for (const { array, locals } of pairs) {
      locals.forEach((local, k) => {
        body.get(array).get(i).int(3).emit(op.i32Shl, op.i32Add).vectorAccess(0x00, 16 * k).set(local); // prettier-ignore
      });
    }
    const [index] = regions.write(1);
    for (let lane = 0; lane < 4; lane++) each(lane, index);
    body.release(index, v128);
  };
  body.get(start).set(i);
  body.countUp(i, () => body.get(stop).int(3).emit(op.i32Sub), 4, () => forFour(append)); // prettier-ignore
  body.get(i).get(stop).emit(op.i32LtS);
  body.when(() =>
    forFour((lane, index) => {
      body.get(i).int(lane).emit(op.i32Add).get(stop).emit(op.i32LtS);
      body.when(() => append(lane, index));
    }),
  );
  for (const local of [i, slot, place]) body.release(local);
  for (const { locals } of pairs) for (const local of locals) body.release(local, v128);
}

/** Applies the formula to a bucket, and sends its results where they belong. */
function empty(
  body: FunctionBody,
  { work, out }: Record<"work" | "out", number>,
  first: () => FunctionBody,
  bucket: number,
  formula: number,
  vectors: number,
): void {
  const [from, to] = [body.local(), body.local()];
  body
    .get(work)
    .access(op.i32Load, 4 * bucket)
    .set(to);
  first().tee(from).get(to).emit(op.i32LtS);
  body.when(() => {
    // Whole vectors of arguments that are harmless.
    for (const array of [0, arguments_]) {
      for (let vector = 0; vector < vectors; vector++) {
        body.get(to).get(to).int(8).emit(op.i32Sub).vectorAccess(f64LoadSplat, array).vectorAccess(vectorStore, array + 16 * vector); // prettier-ignore
      }
    }
    body.get(from).get(to).call(formula);
    body.loop(() => {
      body.get(out).get(from).access(op.i32Load, offsets).emit(op.i32Add);
      body.get(from).access(op.f64Load).access(op.f64Store);
      body.increment(from, 8).get(from).get(to).emit(op.i32LtS);
    });
  });
  body.release(from);
  body.release(to);
}

/** NaN for the points of no region, and the word that says that there are some. */
function leave(
  body: FunctionBody,
  { work, out, base }: Record<"work" | "out" | "base", number>,
  first: () => FunctionBody,
): void {
  const [from, to] = [body.local(), body.local()];
  body.get(work).access(op.i32Load).set(to);
  first().tee(from).get(to).emit(op.i32LtS);
  body.when(() => {
    body.get(base).int(1).access(i32Store, 12);
    body.loop(() => {
      body.get(out).get(from).access(op.i32Load, offsets).emit(op.i32Add).float(NaN, 64).access(op.f64Store);
      body.increment(from, 8).get(from).get(to).emit(op.i32LtS);
    });
  });
  body.release(from);
  body.release(to);
}
