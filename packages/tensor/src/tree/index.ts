/** Pytrees: nested arrays and objects of tensors. `import * as tree from "@curv/tensor/tree"`. */

export {
  countLeaves,
  flatten,
  formatPath,
  leavesWithPath,
  map,
  reduce,
  sameStructure,
  unflatten,
  type CheckTree,
  type Path,
  type Structure,
  type Tree,
  type TreeOf,
} from "./tree.js";
export { ravel, type Raveled } from "./ravel.js";
export { add, axpy, dot, norm, randomLike, scale, size, sub, zerosLike } from "./vector.js";
