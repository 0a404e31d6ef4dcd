/** Printing, as NumPy lays it out. */

import type { Tensor } from "./tensor.js";
import { formatShape } from "./shape.js";
import { concreteValue } from "./backend/read.js";
import type { DType, TypedArray } from "./dtype.js";

const summarizeAbove = 1000;
const edgeItems = 3;

/** `[[1, 2], [3, 4]] shape=[2, 2], dtype=float32`, aligned by column; large tensors show three items at each edge. */
export function formatTensor(x: Tensor): string {
  const suffix = `shape=${formatShape(x.shape)}, dtype=${x.dtype}`;
  const value = x.tag === 0 ? x : null;
  if (value === null || value.buffer === null || value.owner!.downloadSync === undefined) {
    const state = x.tag !== 0 ? "traced" : x.buffer === null ? "disposed" : `backend=${x.backend}`;
    return `Tensor(${suffix}, ${state})`;
  }
  const data = concreteValue(value)!.owner!.downloadSync!(value);
  const summarize = x.size > summarizeAbove;
  const cells = new Map<number, string>();
  collect(data, x.shape, x.dtype, summarize, cells);
  const width = Math.max(0, ...[...cells.values()].map((c) => c.length));
  const lines = layout(x.shape, 0, 0, x.size, summarize, (i) => cells.get(i)!.padStart(width), "");
  return `${lines} ${suffix}`;
}

/** Which indices along an axis are shown; null stands for the dots. */
function shown(n: number, summarize: boolean): (number | null)[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (!summarize || n <= 2 * edgeItems) return all;
  return [...all.slice(0, edgeItems), null, ...all.slice(-edgeItems)];
}

function collect(
  data: TypedArray,
  shape: readonly number[],
  dtype: DType,
  summarize: boolean,
  cells: Map<number, string>,
): void {
  const visit = (axis: number, offset: number, size: number): void => {
    if (axis === shape.length) {
      cells.set(offset, formatElement(data[offset], dtype));
      return;
    }
    const step = size / shape[axis];
    for (const i of shown(shape[axis], summarize)) if (i !== null) visit(axis + 1, offset + i * step, step);
  };
  if (data.length > 0) visit(0, 0, data.length);
}

function layout(
  shape: readonly number[],
  axis: number,
  offset: number,
  size: number,
  summarize: boolean,
  cell: (i: number) => string,
  indent: string,
): string {
  if (axis === shape.length) return cell(offset);
  if (size === 0) return "[]";
  const step = size / shape[axis];
  const inner = indent + " ";
  const parts = shown(shape[axis], summarize).map((i) =>
    i === null ? "..." : layout(shape, axis + 1, offset + i * step, step, summarize, cell, inner),
  );
  // The last axis runs along the line; blank lines separate matrices.
  const separator = axis === shape.length - 1 ? ", " : "," + "\n".repeat(shape.length - 1 - axis) + inner;
  return `[${parts.join(separator)}]`;
}

/** The shortest digits that round-trip the dtype, up to 8 significant. */
export function formatElement(value: number, dtype: DType): string {
  if (dtype === "bool") return value !== 0 ? "true" : "false";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (dtype === "int32" || dtype === "uint32") return String(value);
  if (Object.is(value, -0)) return "-0";
  let digits = Number(value.toPrecision(8));
  if (dtype === "float32") {
    for (let p = 1; p < 8; p++) {
      const candidate = Number(value.toPrecision(p));
      if (Math.fround(candidate) === value) {
        digits = candidate;
        break;
      }
    }
  }
  const magnitude = Math.abs(digits);
  // From 1e8 on, zeros that stand for digits left out would look exact.
  const large = magnitude >= 1e16 || (magnitude >= 1e8 && digits !== value);
  if (magnitude !== 0 && (magnitude < 1e-4 || large)) return digits.toExponential();
  return String(digits);
}
