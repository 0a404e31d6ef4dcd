/**
 * A function of two arrays whose formula depends on the region of the plane: points are sorted into one bucket a region, so that each formula
 * runs over a packed array of its own, without a branch, and results go back to where their points came from.
 */

import { FunctionBody, i32, lanes64, op, v128, type ArrayKernel, type ModuleBuilder } from "@curv/tensor/kernels";
import type { Expression } from "@curv/tensor/kernels";
import { node } from "@curv/tensor/kernels";
import { loopOver, type Formula } from "./interleave.js";

export interface Regions {
  /** Region of every lane, an integer: 0 for points that are left to the caller, k for formulas[k − 1]. */
  readonly region: Formula;
  /** What the formulas get for v. */
  readonly order?: (v: Expression) => Expression;
  readonly formulas: readonly Formula[];
}

/** Points that are sorted at a time. */
const block = 2048;
/** Vectors that a formula works on at once. */
const vectors = 2;
/** Elements of a bucket: the last vectors may be padded. */
const capacity = block + 2 * vectors;
/** A bucket holds orders, arguments, and offsets of the points in the output. */
const [arguments_, offsets, bucketBytes] = [8 * capacity, 16 * capacity, 24 * capacity];
const headBytes = 128;

/** The kernel of a function that is given by its regions. */
export function bucketKernel(regions: () => Regions, nanoseconds: number, count: number): ArrayKernel {
  return {
    inputs: 2,
    chunk: 4 * block,
    scratch: headBytes + (count + 1) * bucketBytes,
    nanoseconds,
    write: (module) => writeModule(module, regions()),
  };
}

function writeModule(module: ModuleBuilder, regions: Regions): void {
  const functions = regions.formulas.map((formula) => module.add(loopOver(formula, arguments_, vectors)));
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
      sort(body, regions, { work, v, x, start, stop });
      functions.forEach((formula, i) => empty(body, { work, out }, () => first(i + 1), i + 1, formula));
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

/** Puts the points from `start` to `stop` into their buckets. Each bucket's next free place stands in the head. */
function sort(
  body: FunctionBody,
  { region, order }: Regions,
  { work, v, x, start, stop }: Record<"work" | "v" | "x" | "start" | "stop", number>,
): void {
  const [i, slot, place] = [body.local(), body.local(), body.local()];
  const at = (array: number): FunctionBody => body.get(array).get(i).int(3).emit(op.i32Shl, op.i32Add);
  const [orders, args, regions] = [body.local(v128), body.local(v128), body.local(v128)];
  const read = (local: number): Expression => node([], () => body.get(local));
  const [vs, xs] = [read(orders), read(args)];
  const load = (lanes: "both" | "one"): void => {
    const code = lanes === "both" ? 0x00 : f64LoadSplat;
    at(v).vectorAccess(code).set(orders);
    at(x).vectorAccess(code).set(args);
    write(body, lanes64.shiftLeft(region(vs, xs), 2), regions);
    if (order !== undefined) write(body, order(vs), orders);
  };
  const append = (lane: 0 | 1): void => {
    body
      .get(work)
      .get(regions)
      .simd(extract32, 2 * lane)
      .emit(op.i32Add)
      .tee(slot)
      .access(op.i32Load)
      .set(place);
    body.get(place).get(orders).vectorAccess(storeLane, 0, lane);
    body.get(place).get(args).vectorAccess(storeLane, arguments_, lane);
    body.get(place).get(i).int(lane).emit(op.i32Add).int(3).emit(op.i32Shl).access(i32Store, offsets);
    body.get(slot).get(place).int(8).emit(op.i32Add).access(i32Store);
  };
  body.get(start).set(i);
  body.countUp(
    i,
    () => body.get(stop).int(1).emit(op.i32Sub),
    2,
    () => {
      load("both");
      append(0);
      append(1);
    },
  );
  body.get(i).get(stop).emit(op.i32LtS);
  body.when(() => {
    load("one");
    append(0);
  });
  for (const local of [i, slot, place]) body.release(local);
  for (const local of [orders, args, regions]) body.release(local, v128);
}

/** Computes an expression into a local. Every node is written once. */
function write(body: FunctionBody, root: Expression, into: number): void {
  const places = new Map<Expression, number>();
  const visit = (x: Expression): void => {
    if (x.kind === "constant") {
      x.write(body, () => undefined);
      return;
    }
    const known = places.get(x);
    if (known !== undefined) {
      body.get(known);
      return;
    }
    x.args.forEach(visit);
    x.write(body, () => undefined);
    const local = body.local(v128);
    places.set(x, local);
    body.tee(local);
  };
  visit(root);
  body.set(into);
  for (const local of places.values()) body.release(local, v128);
}

/** Applies the formula to a bucket, and sends its results where they belong. */
function empty(
  body: FunctionBody,
  { work, out }: Record<"work" | "out", number>,
  first: () => FunctionBody,
  bucket: number,
  formula: number,
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
