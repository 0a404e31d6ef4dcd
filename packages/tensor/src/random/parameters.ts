/** What samplers take: a key, parameters that are numbers or tensors, a shape and a dtype; checked here, with one form of message. */

import { defaultDType, isFloat, promoteDTypes, type DType, type FloatDType } from "../dtype.js";
import { DTypeError, DomainError, ShapeError } from "../errors.js";
import { broadcastTo } from "../ops/movement.js";
import { asTensor, castTo, scalar } from "../ops/operands.js";
import { check } from "../primitives/check.js";
import { broadcastShapes, checkShape, formatShape, scalarShape, type Shape } from "../shape.js";
import { isTensor, type Tensor, type TensorLike } from "../tensor.js";
import { checkKey, type Key } from "./key.js";

export interface SampleOptions {
  /** Default: the common shape of the parameters; a scalar if there are none. The parameters broadcast to it. */
  readonly shape?: Shape;
  /** Default: that of the parameters that are float tensors, else the default dtype. */
  readonly dtype?: FloatDType;
}

/** The values that a parameter may have. NaN is in none. @internal */
export interface Domain {
  readonly wants: string;
  readonly contains: (value: number) => boolean;
}

/** @internal */
export const positive: Domain = { wants: "> 0", contains: (v) => v > 0 };
/** @internal */
export const nonNegative: Domain = { wants: ">= 0", contains: (v) => v >= 0 };
/** @internal */
export const probability: Domain = { wants: "0 <= p <= 1", contains: (v) => v >= 0 && v <= 1 };
/** @internal */
export const positiveProbability: Domain = { wants: "0 < p <= 1", contains: (v) => v > 0 && v <= 1 };
/** @internal */
export const finite: Domain = { wants: "a finite number", contains: Number.isFinite };
/** @internal */
export const notNaN: Domain = { wants: "a number", contains: (v) => !Number.isNaN(v) };

/** @internal */
export type Parameters<N extends string> = Readonly<Record<N, readonly [value: TensorLike, domain: Domain]>>;

/** @internal */
export interface Sample<N extends string> {
  readonly shape: Shape;
  readonly dtype: FloatDType;
  /** The parameters in that dtype; they broadcast to the shape. */
  readonly values: Readonly<Record<N, Tensor>>;
}

/** Checks the arguments of a sampler of floats. @internal */
export function readParameters<N extends string>(
  caller: string,
  k: Key,
  options: SampleOptions,
  parameters: Parameters<N>,
  hint = "",
): Sample<N> {
  checkKey(k, caller);
  const entries = Object.entries(parameters) as [N, Parameters<N>[N]][];
  const dtype = sampleDType(
    caller,
    options.dtype,
    entries.map(([, [value]]) => value),
    hint,
  );
  const values = {} as Record<N, Tensor>;
  for (const [name, [value, domain]] of entries) values[name] = readParameter(caller, name, value, domain, dtype);
  const shape = sampleShape(caller, options.shape, values);
  return { shape, dtype, values };
}

/** A parameter as a tensor of `dtype`, refused where it lies outside its domain. @internal */
export function readParameter(caller: string, name: string, value: TensorLike, domain: Domain, dtype: DType): Tensor {
  if (typeof value === "number") {
    if (!domain.contains(value)) throw outside(caller, name, "", value, domain);
    return scalar(value, dtype);
  }
  const x = asTensor(value, caller, name);
  checkDomain(caller, name, x, domain);
  return castTo(x, dtype);
}

/** Refuses a tensor with an element outside the domain, naming its place. @internal */
export function checkDomain(caller: string, name: string, x: Tensor, domain: Domain): void {
  const { shape } = x;
  check([x], [x.rank], (elements) => {
    const at = elements.findIndex((v) => !domain.contains(v));
    return at < 0 ? null : outside(caller, name, place(at, shape), elements[at], domain);
  });
}

function outside(caller: string, name: string, where: string, value: number, { wants }: Domain): DomainError {
  return new DomainError(`${caller}: ${name}${where} is ${format(value)}; wants ${wants}.`);
}

/** Refuses pairs of elements for which `holds` is false. @internal */
export function checkPair(
  x: Tensor,
  y: Tensor,
  caller: string,
  holds: (x: number, y: number) => boolean,
  describe: (x: string, y: string) => string,
): void {
  const shape = broadcastShapes(x.shape, y.shape, caller);
  check([broadcastTo(x, shape), broadcastTo(y, shape)], [shape.length, shape.length], (xs, ys) => {
    const at = xs.findIndex((v, i) => !holds(v, ys[i]));
    if (at < 0) return null;
    return new DomainError(`${caller}: ${describe(format(xs[at]), format(ys[at]))}${place(at, shape)}.`);
  });
}

/** ` at [1, 2]`, for a scalar nothing. */
function place(flat: number, shape: Shape): string {
  if (shape.length === 0) return "";
  const position = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    position[axis] = flat % shape[axis];
    flat = Math.floor(flat / shape[axis]);
  }
  return ` at ${formatShape(position)}`;
}

/** Without the digits that only the conversion of a float32 to a JS number shows. */
function format(value: number): string {
  const short = Number(value.toPrecision(8));
  return String(!Number.isInteger(value) && Math.fround(short) === value ? short : value);
}

/** The dtype asked for, else that of the float tensors among the values; numbers, also traced ones, have none. @internal */
export function sampleDType(
  caller: string,
  dtype: FloatDType | undefined,
  values: readonly TensorLike[],
  hint = "",
): FloatDType {
  if (dtype !== undefined) {
    if (dtype === "float32" || dtype === "float64") return dtype;
    throw new DTypeError(`${caller}: dtype ${String(dtype)}; wants float32 or float64${hint}.`);
  }
  const floats = values.flatMap((x) => (isTensor(x) && isFloat(x.dtype) && !x.weak ? [x.dtype] : []));
  return floats.length === 0 ? defaultDType() : (floats.reduce<DType>(promoteDTypes, floats[0]) as FloatDType);
}

/** The common shape of the parameters, or the one asked for if they broadcast to it. @internal */
export function sampleShape(
  caller: string,
  shape: Shape | undefined,
  values: Readonly<Record<string, { readonly shape: Shape }>>,
): Shape {
  if (shape === undefined) {
    return Object.values(values).reduce<Shape>((s, x) => broadcastShapes(s, x.shape, caller), scalarShape);
  }
  checkShape(shape, caller);
  for (const [name, x] of Object.entries(values)) {
    const lead = shape.length - x.shape.length;
    if (lead < 0 || x.shape.some((n, axis) => n !== 1 && n !== shape[lead + axis])) {
      throw new ShapeError(
        `${caller}: ${name} has shape ${formatShape(x.shape)}, which does not broadcast to ${formatShape(shape)}.`,
      );
    }
  }
  return shape;
}

/** An integer argument that is a plain number. @internal */
export function checkCount(caller: string, name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new DomainError(`${caller}: ${name} is ${String(value)}; wants an integer >= ${least}.`);
  }
}
