/** What an initialiser is, and the sizes that it scales by. */

import { DomainError, ShapeError, type FloatDType, type Shape, type Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";

/** How many inputs each output of a layer sums, and how many outputs each input enters. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

export interface InitializerOptions {
  /** Default: the default dtype. */
  readonly dtype?: FloatDType;
  /** Default: those of the shape, see {@link fansOf}. Layers say their own. */
  readonly fans?: Fans;
}

/** Draws a parameter of the given shape. The same key gives the same numbers everywhere. */
export type Initializer = (key: Key, shape: Shape, options?: InitializerOptions) => Tensor;

/**
 * Fans of a weight [out, in / groups, ...window]: fanIn = in/groups · |window|, fanOut = out/groups · |window|.
 *
 * Each input enters only the outputs of its own group; frameworks that leave `groups` out of fanOut draw the weights of grouped
 * convolutions too small.
 *
 * @throws ShapeError for a shape with fewer than two axes.
 */
export function fansOf(shape: Shape, groups = 1): Fans {
  if (shape.length < 2) {
    throw new ShapeError(`fansOf: shape [${shape.join(", ")}] has no fans; wants [out, in, …].`);
  }
  if (!Number.isInteger(groups) || groups < 1 || shape[0] % groups !== 0) {
    throw new DomainError(`fansOf: groups is ${groups}; wants an integer >= 1 that divides the ${shape[0]} outputs.`);
  }
  const [outputs, inputs, ...window] = shape;
  const size = window.reduce((product, n) => product * n, 1);
  return { fanIn: inputs * size, fanOut: (outputs / groups) * size };
}
