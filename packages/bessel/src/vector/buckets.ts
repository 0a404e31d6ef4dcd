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
const block = 1536;
/** Elements of a bucket: the last vectors are padded. */
const mostVectors = 4;
const capacity = block + 2 * mostVectors;
/** A bucket holds orders, arguments, and offsets of the points in the output. */
const [arguments_, offsets, bucketBytes] = [8 * capacity, 16 * capacity, 24 * capacity];
/** In front of the buckets: the next free place of each, and the regions of the points, both four bytes each. */
const placesBytes = 128;
const headBytes = placesBytes + 4 * block;

/**
 * The kernel of a function that is given by its regions, which are made when it is first run.
 *
 * @param nanoseconds - Rough time for a point.
 * @param count - How many regions there are.
 */
export function bucketKernel(regions: () => Regions, nanoseconds: number, count: number): ArrayKernel {
  return {
    inputs: 2,
    chunk: 2 * block,
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
  const functions = regions.regions.map(({ formula, vectors }) => module.add(loopOver(formula, vectors)));
  const body = new FunctionBody([i32, i32, i32]);
  const [base, start, end] = [0, 1, 2];
  const [work, v, x, out, stop] = [body.local(), body.local(), body.local(), body.local(), body.local()];
  const common = body.local();
  const first = (bucket: number): FunctionBody =>
    body.get(work).int(headBytes + bucket * bucketBytes).emit(op.i32Add); // prettier-ignore
  const at = (array: number): FunctionBody => body.get(array).get(start).int(3).emit(op.i32Shl, op.i32Add);
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
      body.get(start).int(block).emit(op.i32Add).tee(stop).get(end).emit(op.i32GtS);
      body.when(() => body.get(end).set(stop));
      classify(body, regions.index, { work, v, x, start, stop, common });
      // Whole blocks of one region are neither sorted nor copied.
      body.get(common).int(0).emit(op.i32Ne).get(stop).get(start).emit(op.i32Sub).int(block).emit(op.i32GeS, op.i32And);
      body.when(
        () =>
          functions.forEach((formula, i) => {
            body.get(common).int(4 * (i + 1)).emit(op.i32Ne, op.i32Eqz); // prettier-ignore
            body.when(() => {
              at(v);
              at(x);
              at(out);
              at(v).int(8 * block).emit(op.i32Add).call(formula); // prettier-ignore
            });
          }),
        () => {
          for (let bucket = 0; bucket <= functions.length; bucket++) {
            body.get(work);
            first(bucket).access(i32Store, 4 * bucket);
          }
          sort(body, { work, v, x, start, stop });
          regions.regions.forEach(({ vectors }, i) =>
            empty(body, { work, out }, () => first(i + 1), i + 1, functions[i], vectors),
          );
          leave(body, { work, out, base }, () => first(0));
        },
      );
    },
  );
  module.add(body, "kernel0");
}

const i32Store = 0x36;
const f64LoadSplat = 0x0a;
const vectorStore = 0x0b;
const [extract32, splat32, bitAnd, bitOr, bitXor, anyTrue] = [0x1b, 0x11, 0x4e, 0x50, 0x51, 0x53];
const demote = 0x5e;
const shuffle = 0x0d;
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/**
 * Writes the regions of the points from `start` to `stop` into the work space, four points at a time, and what is common to all into a local:
 * four times the region, or 0.
 */
function classify(
  body: FunctionBody,
  region: Formula,
  { work, v, x, start, stop, common }: Record<"work" | "v" | "x" | "start" | "stop" | "common", number>,
): void {
  const [i, to, every, some] = [body.local(), body.local(), body.local(v128), body.local(v128)];
  // Orders and arguments of two pairs of points.
  const four = (array: number): Expression =>
    node([], () => {
      for (let pair = 0; pair < 2; pair++) {
        body.get(array).get(i).int(3).emit(op.i32Shl, op.i32Add).vectorAccess(0x00, 16 * pair).simd(demote); // prettier-ignore
      }
      body.simd(shuffle, ...lowHalves);
    });
  const regions = new StraightWriter(body, lanes32.shiftLeft(region(four(v), four(x)), 2));
  body.simd(0x0c, ...new Array<number>(16).fill(255)).set(every);
  body.simd(0x0c, ...new Array<number>(16).fill(0)).set(some);
  body.get(work).set(to);
  body.get(start).set(i);
  body.countUp(
    i,
    () => body.get(stop),
    4,
    () => {
      const [index] = regions.write(1);
      body.get(every).get(index).simd(bitAnd).set(every);
      body.get(some).get(index).simd(bitOr).set(some);
      body.get(to).get(index).vectorAccess(vectorStore, placesBytes).increment(to, 16);
      body.release(index, v128);
    },
  );
  body.get(every).simd(extract32, 0).set(common);
  body.get(common).simd(splat32).get(every).simd(bitXor).get(every).get(some).simd(bitXor).simd(bitOr).simd(anyTrue);
  body.when(() => body.int(0).set(common));
  for (const local of [i, to]) body.release(local);
  for (const local of [every, some]) body.release(local, v128);
}

/** Puts the points from `start` to `stop` into their buckets. Each bucket's next free place stands in the head. */
function sort(
  body: FunctionBody,
  { work, v, x, start, stop }: Record<"work" | "v" | "x" | "start" | "stop", number>,
): void {
  const [i, from, slot, place] = [body.local(), body.local(), body.local(), body.local()];
  const append = (k: number): void => {
    body.get(work).get(from).access(op.i32Load, placesBytes + 4 * k).emit(op.i32Add).tee(slot).access(op.i32Load).set(place); // prettier-ignore
    [v, x].forEach((array, j) => {
      body.get(place).get(array).get(i).int(3).emit(op.i32Shl, op.i32Add).access(op.f64Load, 8 * k).access(op.f64Store, j * arguments_); // prettier-ignore
    });
    body.get(place).get(i).int(k).emit(op.i32Add).int(3).emit(op.i32Shl).access(i32Store, offsets);
    body.get(slot).get(place).int(8).emit(op.i32Add).access(i32Store);
  };
  const some = (points: number, end: () => FunctionBody): void => {
    body.countUp(i, end, points, () => {
      for (let k = 0; k < points; k++) append(k);
      body.increment(from, 4 * points);
    });
  };
  body.get(work).set(from);
  body.get(start).set(i);
  some(4, () => body.get(stop).int(3).emit(op.i32Sub));
  some(1, () => body.get(stop));
  for (const local of [i, from, slot, place]) body.release(local);
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
    body.get(from).get(from).int(arguments_).emit(op.i32Add).get(from).get(to).call(formula);
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
