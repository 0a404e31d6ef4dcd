/** Reading elements, and moving tensors between backends. */

import type { DType, TypedArray } from "../dtype.js";
import { BackendError, TracingError, type CurvError } from "../errors.js";
import { own } from "../memory.js";
import { reshapePrimitive } from "../primitives/movement.js";
import { formatShape, sizeOf, type Shape } from "../shape.js";
import { Tensor } from "../tensor.js";
import { deadTracer, type Traced } from "../transform/trace.js";
import type { Backend } from "./backend.js";
import { getBackend } from "./registry.js";

/** Nested arrays of numbers or booleans; a scalar is the value itself. */
export type NestedArray = number | boolean | NestedArray[];

/** A copy of the elements. In a trace there is nothing to wait for. */
export async function readAsync(x: Tensor, caller: string): Promise<TypedArray> {
  if (x.tag !== 0) {
    throw new TracingError(
      `${caller}: a value inside ${(x as unknown as Traced).trace.name} cannot be awaited; return it from the function, or use ${caller}Sync under grad and jvp.`,
    );
  }
  checkLive(x, caller);
  if (x.size === 0) return own(x.dtype, 0);
  const data = (await x.owner!.download(x)).slice();
  await throwDeferred(x.owner!);
  return data;
}

/** Checks of values that a backend could not make at once, because it reads asynchronously. */
const deferred = /* @__PURE__ */ new WeakMap<Backend, Promise<CurvError | null>[]>();

/** Lets the next read from `backend` throw the error, if there is one. */
export function deferError(backend: Backend, error: Promise<CurvError | null>): void {
  const list = deferred.get(backend) ?? [];
  list.push(error);
  deferred.set(backend, list);
}

async function throwDeferred(backend: Backend): Promise<void> {
  const list = deferred.get(backend);
  if (list === undefined) return;
  deferred.delete(backend);
  for (const error of await Promise.all(list)) if (error !== null) throw error;
}

/** The elements, possibly the backend's own memory: callers must not keep or change it. */
export function readSync(x: Tensor, caller: string): TypedArray {
  const value = concreteValue(x);
  if (value === null) {
    const { trace } = x as unknown as Traced;
    if (!trace.alive) throw deadTracer(caller, x);
    const [transformation] = trace.name.split("(");
    throw new TracingError(
      `${caller}: the value is not known while ${transformation} traces; use cond, where or a static argument.`,
    );
  }
  checkLive(value, caller);
  if (value.size === 0) return own(value.dtype, 0);
  const backend = value.owner!;
  if (backend.downloadSync === undefined) {
    throw new BackendError(
      `${caller}: ${backend.name} cannot read synchronously; use await x.${caller.replace("Sync", "")}().`,
    );
  }
  return backend.downloadSync(value);
}

/** The value that a tracer stands for where there is one (the primal under jvp and grad), else null. */
export function concreteValue(x: Tensor): Tensor | null {
  let value: Tensor | null = x;
  while (value !== null && value.tag !== 0) value = (value as unknown as { known(): Tensor | null }).known();
  return value;
}

/** The elements on the host if they can be had now without waiting, else null: for checks of values. */
export function peek(x: Tensor): TypedArray | null {
  const value = concreteValue(x);
  if (value === null || value.buffer === null) return null;
  if (value.size === 0) return own(value.dtype, 0);
  if (value.owner!.downloadSync === undefined) return null;
  return value.owner!.downloadSync(value);
}

/** `x.to(backend)`. A tracer's backend is that of the values that will flow through it. */
export function move(x: Tensor, target: string | Backend): Tensor {
  const backend = getBackend(target);
  if (x.tag !== 0) {
    throw new TracingError(
      `to: cannot move a value inside ${(x as unknown as Traced).trace.name}; move the arguments before the call.`,
    );
  }
  checkLive(x, "to");
  // Where it is there already, two tensors hold the elements from here on, which the backend counts.
  const isHere = x.owner === backend && x.size > 0;
  const buffer = isHere ? backend.run(reshapePrimitive, [x], { shape: x.shape }, [x])[0] : transfer(x, backend).buffer;
  return new Tensor(x.shape, x.dtype, x.weak, 0, backend, buffer, true);
}

/** The same values on another backend, uncommitted as before. */
export function transfer(x: Tensor, backend: Backend): Tensor {
  if (x.owner === backend) return x;
  const source = x.owner!;
  if (!backend.capabilities.dtypes.includes(x.dtype)) {
    throw new BackendError(`to: ${backend.name} does not support ${x.dtype}; cast with x.cast("float32") first.`);
  }
  if (source.downloadSync === undefined && x.size > 0) {
    throw new BackendError(
      `to: ${source.name} cannot read synchronously; make the tensor from await x.data() on ${backend.name}.`,
    );
  }
  const elements = x.size === 0 ? own(x.dtype, 0) : source.downloadSync!(x).slice();
  return new Tensor(x.shape, x.dtype, x.weak, 0, backend, upload(elements, x.shape, x.dtype, backend), x.committed);
}

/** The backend's handle for the elements. A tensor that has none never reaches it. */
export function upload(elements: TypedArray, shape: Shape, dtype: DType, backend: Backend): unknown {
  return elements.length === 0 ? elements : backend.upload(elements, shape, dtype);
}

function checkLive(x: Tensor, caller: string): void {
  if (x.buffer === null) throw new BackendError(`${caller}: tensor (shape ${formatShape(x.shape)}) was disposed.`);
}

/** Row-major data as nested arrays. */
export function nest(data: TypedArray, shape: Shape, dtype: DType): NestedArray {
  let at = 0;
  const build = (axis: number): NestedArray => {
    if (axis === shape.length) {
      const value = data[at++];
      return dtype === "bool" ? value !== 0 : value;
    }
    return Array.from({ length: shape[axis] }, () => build(axis + 1));
  };
  return sizeOf(shape) === 0 && shape.length === 0 ? [] : build(0);
}
