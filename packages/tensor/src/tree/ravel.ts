/** A tree as one vector, and back. */

import { promoteDTypes, type DType } from "../dtype.js";
import { zeros } from "../create.js";
import { ShapeError } from "../errors.js";
import { concat, reshape, slice } from "../ops/movement.js";
import { castTo } from "../ops/operands.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { flattenTree, unflattenAny, type CheckTree } from "./tree.js";

export interface Raveled<T> {
  /** All elements, leaf after leaf in tree order, of the promoted dtype. */
  readonly vector: Tensor;
  /** The tree whose elements are those of a vector of the same length; leaves get their own dtypes again. */
  readonly unravel: (vector: Tensor) => T;
}

/** One vector of all elements of a tree. A tree without leaves gives a vector of length 0. */
export function ravel<T>(tree: T & CheckTree<T>): Raveled<T> {
  const { leaves, structure } = flattenTree(tree, "ravel");
  const shapes = leaves.map((x) => x.shape);
  const types = leaves.map((x) => x.dtype);
  const dtype = types.length === 0 ? "float32" : types.reduce<DType>(promoteDTypes, types[0]);
  const vector = leaves.length === 0 ? zeros([0]) : concat(leaves.map((x) => castTo(reshape(x, [-1]), dtype)));
  const total = vector.size;
  return {
    vector,
    unravel: (v) => {
      if (v.rank !== 1 || v.shape[0] !== total) {
        throw new ShapeError(`unravel: vector has shape ${formatShape(v.shape)}; wants [${total}].`);
      }
      let from = 0;
      const parts = shapes.map((shape, i) => {
        const start = from;
        from += sizeOf(shape);
        return castTo(reshape(slice(v, [start], [from]), shape), v.dtype === dtype ? types[i] : v.dtype);
      });
      return unflattenAny(structure, parts, "unravel") as T;
    },
  };
}
