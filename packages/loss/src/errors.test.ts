/** Wrong calls name the function, the argument, what it got and what it wants. */

import { isCurvError, jit, tensor, type CurvErrorCode, type Tensor } from "@curv/tensor";
import * as loss from "@curv/loss";
import { expect, test } from "vitest";

const z = tensor([[1, 2, 3], [4, 5, 6]]); // prettier-ignore
const labels = tensor([0, 2], { dtype: "int32" });
const wrong = <T>(value: unknown): T => value as T;

const calls: readonly [call: () => Tensor, code: CurvErrorCode, message: string][] = [
  [() => loss.softmaxCrossEntropy(z, tensor([0, 3], { dtype: "int32" })), "CURV_DOMAIN", "softmaxCrossEntropy: label 3 at flat position 1 is out of range for 3 classes (wants 0..2). To leave examples out, give them weight 0."],
  [() => loss.softmaxFocal(z, tensor([-1, 0], { dtype: "int32" })), "CURV_DOMAIN", "softmaxFocal: label -1 at flat position 0 is out of range for 3 classes (wants 0..2). To leave examples out, give them weight 0."],
  [() => loss.softmaxCrossEntropy(z, tensor([0, 1, 2], { dtype: "int32" })), "CURV_SHAPE", "softmaxCrossEntropy: labels are int32 of shape [3]; wants int32 class indices of shape [2] or float probabilities of shape [2, 3]."],
  [() => loss.softmaxCrossEntropy(z, tensor([0, 1])), "CURV_SHAPE", "softmaxCrossEntropy: labels are float32 of shape [2]; wants int32 class indices of shape [2] or float probabilities of shape [2, 3]."],
  [() => loss.softmaxCrossEntropy(z, labels, { axis: 0 }), "CURV_SHAPE", "softmaxCrossEntropy: labels are int32 of shape [2]; wants int32 class indices of shape [3] or float probabilities of shape [2, 3]."],
  [() => loss.softmaxCrossEntropy(z, labels, { axis: 2 }), "CURV_SHAPE", "softmaxCrossEntropy: axis is 2; wants one of the 2 axes of logits [2, 3]."],
  [() => loss.softmaxCrossEntropy(tensor([]), labels), "CURV_SHAPE", "softmaxCrossEntropy: logits have shape [0]: no classes on axis -1."],
  [() => loss.softmaxCrossEntropy(z.cast("int32"), labels), "CURV_DTYPE", "softmaxCrossEntropy: logits are int32; wants float32 or float64."],
  [() => loss.softmaxCrossEntropy(wrong([[1, 2]]), labels), "CURV_DTYPE", "softmaxCrossEntropy: logits are an array; wants a float Tensor."],
  [() => loss.softmaxCrossEntropy(z, wrong(0)), "CURV_DTYPE", "softmaxCrossEntropy: labels are number; wants a Tensor."],
  [() => loss.softmaxCrossEntropy(z, labels, { labelSmoothing: 1.5 }), "CURV_DOMAIN", "softmaxCrossEntropy: labelSmoothing is 1.5; wants a finite labelSmoothing >= 0 and <= 1."],
  [() => loss.softmaxCrossEntropy(z, labels, { classWeights: tensor([1, 2]) }), "CURV_SHAPE", "softmaxCrossEntropy: classWeights have shape [2]; wants [3]."],
  [() => loss.softmaxCrossEntropy(z, labels, { classWeights: labels }), "CURV_DTYPE", "softmaxCrossEntropy: classWeights are int32; wants a float Tensor of shape [3]."],
  [() => loss.softmaxCrossEntropy(z, labels, { weights: tensor([1, 2, 3]) }), "CURV_SHAPE", "softmaxCrossEntropy: weights have shape [3]; wants that of the losses, [2], with any length 1."],
  [() => loss.softmaxCrossEntropy(z, labels, { weights: tensor([true, false]) }), "CURV_DTYPE", 'softmaxCrossEntropy: weights are bool; wants float32 or float64 (mask.cast("float32")).'],
  [() => loss.softmaxCrossEntropy(z, labels, { reduction: wrong("avg") }), "CURV_DOMAIN", 'softmaxCrossEntropy: reduction is "avg"; wants "mean", "sum" or "none".'],
  [() => loss.sigmoidCrossEntropy(z, tensor([1, 0])), "CURV_SHAPE", "sigmoidCrossEntropy: labels have shape [2]; wants that of the logits, [2, 3]."],
  [() => loss.sigmoidCrossEntropy(tensor([1, 2]), tensor([-1, 1], { dtype: "int32" })), "CURV_DOMAIN", "sigmoidCrossEntropy: label -1 at flat position 0; wants 0 or 1."],
  [() => loss.sigmoidCrossEntropy(z, z, { positiveWeight: -1 }), "CURV_DOMAIN", "sigmoidCrossEntropy: positiveWeight is -1; wants a finite positiveWeight >= 0."],
  [() => loss.sigmoidCrossEntropy(z, z, { positiveWeight: labels }), "CURV_DTYPE", "sigmoidCrossEntropy: positiveWeight is int32; wants a number or a float Tensor."],
  [() => loss.sigmoidFocal(z, z, { gamma: -1 }), "CURV_DOMAIN", "sigmoidFocal: gamma is -1; wants a finite gamma >= 0."],
  [() => loss.sigmoidFocal(z, z, { alpha: 2 }), "CURV_DOMAIN", "sigmoidFocal: alpha is 2; wants a finite alpha >= 0 and <= 1."],
  [() => loss.softmaxFocal(z, labels, { gamma: NaN }), "CURV_DOMAIN", "softmaxFocal: gamma is NaN; wants a finite gamma >= 0."],
  [() => loss.mse(tensor([[1], [2]]), tensor([1, 2])), "CURV_SHAPE", "mse: predictions have shape [2, 1], targets have [2]; they must be equal."],
  [() => loss.mse(labels, 0), "CURV_DTYPE", "mse: predictions are int32; wants float32 or float64."],
  [() => loss.mse(z, z, { weights: tensor([1, 1]) }), "CURV_SHAPE", "mse: weights have shape [2]; wants that of the losses, [2, 3], with any length 1."],
  [() => loss.huber(z, z, { delta: 0 }), "CURV_DOMAIN", "huber: delta is 0; wants a finite delta > 0."],
  [() => loss.huber(z, wrong(null)), "CURV_DTYPE", "huber: targets are null; wants a float Tensor."],
  [() => loss.klDivergence(z, tensor([1, 2, 3])), "CURV_SHAPE", "klDivergence: logits have shape [2, 3], targets have [3]; they must be equal."],
  [() => loss.klDivergence(z, z, { targetsAre: wrong("odds") }), "CURV_DOMAIN", 'klDivergence: targetsAre is "odds"; wants "probabilities" or "logits".'],
]; // prettier-ignore

test.each(calls.map(([call, code, message]) => ({ call, code, message })))("$message", ({ call, code, message }) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(isCurvError(thrown, code)).toBe(true);
  expect((thrown as Error).message).toBe(message);
});

test("a bad label is found when a compiled loss runs", () => {
  const f = jit((logits: Tensor, t: Tensor) => loss.softmaxCrossEntropy(logits, t));
  expect(f(z, labels).itemSync()).toBeGreaterThan(0);
  expect(() => f(z, tensor([0, 7], { dtype: "int32" }))).toThrow("label 7 at flat position 1");
});
