/** From what users pass to what primitives take: numbers become scalars of the right dtype, dtypes are promoted. */

import { currentBackend } from "../backend/registry.js";
import { floatDTypeOf, isFloat, own1, promoteDTypes, type DType } from "../dtype.js";
import { DTypeError, DomainError } from "../errors.js";
import { scalarShape } from "../shape.js";
import { isTensor, Tensor, type TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { castPrimitive } from "../primitives/select.js";

/** A scalar of `dtype` that follows other operands to their backend. */
export function scalar(value: number | boolean, dtype: DType, weak = false): Tensor {
  const backend = currentBackend();
  return new Tensor(
    scalarShape,
    dtype,
    weak,
    0,
    backend,
    backend.upload(own1(dtype, Number(value)), scalarShape, dtype),
    false,
  );
}

/** Describes a value that is no operand, for messages. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array (make a tensor of it with tensor(…))";
  if (typeof value === "object") {
    const name = value.constructor?.name ?? "object";
    return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
  }
  return `${typeof value === "string" ? `"${value}" (string)` : typeof value}`;
}

/** The operand as a tensor; a lone number takes the default float dtype. */
export function asTensor(x: TensorLike, caller: string, argument = "x"): Tensor {
  if (isTensor(x)) return x;
  if (typeof x === "number") return scalar(x, floatDTypeOf("bool"));
  if (typeof x === "boolean") return scalar(x, "bool");
  throw new DomainError(`${caller}: ${argument} is ${describe(x)}; wants a Tensor or a number.`);
}

/** {@link asTensor}, then cast to float if it is an integer or bool: the operand of a function of real numbers. */
export function asFloat(x: TensorLike, caller: string, argument = "x"): Tensor {
  const t = asTensor(x, caller, argument);
  return isFloat(t.dtype) ? t : castTo(t, floatDTypeOf(t.dtype));
}

export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype && !x.weak ? x : bind1(castPrimitive, [x], { dtype });
}

/** A JS number as an operand beside a tensor of `dtype`: it never changes the dtype of floats and must be an integer beside integers. */
export function numberLike(value: number | boolean, other: Tensor, caller: string): Tensor {
  const { dtype } = other;
  if (isFloat(dtype)) return scalar(value, dtype, other.weak);
  if (typeof value === "boolean") return scalar(value, "bool");
  if (dtype === "bool") return scalar(value, Number.isInteger(value) ? "int32" : floatDTypeOf("bool"));
  if (!Number.isInteger(value)) {
    throw new DTypeError(
      `${caller}: ${dtype} tensor with the number ${value}; cast the tensor to ${floatDTypeOf(dtype)} or use an integer.`,
    );
  }
  if (
    value < -2147483648 ||
    value > 4294967295 ||
    (value < 0 && dtype === "uint32") ||
    (value > 2147483647 && dtype === "int32")
  ) {
    throw new DTypeError(
      `${caller}: ${dtype} tensor with the number ${value}, which ${dtype} cannot hold; cast the tensor to float64.`,
    );
  }
  return scalar(value, dtype);
}

/** Both operands as tensors of one dtype. */
export function promote(x: TensorLike, y: TensorLike, caller: string): [Tensor, Tensor] {
  let a: Tensor;
  let b: Tensor;
  if (isTensor(x)) {
    a = x;
    b = typeof y === "number" || typeof y === "boolean" ? numberLike(y, x, caller) : asTensor(y, caller, "y");
  } else if (isTensor(y)) {
    b = y;
    a = typeof x === "number" || typeof x === "boolean" ? numberLike(x, y, caller) : asTensor(x, caller, "x");
  } else {
    a = asTensor(x, caller, "x");
    b = asTensor(y, caller, "y");
  }
  return unify(a, b, caller);
}

/** Casts two tensors to their common dtype; a weak one gives way. */
export function unify(a: Tensor, b: Tensor, caller: string): [Tensor, Tensor] {
  if (a.weak !== b.weak) {
    const [weak, strong] = a.weak ? [a, b] : [b, a];
    if (!isFloat(strong.dtype)) {
      throw new DTypeError(
        `${caller}: ${strong.dtype} tensor with a traced number, whose value is not known; cast the number with .cast("${strong.dtype}") or make it a static argument.`,
      );
    }
    const fitted = castTo(weak, strong.dtype);
    return a.weak ? [fitted, b] : [a, fitted];
  }
  if (a.dtype === b.dtype) return [a, b];
  const dtype = promoteDTypes(a.dtype, b.dtype);
  return [castTo(a, dtype), castTo(b, dtype)];
}

/** Several tensors of one dtype. */
export function unifyAll(xs: readonly Tensor[], _caller: string): Tensor[] {
  const strong = xs.filter((x) => !x.weak);
  const dtype = (strong.length > 0 ? strong : xs).map((x) => x.dtype).reduce(promoteDTypes);
  return xs.map((x) => (x.dtype === dtype ? x : castTo(x, dtype)));
}
