/** Windows whose place is computed. */

import { arange, zeros } from "../create.js";
import { DTypeError, ShapeError } from "../errors.js";
import { isInteger } from "../dtype.js";
import { dynamicSlicePrimitive, dynamicUpdateSlicePrimitive } from "../primitives/movement.js";
import { gatherPrimitive } from "../primitives/gather.js";
import { formatShape, range, type Shape } from "../shape.js";
import { isTensor, type Tensor, type TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { clip, logicalAnd } from "./elementwise.js";
import { broadcastTo, reshape, stack } from "./movement.js";
import { asTensor, castTo, unify } from "./operands.js";

/** Starts as one int32 vector with an element an axis. */
function startVector(starts: Tensor | readonly TensorLike[], rank: number, caller: string): Tensor {
  const vector = isTensor(starts)
    ? starts
    : starts.length === 0
      ? zeros([0], { dtype: "int32" })
      : stack(starts.map((s) => castTo(asTensor(s, caller, "starts"), "int32")));
  if (!isInteger(vector.dtype)) throw new DTypeError(`${caller}: starts are ${vector.dtype}; wants int32.`);
  if (vector.rank !== 1 || vector.shape[0] !== rank) {
    throw new ShapeError(
      `${caller}: starts have shape ${formatShape(vector.shape)}; wants [${rank}], one for each axis.`,
    );
  }
  return castTo(vector, "int32");
}

/** The window of static `sizes` that begins at computed `starts` (int32, one an axis), moved so that it fits. */
export function dynamicSlice(x: Tensor, starts: Tensor | readonly TensorLike[], sizes: Shape): Tensor {
  if (sizes.length !== x.rank || sizes.some((n, i) => n < 0 || n > x.shape[i])) {
    throw new ShapeError(`dynamicSlice: a window of ${formatShape(sizes)} does not fit into ${formatShape(x.shape)}.`);
  }
  if (x.rank === 0) return x;
  return bind1(dynamicSlicePrimitive, [x, startVector(starts, x.rank, "dynamicSlice")], { sizes });
}

/** x with `update` written at computed `starts`, moved so that it fits. */
export function dynamicUpdateSlice(x: Tensor, update: Tensor, starts: Tensor | readonly TensorLike[]): Tensor {
  if (update.rank !== x.rank || update.shape.some((n, i) => n > x.shape[i])) {
    throw new ShapeError(
      `dynamicUpdateSlice: update of ${formatShape(update.shape)} does not fit into ${formatShape(x.shape)}.`,
    );
  }
  const [a, u] = unify(x, update, "dynamicUpdateSlice");
  if (a.rank === 0 || u.size === 0) return a.rank === 0 ? u : a;
  return bind1(dynamicUpdateSlicePrimitive, [a, u, startVector(starts, x.rank, "dynamicUpdateSlice")], null);
}

/** Coordinates [B, sizes…, rank] of every element of a window for each row of clamped `starts` [B, rank]. */
function windowCoordinates(starts: Tensor, sizes: Shape): Tensor {
  const [batch] = starts.shape;
  const shape = [batch, ...sizes];
  return stack(
    range(sizes.length).map((axis) => {
      const start = reshape(starts.slice(null, axis), [batch, ...sizes.map(() => 1)]);
      const offset = reshape(
        arange(sizes[axis], { dtype: "int32" }),
        sizes.map((n, i) => (i === axis ? n : 1)),
      );
      return broadcastTo(start.add(offset), shape);
    }),
    -1,
  );
}

function clampStarts(starts: Tensor, shape: Shape, sizes: Shape): Tensor {
  return stack(
    range(shape.length).map((axis) => clip(starts.slice(null, axis), 0, shape[axis] - sizes[axis])),
    1,
  );
}

/** dynamicSlice of each row of x [B, …] at its own starts [B, rank]. @internal */
export function batchedDynamicSlice(x: Tensor, starts: Tensor, sizes: Shape): Tensor {
  if (sizes.length === 0) return x;
  const indices = windowCoordinates(clampStarts(starts, x.shape.slice(1), sizes), sizes);
  return bind1(gatherPrimitive, [x, indices], { batch: 1, fill: 0 });
}

/** dynamicUpdateSlice of each row of x [B, …] with its own update and starts. @internal */
export function batchedDynamicUpdateSlice(x: Tensor, update: Tensor, starts: Tensor): Tensor {
  const sizes = update.shape.slice(1);
  const whole = x.shape.slice(1);
  if (whole.length === 0) return update;
  // Where each element of x lies in the update: the same coordinates, minus the start.
  const from = windowCoordinates(clampStarts(starts, whole, sizes).neg(), whole);
  const inside = range(whole.length)
    .map((axis) => {
      const place = from.slice("...", axis);
      return logicalAnd(place.greaterEqual(0), place.less(sizes[axis]));
    })
    .reduce(logicalAnd);
  return inside.where(bind1(gatherPrimitive, [update, from], { batch: 1, fill: 0 }), x);
}
