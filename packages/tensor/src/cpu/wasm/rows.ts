/**
 * Steps that go over the same rows one after the other, done together: a few rows through all of them, then the next few. What one step
 * leaves for the next is then still in the cache, so that a softmax, a log-sum-exp or a layer norm with its gradient passes over memory
 * once, whatever the number of its passes over a row.
 */

import { itemSize } from "../../dtype.js";
import { sizeOf, type Shape } from "../../shape.js";
import {
  isContiguous,
  singleStride,
  type Buffer,
  type MapStep,
  type Operand,
  type ReduceStep,
  type RowsStep,
  type Step,
  type View,
} from "./program.js";
import { cacheBytes, fewBytes, shortRow } from "./row-costs.js";

type RowStep = MapStep | ReduceStep;

/** The steps, neighbours put together where they go by the same rows and need nothing of each other's other rows. */
export function togetherByRows(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  for (let i = 0; i < steps.length;) {
    const group = groupAt(steps, i);
    if (group === null) result.push(inside(steps[i++]));
    else {
      result.push(group);
      i += group.steps.length;
    }
  }
  return result;
}

function inside(step: Step): Step {
  switch (step.kind) {
    case "scan":
      return { ...step, body: togetherByRows(step.body) };
    case "while":
      return { ...step, condition: togetherByRows(step.condition), body: togetherByRows(step.body) };
    case "cond":
      return { ...step, branches: [togetherByRows(step.branches[0]), togetherByRows(step.branches[1])] };
    default:
      return step;
  }
}

/** The longest group that begins with step `first`, by the rows of the first reduction among its steps. */
function groupAt(steps: readonly Step[], first: number): RowsStep | null {
  let reduction = first;
  while (steps[reduction]?.kind === "map") reduction++;
  const step = steps[reduction];
  if (step?.kind !== "reduce") return null;
  const group = new Group(sizeOf(step.outer));
  for (let i = first; i < steps.length; i++) {
    const next = steps[i];
    if ((next.kind !== "map" && next.kind !== "reduce") || !group.take(next)) break;
  }
  // The maps before it may go by other rows.
  return group.steps.length > reduction - first && group.pays() ? group.finish() : null;
}

class Group {
  readonly steps: RowStep[] = [];
  /** Elements of a row of what the group has written. */
  private readonly written = new Map<Buffer, number>();
  private readonly read = new Set<Buffer>();
  private readonly bytes = new Map<Buffer, number>();

  constructor(private readonly rows: number) {}

  /** Adds the step if it goes by the group's rows. */
  take(step: RowStep): boolean {
    const axes = leadingAxes(domainOf(step), this.rows);
    if (axes === null) return false;
    const views = loadsOf(step);
    for (const view of views) {
      const stride = rowStride(view, axes);
      if (stride === null) return false;
      const own = this.written.get(view.buffer);
      if (own !== undefined && !(stride === own && staysInRow(view, axes, own))) return false;
    }
    const stores = storesOf(step);
    for (const view of stores) {
      if (this.written.has(view.buffer) || this.read.has(view.buffer)) return false;
      if (view.offset !== 0 || !isContiguous(view)) return false;
    }
    for (const view of views) {
      this.read.add(view.buffer);
      this.bytes.set(view.buffer, Math.max(this.bytes.get(view.buffer) ?? 0, bytesOfRow(view, axes)));
    }
    for (const view of stores) {
      const elements = sizeOf(view.shape) / this.rows;
      this.written.set(view.buffer, elements);
      this.bytes.set(view.buffer, elements * itemSize(view.dtype));
    }
    this.steps.push(step);
    return true;
  }

  private get rowBytes(): number {
    let sum = 0;
    for (const bytes of this.bytes.values()) sum += bytes;
    return sum;
  }

  pays(): boolean {
    const { rows, rowBytes, steps } = this;
    return steps.length > 1 && rows > 1 && rowBytes >= shortRow && rows * rowBytes >= fewBytes;
  }

  finish(): RowsStep {
    const block = Math.min(this.rows, Math.max(1, Math.floor(cacheBytes / this.rowBytes)));
    return { kind: "rows", rows: this.rows, block, steps: this.steps };
  }
}

function domainOf(step: RowStep): Shape {
  return step.kind === "map" ? step.shape : step.outer;
}

/** How many leading axes make up the rows; null if none do. */
export function leadingAxes(shape: Shape, rows: number): number | null {
  let product = 1;
  for (let axes = 0; axes <= shape.length; axes++) {
    if (product === rows && axes > 0) return axes;
    if (axes < shape.length) product *= shape[axes];
  }
  return null;
}

/** Elements from one row to the next. */
export function rowStride({ shape, strides }: Pick<View, "shape" | "strides">, axes: number): number | null {
  return singleStride(shape, strides, shape.map((_, axis) => axis).slice(0, axes));
}

/** Whether a row of the view lies in one row of its buffer. */
function staysInRow({ shape, strides, offset }: View, axes: number, elements: number): boolean {
  let last = offset;
  for (let axis = axes; axis < shape.length; axis++) {
    if (strides[axis] < 0) return false;
    last += (shape[axis] - 1) * strides[axis];
  }
  return offset >= 0 && last < elements;
}

/** Bytes of a row of the view, what is read again and again counted once. */
function bytesOfRow({ shape, strides, dtype }: View, axes: number): number {
  let elements = 1;
  for (let axis = axes; axis < shape.length; axis++) if (strides[axis] !== 0) elements *= shape[axis];
  return elements * itemSize(dtype);
}

function loadsOf(step: RowStep): View[] {
  const views: View[] = [];
  const add = (x: Operand): void => {
    if (x.kind === "load") views.push(x.view);
  };
  for (const { operands } of step.operations) operands.forEach(add);
  if (step.kind === "reduce") add(step.value);
  return views;
}

function storesOf(step: RowStep): View[] {
  return step.kind === "map" ? [...step.stores.values()] : [step.out];
}
