/** What the methods of a backend are called with, checked where it comes in: errors name the method and the argument. */

import { DomainError, type DType, type Graph, type Operand, type Primitive, type TypedArray } from "@curv/tensor";
import { shown } from "./options.js";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function refuse(method: string, argument: string, value: unknown, wanted: string): never {
  throw new DomainError(`${method}: ${argument} is ${shown(value)}; wants ${wanted}.`);
}

export function checkPrimitive(method: string, value: unknown): asserts value is Primitive {
  if (!isObject(value) || typeof value.name !== "string" || typeof value.id !== "number")
    refuse(method, "primitive", value, "what definePrimitive returns");
}

/** An operand: its buffer is looked at where it is used. */
export function checkOperand(method: string, argument: string, value: unknown): asserts value is Operand {
  checkAval(method, argument, value);
  if (!("buffer" in value)) refuse(method, argument, value, "an operand with shape, dtype and buffer");
}

export function checkAval(method: string, argument: string, value: unknown): asserts value is object {
  if (!isObject(value) || !isShape(value.shape) || !isDType(value.dtype))
    refuse(method, argument, value, "an object with shape and dtype");
}

export function checkList(method: string, argument: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) refuse(method, argument, value, "an array");
}

export function checkUpload(data: unknown, shape: unknown, dtype: unknown): asserts data is TypedArray {
  if (!ArrayBuffer.isView(data) || !("length" in data)) refuse("upload", "data", data, "a typed array");
  if (!isShape(shape)) refuse("upload", "shape", shape, "a list of lengths");
  if (!isDType(dtype)) refuse("upload", "dtype", dtype, `one of ${dtypes.join(", ")}`);
}

export function checkGraph(method: string, value: unknown): asserts value is Graph {
  if (!isGraph(value)) refuse(method, "graph", value, "what makeGraph returns");
}

function isGraph(value: unknown): value is Graph {
  return isObject(value) && ["inputs", "equations", "outputs"].every((name) => Array.isArray(value[name]));
}

const dtypes: readonly DType[] = ["float32", "int32", "uint32", "bool"];

const isDType = (value: unknown): boolean => (dtypes as readonly unknown[]).includes(value);
const isShape = (value: unknown): boolean => Array.isArray(value) && value.every((n) => Number.isInteger(n) && n >= 0);
