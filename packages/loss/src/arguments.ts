/** Checks that all losses share: what they get, what they want. */

import { DTypeError, DomainError, isFloat, isTensor, ShapeError, type Shape, type Tensor } from "@curv/tensor";

/** `[2, 3]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Refuses what is no float tensor. */
export function checkFloatTensor(x: Tensor, caller: string, argument: string): void {
  if (!isTensor(x)) throw new DTypeError(`${caller}: ${argument} are ${describe(x)}; wants a float Tensor.`);
  if (!isFloat(x.dtype)) {
    throw new DTypeError(`${caller}: ${argument} are ${x.dtype}; wants float32 or float64.`);
  }
}

function describe(x: unknown): string {
  if (x === null) return "null";
  return Array.isArray(x) ? "an array" : typeof x;
}

/** Refuses two tensors of different shapes: broadcasting [n, 1] against [n] would compare everything with everything. */
export function checkSameShape(a: Tensor, b: Tensor, caller: string, first: string, second: string): void {
  if (a.rank !== b.rank || a.shape.some((n, axis) => n !== b.shape[axis])) {
    throw new ShapeError(
      `${caller}: ${first} have shape ${formatShape(a.shape)}, ${second} have ${formatShape(b.shape)}; they must be equal.`,
    );
  }
}

/** Refuses a number outside [low, high]. */
export function checkNumber(
  x: number,
  caller: string,
  argument: string,
  { low, high = Infinity, open = false }: { readonly low: number; readonly high?: number; readonly open?: boolean },
): void {
  if (typeof x === "number" && (open ? x > low : x >= low) && x <= high && x < Infinity) return;
  const wants = `${argument} ${open ? ">" : ">="} ${low}${high === Infinity ? "" : ` and <= ${high}`}`;
  throw new DomainError(`${caller}: ${argument} is ${String(x)}; wants a finite ${wants}.`);
}

/** Refuses predictions that are no floats, and targets that are neither a number nor floats of the same shape. */
export function checkNumbers(predictions: Tensor, targets: Tensor | number, caller: string): void {
  checkFloatTensor(predictions, caller, "predictions");
  if (typeof targets === "number") return;
  checkFloatTensor(targets, caller, "targets");
  checkSameShape(predictions, targets, caller, "predictions", "targets");
}
