/** Whether what an operator is made of is a function of what it is given: the same when it is computed again. */

import { DomainError, TracingError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { asVector } from "./transforms.js";

/** What is computed twice, by the name under which it is refused: trees of tensors. */
export type Computations = Readonly<Record<string, () => unknown>>;

/**
 * Computes each twice, and refuses one that is not the same again to 1e-10 in float64 and 1e-5 in float32, relative to its largest
 * element; or that cannot be computed, as a second derivative through what has only one. Values that cannot be read now are not looked at.
 *
 * @throws DomainError, TracingError that name the computation.
 */
export function checkRepeatable(computations: Computations, caller: string): void {
  for (const [name, compute] of Object.entries(computations)) {
    const [once, twice] = [computed(name, compute, caller), computed(name, compute, caller)];
    const [off, size] = [valueOf(once.sub(twice).abs().max()), valueOf(once.abs().max())];
    if (off === null || size === null) return;
    const tolerance = once.dtype === "float64" ? 1e-10 : 1e-5;
    if (off > tolerance * size) {
      throw new DomainError(
        `${caller}: elements of ${name}, at most ${size}, differ by ${off} when they are computed again for the same parameters and batch; ${remedy}.`,
      );
    }
  }
}

/** What to do about a function that is not one. @internal */
export const remedy =
  "wants one that is a function of them: batch norm in evaluation mode, dropout off or from a fixed key";

/** The same vector for the same parameters, without a direction that is special to them. */
export function someDirection<P>(params: P): P {
  const { vector, unravel } = asVector(params);
  return unravel(random.normal(random.key(7), { shape: vector.shape, dtype: vector.dtype as "float32" | "float64" }));
}

/** The number, or null inside of a transformation and on a backend that cannot read at once. */
export function valueOf(x: Tensor): number | null {
  try {
    return x.itemSync();
  } catch {
    return null;
  }
}

function computed(name: string, compute: () => unknown, caller: string): Tensor {
  try {
    return asVector(compute()).vector;
  } catch (error) {
    if (!(error instanceof TracingError)) throw error;
    throw new TracingError(`${caller}: ${name} cannot be computed: ${error.message}`, { cause: error });
  }
}
