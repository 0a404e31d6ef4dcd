/** Convolutions and windows of hundreds of random shapes against their definitions, and their transposes by the dot test to 1e-12. */

import { describe, expect, test } from "vitest";
import { avgPool, bind, conv, convTranspose, jvp, maxPool, stack, tensor, vjp, vmap, type Tensor } from "@curv/tensor";
import { convPrimitive, convSpatialShape, type ConvParams } from "../src/primitives/conv.js";
import { windowedShape, windowSumPrimitive, type WindowParams } from "../src/primitives/windows.js";
import { uniformOf, type Uniform } from "../src/testing/operand.js";

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const draw = (uniform: Uniform, shape: readonly number[]): Tensor =>
  tensor(
    Float64Array.from({ length: count(shape) }, () => 2 * uniform() - 1),
    { shape },
  );
const within = (uniform: Uniform, from: number, to: number): number => from + Math.floor((to - from + 1) * uniform());
const each = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** All positions in an array of that shape. */
function* positions(shape: readonly number[]): Generator<number[]> {
  for (let flat = 0, n = count(shape); flat < n; flat++) {
    const at = new Array<number>(shape.length);
    for (let i = shape.length - 1, rest = flat; i >= 0; i--) {
      at[i] = rest % shape[i];
      rest = Math.floor(rest / shape[i]);
    }
    yield at;
  }
}
const flatten = (at: readonly number[], shape: readonly number[]): number =>
  at.reduce((sum, v, i) => sum * shape[i] + v, 0);

/** max |x_i − y_i|. */
const furthest = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  Array.from(x).reduce((worst, v, i) => Math.max(worst, Math.abs(v - y[i])), 0);

/** y = Σ x w, term by term, as the definition has it. */
function convByDefinition(x: Tensor, w: Tensor, params: ConvParams): { shape: number[]; values: Float64Array } {
  const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = params;
  const [n, , ...space] = x.shape;
  const [outputs, channels, ...taps] = w.shape;
  const shape = [n / batchGroups, outputs, ...convSpatialShape(space, taps, params)];
  const [xs, ws] = [x.dataSync(), w.dataSync()];
  const values = Float64Array.from(positions(shape), ([image, o, ...place]) => {
    const part = Math.floor(o / (outputs / (groups * batchGroups)));
    const source = batchGroups > 1 ? part * shape[0] + image : image;
    const first = batchGroups > 1 ? 0 : part * channels;
    let sum = 0;
    for (const [c, ...tap] of positions([channels, ...taps])) {
      const dilated = place.map((y, i) => y * stride[i] + tap[i] * kernelDilation[i] - padding[i][0]);
      const own = dilated.map((p, i) => p / inputDilation[i]);
      if (own.some((p, i) => !Number.isInteger(p) || p < 0 || p >= space[i])) continue;
      sum += xs[flatten([source, first + c, ...own], x.shape)] * ws[flatten([o, c, ...tap], w.shape)];
    }
    return sum;
  });
  return { shape, values };
}

function configuration(uniform: Uniform, rank: number): { x: Tensor; w: Tensor; params: ConvParams } {
  const [groups, batchGroups] = uniform() < 0.25 ? [1, within(uniform, 2, 3)] : [within(uniform, 1, 3), 1];
  const parts = groups * batchGroups;
  const channels = within(uniform, 1, 2);
  const space = each(rank, () => within(uniform, 3, rank === 3 ? 4 : 6));
  const taps = each(rank, () => within(uniform, 1, 3));
  const kernelDilation = each(rank, () => within(uniform, 1, 2));
  const inputDilation = each(rank, () => within(uniform, 1, 3));
  const padding = each(rank, (i) => {
    const reach = kernelDilation[i] * (taps[i] - 1) + 1;
    const length = inputDilation[i] * (space[i] - 1) + 1;
    // Cropping, as long as one window still fits.
    const low = within(uniform, -1, 3);
    return [low, Math.max(within(uniform, -2, 3), reach - length - low)] as const;
  });
  return {
    x: draw(uniform, [batchGroups * within(uniform, 1, 2), groups * channels, ...space]),
    w: draw(uniform, [parts * within(uniform, 1, 2), channels, ...taps]),
    params: {
      stride: each(rank, () => within(uniform, 1, 3)),
      padding,
      inputDilation,
      kernelDilation,
      groups,
      batchGroups,
    },
  };
}

/** |⟨u, J v⟩ − ⟨Jᵀ u, v⟩| relative to the norms. */
function dotTest(f: (x: Tensor) => Tensor, x: Tensor, uniform: Uniform): number {
  const v = draw(uniform, x.shape);
  const { value, pullback } = vjp(f, x);
  const u = draw(uniform, value.shape);
  const pushed = jvp(f, [x], [v]).tangent;
  const pulled = pullback(u)[0];
  expect(pulled.shape).toEqual(x.shape);
  const inner = (a: Tensor, b: Tensor): number => a.mul(b).sum().itemSync();
  const norm = (a: Tensor): number => Math.sqrt(inner(a, a));
  return Math.abs(inner(u, pushed) - inner(pulled, v)) / (norm(u) * norm(pushed) + norm(pulled) * norm(v) + 1e-300);
}

describe.each([
  [1, 250],
  [2, 150],
  [3, 40],
])("%i-d, %i random convolutions", (rank, trials) => {
  test("are their definition, batch, and have the transposes of their derivatives", { timeout: 60_000 }, () => {
    const uniform = uniformOf(`conv ${rank}`);
    for (let trial = 0; trial < trials; trial++) {
      const { x, w, params } = configuration(uniform, rank);
      const about = `trial ${trial}: x [${x.shape.join()}], w [${w.shape.join()}], ${JSON.stringify(params)}`;
      const f = (x: Tensor, w: Tensor): Tensor => bind(convPrimitive, [x, w], params)[0];
      const y = f(x, w);
      const wanted = convByDefinition(x, w, params);
      expect(y.shape, about).toEqual(wanted.shape);
      expect(furthest(y.dataSync(), wanted.values), about).toBeLessThan(1e-13);
      expect(
        dotTest((x) => f(x, w), x, uniform),
        about,
      ).toBeLessThan(1e-12);
      expect(
        dotTest((w) => f(x, w), w, uniform),
        about,
      ).toBeLessThan(1e-12);
      // The transposes of the transposes, through the gradient of a cubic.
      expect(
        dotTest(
          (x) => vjp((x: Tensor) => f(x, w).square().sum(), x).pullback(tensor(1, { dtype: "float64" }))[0],
          x,
          uniform,
        ),
        about,
      ).toBeLessThan(1e-12);
      expect(
        dotTest(
          (w) => vjp((x: Tensor) => f(x, w).square().sum(), x).pullback(tensor(1, { dtype: "float64" }))[0],
          w,
          uniform,
        ),
        about,
      ).toBeLessThan(1e-12);
      if (trial % 5 === 0) {
        const [xs, ws] = [stack([x, x.mul(-0.5)]), stack([w, w.mul(2)])];
        for (const inAxes of [
          [0, null],
          [null, 0],
          [0, 0],
        ] as const) {
          // prettier-ignore
          const out = vmap(f, { inAxes })(inAxes[0] === 0 ? xs : x, inAxes[1] === 0 ? ws : w);
          const second = f(inAxes[0] === 0 ? x.mul(-0.5) : x, inAxes[1] === 0 ? w.mul(2) : w);
          const where = `${about}, vmap ${inAxes.join()}`;
          expect(furthest(out.slice(0).dataSync(), y.dataSync()), where).toBeLessThan(1e-13);
          expect(furthest(out.slice(1).dataSync(), second.dataSync()), where).toBeLessThan(1e-13);
        }
      }
    }
  });
});

test("200 random windows are their definition, and their transposes belong to them", { timeout: 30_000 }, () => {
  const uniform = uniformOf("windows");
  for (let trial = 0; trial < 200; trial++) {
    const rank = within(uniform, 1, 3);
    const shape = each(rank, () => within(uniform, 2, 6));
    const window = each(rank, () => within(uniform, 1, 3));
    const dilation = each(rank, () => within(uniform, 1, 2));
    const padding = each(rank, (i) => {
      const low = within(uniform, -1, 2);
      return [low, Math.max(within(uniform, -1, 2), dilation[i] * (window[i] - 1) + 1 - shape[i] - low)] as const;
    });
    const params: WindowParams = { window, dilation, padding, stride: each(rank, () => within(uniform, 1, 3)) };
    const x = draw(uniform, shape);
    const f = (x: Tensor): Tensor => bind(windowSumPrimitive, [x], params)[0];
    const about = `trial ${trial}: [${shape.join()}], ${JSON.stringify(params)}`;
    const y = f(x);
    expect(y.shape, about).toEqual(windowedShape(shape, params));
    const [xs, ys] = [x.dataSync(), y.dataSync()];
    let o = 0;
    for (const place of positions(y.shape)) {
      let sum = 0;
      for (const tap of positions(window)) {
        const at = place.map((p, i) => p * params.stride[i] + tap[i] * dilation[i] - padding[i][0]);
        if (at.every((p, i) => p >= 0 && p < shape[i])) sum += xs[flatten(at, shape)];
      }
      expect(Math.abs(ys[o++] - sum), about).toBeLessThan(1e-13);
    }
    expect(dotTest(f, x, uniform), about).toBeLessThan(1e-12);
  }
});

test("convTranspose is the adjoint of conv with the same kernel", () => {
  const uniform = uniformOf("convTranspose");
  for (let trial = 0; trial < 60; trial++) {
    const rank = within(uniform, 1, 3);
    const groups = within(uniform, 1, 2);
    const stride = each(rank, () => within(uniform, 1, 3));
    const dilation = each(rank, () => within(uniform, 1, 2));
    const taps = each(rank, () => within(uniform, 1, 3));
    const padding = each(
      rank,
      (i) => [within(uniform, 0, dilation[i] * (taps[i] - 1)), within(uniform, 0, 1)] as const,
    );
    const space = each(rank, (i) => dilation[i] * (taps[i] - 1) + 1 + within(uniform, 0, 4));
    const x = draw(uniform, [2, 2 * groups, ...space]);
    const w = draw(uniform, [3 * groups, 2, ...taps]);
    const y = conv(x, w, { stride, dilation, padding, groups });
    const u = draw(uniform, y.shape);
    // What a stride leaves over at the end is the output padding.
    const outputPadding = space.map((s, i) => {
      const reach = dilation[i] * (taps[i] - 1) + 1;
      return (s + padding[i][0] + padding[i][1] - reach) % stride[i];
    });
    const back = convTranspose(u, w, { stride, dilation, padding, groups, outputPadding });
    expect(back.shape).toEqual(x.shape);
    const inner = (a: Tensor, b: Tensor): number => a.mul(b).sum().itemSync();
    expect(Math.abs(inner(u, y) - inner(back, x))).toBeLessThan(1e-11);
  }
});

test("pooling: a tie goes to the first, padding takes no part", () => {
  const x = tensor([[[1, 1, 1]]], { dtype: "float64" });
  const max = (x: Tensor): Tensor => maxPool(x, { window: 2, stride: 1 });
  expect(
    vjp(max, x)
      .pullback(tensor([[[1, 1]]], { dtype: "float64" }))[0]
      .arraySync(),
  ).toEqual([[[1, 1, 0]]]);
  const y = tensor([[[-3, -1, -2]]], { dtype: "float64" });
  expect(maxPool(y, { window: 3, stride: 1, padding: "same" }).arraySync()).toEqual([[[-1, -1, -1]]]);
  expect(avgPool(y, { window: 3, stride: 1, padding: "same" }).arraySync()).toEqual([[[-2, -2, -1.5]]]);
});
