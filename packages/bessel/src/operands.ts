/** The door of every function of this package that takes numbers or tensors: one dtype, one shape. */

import { broadcastAll, DTypeError, isTensor, ShapeError, tensor, type Tensor } from "@curv/tensor";

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

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}
