/** Making tensors. */

import { upload } from "./backend/read.js";
import { currentBackend } from "./backend/registry.js";
import {
  checkDType,
  coerceElement,
  defaultDType,
  dtypeOfArray,
  isFloat,
  type DType,
  type TypedArray,
} from "./dtype.js";
import { DTypeError, DomainError, ShapeError } from "./errors.js";
import { own } from "./memory.js";
import { fullPrimitive, iotaPrimitive } from "./primitives/constant.js";
import { broadcastTo, reshape } from "./ops/movement.js";
import { castTo, describe } from "./ops/operands.js";
import { where } from "./ops/select.js";
import { checkShape, formatShape, sizeOf, type Shape } from "./shape.js";
import { isTensor, Tensor } from "./tensor.js";
import { bind1 } from "./transform/trace.js";

/** Nested arrays of numbers or booleans. */
export type TensorData =
  number | boolean | readonly TensorData[] | TypedArray | Uint8ClampedArray | Int8Array | Int16Array | Uint16Array;

export interface DTypeOption {
  /** Default: the default dtype (float32 unless set). */
  readonly dtype?: DType;
}

export interface TensorOptions extends DTypeOption {
  /** Shape of flat data; default that of the nesting. */
  readonly shape?: Shape;
}

/**
 * A tensor of the given values. Nested arrays get the default dtype (bool if they hold booleans); Float32Array, Float64Array, Int32Array
 * and Uint32Array keep theirs, smaller integer arrays become int32. The data are copied.
 *
 * @throws ShapeError for ragged arrays or a shape that does not fit; DTypeError for an unknown dtype or array type; DomainError for
 * elements that are no numbers.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).matmul(tensor([1, 1])); // [3, 7]
 */
export function tensor(data: TensorData, { shape, dtype }: TensorOptions = {}): Tensor {
  if (dtype !== undefined) checkDType(dtype, "tensor");
  if (isTensor(data)) {
    const same = castTo(data, dtype ?? data.dtype);
    return shape === undefined ? same : reshape(same, shape);
  }
  if (shape !== undefined) checkShape(shape, "tensor");
  const { flat, inferred, natural } = readData(data);
  const target = dtype ?? natural ?? defaultDType();
  if (shape !== undefined && sizeOf(shape) !== flat.length) {
    throw new ShapeError(
      `tensor: shape ${formatShape(shape)} needs ${sizeOf(shape)} elements, data has ${flat.length}.`,
    );
  }
  const elements = own(target, flat.length);
  if (ArrayBuffer.isView(flat) && natural === target) elements.set(flat as TypedArray);
  else for (let i = 0; i < flat.length; i++) elements[i] = coerceElement(Number(flat[i]), target);
  return fromTypedArray(elements, shape ?? inferred, target);
}

/** Wraps an array that the tensor may own. @internal */
export function fromTypedArray(
  elements: TypedArray,
  shape: Shape,
  dtype: DType = dtypeOfArray(elements) ?? "bool",
): Tensor {
  const backend = currentBackend();
  return new Tensor(shape, dtype, false, 0, backend, upload(elements, shape, dtype, backend), false);
}

interface FlatData {
  readonly flat: ArrayLike<number | boolean>;
  readonly inferred: Shape;
  /** The dtype that the data themselves have. */
  readonly natural: DType | null;
}

function readData(data: TensorData): FlatData {
  if (ArrayBuffer.isView(data)) {
    const natural = dtypeOfArray(data);
    const small =
      data instanceof Uint8Array ||
      data instanceof Uint8ClampedArray ||
      data instanceof Int8Array ||
      data instanceof Int16Array ||
      data instanceof Uint16Array;
    if (natural === null && !small) {
      const name = (data as object).constructor.name;
      throw new DTypeError(`tensor: ${name} is not supported; use Int32Array or Float64Array.`);
    }
    return { flat: data as ArrayLike<number>, inferred: [data.length], natural: natural ?? "int32" };
  }
  if (typeof data === "number") return { flat: [data], inferred: [], natural: null };
  if (typeof data === "boolean") return { flat: [data], inferred: [], natural: "bool" };
  if (!Array.isArray(data)) {
    throw new DomainError(
      `tensor: data is ${describe(data)}; wants numbers, booleans, nested arrays of them or a typed array.`,
    );
  }
  const inferred: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) inferred.push(level.length);
  const flat: (number | boolean)[] = [];
  let booleans = 0;
  const path: number[] = [];
  const visit = (level: unknown, depth: number): void => {
    if (depth === inferred.length) {
      if (Array.isArray(level)) throw ragged(path, level.length, null);
      const element = checkElement(level, path);
      if (typeof element === "boolean") booleans++;
      flat.push(element);
      return;
    }
    if (!Array.isArray(level)) throw ragged(path, null, inferred[depth]);
    if (level.length !== inferred[depth]) throw ragged(path, level.length, inferred[depth]);
    level.forEach((child, i) => {
      path[depth] = i;
      path.length = depth + 1;
      visit(child, depth + 1);
    });
  };
  visit(data, 0);
  return { flat, inferred, natural: booleans > 0 && booleans === flat.length ? "bool" : null };
}

function ragged(path: readonly number[], got: number | null, wanted: number | null): ShapeError {
  const name = (at: readonly number[]): string => (at.length === 1 ? `${at[0]}` : at.map((i) => `[${i}]`).join(""));
  // The lengths are those of the first rows.
  const row = name(path);
  const first = name(path.map(() => 0));
  const has = got === null ? "is a number" : `has length ${got}`;
  const had = wanted === null ? "is a number" : got === null ? `has length ${wanted}` : `has ${wanted}`;
  return new ShapeError(`tensor: nested arrays are ragged: row ${row} ${has}, row ${first} ${had}.`);
}

function checkElement(value: unknown, path: readonly number[]): number | boolean {
  if (typeof value === "number" || typeof value === "boolean") return value;
  const where = path.map((i) => `[${i}]`).join("");
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new DomainError(`tensor: element ${where} is ${shown} (${typeof value}); wants numbers or booleans.`);
}

/** A tensor whose every element is `value`. */
export function full(shape: Shape, value: number | boolean, { dtype }: DTypeOption = {}): Tensor {
  return constant(shape, value, dtype ?? (typeof value === "boolean" ? "bool" : defaultDType()), "full");
}

function constant(shape: Shape, value: number | boolean, dtype: DType, caller: string): Tensor {
  checkShape(shape, caller);
  checkDType(dtype, caller);
  return bind1(fullPrimitive, [], { shape, dtype, value: Number(value) });
}

/** Zeros. */
export function zeros(shape: Shape, { dtype = defaultDType() }: DTypeOption = {}): Tensor {
  return constant(shape, 0, dtype, "zeros");
}

/** Ones. */
export function ones(shape: Shape, { dtype = defaultDType() }: DTypeOption = {}): Tensor {
  return constant(shape, 1, dtype, "ones");
}

/** Zeros of x's shape and dtype. */
export function zerosLike(x: Tensor): Tensor {
  return zeros(x.shape, { dtype: x.dtype });
}

/** Ones of x's shape and dtype. */
export function onesLike(x: Tensor): Tensor {
  return ones(x.shape, { dtype: x.dtype });
}

/**
 * start, start + step, … below stop. With one number: 0 … stop − 1.
 *
 * @example
 * arange(4); // [0, 1, 2, 3], int32
 */
export function arange(
  start: number,
  stopOrOptions?: number | DTypeOption,
  stepOrOptions: number | DTypeOption = 1,
  options: DTypeOption = {},
): Tensor {
  const settings = [stopOrOptions, stepOrOptions, options].find((o) => typeof o === "object") as DTypeOption;
  const one = typeof stopOrOptions !== "number";
  const [from, to, step] = one
    ? [0, start, 1]
    : [start, stopOrOptions, typeof stepOrOptions === "number" ? stepOrOptions : 1];
  if (![from, to, step].every(Number.isFinite) || step === 0) {
    throw new DomainError(
      `arange: start ${from}, stop ${to}, step ${step}; wants finite numbers and a step that is not 0.`,
    );
  }
  const length = Math.max(0, Math.ceil((to - from) / step));
  const integral = [from, to, step].every(Number.isInteger);
  const dtype = settings?.dtype ?? (integral ? "int32" : defaultDType());
  checkDType(dtype, "arange");
  const index = bind1(iotaPrimitive, [], { length, dtype });
  const scaled = step === 1 ? index : index.mul(step);
  return from === 0 ? scaled : scaled.add(from);
}

/** `count` evenly spaced numbers from start to stop, both included unless `endpoint` is false. Both ends are exact. */
export function linspace(
  start: number,
  stop: number,
  count: number,
  { endpoint = true, dtype = defaultDType() }: DTypeOption & { readonly endpoint?: boolean } = {},
): Tensor {
  if (!Number.isInteger(count) || count < 0)
    throw new DomainError(`linspace: count is ${count}; wants an integer >= 0.`);
  if (!isFloat(dtype)) throw new DTypeError(`linspace: dtype is ${dtype}; wants float32 or float64.`);
  const intervals = endpoint ? count - 1 : count;
  const elements = own(dtype, count);
  for (let i = 0; i < count; i++) elements[i] = intervals === 0 ? start : start + ((stop - start) * i) / intervals;
  if (endpoint && count > 1) elements[count - 1] = stop;
  return fromTypedArray(elements, [count], dtype);
}

/** The n × m matrix (default square) with ones on diagonal k. */
export function eye(
  n: number,
  m: number = n,
  { k = 0, dtype = defaultDType() }: DTypeOption & { readonly k?: number } = {},
): Tensor {
  checkShape([n, m], "eye");
  checkDType(dtype, "eye");
  const rows = arange(n, { dtype: "int32" }).reshape(n, 1);
  return rows
    .add(k)
    .equal(arange(m, { dtype: "int32" }))
    .cast(dtype);
}

/** Coordinate tensors of the grid of the given axes: the i-th varies along axis i. */
export function meshgrid(...axes: readonly Tensor[]): Tensor[] {
  axes.forEach((axis, i) => {
    if (axis.rank !== 1)
      throw new ShapeError(`meshgrid: axis ${i} has shape ${formatShape(axis.shape)}; wants one axis.`);
  });
  const shape = axes.map((axis) => axis.size);
  return axes.map((axis, i) =>
    broadcastTo(
      reshape(
        axis,
        shape.map((n, k) => (k === i ? n : 1)),
      ),
      shape,
    ),
  );
}

/** Elements of the last two axes on or below diagonal k; zeros above. */
export function tril(x: Tensor, k = 0): Tensor {
  return triangle(x, k, true);
}

/** Elements of the last two axes on or above diagonal k; zeros below. */
export function triu(x: Tensor, k = 0): Tensor {
  return triangle(x, k, false);
}

function triangle(x: Tensor, k: number, lower: boolean): Tensor {
  const name = lower ? "tril" : "triu";
  if (x.rank < 2) throw new ShapeError(`${name}: x has shape ${formatShape(x.shape)}; wants at least two axes.`);
  const [n, m] = x.shape.slice(-2);
  const diagonal = arange(n, { dtype: "int32" }).reshape(n, 1).add(k);
  const column = arange(m, { dtype: "int32" });
  return where(lower ? column.lessEqual(diagonal) : column.greaterEqual(diagonal), x, 0);
}
