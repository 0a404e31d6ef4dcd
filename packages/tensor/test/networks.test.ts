/** Networks of convolutions, pooling, softmax and layer norm: Hessian-vector products against differences of the gradient, and symmetric. */

import { describe, expect, test } from "vitest";
import {
  avgPool,
  conv,
  grad,
  hvp,
  jit,
  logSoftmax,
  maxPool,
  relu,
  rsqrt,
  sigmoid,
  softmax,
  softplus,
  tanh,
  tensor,
  variance,
  vmap,
  type Tensor,
} from "@curv/tensor";
import * as tree from "@curv/tensor/tree";
import { uniformOf } from "../src/testing/operand.js";

type Params = Readonly<Record<string, Tensor>>;

function drawn(name: string, shapes: Readonly<Record<string, readonly number[]>>): Params {
  const uniform = uniformOf(name);
  return Object.fromEntries(
    Object.entries(shapes).map(([key, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        key,
        tensor(
          Float64Array.from({ length: size }, () => 1.2 * uniform() - 0.6),
          { shape },
        ),
      ];
    }),
  );
}

const images = drawn("images", { x: [3, 2, 6, 5] }).x;
const labels = tensor([0, 2, 1], { dtype: "int32" })
  .expandDims(1)
  .equal(tensor([0, 1, 2], { dtype: "int32" }));

function crossEntropy(logits: Tensor): Tensor {
  return labels.where(logSoftmax(logits), 0).sum().neg().div(3);
}

function layerNorm(x: Tensor, gain: Tensor, bias: Tensor): Tensor {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  return centred
    .mul(rsqrt(variance(x, -1, { keepDims: true }).add(1e-5)))
    .mul(gain)
    .add(bias);
}

const networks: Readonly<
  Record<string, { shapes: Readonly<Record<string, readonly number[]>>; loss: (p: Params) => Tensor }>
> = {
  "convolution, average pooling, softmax": {
    shapes: { w1: [4, 2, 3, 3], b1: [4, 1, 1], w2: [3, 2, 2, 2], v: [18, 3] },
    loss: ({ w1, b1, w2, v }) => {
      const h = tanh(conv(images, w1, { padding: "same" }).add(b1));
      const pooled = avgPool(h, { window: 2, stride: 2, padding: "same" });
      const deep = softplus(conv(pooled.slice(null, [0, 2]), w2, { padding: [[1, 0], [1, 0]] })); // prettier-ignore
      return crossEntropy(deep.reshape(3, -1).slice(null, [0, 18]).matmul(v));
    },
  },
  "grouped, strided and dilated convolution, maximum pooling": {
    shapes: { w1: [4, 1, 3, 2], w2: [4, 4, 2, 2], v: [4, 3] },
    loss: ({ w1, w2, v }) => {
      const h = softplus(conv(images, w1, { groups: 2, stride: [1, 2], padding: 1 }));
      const pooled = maxPool(h, { window: 3, stride: 2, padding: "same" });
      const deep = tanh(conv(pooled, w2, { dilation: [2, 1], padding: 1 }));
      return crossEntropy(deep.mean([2, 3]).matmul(v));
    },
  },
  "attention with layer norm": {
    shapes: { q: [5, 4], k: [5, 4], v: [5, 4], gain: [4], bias: [4], out: [4, 3] },
    loss: ({ q, k, v, gain, bias, out }) => {
      const tokens = images.sum(1); // [3, 6, 5]
      const scores = tokens
        .matmul(q)
        .matmul(tokens.matmul(k).transpose([0, 2, 1]))
        .mul(0.5);
      const mixed = softmax(scores).matmul(tokens.matmul(v));
      return crossEntropy(layerNorm(mixed, gain, bias).mean(1).matmul(out));
    },
  },
  "a gated multilayer perceptron with relu": {
    shapes: { w1: [10, 7], b1: [7], w2: [10, 7], v: [7, 3] },
    loss: ({ w1, b1, w2, v }) => {
      const flat = images.slice(null, null, 0).reshape(3, 10);
      return crossEntropy(
        relu(flat.matmul(w1).add(b1))
          .mul(sigmoid(flat.matmul(w2)))
          .matmul(v),
      );
    },
  },
};

describe.each(Object.entries(networks))("%s", (name, { shapes, loss }) => {
  const params = drawn(name, shapes);
  const v = drawn(`${name} v`, shapes);
  const w = drawn(`${name} w`, shapes);
  const gradient = grad(loss);
  const Hv = hvp(loss, params, v);

  test("H v is the limit of differences of the gradient", () => {
    const h = 1e-5;
    const ahead = gradient(tree.axpy(h, v, params));
    const behind = gradient(tree.axpy(-h, v, params));
    const slope = tree.scale(1 / (2 * h), tree.sub(ahead, behind));
    expect(tree.norm(tree.sub(Hv, slope)).itemSync() / tree.norm(Hv).itemSync()).toBeLessThan(1e-7);
  });

  test("⟨w, H v⟩ = ⟨v, H w⟩ to 1e-11", () => {
    const Hw = hvp(loss, params, w);
    const error = Math.abs(tree.dot(w, Hv).itemSync() - tree.dot(v, Hw).itemSync());
    const scale =
      tree.norm(w).itemSync() * tree.norm(Hv).itemSync() + tree.norm(v).itemSync() * tree.norm(Hw).itemSync();
    expect(error / scale).toBeLessThan(1e-11);
  });

  test("jit and vmap give the same products", () => {
    const product = (d: Params): Params => hvp(loss, params, d);
    const compiled = jit(product)(v);
    const batch = vmap(product)(
      tree.map(
        (a: Tensor, b: Tensor) =>
          tensor(Float64Array.from([...a.dataSync(), ...b.dataSync()]), { shape: [2, ...a.shape] }),
        v,
        w,
      ),
    );
    for (const key of Object.keys(params)) {
      const wanted = Hv[key].dataSync();
      const scale = Math.max(...Array.from(wanted, Math.abs));
      compiled[key].dataSync().forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThanOrEqual(1e-13 * scale));
      batch[key]
        .slice(0)
        .dataSync()
        .forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThanOrEqual(1e-12 * scale));
    }
  });
});
