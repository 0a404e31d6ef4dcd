import { crossEntropyOutput, gaussNewtonOperator } from "@curv/hvp";
import { grad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { loadDigits, select } from "app-frame/digits";
import { expect, test } from "vitest";
import { linearisedSgd, sgd } from "./descent.js";
import { asBatch } from "./digits.js";
import { digitLoss, digitMlp } from "./networks.js";

const network = digitMlp(4);
const params = network.init(random.key(1));
const digits = await loadDigits();
const all = asBatch(select(digits, [0, 1200, 2500, 4000, 5500, 7000, 8000, 9900]));
const batch = asBatch(select(digits, [1200, 7000, 9900]));
const rate = 0.3;

const largest = (x: Tensor): number => x.abs().max().itemSync();

test("the first step of linearised SGD is SGD's", () => {
  const [linear, real] = [linearisedSgd(network, params, all), sgd(network, params, all)];
  expect(linear.loss(linear.start).itemSync()).toBeCloseTo(real.loss(real.start).itemSync(), 6);
  const moved = real.step(real.start, batch, rate).sub(params);
  expect(largest(moved)).toBeGreaterThan(1e-3);
  expect(largest(linear.step(linear.start, batch, rate).sub(moved))).toBeLessThan(1e-7);
});

test("away from there: the batch's gradient and Gauss-Newton matrix at the parameters, and the parabola of all digits", () => {
  const delta = random.normal(random.key(2), { shape: [network.size] });
  const linear = linearisedSgd(network, params, all);
  for (const [name, of] of Object.entries({ batch, all })) {
    const g = gaussNewtonOperator(network.apply, crossEntropyOutput, params, { inputs: of.images });
    const slope = grad((p: Tensor) => digitLoss(network, p, of.images, of.labels))(params);
    const curved = g.matvec(delta);
    const expected = delta.sub(slope.add(curved).mul(rate));
    expect(largest(linear.step(delta, of, rate).sub(expected)), name).toBeLessThan(1e-5 * largest(curved));
    if (of === all) {
      const parabola = digitLoss(network, params, all.images, all.labels)
        .add(slope.mul(delta).sum())
        .add(curved.mul(delta).sum().div(2));
      expect(linear.loss(delta).itemSync() / parabola.itemSync()).toBeCloseTo(1, 5);
    }
  }
});
