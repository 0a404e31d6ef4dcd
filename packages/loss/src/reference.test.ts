/** The losses against PyTorch (values, gradients, Hessians) and, where float64 formulas lose digits, against mpmath. */

import { readFileSync } from "node:fs";
import { grad, hessian, tensor, type Tensor, type TensorData } from "@curv/tensor";
import * as loss from "@curv/loss";
import { describe, expect, test } from "vitest";

interface Case {
  readonly loss: keyof typeof losses;
  readonly logits: TensorData;
  readonly labels: TensorData;
  readonly integer: boolean;
  readonly options: Record<string, unknown>;
  readonly value: TensorData;
  readonly gradient: TensorData;
  readonly hessian: TensorData;
}

type Loss = (logits: Tensor, labels: Tensor, options: object) => Tensor;

const losses = {
  softmaxCrossEntropy: loss.softmaxCrossEntropy as Loss,
  sigmoidCrossEntropy: loss.sigmoidCrossEntropy as Loss,
  sigmoidFocal: loss.sigmoidFocal as Loss,
  softmaxFocal: loss.softmaxFocal as Loss,
  mse: loss.mse as Loss,
  huber: loss.huber as Loss,
  klDivergence: loss.klDivergence as Loss,
};

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
const float64 = (data: TensorData): Tensor => tensor(data, { dtype: "float64" });

/** max |a − b| / max |b|. */
function relativeError(a: Tensor, b: Tensor): number {
  expect(a.size).toBe(b.size);
  const x = [...a.dataSync()];
  const y = [...b.dataSync()];
  const scale = y.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i])), 0) / (scale || 1);
}

describe("PyTorch, float64", () => {
  test.each(read("torch-losses") as Case[])("$loss $options", (given) => {
    const labels = tensor(given.labels, { dtype: given.integer ? "int32" : "float64" });
    const options = Object.fromEntries(
      Object.entries(given.options).map(([key, value]) => [
        key,
        Array.isArray(value) ? float64(value as TensorData) : value,
      ]),
    );
    const f = (logits: Tensor): Tensor => losses[given.loss](logits, labels, options);
    const scalar = (logits: Tensor): Tensor => f(logits).sum();
    const logits = float64(given.logits);
    expect(relativeError(f(logits), float64(given.value))).toBeLessThan(1e-14);
    expect(relativeError(grad(scalar)(logits), float64(given.gradient))).toBeLessThan(2e-14);
    expect(relativeError(hessian(scalar)(logits), float64(given.hessian))).toBeLessThan(5e-14);
  });
});

interface SoftmaxCase {
  readonly logits: number[];
  readonly label: number;
  readonly gamma?: number;
  readonly value: number;
  readonly gradient: number[];
  readonly hessian?: number[][];
}

interface SigmoidCase {
  readonly x: number;
  readonly label: number;
  readonly value: number;
  readonly gradient: number;
  readonly hessian: number;
}

const extreme = read("extreme-losses") as {
  softmax: SoftmaxCase[];
  softmaxFocal: SoftmaxCase[];
  sigmoid: SigmoidCase[];
};

/** Largest relative error of single elements; what is below the smallest normal number counts as 0. */
function elementError(a: Tensor, wanted: readonly number[]): number {
  const x = [...a.dataSync()].map((v) => (Math.abs(v) < 2 ** -1022 ? 0 : v));
  return Math.max(...x.map((v, i) => (v === wanted[i] ? 0 : Math.abs(v - wanted[i]) / Math.abs(wanted[i]))));
}

describe("every element to full relative accuracy, logits up to ±1e4", () => {
  test.each(extreme.softmax)(
    "softmaxCrossEntropy of $logits, $label",
    ({ logits, label, value, gradient, hessian: H }) => {
      const f = (z: Tensor): Tensor => loss.softmaxCrossEntropy(z, tensor(label, { dtype: "int32" }));
      const z = float64(logits);
      expect(elementError(f(z), [value])).toBeLessThan(1e-14);
      expect(elementError(grad(f)(z), gradient)).toBeLessThan(1e-14);
      expect(relativeError(hessian(f)(z), float64(H!))).toBeLessThan(1e-14);
    },
  );

  test.each(extreme.softmaxFocal)(
    "softmaxFocal of $logits, $label, γ = $gamma",
    ({ logits, label, gamma, value, gradient }) => {
      const f = (z: Tensor): Tensor => loss.softmaxFocal(z, tensor(label, { dtype: "int32" }), { gamma: gamma! });
      const z = float64(logits);
      expect(elementError(f(z), [value])).toBeLessThan(1e-14);
      expect(elementError(grad(f)(z), gradient)).toBeLessThan(5e-14);
      expect([...hessian(f)(z).dataSync()].every(Number.isFinite)).toBe(true);
    },
  );

  test.each(extreme.sigmoid)("sigmoidCrossEntropy of $x, $label", ({ x, label, value, gradient, hessian: h }) => {
    const f = (z: Tensor): Tensor => loss.sigmoidCrossEntropy(z, float64(label));
    expect(elementError(f(float64(x)), [value])).toBeLessThan(1e-14);
    expect(elementError(grad(f)(float64(x)), [gradient])).toBeLessThan(1e-14);
    // Of σ(x)(1 − σ(x)) the second factor is rounded where an answer is badly wrong.
    const wrong = x > 0 !== label > 0;
    const error = Math.abs(grad(grad(f))(float64(x)).itemSync() - h) / (wrong ? 1 : h || 1);
    expect(error).toBeLessThan(1e-14);
  });
});
