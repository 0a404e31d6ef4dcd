/** Residual networks: sizes of the paper, shortcuts, training. */

import { grad, jit, logSoftmax, oneHot, tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect, test } from "vitest";

const [paramsKey, dataKey] = random.split(random.key(5), 2);

describe("resnet", () => {
  // The layer sizes of He et al. (2016), table in section 4.2, with weights of the affine layer and of batch norm counted.
  test.each([
    [20, "pad", 269_722],
    [20, "projection", 272_474],
    [32, "pad", 464_154],
    [56, "pad", 853_018],
  ] as const)("%i layers, %s: %i parameters", (depth, shortcut, parameters) => {
    const model = nn.resnet({ depth, out: 10, shortcut });
    expect(tree.size(model.init(paramsKey))).toBe(parameters);
  });

  test("20 layers: three stages of three blocks at 32, 16 and 8 pixels", () => {
    const model = nn.resnet({ depth: 20, out: 10 });
    const params = model.init(paramsKey);
    const x = random.normal(dataKey, { shape: [1, 3, 32, 32] });
    const shapes: string[] = [];
    let weights = 0;
    const tap: nn.Tap = (y, { path, layer }) => {
      if (path.length === 1 && layer.name === "residual") shapes.push(y.shape.slice(1).join("×"));
      if (layer.name === "conv" || layer.name === "dense") weights += 1;
      return y;
    };
    const y = model.apply(params, x, { state: model.initState(), tap });
    expect(shapes).toEqual(["16×32×32", "32×16×16", "64×8×8"].flatMap((shape) => [shape, shape, shape]));
    expect(weights).toBe(20);
    expect(y.shape).toEqual([1, 10]);
    // He's initialisation: the residual sum doubles the signal at most once a block, and nothing vanishes.
    expect(y.abs().max().itemSync()).toBeGreaterThan(0.01);
    expect(y.abs().max().itemSync()).toBeLessThan(1e4);
  });

  test("without norm has biases and no state", () => {
    const model = nn.resnet({ depth: 8, out: 2, in: 1, width: 2, norm: null });
    const params = model.init(paramsKey);
    expect(tree.flatten(model.initState()).leaves).toEqual([]);
    expect(tree.leavesWithPath(params).map(({ path }) => path.join("."))).toContain("2.body.0.bias");
    expect(model.apply(params, random.normal(dataKey, { shape: [1, 1, 5, 5] })).shape).toEqual([1, 2]);
  });

  test("trains, and evaluates by what it remembered", () => {
    const model = nn.resnet({ depth: 8, out: 2, in: 1, width: 2 });
    type Params = nn.ParamsOf<typeof model>;
    type State = nn.StateOf<typeof model>;
    const labels = tensor([0, 1, 0, 1, 0, 1, 0, 1], { dtype: "int32" });
    // Stripes along one axis or the other.
    const stripes = tensor([1, -1, 1, -1, 1, -1, 1, -1]);
    const upright = labels.reshape(8, 1, 1, 1).cast("float32");
    const noise = random.normal(dataKey, { shape: [8, 1, 8, 8] }).mul(0.3);
    const x = noise.add(upright.mul(stripes)).add(upright.neg().add(1).mul(stripes.reshape(8, 1)));
    const step = jit((params: Params, state: State) => {
      const loss = (p: Params): [Tensor, State] => {
        const [logits, next] = model.applyWithState(p, x, { train: true, state });
        return [logSoftmax(logits).mul(oneHot(labels, 2)).sum(-1).mean().neg(), next];
      };
      const { value, grad, aux } = valueAndGrad(loss, { hasAux: true })(params);
      return { value, params: tree.axpy(-0.1, grad, params), state: aux };
    });
    let params = model.init(paramsKey);
    let state = model.initState();
    const losses: number[] = [];
    for (let i = 0; i < 40; i++) {
      const next = step(params, state);
      losses.push(next.value.itemSync());
      ({ params, state } = next);
    }
    expect(losses.at(-1)!).toBeLessThan(0.2 * losses[0]);
    expect([...model.apply(params, x, { state }).argMax(-1).dataSync()]).toEqual([...labels.dataSync()]);
  });
});

describe("padShortcut", () => {
  /** Parameters of a layer without any. */
  const none = null;
  const layer = nn.padShortcut({ in: 1, out: 3, stride: 2 });
  const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]).reshape(1, 1, 3, 5);

  test("takes every second pixel, and adds channels of zeros", () => {
    const y = layer.apply(none, x);
    expect(y.shape).toEqual([1, 3, 2, 3]);
    expect([...y.dataSync()]).toEqual([1, 3, 5, 11, 13, 15, ...new Array<number>(12).fill(0)]);
  });

  test("gives the size of a convolution with that stride, for even and odd lengths", () => {
    for (const length of [1, 2, 5, 6]) {
      const block = nn.residualBlock({ in: 2, out: 4, stride: 2, dimensions: 1, shortcut: "pad" });
      const image = random.normal(dataKey, { shape: [3, 2, length] });
      const y = block.apply(block.init(paramsKey), image, { train: true });
      expect(y.shape).toEqual([3, 4, Math.ceil(length / 2)]);
    }
  });

  test("passes gradients to the pixels that it takes", () => {
    const gradient = grad((v: Tensor) => layer.apply(none, v).sum())(x);
    expect([...gradient.dataSync()]).toEqual([1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1]);
  });
});
