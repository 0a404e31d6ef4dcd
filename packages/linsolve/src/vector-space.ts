/** What an operator takes and gives: vectors, or trees of tensors that are read as one vector. */

import { DTypeError, isTensor, ShapeError, type DType, type Tensor } from "@curv/tensor";
import { flatten, ravel } from "@curv/tensor/tree";
import { describe, expectArguments } from "./arguments.js";

/** The dtypes of linear algebra. */
export type FloatDType = "float32" | "float64";

/** All trees of one structure with leaves of the same shapes and dtypes, as vectors of one length. */
export interface VectorSpace<X> {
  /** Length of the vectors. */
  readonly size: number;
  readonly dtype: FloatDType;
  /** Its members are vectors [size], not trees. */
  readonly plain: boolean;
  /** The elements of a member as one vector. Throws ShapeError for what is no member. */
  readonly ravel: (x: X, caller: string, argument: string) => Tensor;
  /** The member whose elements are those of a vector. */
  readonly unravel: (vector: Tensor) => X;
}

/** Vectors [n]. */
export function vectors(size: number, dtype: FloatDType): VectorSpace<Tensor> {
  return {
    size,
    dtype,
    plain: true,
    unravel: (vector) => vector,
    ravel: (x, caller, argument) => {
      if (!isTensor(x) || x.rank !== 1 || x.shape[0] !== size) {
        const got = isTensor(x) ? `has shape [${x.shape.join(", ")}]` : `is ${describe(x)}`;
        throw new ShapeError(`${caller}: ${argument} ${got}; wants a vector [${size}].`);
      }
      return x;
    },
  };
}

/** The trees that are like one: a Tensor of any shape is a tree, too. */
export function spaceLike<X>(like: X, caller: string, argument: string): VectorSpace<X> {
  expectArguments(caller, { [argument]: [like, "tree"] });
  const leaves = leavesOf(like, caller, argument);
  if (leaves.length === 1 && isTensor(like) && like.rank === 1) {
    return vectors(like.shape[0], floatOf(like.dtype, caller, argument)) as unknown as VectorSpace<X>;
  }
  const { vector, unravel } = ravel(like as never);
  const dtype = floatOf(vector.dtype, caller, argument);
  const shapes = leaves.map(({ shape }) => shape.join());
  return {
    size: vector.size,
    dtype,
    plain: false,
    unravel: unravel as (vector: Tensor) => X,
    ravel: (x, from, what) => {
      const got = leavesOf(x, from, what);
      const wrong = got.findIndex(({ shape }, i) => shape.join() !== shapes[i]);
      if (got.length !== shapes.length || wrong >= 0) {
        const leaf = wrong >= 0 ? `leaf ${wrong} has shape [${got[wrong].shape.join(", ")}]` : `${got.length} leaves`;
        const wanted = wrong >= 0 ? `[${leaves[wrong]?.shape.join(", ") ?? "no such leaf"}]` : String(shapes.length);
        throw new ShapeError(`${from}: ${what}: ${leaf}; wants ${wanted}, as the operator's domain has.`);
      }
      return ravel(x as never).vector;
    },
  };
}

function leavesOf(tree: unknown, caller: string, argument: string): readonly Tensor[] {
  try {
    return flatten(tree as never).leaves;
  } catch (error) {
    expectArguments(caller, { [argument]: [tree, "tree"] }); // tells whose tree it is
    throw error;
  }
}

function floatOf(dtype: DType, caller: string, argument: string): FloatDType {
  if (dtype === "float32" || dtype === "float64") return dtype;
  throw new DTypeError(`${caller}: ${argument} is ${dtype}; wants float32 or float64.`);
}
