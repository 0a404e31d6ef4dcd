/** Contractions: matmul, dot, tensordot, outer products, einsum on the one primitive. */

import { DomainError, ShapeError } from "../errors.js";
import { dotPrimitive } from "../primitives/dot.js";
import { broadcastMatrices, broadcastShapes, formatShape, normalizeAxes, normalizeAxis, range } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { broadcastTo, reshape } from "./movement.js";
import { asTensor, castTo, unify } from "./operands.js";

function operands(x: Tensor, y: Tensor, caller: string): [Tensor, Tensor] {
  const [a, b] = unify(asTensor(x, caller, "x"), asTensor(y, caller, "y"), caller);
  return a.dtype === "bool" ? [castTo(a, "int32"), castTo(b, "int32")] : [a, b];
}

/**
 * Matrix product as NumPy's @: of the last two axes, the leading ones broadcast; a vector on the left is a row, on the right a column,
 * and its axis is dropped from the result.
 */
export function matmul(x: Tensor, y: Tensor): Tensor {
  const [a, b] = operands(x, y, "matmul");
  if (a.rank === 0 || b.rank === 0) {
    throw new ShapeError(`matmul: got a scalar for the ${a.rank === 0 ? "first" : "second"} argument; use mul.`);
  }
  const yAxis = b.rank === 1 ? 0 : b.rank - 2;
  if (a.shape[a.rank - 1] !== b.shape[yAxis]) {
    throw new ShapeError(`matmul: inner sizes differ: ${formatShape(a.shape)} by ${formatShape(b.shape)}.`);
  }
  if (b.rank <= 2) {
    return bind1(dotPrimitive, [a, b], { contract: [[a.rank - 1], [yAxis]], batch: [[], []] });
  }
  const batch = broadcastMatrices(a.shape, b.shape, "matmul");
  const left = a.rank === 1 ? a : broadcastTo(a, [...batch, ...a.shape.slice(-2)]);
  const right = broadcastTo(b, [...batch, ...b.shape.slice(-2)]);
  if (left.rank === 1) {
    // A row against each matrix: y's free axis comes last either way.
    return bind1(dotPrimitive, [right, left], { contract: [[right.rank - 2], [0]], batch: [[], []] });
  }
  const axes = range(batch.length);
  return bind1(dotPrimitive, [left, right], { contract: [[left.rank - 1], [right.rank - 2]], batch: [axes, axes] });
}

/** Product of two vectors (a scalar), or of the last axis of x with the last but one of y, as NumPy's dot. */
export function dot(x: Tensor, y: Tensor): Tensor {
  const [a, b] = operands(x, y, "dot");
  if (a.rank === 0 || b.rank === 0) return a.mul(b);
  const yAxis = Math.max(0, b.rank - 2);
  if (a.shape[a.rank - 1] !== b.shape[yAxis]) {
    throw new ShapeError(`dot: inner sizes differ: ${formatShape(a.shape)} by ${formatShape(b.shape)}.`);
  }
  return bind1(dotPrimitive, [a, b], { contract: [[a.rank - 1], [yAxis]], batch: [[], []] });
}

/** Sum over the last axis of x·y, the leading axes broadcast. */
export function vecdot(x: Tensor, y: Tensor): Tensor {
  const [a, b] = operands(x, y, "vecdot");
  broadcastShapes(a.shape, b.shape, "vecdot");
  return a.mul(b).sum(normalizeAxis(-1, Math.max(a.rank, b.rank), "vecdot"));
}

/**
 * Contraction over pairs of axes: `axes` lists them for x and for y, or says how many of x's last meet y's first.
 */
export function tensordot(
  x: Tensor,
  y: Tensor,
  axes: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  const [a, b] = operands(x, y, "tensordot");
  const most = Math.min(a.rank, b.rank);
  if (typeof axes === "number" && !(Number.isInteger(axes) && axes >= 0 && axes <= most)) {
    throw new DomainError(`tensordot: axes is ${axes}; wants 0 to ${most}, the smaller rank.`);
  }
  const [xs, ys] =
    typeof axes === "number"
      ? [range(axes).map((i) => a.rank - axes + i), range(axes)]
      : [axes[0] as readonly number[], axes[1] as readonly number[]];
  const left = normalizeAxes(xs, a.rank, "tensordot");
  const right = normalizeAxes(ys, b.rank, "tensordot");
  if (left.length !== right.length)
    throw new ShapeError(`tensordot: ${left.length} axes of x against ${right.length} of y.`);
  left.forEach((axis, i) => {
    if (a.shape[axis] !== b.shape[right[i]]) {
      throw new ShapeError(
        `tensordot: axis ${axis} of x has length ${a.shape[axis]}, axis ${right[i]} of y has ${b.shape[right[i]]}.`,
      );
    }
  });
  return bind1(dotPrimitive, [a, b], { contract: [left, right], batch: [[], []] });
}

/** Products of every element of x with every element of y, both flattened: [x.size, y.size]. */
export function outer(x: Tensor, y: Tensor): Tensor {
  return reshape(x, [-1, 1]).mul(reshape(y, [1, -1]));
}

/** Kronecker product: blocks x_ij · y. */
export function kron(x: Tensor, y: Tensor): Tensor {
  const rank = Math.max(x.rank, y.rank);
  const lift = (t: Tensor): Tensor => reshape(t, [...new Array<number>(rank - t.rank).fill(1), ...t.shape]);
  const a = lift(x);
  const b = lift(y);
  const product = reshape(
    a,
    a.shape.flatMap((n) => [n, 1]),
  ).mul(
    reshape(
      b,
      b.shape.flatMap((n) => [1, n]),
    ),
  );
  return reshape(
    product,
    a.shape.map((n, i) => n * b.shape[i]),
  );
}
