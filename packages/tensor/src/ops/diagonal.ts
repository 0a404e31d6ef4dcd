/** Diagonals and traces of matrices. */

import { eye, arange, zeros } from "../create.js";
import { ShapeError } from "../errors.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { gatherND, scatterAdd } from "./gather.js";
import { moveAxis, stack } from "./movement.js";
import { castTo } from "./operands.js";

/** Places [length, 2] of diagonal k of an n × m matrix. */
function places(n: number, m: number, k: number): Tensor {
  const length = Math.max(0, Math.min(n + Math.min(k, 0), m - Math.max(k, 0)));
  const i = arange(length, { dtype: "int32" });
  return stack([i.add(Math.max(0, -k)), i.add(Math.max(0, k))], 1);
}

function checkMatrices(x: Tensor, caller: string): void {
  if (x.rank < 2) throw new ShapeError(`${caller}: x has shape ${formatShape(x.shape)}; wants at least two axes.`);
}

/** Diagonal k of the last two axes. */
export function diagonal(x: Tensor, k = 0): Tensor {
  checkMatrices(x, "diagonal");
  const [n, m] = x.shape.slice(-2);
  const front = moveAxis(moveAxis(x, x.rank - 2, 0), x.rank - 1, 1);
  return moveAxis(gatherND(front, places(n, m, k), { mode: "clip" }), 0, x.rank - 2);
}

/** The matrix with a vector on diagonal k (leading axes are a batch of vectors). */
export function diag(x: Tensor, k = 0): Tensor {
  if (x.rank < 1) throw new ShapeError("diag: x is a scalar; wants a vector.");
  const length = x.shape[x.rank - 1];
  const n = length + Math.abs(k);
  const front = moveAxis(x, x.rank - 1, 0);
  const blank = zeros([n, n, ...x.shape.slice(0, -1)], { dtype: x.dtype });
  const filled = scatterAdd(blank, places(n, n, k), front, { mode: "clip" });
  return moveAxis(moveAxis(filled, 0, x.rank), 0, x.rank);
}

/** Sum of the diagonal of the last two axes. */
export function trace(x: Tensor, k = 0): Tensor {
  checkMatrices(x, "trace");
  return diagonal(x, k).sum(-1);
}

/** The identity added to square matrices, `alpha` times: x + α I. */
export function addIdentity(x: Tensor, alpha: number | Tensor = 1): Tensor {
  if (x.rank < 2 || x.shape[x.rank - 1] !== x.shape[x.rank - 2]) {
    throw new ShapeError(`addIdentity: x has shape ${formatShape(x.shape)}; wants square matrices.`);
  }
  const n = x.shape[x.rank - 1];
  return x.add(castTo(eye(n), x.dtype).mul(alpha));
}
