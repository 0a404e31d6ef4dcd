/** Labels of classification: class indices or probabilities. */

import {
  arange,
  check,
  DomainError,
  DTypeError,
  isFloat,
  isTensor,
  moveAxis,
  ShapeError,
  type Tensor,
} from "@curv/tensor";
import { checkNumber, formatShape } from "./arguments.js";

/**
 * Labels as probabilities with the classes on the last axis, of the dtype of the logits.
 *
 * @param labels - int32 or uint32 indices of the logits' shape without the class axis, or floats (or bools) of the logits' shape.
 * @param logits - Classes on the last axis.
 * @param axis - Of the classes in the labels' own layout.
 */
export function classProbabilities(labels: Tensor, logits: Tensor, axis: number, caller: string): Tensor {
  const batch = logits.shape.slice(0, -1);
  const classes = logits.shape[logits.rank - 1];
  if (!isTensor(labels)) throw new DTypeError(`${caller}: labels are ${typeof labels}; wants a Tensor.`);
  if (labels.dtype === "int32" || labels.dtype === "uint32") {
    if (!sameShape(labels.shape, batch)) throw shapeError(labels, batch, classes, axis, caller);
    checkIndices(labels, classes, caller);
    return labels
      .expandDims(labels.rank)
      .equal(arange(classes, { dtype: "int32" }))
      .cast(logits.dtype);
  }
  const last = labels.rank === logits.rank ? moveAxis(labels, axis, labels.rank - 1) : labels;
  if (!sameShape(last.shape, logits.shape)) throw shapeError(labels, batch, classes, axis, caller);
  return isFloat(last.dtype) ? last : last.cast(logits.dtype);
}

/** (1 − ε) t + ε/classes. */
export function smoothClasses(targets: Tensor, labelSmoothing: number, caller: string): Tensor {
  checkNumber(labelSmoothing, caller, "labelSmoothing", { low: 0, high: 1 });
  if (labelSmoothing === 0) return targets;
  return targets.mul(1 - labelSmoothing).add(labelSmoothing / targets.shape[targets.rank - 1]);
}

/** Labels of independent yes/no questions, of the dtype of the logits: floats as they are, bools and integers 0 or 1. */
export function binaryLabels(labels: Tensor, logits: Tensor, caller: string): Tensor {
  if (!isTensor(labels)) throw new DTypeError(`${caller}: labels are ${typeof labels}; wants a Tensor.`);
  if (!sameShape(labels.shape, logits.shape)) {
    throw new ShapeError(
      `${caller}: labels have shape ${formatShape(labels.shape)}; wants that of the logits, ${formatShape(logits.shape)}.`,
    );
  }
  if (isFloat(labels.dtype)) return labels;
  if (labels.dtype !== "bool") checkBits(labels, caller);
  return labels.cast(logits.dtype);
}

/** Refuses class indices that name no class, now or when the traced graph runs. */
function checkIndices(labels: Tensor, classes: number, caller: string): void {
  check([labels], [labels.rank], (values) => {
    const at = values.findIndex((label) => label < 0 || label >= classes);
    if (at < 0) return null;
    return new DomainError(
      `${caller}: label ${values[at]} at flat position ${at} is out of range for ${classes} classes (wants 0..${classes - 1}). To leave examples out, give them weight 0.`,
    );
  });
}

function checkBits(labels: Tensor, caller: string): void {
  check([labels], [labels.rank], (values) => {
    const at = values.findIndex((label) => label !== 0 && label !== 1);
    if (at < 0) return null;
    return new DomainError(`${caller}: label ${values[at]} at flat position ${at}; wants 0 or 1.`);
  });
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function shapeError(
  labels: Tensor,
  batch: readonly number[],
  classes: number,
  axis: number,
  caller: string,
): ShapeError {
  const place = axis < 0 ? batch.length + 1 + axis : axis;
  const whole = [...batch.slice(0, place), classes, ...batch.slice(place)];
  return new ShapeError(
    `${caller}: labels are ${labels.dtype} of shape ${formatShape(labels.shape)}; wants int32 class indices of shape ${formatShape(batch)} or float probabilities of shape ${formatShape(whole)}.`,
  );
}
