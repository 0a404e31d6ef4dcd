/** Checks that all layers share: what they get, what they want. */

import {
  DomainError,
  DTypeError,
  isFloat,
  isTensor,
  ShapeError,
  TreeError,
  type Shape,
  type Tensor,
} from "@curv/tensor";

/** `[2, 3]`. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}

/** Refuses a size that is no positive integer. */
export function checkSize(value: number, caller: string, argument: string): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new DomainError(`${caller}: ${argument} is ${String(value)}; wants an integer >= 1.`);
  }
}

/** Refuses what is no finite number ≥ 0. */
export function checkNonNegative(value: number, caller: string, argument: string): void {
  if (typeof value === "number" && value >= 0 && value < Infinity) return;
  throw new DomainError(`${caller}: ${argument} is ${String(value)}; wants a finite number >= 0.`);
}

/** Refuses a number outside [0, 1), or, with `closed`, [0, 1]. */
export function checkFraction(value: number, caller: string, argument: string, closed: boolean = false): void {
  if (typeof value === "number" && value >= 0 && (value < 1 || (closed && value === 1))) return;
  throw new DomainError(`${caller}: ${argument} is ${String(value)}; wants a number in [0, 1${closed ? "]" : ")"}.`);
}

/** Refuses an input that is no tensor of floats. */
export function checkInput(x: Tensor, caller: string, argument: string = "x"): void {
  if (!isTensor(x)) {
    throw new DTypeError(`${caller}: ${argument} is ${x === null ? "null" : typeof x}; wants a Tensor.`);
  }
  if (!isFloat(x.dtype)) {
    throw new DTypeError(
      `${caller}: ${argument} is ${x.dtype}; wants float32 or float64 (${argument}.cast("float32")).`,
    );
  }
}

/** Refuses indices that are no tensor of integers. */
export function checkIndices(x: Tensor, caller: string): void {
  if (!isTensor(x)) throw new DTypeError(`${caller}: x is ${x === null ? "null" : typeof x}; wants a Tensor.`);
  if (x.dtype !== "int32" && x.dtype !== "uint32") {
    throw new DTypeError(`${caller}: x is ${x.dtype}; wants int32 or uint32 (x.cast("int32")).`);
  }
}

/** Refuses an input that is no sequence of vectors with so many features: [..., length, features]. */
export function checkSequence(x: Tensor, features: number, caller: string, argument: string = "x"): void {
  checkInput(x, caller, argument);
  if (x.rank >= 2 && x.shape[x.rank - 1] === features) return;
  throw new ShapeError(
    `${caller}: ${argument} has shape ${formatShape(x.shape)}; wants ${formatShape(["…", "length", features])}.`,
  );
}

/** Refuses an input whose axis 1 does not hold `channels`; with `spatial`, one that has another number of axes after it. */
export function checkChannels(x: Tensor, channels: number, caller: string, spatial?: number): void {
  checkInput(x, caller);
  const fits = spatial === undefined ? x.rank >= 2 : x.rank === spatial + 2;
  if (fits && x.shape[1] === channels) return;
  const axes = spatial === undefined ? ["…"] : ["depth", "height", "width"].slice(3 - spatial);
  throw new ShapeError(
    `${caller}: x has shape ${formatShape(x.shape)}; wants ${formatShape(["batch", channels, ...axes])}.`,
  );
}

/** Refuses an input without axes after batch and channels. */
export function checkSpatial(x: Tensor, caller: string): void {
  checkInput(x, caller);
  if (x.rank < 3) {
    throw new ShapeError(
      `${caller}: x has shape ${formatShape(x.shape)}; wants [batch, channels, …] with spatial axes.`,
    );
  }
}

/** Refuses a leaf of parameters or state that is missing or of another shape. */
export function checkLeaf(leaf: Tensor | undefined, shape: Shape, caller: string, path: string): Tensor {
  if (!isTensor(leaf)) {
    throw new TreeError(
      `${caller}: ${path} is ${leaf === null ? "null" : typeof leaf}; wants a Tensor of shape ${formatShape(shape)}.`,
    );
  }
  if (leaf.rank !== shape.length || leaf.shape.some((n, axis) => n !== shape[axis])) {
    throw new ShapeError(`${caller}: ${path} has shape ${formatShape(leaf.shape)}; wants ${formatShape(shape)}.`);
  }
  return leaf;
}

/** Refuses parameters or state that lack one of the named branches. */
export function checkBranches(tree: unknown, names: readonly string[], caller: string, what: string): void {
  if (typeof tree === "object" && tree !== null && names.every((name) => name in tree)) return;
  throw new TreeError(`${caller}: ${what} is ${tree === null ? "null" : typeof tree}; wants {${names.join(", ")}}.`);
}
