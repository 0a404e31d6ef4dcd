/** Cross-entropy of logits with its first two derivatives in the logits, in closed form. */

import {
  arange,
  check,
  DomainError,
  DTypeError,
  isFloat,
  logSoftmax,
  ShapeError,
  softmax,
  softplus,
  type Tensor,
} from "@curv/tensor";

/** Binary cross-entropy of one logit, or cross-entropy of a softmax over K ≥ 2 logits. */
export type HeadLoss = "bce" | "ce";

/** The loss of each example, and its derivatives in the example's logits s. */
export interface LogitDerivatives {
  readonly kind: HeadLoss;
  /** ℓ, [n]. */
  readonly losses: Tensor;
  /** ∂ℓ/∂s = p − y, [n, K]. */
  readonly errors: Tensor;
  /** Diagonal of C = ∂²ℓ/∂s², p (1 − p), [n, K]: the uncertainty of the prediction. */
  readonly uncertainty: Tensor;
  /** C a for directions a [n, q, K]. */
  readonly curve: (a: Tensor) => Tensor;
  /** C_kl of every example, [n]. */
  readonly entry: (k: number, l: number) => Tensor;
}

/**
 * Losses and derivatives of logits.
 *
 * @param logits - [n, K]; [n] or [n, 1] for "bce".
 * @param y - [n], or [n, 1] for "bce". See `Environment`.
 * @param loss - By default "bce" for one logit, else "ce".
 */
export function logitDerivatives(
  logits: Tensor,
  y: Tensor,
  loss: HeadLoss | undefined,
  caller: string,
): LogitDerivatives {
  if (!isFloat(logits.dtype)) throw new DTypeError(`${caller}: logits are ${logits.dtype}; wants float32 or float64.`);
  const s = logits.rank === 1 ? logits.expandDims(1) : logits;
  if (s.rank !== 2 || s.size === 0) {
    throw new ShapeError(`${caller}: logits have shape [${logits.shape.join(", ")}]; wants [n, K], or [n].`);
  }
  const [n, classes] = s.shape;
  const kind = loss ?? (classes === 1 ? "bce" : "ce");
  if (kind !== "bce" && kind !== "ce")
    throw new DomainError(`${caller}: loss is "${String(kind)}"; wants "bce" or "ce".`);
  if ((kind === "bce") !== (classes === 1)) {
    throw new ShapeError(
      `${caller}: loss "${kind}" got ${classes} logits; wants ${kind === "bce" ? "1" : "at least 2"}.`,
    );
  }
  const labels = y.rank === 2 && y.shape[1] === 1 ? y.reshape(-1) : y;
  if (labels.rank !== 1 || labels.shape[0] !== n) {
    throw new ShapeError(`${caller}: labels y have shape [${y.shape.join(", ")}]; wants [${n}].`);
  }
  return kind === "bce" ? binary(s, labels, caller) : multiclass(s, labels, caller);
}

function binary(s: Tensor, labels: Tensor, caller: string): LogitDerivatives {
  check([labels], [1], (values) => {
    const at = values.findIndex((label) => !(label >= 0 && label <= 1));
    return at < 0 ? null : new DomainError(`${caller}: label ${values[at]} at position ${at}; wants 0 or 1.`);
  });
  const y = labels.cast(s.dtype).expandDims(1);
  const uncertainty = s.sigmoid().mul(s.neg().sigmoid());
  return {
    kind: "bce",
    losses: y
      .mul(softplus(s.neg()))
      .add(y.neg().add(1).mul(softplus(s)))
      .reshape(-1),
    errors: s.sigmoid().sub(y),
    uncertainty,
    curve: (a) => uncertainty.expandDims(1).mul(a),
    entry: () => uncertainty.reshape(-1),
  };
}

function multiclass(s: Tensor, labels: Tensor, caller: string): LogitDerivatives {
  const classes = s.shape[1];
  if (labels.dtype !== "int32" && labels.dtype !== "uint32") {
    throw new DTypeError(`${caller}: labels are ${labels.dtype}; wants int32 class indices.`);
  }
  check([labels], [1], (values) => {
    const at = values.findIndex((label) => label < 0 || label >= classes);
    if (at < 0) return null;
    return new DomainError(`${caller}: label ${values[at]} at position ${at}; wants 0 to ${classes - 1}.`);
  });
  const y = labels
    .expandDims(1)
    .equal(arange(classes, { dtype: "int32" }))
    .cast(s.dtype);
  const p = softmax(s, -1);
  const uncertainty = p.mul(p.neg().add(1));
  const column = (k: number): Tensor => p.slice(null, k);
  return {
    kind: "ce",
    losses: logSoftmax(s, -1).mul(y).sum(1).neg(),
    errors: p.sub(y),
    uncertainty,
    // C = diag(p) − p pᵀ.
    curve: (a) => {
      const pa = p.expandDims(1).mul(a);
      return pa.sub(p.expandDims(1).mul(pa.sum(-1, { keepDims: true })));
    },
    entry: (k, l) => (k === l ? uncertainty.slice(null, k) : column(k).mul(column(l)).neg()),
  };
}
