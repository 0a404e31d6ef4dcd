/**
 * A function of two arrays whose formula depends on the region of the plane: points are sorted by their regions, so that each formula runs
 * over a packed part of its own, without a branch, and results go back to where their points came from.
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

/** Points that are sorted at a time: what is done once for every region is little beside them, and they stay in the cache. */
const block = 4096;
/** A formula works on whole vectors, that is, up to so many points beyond the last. */
const overrun = 8;
const mostRegions = 127;
/** The scratch: a word for every region; one for every point; then orders, arguments and results in their sorted order. */
const wordsBytes = 4 * (mostRegions + 1);
const sortedBytes = wordsBytes + 4 * block;
const [arguments_, results] = [8 * (block + overrun), 16 * (block + overrun)];

/**
 * The kernel of a function that is given by its regions, which are made when it is first run.
 *
 * @param nanoseconds - Rough time for a point.
 */
export function bucketKernel(regions: () => Regions, nanoseconds: number): ArrayKernel {
  return {
    inputs: 2,
    chunk: block,
    scratch: sortedBytes + 24 * (block + overrun),
    nanoseconds,
    write: (module) => {
      const all = regions();
      if (all.regions.length > mostRegions) throw new RangeError(`${all.regions.length} regions`);
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
  const at = (array: number): FunctionBody => body.get(array).get(start).int(3).emit(op.i32Shl, op.i32Add);
  const locals = { work, v, x, out, start, stop, base };
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
      body.get(work).int(0).int(wordsBytes).fillMemory();
      classify(body, regions.index, { ...locals, common });
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
          placesOfRegions(body, locals, functions.length + 1);
          sort(body, locals);
          leave(body, locals);
          functions.forEach((formula, i) => apply(body, locals, formula, i + 1));
          collect(body, locals);
        },
      );
    },
  );
  module.add(body, "kernel0");
}

type Locals = Readonly<Record<"work" | "v" | "x" | "out" | "start" | "stop" | "base", number>>;

const i32Store = 0x36;
const vectorStore = 0x0b;
const [extract32, splat32, bitAnd, bitOr, bitXor, anyTrue] = [0x1b, 0x11, 0x4e, 0x50, 0x51, 0x53];
const demote = 0x5e;
const shuffle = 0x0d;
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/**
 * Writes four times the regions of the points from `start` to `stop` into the scratch, four points at a time, and how many there are of each;
 * what is common to all goes into a local, or 0.
 */
function classify(
  body: FunctionBody,
  region: Formula,
  { work, v, x, start, stop, common }: Locals & { readonly common: number },
): void {
  const [i, to, word, extra, every, some] = [
    body.local(),
    body.local(),
    body.local(),
    body.local(),
    body.local(v128),
    body.local(v128),
  ];
  const count = (n: number): FunctionBody =>
    body.get(word).get(word).access(op.i32Load).int(n).emit(op.i32Add).access(i32Store);
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
      body.get(to).get(index).vectorAccess(vectorStore, wordsBytes).increment(to, 16);
      for (let lane = 0; lane < 4; lane++) {
        body.get(work).get(index).simd(extract32, lane).emit(op.i32Add).set(word);
        count(1);
      }
      body.release(index, v128);
    },
  );
  // The last four may have been fewer.
  body.get(stop).set(extra);
  body.countUp(
    extra,
    () => body.get(i),
    1,
    () => {
      body.increment(to, -4).get(work).get(to).access(op.i32Load, wordsBytes).emit(op.i32Add).set(word);
      count(-1);
    },
  );
  body.get(every).simd(extract32, 0).set(common);
  body.get(common).simd(splat32).get(every).simd(bitXor).get(every).get(some).simd(bitXor).simd(bitOr).simd(anyTrue);
  body.when(() => body.int(0).set(common));
  for (const local of [i, to, word, extra]) body.release(local);
  for (const local of [every, some]) body.release(local, v128);
}

/** Instead of how many points there are of each region: where the first of them belongs. */
function placesOfRegions(body: FunctionBody, { work }: Locals, regions: number): void {
  const [word, place, points] = [body.local(), body.local(), body.local()];
  body.get(work).set(word);
  body.get(work).int(sortedBytes).emit(op.i32Add).set(place);
  body.loop(() => {
    body.get(word).access(op.i32Load).set(points);
    body.get(word).get(place).access(i32Store);
    body.get(place).get(points).int(3).emit(op.i32Shl, op.i32Add).set(place);
    body.increment(word, 4).get(word).get(work).int(4 * regions).emit(op.i32Add, op.i32LtS); // prettier-ignore
  });
  for (const local of [word, place, points]) body.release(local);
}

/** What is done for each point: `point(i, k)` is for the one k behind `i`, whose word is at 4k + wordsBytes behind `word`. */
function forPoints(
  body: FunctionBody,
  { work, start, stop }: Locals,
  point: (i: number, word: number, k: number) => void,
): void {
  const [i, word] = [body.local(), body.local()];
  const some = (points: number, end: () => FunctionBody): void => {
    body.countUp(i, end, points, () => {
      for (let k = 0; k < points; k++) point(i, word, k);
      body.increment(word, 4 * points);
    });
  };
  body.get(work).set(word);
  body.get(start).set(i);
  some(4, () => body.get(stop).int(3).emit(op.i32Sub));
  some(1, () => body.get(stop));
  body.release(i);
  body.release(word);
}

/** Puts the points where they belong, and this place into their words; the words of the regions say then where they end. */
function sort(body: FunctionBody, locals: Locals): void {
  const { work, v, x } = locals;
  const [slot, place] = [body.local(), body.local()];
  forPoints(body, locals, (i, word, k) => {
    body.get(work).get(word).access(op.i32Load, wordsBytes + 4 * k).emit(op.i32Add).tee(slot).access(op.i32Load).set(place); // prettier-ignore
    [v, x].forEach((array, j) => {
      body.get(place).get(array).get(i).int(3).emit(op.i32Shl, op.i32Add).access(op.f64Load, 8 * k).access(op.f64Store, j * arguments_); // prettier-ignore
    });
    body
      .get(word)
      .get(place)
      .access(i32Store, wordsBytes + 4 * k);
    body.get(slot).get(place).int(8).emit(op.i32Add).access(i32Store);
  });
  body.release(slot);
  body.release(place);
}

/** Applies a formula to the points of a region. What it writes beyond them belongs to regions that come later. */
function apply(body: FunctionBody, { work }: Locals, formula: number, region: number): void {
  const [from, to] = [body.local(), body.local()];
  const end = (of: number): FunctionBody => body.get(work).access(op.i32Load, 4 * of);
  end(region - 1).set(from);
  end(region).set(to);
  body.get(from).get(to).emit(op.i32LtS);
  body.when(() => {
    body.get(from);
    for (const array of [arguments_, results]) body.get(from).int(array).emit(op.i32Add);
    body.get(to).call(formula);
  });
  body.release(from);
  body.release(to);
}

/** NaN for the points of no region, and the word that says that there are some. */
function leave(body: FunctionBody, { work, base }: Locals): void {
  const place = body.local();
  const end = (): FunctionBody => body.get(work).access(op.i32Load);
  body.get(work).int(sortedBytes).emit(op.i32Add).tee(place);
  end().emit(op.i32LtS);
  body.when(() => body.get(base).int(1).access(i32Store, 12));
  body.countUp(place, end, 8, () => body.get(place).float(NaN, 64).access(op.f64Store, results));
  body.release(place);
}

/** Results, from where their points were put. */
function collect(body: FunctionBody, locals: Locals): void {
  forPoints(body, locals, (i, word, k) => {
    body.get(locals.out).get(i).int(3).emit(op.i32Shl, op.i32Add);
    body.get(word).access(op.i32Load, wordsBytes + 4 * k).access(op.f64Load, results).access(op.f64Store, 8 * k); // prettier-ignore
  });
}
