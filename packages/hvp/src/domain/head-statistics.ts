/** Gradient and curvature of a linear head's loss, in closed form: no second differentiation, no products with the Hessian by autodiff. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { concat, DomainError, ones, ShapeError, stack, type Tensor } from "@curv/tensor";
import { logitDerivatives, type HeadLoss } from "./logit-loss.js";

/**
 * First and second derivatives of a mean loss L in the parameters h [D] of a head. Nothing is computed before it is asked for. All can be
 * differentiated in whatever the head was given: features, other parameters.
 */
export interface HeadStatistics {
  /** D. */
  readonly size: number;
  /** g = ∇L, [D]. */
  gradient(): Tensor;
  /** H v for v [D], H = ∇²L. */
  hvp(v: Tensor): Tensor;
  /** H v for each row of V [q, D]. */
  hvps(V: Tensor): Tensor;
  /** Diagonal of H, [D]. */
  diagonal(): Tensor;
  /** H, [D, D]. */
  dense(): Tensor;
}

/** Options of {@link headStatistics}. */
export interface HeadStatisticsOptions {
  /** By default "bce" for one logit, else "ce". */
  readonly loss?: HeadLoss;
  /** Whether the head has a bias. Default true. */
  readonly bias?: boolean;
}

/**
 * Statistics of the linear head s = W z + b under the mean (binary) cross-entropy, from features and logits alone. With z̃ = [z; 1], p the
 * predicted probabilities and C = p(1 − p), or diag p − p pᵀ for a softmax:
 *
 * g = mean (p − y) ⊗ z̃, H = mean C ⊗ z̃ z̃ᵀ, H v = mean (C V z̃) ⊗ z̃, diag H = mean p(1 − p) ⊗ z̃².
 *
 * Parameters are in the order of the rows of [W b]: D = K (d + 1), or K d without bias. A product costs O(n K d).
 *
 * @param z - Features, [n, d].
 * @param logits - [n, K]; [n] or [n, 1] for a binary head. They must be those of the head on z.
 * @param y - Labels [n]: int32 class indices, or 0 and 1 for a binary head.
 * @throws ShapeError, DTypeError for arguments that do not fit; DomainError for a label outside the classes.
 * Source: Hemati, Zhang, Estiri & Chen (2023), section 4, for the gradient and Hessian of a linear head.
 *
 * @example
 * const { gradient, hvp } = headStatistics(z, logits, y);
 * const Hg = hvp(gradient());
 */
export function headStatistics(
  z: Tensor,
  logits: Tensor,
  y: Tensor,
  options: HeadStatisticsOptions = {},
): HeadStatistics {
  expectArguments("headStatistics", { z: [z, "tensor"], logits: [logits, "tensor"], y: [y, "tensor"] });
  expectOptions("headStatistics", options, { loss: "text" });
  const { loss, bias = true } = options;
  if (z.rank !== 2 || z.shape[0] !== logits.shape[0]) {
    const shapes = `features z [${z.shape.join(", ")}] and logits [${logits.shape.join(", ")}]`;
    throw new ShapeError(`headStatistics: ${shapes}; wants [n, d] and [n, K].`);
  }
  const { errors, uncertainty, curve, entry } = logitDerivatives(logits, y, loss, "headStatistics");
  const [n, classes] = errors.shape;
  const inputs = bias ? concat([z, ones([n, 1], { dtype: z.dtype })], 1) : z; // z̃, [n, m]
  const m = inputs.shape[1];
  const size = classes * m;
  /** Mean over examples of factor [n, c] times z̃ (or another factor [n, m]), as c rows of m. */
  const mean = (factor: Tensor, by: Tensor = inputs): Tensor => factor.T.matmul(by).div(n);

  const hvps = (V: Tensor): Tensor => {
    if (V.rank !== 2 || V.shape[1] !== size) {
      throw new ShapeError(`headStatistics: hvps: V has shape [${V.shape.join(", ")}]; wants [q, ${size}].`);
    }
    const q = V.shape[0];
    const along = inputs.matmul(V.reshape(q * classes, m).T).reshape(n, q, classes); // V z̃
    return mean(curve(along).reshape(n, q * classes)).reshape(q, size);
  };
  return {
    size,
    gradient: () => mean(errors).reshape(size),
    hvps,
    hvp: (v) => {
      if (v.rank !== 1)
        throw new ShapeError(`headStatistics: hvp: v has shape [${v.shape.join(", ")}]; wants [${size}].`);
      return hvps(v.expandDims(0)).reshape(size);
    },
    diagonal: () => mean(uncertainty, inputs.square()).reshape(size),
    dense: () => {
      if (size > denseLimit) {
        throw new DomainError(`headStatistics: dense: H is ${size} × ${size}; at most ${denseLimit} × ${denseLimit}.`);
      }
      const classNumbers = Array.from({ length: classes }, (_, k) => k);
      const block = (k: number, l: number): Tensor => mean(entry(k, l).expandDims(1).mul(inputs));
      // [K, K, m, m] → [K, m, K, m]
      const rows = classNumbers.map((k) => stack(classNumbers.map((l) => block(Math.min(k, l), Math.max(k, l)))));
      return stack(rows).transpose([0, 2, 1, 3]).reshape(size, size);
    },
  };
}

/** Most parameters of a head whose Hessian is formed: 128 MiB in float64. */
const denseLimit = 4096;
