/**
 * Reductions, in the order of kernels/reduce.ts: element i of a chunk of 4096 goes to accumulator i mod 8, accumulators and chunks are
 * combined by binary trees.
 */

import { itemSize, type DType } from "../../dtype.js";
import type { LaneCount } from "./elementwise.js";
import { ExpressionWriter, integerConstant, node, simd, type Expression } from "./expression.js";
import { lanes32, lanes64, select, type FloatLanes } from "./lanes.js";
import { nest, withCursors, type StridedStream } from "./loops.js";
import type { Load } from "./map.js";
import { FunctionBody, i32, v128 } from "./module.js";

export type ReductionName = "sum" | "prod" | "max" | "min";

/** Rows of the reduced axis that share the accumulators; as in kernels/reduce.ts. */
const chunkLength = 4096;

export interface ReduceKernel {
  readonly name: ReductionName;
  readonly dtype: "float32" | "float64";
  /** Kept axes before the reduced one. */
  readonly outer: readonly number[];
  readonly rows: number;
  /** Kept axis behind the reduced one. 1: the reduced axis is the last. */
  readonly columns: number;
  readonly lanes: LaneCount;
  /** Axes of the streams: outer…, rows, columns. */
  readonly loads: readonly Load[];
  /** What is reduced. */
  readonly value: Expression;
  /** Row-major over (outer…, columns). */
  readonly out: StridedStream;
}

function combine(v: FloatLanes, name: ReductionName): (a: Expression, b: Expression) => Expression {
  return { sum: v.add, prod: v.mul, max: v.max, min: v.min }[name];
}

const neutral: Readonly<Record<ReductionName, number>> = { sum: 0, prod: 1, max: -Infinity, min: Infinity };

/** kernel(base, start, end) for a range of the first outer axis; without outer axes the range is ignored. */
export function emitReduce(kernel: ReduceKernel): FunctionBody {
  const body = new FunctionBody([i32, i32, i32]);
  const streams = [...kernel.loads.map(({ stream }) => stream), kernel.out];
  nest(body, streams, kernel.outer, () =>
    withCursors(body, streams, () => (kernel.columns === 1 ? reduceRow(body, kernel) : reduceColumns(body, kernel))),
  );
  return body;
}

const floatLanes = (dtype: DType): FloatLanes => (dtype === "float32" ? lanes32 : lanes64);

/** Eight accumulators stand in 8 / lanes vectors. */
function reduceRow(body: FunctionBody, kernel: ReduceKernel): void {
  const { name, dtype, rows, lanes, loads, out } = kernel;
  const v = floatLanes(dtype);
  const vectorsPerStep = 8 / lanes;
  const accumulators = Array.from({ length: vectorsPerStep }, () => body.local(v128));
  const axis = kernel.outer.length;
  const advance = (): void => {
    for (const { stream } of loads)
      body.increment(stream.pointer, lanes * stream.strides[axis] * itemSize(stream.dtype));
  };
  const accumulate = (i: number, mask: Expression | null): void => {
    const value = mask === null ? kernel.value : select(mask, kernel.value, v.constant(neutral[name]));
    const sum = combine(v, name)(localValue(accumulators[i]), value);
    const writer = new ExpressionWriter(body, [sum]);
    writer.write(sum);
    writer.end();
    body.set(accumulators[i]);
  };
  const chunk = (length: number): void => {
    for (const a of accumulators) {
      write(body, v.constant(neutral[name]));
      body.set(a);
    }
    const steps = Math.floor(length / 8);
    if (steps > 0) {
      const counter = body.local();
      body.int(0).set(counter);
      body.countUp(
        counter,
        () => body.int(steps),
        1,
        () => {
          for (let i = 0; i < vectorsPerStep; i++) {
            accumulate(i, null);
            advance();
          }
        },
      );
      body.release(counter);
    }
    let left = length % 8;
    for (let i = 0; left > 0; i++) {
      accumulate(i, left >= lanes ? null : firstLanes(left, lanes));
      left -= lanes;
      advance();
    }
    // The tree over the eight accumulators.
    for (let width = 1; width < 8; width *= 2) {
      if (width < lanes) {
        for (const a of accumulators) {
          // Lane j meets lane j + width: both stand there afterwards, and the upper halves are ignored.
          write(body, combine(v, name)(localValue(a), rotate(localValue(a), width, lanes)));
          body.set(a);
        }
      } else {
        const step = width / lanes;
        for (let i = 0; i < vectorsPerStep; i += 2 * step) {
          write(body, combine(v, name)(localValue(accumulators[i]), localValue(accumulators[i + step])));
          body.set(accumulators[i]);
        }
      }
    }
  };
  const size = itemSize(dtype);
  const storeScalar = (): void => void body.get(accumulators[0]).vectorAccess(size === 4 ? 0x5a : 0x5b, 0, 0);
  const chunks = Math.max(1, Math.ceil(rows / chunkLength));
  if (chunks === 1) {
    chunk(rows);
    body.get(out.pointer);
    storeScalar();
  } else {
    overChunks(body, chunks, rows, chunk, accumulators[0], v, name);
    body.get(out.pointer);
    storeScalar();
  }
  for (const a of accumulators) body.release(a, v128);
}

/** Runs every chunk into a slot of the thread's work space, then the tree over the slots; the result is in `result`. */
function overChunks(
  body: FunctionBody,
  chunks: number,
  rows: number,
  chunk: (length: number) => void,
  result: number,
  v: FloatLanes,
  name: ReductionName,
): void {
  const slot = body.local();
  const counter = body.local();
  const keep = (): void => {
    body.get(slot).get(result).vectorAccess(0x0b);
    body.increment(slot, 16);
  };
  body.work().set(slot);
  body.int(0).set(counter);
  body.countUp(
    counter,
    () => body.int(Math.floor(rows / chunkLength)),
    1,
    () => {
      chunk(chunkLength);
      keep();
    },
  );
  if (rows % chunkLength > 0) {
    chunk(rows % chunkLength);
    keep();
  }
  const from = body.local();
  for (let m = chunks; m > 1; m = (m + 1) >> 1) {
    body.work().set(slot);
    body.work().set(from);
    body.int(0).set(counter);
    body.countUp(
      counter,
      () => body.int(m >> 1),
      1,
      () => {
        body.get(slot);
        write(body, combine(v, name)(loadAt(from, 0), loadAt(from, 16)));
        body.vectorAccess(0x0b);
        body.increment(slot, 16).increment(from, 32);
      },
    );
    if ((m & 1) === 1) body.get(slot).get(from).vectorAccess(0x00).vectorAccess(0x0b);
  }
  body.work().set(slot);
  body.get(slot).vectorAccess(0x00).set(result);
  for (const local of [slot, counter, from]) body.release(local);
}

/** Eight accumulators, each a vector of columns; row r goes to accumulator r mod 8. */
function reduceColumns(body: FunctionBody, kernel: ReduceKernel): void {
  const { name, dtype, rows, columns, lanes, loads, out } = kernel;
  const v = floatLanes(dtype);
  const size = itemSize(dtype);
  const rowAxis = kernel.outer.length;
  const columnAxis = rowAxis + 1;
  const streams = loads.map(({ stream }) => stream);
  const accumulators = Array.from({ length: 8 }, () => body.local(v128));
  const accumulate = (i: number): void => {
    const sum = combine(v, name)(localValue(accumulators[i]), kernel.value);
    const writer = new ExpressionWriter(body, [sum]);
    writer.write(sum);
    writer.end();
    body.set(accumulators[i]);
    for (const stream of streams) body.increment(stream.pointer, stream.strides[rowAxis] * itemSize(stream.dtype));
  };
  const chunk = (length: number): void => {
    for (const a of accumulators) {
      write(body, v.constant(neutral[name]));
      body.set(a);
    }
    const steps = Math.floor(length / 8);
    if (steps > 0) {
      const counter = body.local();
      body.int(0).set(counter);
      body.countUp(
        counter,
        () => body.int(steps),
        1,
        () => {
          for (let i = 0; i < 8; i++) accumulate(i);
        },
      );
      body.release(counter);
    }
    for (let i = 0; i < length % 8; i++) accumulate(i);
    for (let width = 1; width < 8; width *= 2) {
      for (let i = 0; i < 8; i += 2 * width) {
        write(body, combine(v, name)(localValue(accumulators[i]), localValue(accumulators[i + width])));
        body.set(accumulators[i]);
      }
    }
  };
  const column = (): void =>
    withCursors(body, streams, () => {
      const chunks = Math.max(1, Math.ceil(rows / chunkLength));
      if (chunks === 1) chunk(rows);
      else overChunks(body, chunks, rows, chunk, accumulators[0], v, name);
    });
  const next = (): void => {
    for (const stream of streams)
      body.increment(stream.pointer, lanes * stream.strides[columnAxis] * itemSize(stream.dtype));
    body.increment(out.pointer, lanes * size);
  };
  const whole = Math.floor(columns / lanes);
  if (whole > 0) {
    const counter = body.local();
    body.int(0).set(counter);
    body.countUp(
      counter,
      () => body.int(whole),
      1,
      () => {
        column();
        body.get(out.pointer).get(accumulators[0]).vectorAccess(0x0b);
        next();
      },
    );
    body.release(counter);
  }
  if (columns % lanes > 0) {
    column();
    for (let lane = 0; lane < columns % lanes; lane++) {
      body
        .get(out.pointer)
        .get(accumulators[0])
        .vectorAccess(size === 4 ? 0x5a : 0x5b, lane * size, lane);
    }
  }
  for (const a of accumulators) body.release(a, v128);
}

function write(body: FunctionBody, x: Expression): void {
  const writer = new ExpressionWriter(body, [x]);
  writer.write(x);
  writer.end();
}

function localValue(local: number): Expression {
  return { args: [], kind: "constant", write: (body) => body.get(local) };
}

function loadAt(pointer: number, offset: number): Expression {
  return node([], (body) => body.get(pointer).vectorAccess(0x00, offset));
}

/** Lane j of the result is lane j + by. */
function rotate(x: Expression, by: number, lanes: LaneCount): Expression {
  const bytes = (16 / lanes) * by;
  const order = Array.from({ length: 16 }, (_, i) => (i + bytes) % 16);
  return node([x, x], (body) => body.simd(0x0d, ...order));
}

/** A mask of the first `count` lanes. */
function firstLanes(count: number, lanes: LaneCount): Expression {
  const bits = lanes === 4 ? 32 : 64;
  const index = {
    args: [],
    kind: "constant",
    write: (body: FunctionBody) => body.simd(0x0c, ...laneIndices(lanes)),
  } as const;
  return simd(lanes === 4 ? 0x39 : 0xd8, index, integerConstant(count, bits));
}

function laneIndices(lanes: LaneCount): number[] {
  const bytes = new Array<number>(16).fill(0);
  for (let i = 0; i < lanes; i++) bytes[(i * 16) / lanes] = i;
  return bytes;
}
