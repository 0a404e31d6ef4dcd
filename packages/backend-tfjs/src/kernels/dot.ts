/** The general contraction, as a batch of matrix products. */

import type { KernelTable } from "./kernel.js";
import { sizeOf } from "../engine.js";

interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

export const dotKernels: KernelTable = {
  dot: (engine, [x, y], { contract: [xc, yc], batch: [xb, yb] }: DotParams, [out]) => {
    const free = (rank: number, ...taken: (readonly number[])[]): number[] =>
      Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !taken.some((axes) => axes.includes(axis)));
    const length = (t: { shape: readonly number[] }, axes: readonly number[]): number =>
      sizeOf(axes.map((a) => t.shape[a]));
    const [xf, yf] = [free(x.shape.length, xc, xb), free(y.shape.length, yc, yb)];
    const [count, m, k, n] = [length(x, xb), length(x, xf), length(x, xc), length(y, yf)];
    // Whether the contracted axes stand last already: the engine multiplies transposed matrices, so that nothing is moved.
    const last = (rank: number, axes: readonly number[]): boolean => axes.every((a, i) => a === rank - axes.length + i);
    const yTransposed = last(y.shape.length, yc);
    const xTransposed = !last(x.shape.length, xc);
    const a = engine.reshape(
      engine.transpose(x, xTransposed ? [...xb, ...xc, ...xf] : [...xb, ...xf, ...xc]),
      xTransposed ? [count, k, m] : [count, m, k],
    );
    const b = engine.reshape(
      engine.transpose(y, yTransposed ? [...yb, ...yf, ...yc] : [...yb, ...yc, ...yf]),
      yTransposed ? [count, n, k] : [count, k, n],
    );
    return [engine.reshape(engine.matmul(a, b, { transposeA: xTransposed, transposeB: yTransposed }), out.shape)];
  },
};
