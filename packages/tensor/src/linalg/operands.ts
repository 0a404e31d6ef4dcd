/** What the functions of matrices ask of their arguments. */

import { isFloat } from "../dtype.js";
import { ConvergenceError, DTypeError, DomainError, ShapeError } from "../errors.js";
import { check } from "../primitives/check.js";
import { formatShape, sizeOf } from "../shape.js";
import { asTensor } from "../ops/operands.js";
import { stopGradient } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";

/** A float tensor of matrices. */
export function asMatrices(x: Tensor, caller: string, argument = "A"): Tensor {
  const a = asTensor(x, caller, argument);
  if (!isFloat(a.dtype)) throw new DTypeError(`${caller}: ${argument} is ${a.dtype}; wants float32 or float64.`);
  if (a.rank < 2) {
    throw new ShapeError(
      `${caller}: ${argument} has shape ${formatShape(a.shape)}; wants matrices (at least two axes).`,
    );
  }
  return a;
}

/** {@link asMatrices}, square. */
export function asSquare(x: Tensor, caller: string, argument = "A"): Tensor {
  const a = asMatrices(x, caller, argument);
  if (a.shape[a.rank - 1] !== a.shape[a.rank - 2]) {
    throw new ShapeError(`${caller}: ${argument} has shape ${formatShape(a.shape)}; wants square matrices.`);
  }
  return a;
}

/** Throws if a matrix holds NaN or an infinity. */
export function checkFinite(x: Tensor, caller: string, argument = "input"): void {
  const columns = x.shape[x.rank - 1];
  if (sizeOf(x.shape) === 0) return;
  check([stopGradient(x)], [2], (values) => {
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      if (v - v !== 0) {
        const kind = v !== v ? "NaN" : v > 0 ? "Infinity" : "-Infinity";
        return new DomainError(`${caller}: ${argument} has ${kind} at [${Math.floor(i / columns)}, ${i % columns}].`);
      }
    }
    return null;
  });
}

/** Throws if an iteration inside a factorisation did not converge. */
export function checkConverged(info: Tensor, caller: string): void {
  check([info], [0], ([value]) =>
    value > 0
      ? new ConvergenceError(`${caller}: ${value} values did not converge; scale the matrix, or use float64.`)
      : null,
  );
}
