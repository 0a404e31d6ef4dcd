import { hessian } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { loadDigits, slice } from "app-frame/digits";
import { asBatch } from "./digits.js";
import { digitLoss, type Network } from "./networks.js";
import { sharpnessOn } from "./sharpness.js";

test("the largest eigenvalue of the Hessian as a matrix, at one place and another", async () => {
  const digits = slice(await loadDigits(), 4995, 10);
  const { images, labels } = asBatch(digits);
  // Ten weights on the mean grey, squared: a network of few parameters whose loss is no quadratic.
  const network = {
    size: 10,
    apply: (p, x) => x.mean(-1, { keepDims: true }).mul(p.square()).mul(30),
  } as Network;
  const sharpness = sharpnessOn(network, digits, random.key(1));
  for (const seed of [2, 3]) {
    const p = random.normal(random.key(seed), { shape: [10] });
    const matrix = hessian((q) => digitLoss(network, q, images, labels))(p);
    const wanted = await eigvalsh(matrix).max().item();
    expect((await sharpness(p)) / wanted).toBeCloseTo(1, 1);
  }
});
