/** I and K themselves on gpu.js: of every order, scaled and not, and what float32 does not hold. */

import { besselI, besselK } from "@curv/bessel";
import { fromTypedArray, grad, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { beforeAll, expect, test } from "vitest";
import { gpujs, type GpujsBackend } from "../src/index.js";

let backend: GpujsBackend;
beforeAll(async () => {
  backend = await gpujs({ mode: "webasm" });
});

const count = 1500;
const draw = random.uniform(random.key(3), { shape: [2 * count] }).dataSync();
const at = (f: (a: number, b: number) => number): Tensor =>
  fromTypedArray(
    Float32Array.from({ length: count }, (_, i) => f(draw[2 * i], draw[2 * i + 1])),
    [count],
  );
/** Orders of either sign, and whole ones; arguments over seven decades and among the orders. */
const v = at((a, b) => (b < 0.1 ? Math.round(60 * a) - 30 : b < 0.6 ? 30 * a - 10 : 10 ** (4 * a - 2)));
const x = at((a, b) => (a < 0.7 ? 10 ** (7 * ((b * 37) % 1) - 4) : 30 * b));

/** (got − wanted)/wanted in ulp of float32, over 16 + 4|log wanted|; what overflows or vanishes in float32 has to. */
function largestShare(got: ArrayLike<number>, wanted: ArrayLike<number>, scale: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < count; i++) {
    const [y, z] = [got[i], wanted[i]];
    const size = Math.abs(scale[i]);
    if (size > 3.3e38) expect(Math.abs(y)).toBeGreaterThan(3e38);
    else if (size < 1.2e-38) expect(Math.abs(y)).toBeLessThan(1.3e-38);
    else worst = Math.max(worst, Math.abs(y - z) / size / 2 ** -23 / (16 + 4 * Math.abs(Math.log(size))));
  }
  return worst;
}

test.each([
  ["besselI", false, besselI],
  ["besselI", true, besselI],
  ["besselK", false, besselK],
  ["besselK", true, besselK],
] as const)("%s, scaled: %s", { timeout: 60_000 }, (name, scaled, f) => {
  const got = f(v.to(backend), x.to(backend), { scaled }).dataSync();
  const [order, argument] = [v.cast("float64"), x.cast("float64")];
  const wanted = f(order, argument, { scaled }).dataSync();
  // The two terms of a negative order may cancel: the error is then that of the larger.
  const scale = Float64Array.from(wanted);
  if (name === "besselI") {
    const positive = besselI(order.abs(), argument, { scaled }).dataSync();
    scale.forEach((y, i) => (scale[i] = Math.max(Math.abs(y), positive[i])));
  }
  expect(largestShare(got, wanted, scale)).toBeLessThan(0.8); // GPUs divide less exactly than WebAssembly
});

test("at the borders they are the CPU's", () => {
  const orders = Float32Array.of(0, 0, 3, 3, 0, 2, 1e30, -1.5, -2, NaN, 1, 300, -1.5, Infinity, 2, 20);
  const arguments_ = Float32Array.of(0, Infinity, 0, Infinity, 1e-30, 1e30, 1, 0, 0, 1, NaN, 1e-30, -1, 2, -3, 1e-30);
  const [a, b] = [orders, arguments_].map((data) => fromTypedArray(data, [data.length]));
  for (const f of [besselI, besselK]) {
    for (const scaled of [false, true]) {
      const wanted = f(a, b, { scaled }).dataSync();
      f(a.to(backend), b.to(backend), { scaled })
        .dataSync()
        .forEach((y, i) => {
          const context = `${f.name}(${orders[i]}, ${arguments_[i]}), scaled: ${scaled}`;
          if (Number.isFinite(wanted[i]) && wanted[i] !== 0)
            expect(Math.abs(y / wanted[i] - 1), context).toBeLessThan(1e-5); // prettier-ignore
          else expect([context, y + 0]).toEqual([context, wanted[i] + 0]);
        });
    }
  }
});

test("differentiates in x", () => {
  const [order, argument] = [fromTypedArray(Float32Array.of(0.3, 2, 7.5), [3]), fromTypedArray(Float32Array.of(0.4, 3, 20), [3])]; // prettier-ignore
  for (const f of [besselI, besselK]) {
    const slope = (o: Tensor, t: Tensor): Tensor => grad((s: Tensor) => f(o, s).sum())(t);
    const wanted = slope(order.cast("float64"), argument.cast("float64")).dataSync();
    slope(order.to(backend), argument.to(backend))
      .dataSync()
      .forEach((y, i) => expect(Math.abs(y / wanted[i] - 1)).toBeLessThan(5e-6));
  }
});
