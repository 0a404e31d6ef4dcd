/** What the conformance suite knows of a primitive: applications that exercise its rules, and how exact its values must be. */

import { dtypes, type DType } from "../dtype.js";
import type { ElementwisePrimitive } from "../primitives/elementwise.js";
import type { Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import type { Operand } from "./operand.js";

/** One application of a primitive. Every check that its operands allow runs on it. */
export interface Example<P = unknown> {
  /** What is special about it. Default: the shapes of its operands. */
  readonly title?: string;
  readonly params: P;
  readonly operands: readonly Operand[];
  /** Dtypes of the operands that do not name theirs. Default: those of the entry. */
  readonly dtypes?: readonly DType[];
  /**
   * Whether derivatives are those of the function: false at ties and steps, where a rule chooses; null where values are infinite or NaN
   * and no derivative is checked. Default true.
   */
  readonly smooth?: boolean | null;
  /** Condition number of the derivative: factor of the tolerances of derivatives. Default 1. */
  readonly condition?: number;
  /** From free variables to operands that the primitive may assume things of (symmetry, say). */
  readonly prepare?: (inputs: readonly Tensor[]) => readonly Tensor[];
  /** From the outputs to what is determined by the operands (projectors instead of eigenvectors, say). */
  readonly observe?: (outs: readonly Tensor[], inputs: readonly Tensor[]) => readonly Tensor[];
}

/** How far a value may be from the exact one: `ulps` units in its last place, and `sums` times ε Σ|terms|. */
export interface Accuracy {
  /** Default 0: exactly rounded. */
  readonly ulps?: number;
  /** Σ|terms| is the result for the absolute values of the operands: for linear and multilinear primitives. */
  readonly sums?: number;
  /** Times ε and the norm of the whole output: for factorisations. */
  readonly norm?: number;
}

/** A primitive with its examples. */
export interface Entry {
  readonly primitive: Primitive;
  /** Dtypes that it takes where an operand does not name its own. */
  readonly dtypes: readonly DType[];
  readonly accuracy: Accuracy;
  readonly examples: readonly Example[];
  /** Whether the function is another one in each dtype (the next float, say), so that float64 is no reference for float32. */
  readonly ownDType?: boolean;
  /** For smooth functions of one number, whose third derivative is checked, too. */
  readonly smoothUnary?: boolean;
  /** The same function of numbers by other means, within the accuracy. */
  readonly oracle?: (...elements: number[]) => number;
}

export const floats: readonly DType[] = ["float32", "float64"];
export const numbers: readonly DType[] = ["float32", "float64", "int32", "uint32"];
export const everything: readonly DType[] = dtypes;

/** An entry whose examples have the primitive's own params. */
export function entry<P>(
  primitive: Primitive<P>,
  types: readonly DType[],
  accuracy: Accuracy,
  examples: readonly Example<P>[],
): Entry {
  return { primitive, dtypes: types, accuracy, examples: examples as readonly Example[] };
}

/** Dtypes for which an elementwise primitive has kernels. */
export function kernelDTypes(primitive: ElementwisePrimitive<object>): readonly DType[] {
  return Object.keys(primitive.kernels) as DType[];
}
