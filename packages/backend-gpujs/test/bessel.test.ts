/** A package's own functions on gpu.js: the modified Bessel functions in float32, without help by the CPU. */

import { besselRatioK, logIv, logIve, logKv } from "@curv/bessel";
import { grad, hvp, jit, makeGraph, tensor, zeros, type Tensor } from "@curv/tensor";
import { beforeAll, expect, test } from "vitest";
import { gpujs, type GpujsBackend } from "../src/index.js";
import { besselBounds, besselErrors } from "./bessel-accuracy.js";

let backend: GpujsBackend;
beforeAll(async () => {
  backend = await gpujs({ mode: "webasm" });
});

test("to some ulp of the CPU's, over all branches", { timeout: 60_000 }, async () => {
  const errors = await besselErrors(backend);
  for (const [name, bound] of Object.entries(besselBounds)) expect(errors[name], name).toBeLessThanOrEqual(bound / 1.5);
});

test("at the borders of the domain they are the CPU's", () => {
  const v = [0, 0, 3, 3, 0, 2, 1e30, 0.5, -1, NaN, 1, 0.5, 300, 1e-30, 5, Infinity];
  const x = [0, Infinity, 0, Infinity, 1e-30, 1e30, 1, 3e38, 1, 1, NaN, 1e-38, 1e-30, 1e-30, 3e37, 2];
  for (const f of [logIv, logKv, logIve, besselRatioK] as ((v: Tensor, x: Tensor) => Tensor)[]) {
    const wanted = f(tensor(v), tensor(x)).dataSync();
    f(tensor(v).to(backend), tensor(x).to(backend))
      .dataSync()
      .forEach((y, i) => {
        if (Number.isFinite(wanted[i]))
          expect(Math.abs(y - wanted[i])).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted[i]))); // prettier-ignore
        else expect([v[i], x[i], y]).toEqual([v[i], x[i], wanted[i]]);
      });
  }
});

test("compiled with what is around them, and differentiated twice", () => {
  const f = (x: Tensor): Tensor => logIv(2.5, x.square().add(1)).sum();
  const lines = backend.explain(makeGraph((x: Tensor) => logIv(2.5, x.square().add(1)).mul(2), zeros([64])));
  expect(lines).toEqual(["kernel mul + modifiedBessel + add + square (2 arrays, 64 numbers)"]);
  const [x, u] = [tensor([0.5, 1, 3, 8]), tensor([1, -1, 0.5, 2])];
  const product = jit((at: Tensor, along: Tensor) => hvp(f, at, along));
  const wanted = hvp(f, x, u).dataSync();
  product(x.to(backend), u.to(backend))
    .dataSync()
    .forEach((y, i) => expect(Math.abs(y - wanted[i])).toBeLessThan(2e-6 * Math.max(1, Math.abs(wanted[i]))));
});

test("derivatives in the order are refused by name, or left to the CPU if it may help", async () => {
  const slope = (v: Tensor): Tensor => grad((order: Tensor) => logIv(order, order.mul(2)).sum())(v);
  expect(() => slope(tensor([1.5]).to(backend))).toThrow(
    /modifiedBessel: gpujs does not have this member of the family/,
  );
  const helped = await gpujs({ mode: "webasm", hostFallback: true });
  expect(slope(tensor([1.5]).to(helped)).dataSync()[0]).toBeCloseTo(slope(tensor([1.5])).dataSync()[0], 6);
});
