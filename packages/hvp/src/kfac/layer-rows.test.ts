/** Rows of layers are what their matrices are applied to, and the curvature of a convolution by hand. */

import { toDense } from "@curv/linsolve";
import { conv, dense, flatten, sequential, type ConvOptions } from "@curv/nn";
import { concat, eye, kron, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import { gaussNewtonOperator } from "../operators/gauss-newton.js";
import { squaredErrorOutput } from "../output-loss.js";
import { kfacOperator } from "./index.js";
import { gradientRows, inputRows, type FactoredLayer } from "./layer-rows.js";

const dtype = "float64";
const key = random.key(8);

const convolutions: readonly (ConvOptions & { readonly image: readonly number[] })[] = [
  { in: 2, out: 3, kernel: [3], image: [5] },
  { in: 2, out: 3, kernel: [2], stride: 2, padding: "same", bias: false, image: [5] },
  { in: 3, out: 2, kernel: 3, padding: 1, image: [4, 5] },
  { in: 4, out: 6, kernel: [3, 2], stride: [2, 1], padding: "same", dilation: [1, 2], groups: 2, image: [5, 4] },
  { in: 3, out: 3, kernel: 2, groups: 3, padding: [[1, 0], [0, 2]], bias: false, image: [4, 3] }, // prettier-ignore
  { in: 1, out: 2, kernel: 2, dimensions: 3, stride: [1, 2, 1], padding: 1, image: [2, 3, 2] },
];

/** [W b], after any groups. */
function matrixOf({ weight, bias }: { readonly weight: Tensor; readonly bias?: Tensor }, groups = 1): Tensor {
  const lead = groups === 1 ? [] : [groups];
  const out = weight.shape[0] / groups;
  const w = weight.reshape([...lead, out, -1]);
  return bias === undefined ? w : concat([w, bias.reshape([...lead, out, 1])], -1);
}

function expectRows(layer: FactoredLayer, x: Tensor, groups = 1): void {
  const params = layer.init(random.foldIn(key, 1), { dtype });
  const withBias = params.bias === undefined ? params : { ...params, bias: params.bias.add(0.5) };
  const matrix = matrixOf(withBias, groups);
  const product = inputRows(layer, x).matmul(matrix.expandDims(-3).T);
  const wanted = gradientRows(layer, layer.apply(withBias, x));
  expect(product.shape).toEqual(wanted.shape);
  expect(product.sub(wanted).abs().max().itemSync()).toBeLessThan(1e-13);
}

describe("rows times [W b]ᵀ are the outputs", () => {
  test.each(convolutions)("conv $kernel, stride $stride, padding $padding, groups $groups", ({ image, ...options }) => {
    const x = random.normal(random.foldIn(key, 2), { shape: [3, options.in, ...image], dtype });
    expectRows(conv(options), x, options.groups);
  });

  test.each([{ shape: [4] }, { shape: [5, 4] }, { shape: [2, 3, 4] }])("dense on $shape", ({ shape }) => {
    const x = random.normal(random.foldIn(key, 3), { shape: [3, ...shape], dtype });
    expectRows(dense({ in: 4, out: 2 }), x);
    expectRows(dense({ in: 4, out: 2, bias: false }), x);
  });
});

test("a convolution by hand: [1, 2, 3, 4] with windows of two", () => {
  const net = sequential([conv({ in: 1, out: 2, kernel: [2], bias: false }), flatten()]);
  const params = net.init(key, { dtype });
  const inputs = tensor([[[1, 2, 3, 4]]], { dtype });
  const k = kfacOperator(net, squaredErrorOutput, params, { inputs });
  // Patches (1, 2), (2, 3), (3, 4): A is their mean of x xᵀ. Each of the 6 outputs has the gradient e_channel at one position: S = 3 I.
  const a = tensor([[14, 20], [20, 29]], { dtype }).div(3); // prettier-ignore
  const { inputs: A, gradients: S } = k.factors.layers["0"];
  expect(A.sub(a).abs().max().itemSync()).toBeLessThan(1e-14);
  expect(S.arraySync()).toEqual([[3, 0], [0, 3]]); // prettier-ignore
  // One convolution with a squared error for each pixel: J is the matrix of patches, and K-FAC is exact.
  const exact = toDense(gaussNewtonOperator((p, x: Tensor) => net.apply(p, x), squaredErrorOutput, params, { inputs }));
  expect(
    exact
      .sub(kron(eye(2, 2, { dtype }), a.mul(3)))
      .abs()
      .max()
      .itemSync(),
  ).toBeLessThan(1e-13);
  expect(exact.sub(toDense(k)).abs().max().itemSync()).toBeLessThan(1e-13);
  // Reduced: one row, the mean patch (2, 3), and the gradient is as it was.
  const reduced = kfacOperator(net, squaredErrorOutput, params, { inputs }, { approximation: "reduce" });
  expect(reduced.factors.layers["0"].inputs.arraySync()).toEqual([[4, 6], [6, 9]]); // prettier-ignore
  expect(reduced.factors.layers["0"].gradients.arraySync()).toEqual([[3, 0], [0, 3]]); // prettier-ignore
});
