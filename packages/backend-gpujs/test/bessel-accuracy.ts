/** How far the modified Bessel functions on a device are from the CPU's in float64, over all branches of the CPU's ladder and of ours. */

import { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "@curv/bessel";
import { fromTypedArray, grad, type Backend, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";

type Function = (v: Tensor, x: Tensor) => Tensor;

const slope =
  (f: Function): Function =>
  (v, x) =>
    grad((at: Tensor) => f(v, at).sum())(x);

/**
 * Largest error in units of the last place of float32: of max(1, |value|) where the value is a logarithm, else of the value. GPUs divide and
 * take roots less exactly than WebAssembly, on which half of this was measured.
 */
export const besselBounds: Readonly<Record<string, number>> = {
  logIv: 12,
  logKv: 12,
  logIve: 12,
  logKve: 12,
  besselRatioI: 12,
  besselRatioK: 12,
  slopeOfRatioI: 48,
  slopeOfRatioK: 48,
};

const functions: Readonly<Record<string, Function>> = {
  logIv,
  logKv,
  logIve,
  logKve,
  besselRatioI,
  besselRatioK,
  slopeOfRatioI: /* @__PURE__ */ slope(besselRatioI),
  slopeOfRatioK: /* @__PURE__ */ slope(besselRatioK),
};

/** Orders and arguments: over eight decades, where the expansions meet, about the zero of the exponent, and half-integral orders. */
function points(count: number): readonly [v: Float32Array, x: Float32Array] {
  const draw = random.uniform(random.key(1), { shape: [2 * count] }).dataSync();
  const [v, x] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const [a, b] = [draw[2 * i], draw[2 * i + 1]];
    const [order, at] = [
      [10 ** (8 * a - 4), 10 ** (8 * b - 4)],
      [14 * a, 14 * b],
      [10 ** (0.5 + 4 * a) * (1 + 2 * b), 10 ** (0.5 + 4 * a)],
      [Math.floor(30 * a) / 2, 10 ** (11 * b - 8)],
    ][i % 4];
    v[i] = order;
    x[i] = at;
  }
  return [v, x];
}

/** The largest errors on a backend, by function. */
export async function besselErrors(backend: Backend, count = 2000): Promise<Record<string, number>> {
  const [v, x] = points(count).map((data) => fromTypedArray(data, [count]));
  const errors: Record<string, number> = {};
  for (const [name, f] of Object.entries(functions)) {
    const wanted = f(v.cast("float64"), x.cast("float64")).dataSync();
    const got = await f(v.to(backend), x.to(backend)).data();
    const least = name.startsWith("log") ? 1 : 1e-37;
    let worst = 0;
    for (let i = 0; i < count; i++) {
      const size = Math.max(least, Math.abs(wanted[i]));
      if (size > 3e38) continue; // Not in float32.
      const error = Math.abs(got[i] - wanted[i]) / 2 ** (Math.floor(Math.log2(size)) - 23);
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
    errors[name] = worst;
  }
  return errors;
}
