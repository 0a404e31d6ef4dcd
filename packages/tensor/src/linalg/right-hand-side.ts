/** Right-hand sides: a vector or several columns, with leading axes that broadcast against those of the matrices. */

import { ShapeError } from "../errors.js";
import { broadcastTo, expandDims, squeeze } from "../ops/movement.js";
import { asTensor, unify } from "../ops/operands.js";
import { broadcastMatrices, formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { asMatrices } from "./operands.js";

/** A and B of one dtype with the same leading axes, and what turns a solution [..., n, k] into the shape that b asks for. */
export interface System {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly finish: (x: Tensor) => Tensor;
}

/** b is a vector if it has one axis less than A, or one axis. */
export function asSystem(a: Tensor, b: Tensor, caller: string): System {
  const [matrices, right] = unify(asMatrices(a, caller), asTensor(b, caller, "b"), caller);
  const m = matrices.shape[matrices.rank - 2];
  const vector = right.rank === 1 || right.rank === matrices.rank - 1;
  const rows = right.rank === 0 ? -1 : right.shape[right.rank - (vector ? 1 : 2)];
  if (rows !== m) {
    throw new ShapeError(
      `${caller}: b has shape ${formatShape(b.shape)}; wants [..., ${m}] or [..., ${m}, k] for A of ${formatShape(a.shape)}.`,
    );
  }
  const columns = vector ? expandDims(right, -1) : right;
  const leading = broadcastMatrices(matrices.shape, columns.shape, caller);
  return {
    a: broadcastTo(matrices, [...leading, ...matrices.shape.slice(-2)]),
    b: broadcastTo(columns, [...leading, ...columns.shape.slice(-2)]),
    finish: (x) => (vector ? squeeze(x, -1) : x),
  };
}
