/** Norms of vectors and matrices. */

import { DomainError, ShapeError } from "../errors.js";
import { abs, sqrt, square, stopGradient } from "../ops/elementwise.js";
import { moveAxis, roll } from "../ops/movement.js";
import { asFloat } from "../ops/operands.js";
import { where } from "../ops/select.js";
import { formatShape, normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { singularValues } from "./svd.js";

export interface NormOptions {
  /** Keep the reduced axes with length 1. Default false. */
  readonly keepDims?: boolean;
}

/**
 * The p-norm of vectors along an axis (default: of all elements): (Σ|x|ᵖ)^(1/p); p = Infinity the largest, −Infinity the smallest, 0 the
 * number of non-zeros. The 2-norm neither overflows nor has a NaN derivative at 0 (it is 0 there).
 */
export function vectorNorm(
  x: Tensor,
  p = 2,
  axes?: number | readonly number[],
  { keepDims = false }: NormOptions = {},
): Tensor {
  const v = asFloat(x, "vectorNorm");
  if (Number.isNaN(p)) throw new DomainError("vectorNorm: p is NaN.");
  if (p === Infinity) return abs(v).max(axes, { keepDims });
  if (p === -Infinity) return abs(v).min(axes, { keepDims });
  if (p === 0) return v.notEqual(0).cast(v.dtype).sum(axes, { keepDims });
  if (p === 1) return abs(v).sum(axes, { keepDims });
  if (v.size === 0) return abs(v).sum(axes, { keepDims });
  // Scaled by the largest element, as a constant: the value does not depend on it.
  const largest = stopGradient(abs(v)).max(axes, { keepDims: true });
  const usable = largest.greater(0);
  const scale = where(usable, where(largest.equal(Infinity), 1, largest), 1);
  const scaled = v.div(scale);
  const powers = p === 2 ? square(scaled) : abs(scaled).pow(p);
  const total = powers.sum(axes, { keepDims: true });
  const root = p === 2 ? sqrt(where(usable, total, 1)) : where(usable, total, 1).pow(1 / p);
  const norm = where(usable, root.mul(scale), 0);
  return keepDims ? norm : norm.max(axes);
}

/**
 * Norm of matrices [..., m, n]: "fro" (default), "nuc" (sum of singular values), 2 (the largest), −2 (the smallest), 1 and −1 (largest and
 * smallest column sum of |a|), Infinity and −Infinity (row sums).
 */
export function matrixNorm(x: Tensor, kind: "fro" | "nuc" | 1 | -1 | 2 | -2 | number = "fro"): Tensor {
  const a = asFloat(x, "matrixNorm");
  if (a.rank < 2)
    throw new ShapeError(`matrixNorm: x has shape ${formatShape(x.shape)}; wants matrices (at least two axes).`);
  switch (kind) {
    case "fro":
      return vectorNorm(a, 2, [-2, -1]);
    case "nuc":
      return singularValues(a, "matrixNorm").sum(-1);
    case 2:
      return singularValues(a, "matrixNorm").max(-1);
    case -2:
      return singularValues(a, "matrixNorm").min(-1);
    case 1:
      return abs(a).sum(-2).max(-1);
    case -1:
      return abs(a).sum(-2).min(-1);
    case Infinity:
      return abs(a).sum(-1).max(-1);
    case -Infinity:
      return abs(a).sum(-1).min(-1);
    default:
      throw new DomainError(
        `matrixNorm: kind is ${String(kind)}; wants "fro", "nuc", 1, -1, 2, -2, Infinity or -Infinity.`,
      );
  }
}

/** Vectors along an axis divided by their 2-norm; a zero vector stays zero. */
export function normalize(x: Tensor, axis = -1): Tensor {
  const v = asFloat(x, "normalize");
  const at = normalizeAxis(axis, v.rank, "normalize");
  const norm = vectorNorm(v, 2, at, { keepDims: true });
  return v.div(where(norm.equal(0), 1, norm));
}

/** Cross product of vectors of length 3 along an axis. */
export function cross(x: Tensor, y: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.rank, "cross");
  if (x.shape[at] !== 3 || y.shape[normalizeAxis(axis, y.rank, "cross")] !== 3) {
    throw new ShapeError(
      `cross: x has shape ${formatShape(x.shape)}, y has ${formatShape(y.shape)}; wants length 3 on axis ${axis}.`,
    );
  }
  // The vectors go last, so that the other axes broadcast.
  const a = moveAxis(x, at, x.rank - 1);
  const b = moveAxis(y, normalizeAxis(axis, y.rank, "cross"), y.rank - 1);
  // (a₁, a₂, a₀)(b₂, b₀, b₁) − (a₂, a₀, a₁)(b₁, b₂, b₀)
  const product = roll(a, -1, -1)
    .mul(roll(b, -2, -1))
    .sub(roll(a, -2, -1).mul(roll(b, -1, -1)));
  return moveAxis(product, product.rank - 1, normalizeAxis(axis, product.rank, "cross"));
}
