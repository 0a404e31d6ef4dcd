/** Minus the logarithm of a softmax, with full relative accuracy even where a probability is almost 1. */

import { arange, log1p, logicalAnd, moveAxis, ShapeError, stopGradient, where, type Tensor } from "@curv/tensor";
import { checkFloatTensor, formatShape } from "./arguments.js";

/** A softmax over the last axis, written relative to its largest logit z_m. */
export interface Softmax {
  /** z_m − z_k ≥ 0, [..., classes]; 0 for m. */
  readonly below: Tensor;
  /** e^(z_k − z_m), with 0 in the place of m, whose term is exactly 1. */
  readonly terms: Tensor;
  /** S = Σ_{k≠m} e^(z_k − z_m), [..., 1]. */
  readonly others: Tensor;
  /** Where k = m. */
  readonly isTop: Tensor;
}

/**
 * Takes a softmax apart: p_k = e^(z_k − z_m) / (1 + S).
 *
 * The usual form, z_k − log Σ e^z, rounds −log p_m ≈ S to 0 once S < ε, and its gradient p_m − 1 as well. Here −log p_k is
 * `below` + log1p(S), a sum of terms ≥ 0 that loses nothing, and derivatives of every order inherit that. A logit −∞ is a class that is
 * ruled out.
 */
export function softmaxParts(logits: Tensor): Softmax {
  const classes = logits.shape[logits.rank - 1];
  const top = stopGradient(logits).argMax(-1);
  const isTop = top.expandDims(top.rank).equal(arange(classes, { dtype: "int32" }));
  const largest = where(isTop, logits, 0).sum(-1, { keepDims: true });
  // For m itself the difference is the constant 0: z_m − z_m would cancel in the derivatives.
  const below = where(isTop, 0, largest.sub(logits));
  const terms = where(isTop, 0, below.neg().exp());
  return { below, terms, others: terms.sum(-1, { keepDims: true }), isTop };
}

/** −log p_k for every class, [..., classes]. */
export function negativeLog({ below, others }: Softmax): Tensor {
  return below.add(log1p(others));
}

/** 1 − p_k for every class, [..., classes], exact where p_k is almost 1. */
export function complement({ terms, others, isTop }: Softmax): Tensor {
  return where(isTop, others, others.sub(terms).add(1)).div(others.add(1));
}

/** targets · losses, where a target of 0 switches off the infinite loss of a class that is ruled out. */
export function expected(targets: Tensor, losses: Tensor): Tensor {
  const off = logicalAnd(targets.equal(0), losses.equal(Infinity));
  return targets.mul(where(off, 0, losses)).sum(-1);
}

/** The logits with the classes on the last axis. */
export function classesLast(logits: Tensor, axis: number, caller: string, argument = "logits"): Tensor {
  checkFloatTensor(logits, caller, argument);
  if (!Number.isInteger(axis) || axis < -logits.rank || axis >= logits.rank) {
    throw new ShapeError(
      `${caller}: axis is ${axis}; wants one of the ${logits.rank} axes of ${argument} ${formatShape(logits.shape)}.`,
    );
  }
  const last = moveAxis(logits, axis, logits.rank - 1);
  if (last.shape[last.rank - 1] === 0) {
    throw new ShapeError(`${caller}: ${argument} have shape ${formatShape(logits.shape)}: no classes on axis ${axis}.`);
  }
  return last;
}
