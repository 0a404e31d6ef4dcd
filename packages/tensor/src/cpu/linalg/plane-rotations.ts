/** Sequences of plane rotations on neighbouring columns, gathered and then applied row by row. */

import { rotationRows } from "../wasm/factorisation.js";
import { doubles, kernelsFor } from "./work-space.js";

/**
 * Sweeps of rotations waiting to be applied to the columns of Z.
 *
 * A QR or QL sweep rotates columns (k, k + 1) for successive k. Applied one by one, each rotation walks down two columns of a row-major
 * matrix; gathered, a row is loaded once, stays in the first-level cache for all waiting sweeps, and one of its two operands stays in
 * a register from one rotation to the next. Four rows go together, to hide the latency of that chain.
 */
export interface RotationQueue {
  /** Z of [rows, stride], row-major. */
  readonly z: Float64Array;
  readonly rows: number;
  readonly stride: number;
  readonly c: Float64Array;
  readonly s: Float64Array;
  /** `rotationRows` rows of Z side by side, for the vector kernel. */
  readonly panel: Float64Array;
  /** Three numbers a sweep: its first column, its number of rotations, and the step to the next column, 1 or −1. */
  readonly sweeps: Int32Array;
  /** Number of rotations and of sweeps that wait. */
  used: number;
  count: number;
}

const MAX_SWEEPS = 32;

const capacityFor = (longest: number): number => Math.max(longest, Math.min(longest * MAX_SWEEPS, 32768));

/** What a queue takes of a work space. */
export const rotationSpace = (stride: number, longest: number): number =>
  2 * capacityFor(longest) + rotationRows * stride + 2 * MAX_SWEEPS;

/** @param longest - The largest number of rotations in one sweep. */
export function rotationQueue(z: Float64Array, rows: number, stride: number, longest: number): RotationQueue {
  const capacity = capacityFor(longest);
  const [c, s, panel] = [doubles(capacity), doubles(capacity), doubles(rotationRows * stride)];
  const room = doubles(Math.ceil((3 * MAX_SWEEPS) / 2));
  const sweeps = new Int32Array(room.buffer, room.byteOffset, 3 * MAX_SWEEPS);
  return { z, rows, stride, c, s, panel, sweeps, used: 0, count: 0 };
}

/**
 * Announces a sweep over columns first, first + step, …; its rotations are then written by the caller to c[i], s[i] from the returned
 * i upwards. Rotation i takes column k to c z_k + s z_l and its neighbour l = k + step to c z_l − s z_k, and hands l on.
 */
export function beginSweep(queue: RotationQueue, first: number, length: number, step: 1 | -1): number {
  if (queue.count === MAX_SWEEPS || queue.used + length > queue.c.length) flushRotations(queue);
  const start = queue.used;
  queue.sweeps[3 * queue.count] = first;
  queue.sweeps[3 * queue.count + 1] = length;
  queue.sweeps[3 * queue.count + 2] = step;
  queue.count++;
  queue.used += length;
  return start;
}

/** Applies what waits. */
export function flushRotations(queue: RotationQueue): void {
  const { z, rows, stride, c, s, sweeps, count, panel } = queue;
  if (count === 0) return;
  const kernels = kernelsFor(z, c, panel);
  let r = 0;
  if (kernels !== null) {
    let low = stride;
    let high = 0;
    for (let q = 0; q < count; q++) {
      const last = sweeps[3 * q] + sweeps[3 * q + 1] * sweeps[3 * q + 2];
      low = Math.min(low, sweeps[3 * q], last);
      high = Math.max(high, sweeps[3 * q], last);
    }
    kernels.rotate(
      rows, low, high, z.byteOffset, 8 * stride,
      c.byteOffset, s.byteOffset, sweeps.byteOffset, count, panel.byteOffset,
    ); // prettier-ignore
    r = rows;
  }
  for (; r + 4 <= rows; r += 4) {
    for (let q = 0, start = 0; q < count; q++) {
      rotateFourRows(z, r * stride, stride, c, s, start, sweeps[3 * q], sweeps[3 * q + 1], sweeps[3 * q + 2]);
      start += sweeps[3 * q + 1];
    }
  }
  for (; r < rows; r++) {
    for (let q = 0, start = 0; q < count; q++) {
      rotateRow(z, r * stride, c, s, start, sweeps[3 * q], sweeps[3 * q + 1], sweeps[3 * q + 2]);
      start += sweeps[3 * q + 1];
    }
  }
  queue.used = 0;
  queue.count = 0;
}

function rotateFourRows(
  z: Float64Array,
  offset: number,
  stride: number,
  c: Float64Array,
  s: Float64Array,
  start: number,
  first: number,
  length: number,
  step: number,
): void {
  let p0 = offset + first;
  let p1 = p0 + stride;
  let p2 = p1 + stride;
  let p3 = p2 + stride;
  let x0 = z[p0];
  let x1 = z[p1];
  let x2 = z[p2];
  let x3 = z[p3];
  for (let i = start; i < start + length; i++) {
    const ci = c[i];
    const si = s[i];
    const y0 = z[p0 + step];
    const y1 = z[p1 + step];
    const y2 = z[p2 + step];
    const y3 = z[p3 + step];
    z[p0] = ci * x0 + si * y0;
    z[p1] = ci * x1 + si * y1;
    z[p2] = ci * x2 + si * y2;
    z[p3] = ci * x3 + si * y3;
    x0 = ci * y0 - si * x0;
    x1 = ci * y1 - si * x1;
    x2 = ci * y2 - si * x2;
    x3 = ci * y3 - si * x3;
    p0 += step;
    p1 += step;
    p2 += step;
    p3 += step;
  }
  z[p0] = x0;
  z[p1] = x1;
  z[p2] = x2;
  z[p3] = x3;
}

function rotateRow(
  z: Float64Array,
  offset: number,
  c: Float64Array,
  s: Float64Array,
  start: number,
  first: number,
  length: number,
  step: number,
): void {
  let p = offset + first;
  let x = z[p];
  for (let i = start; i < start + length; i++) {
    const ci = c[i];
    const si = s[i];
    const y = z[p + step];
    z[p] = ci * x + si * y;
    x = ci * y - si * x;
    p += step;
  }
  z[p] = x;
}
