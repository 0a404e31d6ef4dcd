/** What holds for any logits and labels. */

import { fc, test } from "@fast-check/vitest";
import {
  concat,
  grad,
  hessian,
  hvp,
  jit,
  softmax,
  tensor,
  valueAndGrad,
  vmap,
  type FloatDType,
  type Tensor,
  type TensorData,
} from "@curv/tensor";
import { describe, expect } from "vitest";
import {
  huber,
  klDivergence,
  mse,
  sigmoidCrossEntropy,
  sigmoidFocal,
  softmaxCrossEntropy,
  softmaxFocal,
  type LossOptions,
} from "@curv/loss";

const float64 = (data: TensorData): Tensor => tensor(data, { dtype: "float64" });
const int32 = (data: TensorData): Tensor => tensor(data, { dtype: "int32" });
const maxAbs = (x: Tensor): number => [...x.dataSync()].reduce((m, v) => Math.max(m, Math.abs(v)), 0);
const distance = (x: Tensor, y: Tensor): number => maxAbs(x.sub(y));

const finite = (bound: number): fc.Arbitrary<number> => fc.double({ min: -bound, max: bound, noNaN: true });

/** Logits of n examples and k classes with labels of both kinds. */
const classification = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 2, max: 6 })).chain(([n, k]) =>
  fc.record({
    logits: fc.array(fc.array(finite(30), { minLength: k, maxLength: k }), { minLength: n, maxLength: n }).map(float64),
    labels: fc.array(fc.integer({ min: 0, max: k - 1 }), { minLength: n, maxLength: n }).map(int32),
    soft: fc
      .array(fc.array(finite(4), { minLength: k, maxLength: k }), { minLength: n, maxLength: n })
      .map((rows) => softmax(float64(rows))),
  }),
);

const elementwise = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.record({
    x: fc.array(finite(20), { minLength: n, maxLength: n }).map(float64),
    y: fc.array(finite(20), { minLength: n, maxLength: n }).map(float64),
    bits: fc.array(fc.boolean(), { minLength: n, maxLength: n }).map((b) => tensor(b)),
  }),
);

describe("softmaxCrossEntropy", () => {
  test.prop([classification, finite(1000)])(
    "does not change when a number is added to all logits of an example",
    ({ logits, soft }, shift) => {
      const error = distance(softmaxCrossEntropy(logits.add(shift), soft), softmaxCrossEntropy(logits, soft));
      expect(error).toBeLessThan(1e-15 * (60 + Math.abs(shift)));
    },
  );

  test.prop([classification], { numRuns: 20 })(
    "its gradient is (p − t)/n, its Hessian (diag p − p pᵀ)/n in blocks",
    ({ logits, soft }) => {
      const [n, k] = logits.shape;
      const p = softmax(logits);
      expect(distance(grad(softmaxCrossEntropy)(logits, soft), p.sub(soft).div(n))).toBeLessThan(1e-14);
      const H = hessian(softmaxCrossEntropy)(logits, soft).reshape(n, k, n, k).arraySync() as number[][][][];
      const P = p.arraySync() as number[][];
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < k; a++) {
          for (let j = 0; j < n; j++) {
            for (let b = 0; b < k; b++) {
              const wanted = i === j ? (P[i][a] * (Number(a === b) - P[i][b])) / n : 0;
              expect(Math.abs(H[i][a][j][b] - wanted)).toBeLessThan(1e-14);
            }
          }
        }
      }
    },
  );

  test.prop([classification])(
    "class indices equal one-hot probabilities, with class weights and smoothing",
    ({ logits, labels, soft }) => {
      const classes = soft.shape[1];
      const oneHot = labels.expandDims(1).equal(int32([...Array(classes).keys()]));
      const options = { classWeights: soft.slice(0), labelSmoothing: 0.2 };
      expect(distance(softmaxCrossEntropy(logits, labels, options), softmaxCrossEntropy(logits, oneHot, options))).toBe(
        0,
      );
    },
  );

  test.prop([classification])("with two classes it is sigmoidCrossEntropy of the difference", ({ logits, labels }) => {
    const two = logits.slice(null, [0, 2]);
    const bits = labels.equal(1);
    const difference = two.slice(null, 1).sub(two.slice(null, 0));
    const a = softmaxCrossEntropy(two, bits.cast("int32"), { reduction: "none" });
    const b = sigmoidCrossEntropy(difference, bits, { reduction: "none" });
    expect(maxAbs(a.sub(b).div(b.add(1e-300)))).toBeLessThan(1e-14);
  });

  test.prop([classification])("classes on another axis give the same", ({ logits, labels, soft }) => {
    const wanted = softmaxCrossEntropy(logits, labels, { reduction: "none" });
    expect(distance(softmaxCrossEntropy(logits.T, labels, { axis: 0, reduction: "none" }), wanted)).toBe(0);
    const same = softmaxCrossEntropy(logits.T, soft.T, { axis: 0 });
    expect(distance(same, softmaxCrossEntropy(logits, soft))).toBe(0);
  });
});

describe("relations", () => {
  test.prop([classification])("KL ≥ 0, 0 at p = t, and KL(t ‖ p) = H(t, p) − H(t)", ({ logits, soft }) => {
    const kl = klDivergence(logits, soft, { reduction: "none" });
    expect(kl.greaterEqual(-1e-14).all().itemSync()).toBe(1);
    const entropy = soft.mul(soft.log()).sum(-1).neg();
    const cross = softmaxCrossEntropy(logits, soft, { reduction: "none" });
    expect(distance(kl, cross.sub(entropy))).toBeLessThan(1e-13);
    expect(maxAbs(klDivergence(soft.log(), soft))).toBeLessThan(1e-14);
    expect(
      distance(klDivergence(logits, soft.log(), { targetsAre: "logits" }), klDivergence(logits, soft)),
    ).toBeLessThan(1e-13);
  });

  test.prop([classification, elementwise])(
    "focal losses with γ = 0 are cross-entropies",
    ({ logits, labels }, { x, bits }) => {
      expect(distance(softmaxFocal(logits, labels, { gamma: 0 }), softmaxCrossEntropy(logits, labels))).toBeLessThan(
        1e-14,
      );
      expect(distance(sigmoidFocal(x, bits, { gamma: 0, alpha: null }), sigmoidCrossEntropy(x, bits))).toBeLessThan(
        1e-14,
      );
    },
  );

  test.prop([elementwise])("huber is half of mse inside δ, and δ|r| − δ²/2 outside", ({ x, y }) => {
    expect(distance(huber(x, y, { delta: 1e3 }), mse(x, y).div(2))).toBeLessThan(1e-12);
    const far = huber(x.add(100), y, { delta: 1, reduction: "none" });
    expect(distance(far, x.add(100).sub(y).sub(0.5))).toBeLessThan(1e-12);
  });
});

const all: readonly [name: string, f: (logits: Tensor, soft: Tensor, options?: LossOptions) => Tensor][] = [
  ["softmaxCrossEntropy", softmaxCrossEntropy],
  ["sigmoidCrossEntropy", sigmoidCrossEntropy],
  ["softmaxFocal", softmaxFocal],
  ["softmaxFocal γ = 0.5", (z, t, o) => softmaxFocal(z, t, { gamma: 0.5, ...o })],
  ["sigmoidFocal", sigmoidFocal],
  ["klDivergence", klDivergence],
  ["klDivergence of logits", (z, t, o) => klDivergence(z, t, { targetsAre: "logits", ...o })],
  ["mse", mse],
  ["huber", huber],
];

describe.each(all)("%s", (_name, f) => {
  const logits = float64([[0.3, -1.2, 2.1, 0.4], [1.7, 0.2, -0.6, -2.3], [-0.4, 0.9, 0.5, 3.1]]); // prettier-ignore
  const soft = softmax(float64([[1, 0, -1, 0.5], [0.2, 2, 0.1, -1], [0, 0, 0, 1]])); // prettier-ignore
  const v = float64([[0.5, 1, -2, 0.25], [1, -1, 0.5, 2], [-0.75, 0.1, 1.5, -0.2]]); // prettier-ignore

  test("the Hessian is symmetric, and its product with a vector is a difference of gradients", () => {
    const n = logits.size;
    const H = hessian(f)(logits, soft).reshape(n, n);
    expect(distance(H, H.T)).toBeLessThan(1e-15);
    const product = hvp(f, logits, v, soft);
    expect(distance(product.flatten(), H.matmul(v.flatten()))).toBeLessThan(1e-14);
    const h = 1e-5;
    const difference = grad(f)(logits.add(v.mul(h)), soft)
      .sub(grad(f)(logits.sub(v.mul(h)), soft))
      .div(2 * h);
    expect(distance(product, difference) / maxAbs(product)).toBeLessThan(1e-8);
  });

  test("the derivative with respect to the labels is a difference of values", () => {
    const direction = v.sub(v.mean(-1, { keepDims: true }));
    const slope = grad((t: Tensor) => f(logits, t))(soft)
      .mul(direction)
      .sum();
    const h = 1e-6;
    const difference = f(logits, soft.add(direction.mul(h)))
      .sub(f(logits, soft.sub(direction.mul(h))))
      .div(2 * h);
    expect(distance(slope, difference)).toBeLessThan(1e-8);
  });

  test("jit gives the same, vmap gives what a loop gives", () => {
    const compiled = jit(valueAndGrad(f) as (z: Tensor, t: Tensor) => { value: Tensor; grad: Tensor })(logits, soft);
    expect(distance(compiled.value, f(logits, soft))).toBeLessThan(1e-15);
    expect(distance(compiled.grad, grad(f)(logits, soft))).toBeLessThan(1e-15);
    const rows = vmap((z: Tensor, t: Tensor) => grad(f)(z, t))(logits, soft);
    const loop = [0, 1, 2].map((i) => grad(f)(logits.slice(i), soft.slice(i)).expandDims(0));
    expect(distance(rows, concat(loop))).toBeLessThan(1e-15);
  });

  test("reductions: the mean is Σwl/Σw, the sum Σwl, none wl; weight 0 leaves out", () => {
    const each = f(logits, soft, { reduction: "none" });
    const shape = each.shape.map((_, axis) => (axis === 0 ? 3 : 1));
    const weights = float64([2, 0, 0.5]).reshape(shape);
    const spread = weights.broadcastTo(each.shape);
    expect(distance(f(logits, soft), each.mean())).toBeLessThan(1e-15);
    expect(distance(f(logits, soft, { reduction: "sum" }), each.sum())).toBeLessThan(1e-14);
    expect(distance(f(logits, soft, { weights, reduction: "none" }), each.mul(weights))).toBe(0);
    expect(distance(f(logits, soft, { weights }), each.mul(spread).sum().div(spread.sum()))).toBeLessThan(1e-15);
    const mask = float64([1, 0, 1]).reshape(shape);
    const kept = f(
      concat([logits.slice([0, 1]), logits.slice([2, 3])]),
      concat([soft.slice([0, 1]), soft.slice([2, 3])]),
    );
    expect(distance(f(logits, soft, { weights: mask }), kept)).toBeLessThan(1e-15);
  });

  test.each(["float32", "float64"] as FloatDType[])(
    "%s: finite value, gradient and Hessian at logits ±1e4",
    (dtype) => {
      const z = tensor([[1e4, -1e4, 0, 1e4], [-1e4, -1e4, -1e4, -1e4], [1e4, 0, 0, -1e4]], { dtype }); // prettier-ignore
      const t = tensor([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]], { dtype }); // prettier-ignore
      for (const x of [f(z, t), grad(f)(z, t), hessian(f)(z, t)]) {
        expect(x.dtype).toBe(dtype);
        expect([...x.dataSync()].every(Number.isFinite)).toBe(true);
      }
    },
  );
});

describe("classes that are ruled out by a logit of −∞", () => {
  const z = float64([[1, -Infinity, 2], [-Infinity, 0.5, -Infinity]]); // prettier-ignore
  const labels = int32([2, 1]);
  const wanted = Math.log1p(Math.exp(-1));

  test("have probability 0 and gradient 0", () => {
    const focal = (x: Tensor, t: Tensor, o: LossOptions = {}): Tensor => softmaxFocal(x, t, { gamma: 0, ...o });
    for (const f of [softmaxCrossEntropy, focal]) {
      expect(distance(f(z, labels, { reduction: "none" }), float64([wanted, 0]))).toBeLessThan(1e-15);
      const p = 1 / (1 + Math.exp(1));
      expect(distance(grad(f)(z, labels), float64([[p / 2, 0, -p / 2], [0, 0, 0]]))).toBeLessThan(1e-15); // prettier-ignore
      expect([...hessian(f)(z, labels).dataSync()].every(Number.isFinite)).toBe(true);
    }
  });

  test("cost infinitely much as a label", () => {
    expect(softmaxCrossEntropy(z.slice(0), int32(1)).itemSync()).toBe(Infinity);
  });

  test("take no part in a divergence when both rule them out", () => {
    const t = float64([[0, -Infinity, 0], [-Infinity, 3, -Infinity]]); // prettier-ignore
    const kl = klDivergence(z, t, { targetsAre: "logits", reduction: "none" });
    const [a, b] = [1 / (1 + Math.exp(1)), 1 / (1 + Math.exp(-1))];
    const value = 0.5 * Math.log(0.5 / a) + 0.5 * Math.log(0.5 / b);
    expect(distance(kl, float64([value, 0]))).toBeLessThan(1e-15);
    expect(
      [...grad((x: Tensor) => klDivergence(x, t, { targetsAre: "logits" }))(z).dataSync()].every(Number.isFinite),
    ).toBe(true);
  });
});

test("a float32 loss of 1e-20 and its gradient keep their digits, which log-softmax rounds to 0", () => {
  const z = tensor([46, 0]);
  const label = int32(0);
  expect(softmaxCrossEntropy(z, label).itemSync() / Math.exp(-46)).toBeCloseTo(1, 6);
  const [top, other] = grad(softmaxCrossEntropy)(z, label).dataSync();
  expect(top / -Math.exp(-46)).toBeCloseTo(1, 6);
  expect(other / Math.exp(-46)).toBeCloseTo(1, 6);
});
