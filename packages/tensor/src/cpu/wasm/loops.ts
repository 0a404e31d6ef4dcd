/** Loop nests over strided arrays: what all generated kernels share. */

import { itemSize, type DType } from "../../dtype.js";
import type { Stream } from "./access.js";
import { op, type FunctionBody } from "./module.js";

/** Where an array lies: in the block of the running program, at a fixed place, or where its entry in the block's table says. */
export interface Placement {
  /** Bytes from the program's base, from 0, or from that address. */
  offset: number;
  readonly fixed: boolean;
  /** Number in the table of addresses at the program's base, if the array lies outside the block. */
  readonly entry?: number | null;
}

/** An array as a kernel sees it: its place, and the elements from one index of the domain to the next. */
export interface StridedStream extends Stream {
  readonly placement: Placement;
  /** Elements before the first. */
  readonly offset: number;
  /** In elements, for each axis of the domain; set anew when axes are merged. */
  strides: readonly number[];
}

/** Locals of every kernel: its parameters. */
export const baseLocal = 0;
export const startLocal = 1;
export const endLocal = 2;

/** Puts the address of an element on the stack. */
export function addressOf(body: FunctionBody, placement: Placement, offset: number, dtype: DType): FunctionBody {
  const bytes = placement.offset + offset * itemSize(dtype);
  if (placement.fixed) return body.int(bytes);
  body.get(baseLocal);
  if (typeof placement.entry === "number") body.access(op.i32Load, 4 * placement.entry);
  return bytes === 0 ? body : body.int(bytes).emit(op.i32Add);
}

/** Sets the local to the address of the stream's first element. */
export function pointTo(body: FunctionBody, local: number, { placement, offset, dtype }: StridedStream): void {
  addressOf(body, placement, offset, dtype).set(local);
}

/**
 * Runs `inner` for every index of the axes `shape`, the first of them from `start` to `end`, with each stream's pointer at its element.
 * `inner` must leave the pointers as they are.
 */
export function nest(
  body: FunctionBody,
  streams: readonly StridedStream[],
  shape: readonly number[],
  inner: () => void,
): void {
  const bytes = (stream: StridedStream, axis: number): number => stream.strides[axis] * itemSize(stream.dtype);
  for (const stream of streams) {
    stream.pointer = body.local();
    pointTo(body, stream.pointer, stream);
    if (shape.length > 0 && bytes(stream, 0) !== 0) {
      body.get(stream.pointer).get(startLocal).int(bytes(stream, 0)).emit(op.i32Mul, op.i32Add).set(stream.pointer);
    }
  }
  const level = (axis: number): void => {
    if (axis === shape.length) {
      inner();
      return;
    }
    const counter = body.local();
    if (axis === 0) body.get(startLocal).set(counter);
    else body.int(0).set(counter);
    body.countUp(
      counter,
      () => (axis === 0 ? body.get(endLocal) : body.int(shape[axis])),
      1,
      () => {
        level(axis + 1);
        // The inner axis has gone to its end: back from there, and one step on.
        for (const stream of streams) {
          const gone = axis + 1 < shape.length ? shape[axis + 1] * bytes(stream, axis + 1) : 0;
          body.increment(stream.pointer, bytes(stream, axis) - gone);
        }
      },
    );
    body.release(counter);
  };
  level(0);
  for (const stream of streams) body.release(stream.pointer);
}

/** Runs `inner` with copies of the streams' pointers, which it may move. */
export function withCursors(body: FunctionBody, streams: readonly Stream[], inner: () => void): void {
  const outer = streams.map(({ pointer }) => pointer);
  for (const stream of streams) {
    const cursor = body.local();
    body.get(stream.pointer).set(cursor);
    stream.pointer = cursor;
  }
  inner();
  streams.forEach((stream, i) => {
    body.release(stream.pointer);
    stream.pointer = outer[i];
  });
}
