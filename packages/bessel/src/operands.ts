/** The door of every function of this package that takes numbers or tensors: one dtype, one shape. */

import { broadcastAll, DomainError, DTypeError, isTensor, ShapeError, tensor, type Tensor } from "@curv/tensor";

/**
 * The arguments as float tensors of the broadcast shape and the promoted dtype, in their order. Numbers take the dtype of the tensors.
 *
 * @throws DTypeError, ShapeError naming function and argument.
 */
export function broadcastOperands(name: string, operands: Readonly<Record<string, number | Tensor>>): Tensor[] {
  const names = Object.keys(operands);
  const tensors = names.map((n) => operands[n]).filter((t) => isTensor(t));
  for (const n of names) {
    const t = operands[n];
    if (typeof t !== "number" && !isTensor(t))
      throw new DTypeError(`${name}: ${n} is ${kindOf(t)}; wants a number or a tensor.`);
    if (isTensor(t) && t.dtype !== "float32" && t.dtype !== "float64") {
      throw new DTypeError(`${name}: ${n} is ${t.dtype}; wants float32 or float64.`);
    }
  }
  const dtype = tensors.some((t) => t.dtype === "float64") ? "float64" : "float32";
  const lifted = names.map((n) => {
    const t = operands[n];
    return isTensor(t) ? t.cast(dtype) : tensor(t, { dtype });
  });
  try {
    return broadcastAll(...lifted);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const shapes = lifted.map((t) => `[${t.shape.join(", ")}]`);
    throw new ShapeError(`${name}: ${list(names)} have shapes ${list(shapes)}; wants shapes that broadcast.`);
  }
}

/**
 * The door of the distributions, whose parameters and data are tensors.
 *
 * @throws DTypeError naming function and argument.
 */
export function requireTensors(caller: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!isTensor(value)) throw new DTypeError(`${caller}: ${name} is ${kindOf(value)}; wants a tensor.`);
  }
}

/**
 * The same, and their dtype.
 *
 * @throws DTypeError naming function and argument.
 */
export function requireFloats(caller: string, values: Readonly<Record<string, unknown>>): void {
  requireTensors(caller, values);
  for (const [name, value] of Object.entries(values as Readonly<Record<string, Tensor>>)) {
    if (value.dtype !== "float32" && value.dtype !== "float64")
      throw new DTypeError(`${caller}: ${name} is ${value.dtype}; wants float32 or float64.`);
  }
}

/**
 * The parameters of a distribution: an object of float tensors.
 *
 * @throws DTypeError naming function and argument.
 */
export function requireParameters(caller: string, distribution: unknown, names: readonly string[]): void {
  if (typeof distribution !== "object" || distribution === null) {
    throw new DTypeError(`${caller}: the distribution is ${kindOf(distribution)}; wants tensors ${list(names)}.`);
  }
  const parameters = distribution as Readonly<Record<string, unknown>>;
  requireFloats(caller, Object.fromEntries(names.map((name) => [name, parameters[name]])));
}

/**
 * The dimension of a sphere where it is a number.
 *
 * @throws DomainError naming function and argument.
 */
export function requireDimension(caller: string, p: unknown): void {
  if (!(typeof p === "number" && Number.isInteger(p) && p >= 2))
    throw new DomainError(`${caller}: p is ${kindOf(p)}; wants an integer >= 2.`);
}

/**
 * Options as an object, or none; flags as booleans.
 *
 * @throws DomainError naming function and argument.
 */
export function requireOptions(caller: string, options: unknown, flag?: string): void {
  if (options === undefined) return;
  const plain = typeof options === "object" && options !== null && !Array.isArray(options) && !isTensor(options);
  if (!plain) throw new DomainError(`${caller}: options is ${kindOf(options)}; wants an object.`);
  if (flag === undefined) return;
  const value = (options as Readonly<Record<string, unknown>>)[flag];
  if (value !== undefined && typeof value !== "boolean")
    throw new DomainError(`${caller}: ${flag} is ${kindOf(value)}; wants true or false.`);
}

/** For a caller without types. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (isTensor(value)) return "a tensor";
  if (typeof value === "function") return "a function";
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : String(value);
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}
