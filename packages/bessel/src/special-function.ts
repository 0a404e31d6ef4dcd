/** Functions of numbers and of tensors from one description: a kernel of numbers, and partial derivatives in functions of the same family. */

import {
  bind,
  broadcastTo,
  definePrimitive,
  DomainError,
  registerLowering,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import type { GpujsFunctions } from "./gpu/kernels.js";
import { broadcastOperands } from "./operands.js";

/** Of a family of functions; `P` says which member: a plain object. */
export interface Family<P extends object> {
  /** Of the primitive. */
  readonly name: string;
  /** The member as a function of numbers; NaN outside its domain. */
  kernel(params: P): (...operands: number[]) => number;
  /**
   * The derivative in the i-th operand; `y` is the value. Written in members of the family and elementary functions, so that those of any
   * order follow.
   */
  partial(params: P, i: number, operands: readonly Tensor[], y: Tensor): Tensor;
  /** The family on backends of kind "gpujs", if it is there. */
  readonly gpujs?: GpujsFunctions<P>;
}

/** A family as a function of tensors of one shape and dtype. */
export type Apply<P extends object> = (params: P, ...operands: Tensor[]) => Tensor;

/** One primitive: broadcasting is done before, so that all operands have one shape. */
export function defineFamily<P extends object>({ name, kernel, partial, gpujs }: Family<P>): Apply<P> {
  const primitive: Primitive<P> = definePrimitive<P>({
    name,
    shape: ([x]) => [{ shape: x.shape, dtype: x.dtype, weak: false }],
    jvp: (operands, tangents, params, [y]) => {
      const terms = tangents.flatMap((t, i) => (t === null ? [] : [partial(params, i, operands, y).mul(t)]));
      return [terms.reduce((a, b) => a.add(b))];
    },
    batch: (operands, batched, params, size) => {
      const shape = [size, ...operands[batched.indexOf(true)].shape.slice(1)];
      const whole = operands.map((x, i) => (batched[i] ? x : broadcastTo(x.expandDims(0), shape)));
      return bind(primitive, whole, params);
    },
    lower: (operands, params, [out]) => {
      const f = kernel(params);
      const n = operands[0].buffer.length;
      const y = out.dtype === "float64" ? new Float64Array(n) : new Float32Array(n);
      if (operands.length === 1) {
        const [{ buffer }] = operands;
        for (let i = 0; i < n; i++) y[i] = f(buffer[i]);
      } else if (operands.length === 2) {
        const [a, b] = [operands[0].buffer, operands[1].buffer];
        for (let i = 0; i < n; i++) y[i] = f(a[i], b[i]);
      } else {
        const [a, b, c] = [operands[0].buffer, operands[1].buffer, operands[2].buffer];
        for (let i = 0; i < n; i++) y[i] = f(a[i], b[i], c[i]);
      }
      return [y];
    },
  });
  if (gpujs !== undefined) registerLowering(primitive, "gpujs", gpujs);
  return (params, ...operands) => bind(primitive, operands, params)[0];
}

/** Operands by their names, and what each must satisfy where it is a number: a test and its words. */
export type Operands = Readonly<Record<string, number | Tensor>>;
export type Domain = Readonly<Record<string, readonly [test: (x: number) => boolean, wanted: string]>>;

/**
 * f of numbers gives a number, f of tensors (and numbers) a tensor of the broadcast shape and the promoted dtype.
 *
 * @throws DomainError for a number outside the domain, DTypeError and ShapeError for tensors.
 */
export function evaluate(
  name: string,
  operands: Operands,
  domain: Domain,
  ofNumbers: (...operands: number[]) => number,
  ofTensors: (...operands: Tensor[]) => Tensor,
): number | Tensor {
  const values = Object.values(operands);
  for (const [key, [test, wanted]] of Object.entries(domain)) {
    const x = operands[key];
    if (typeof x === "number" && !test(x)) throw new DomainError(`${name}: ${key} is ${x}; wants ${wanted}.`);
  }
  if (values.every((x) => typeof x === "number")) return ofNumbers(...values);
  return ofTensors(...broadcastOperands(name, operands));
}

/** Often wanted domains. */
export const positive: Domain[string] = [(x) => x > 0, "a number > 0"];
export const notNegative: Domain[string] = [(x) => x >= 0, "a number >= 0"];
export const probability: Domain[string] = [(x) => x >= 0 && x <= 1, "a number in [0, 1]"];
