/**
 * Convolutions by cuDNN where it is found and takes them; by own kernels else.
 *
 * The primitive is closed under transposition: its derivatives are convolutions again, with dilated inputs or with kernels as large as
 * images. The library has them as functions of their own. With y = x ∗ w, what a program hands over as a convolution of dilated dy with
 * turned w is the cotangent of x, and one of xᵀ with dyᵀ, whose result is small, that of w; turning and transposing back costs nothing, for
 * that only changes strides.
 */

import type { Equation } from "@curv/tensor";
import type { ConvParams } from "@curv/tensor/backend";
import type { Convolution } from "../lib/cudnn.js";
import type { FloatType } from "../lib/cusolver.js";
import type { Planner } from "../planner.js";
import { flipView, reshapeView, sizeOf, transposeView, type View } from "../view.js";
import { aligned, callLibrary } from "./library.js";
import { fresh, paramsOf, type Lower } from "./lowering.js";
import { convolution } from "./windows.js";

export const conv: Lower = (planner, equation) => {
  if (!byCudnn(planner, equation)) convolution(planner, equation);
};

/** A convolution of the library, and how its operands and its result are seen as ours. */
interface Seen {
  readonly of: Convolution;
  readonly operands: readonly (() => View)[];
  /** From what it writes to our result. */
  readonly back: (out: View) => View;
}

function byCudnn(planner: Planner, equation: Equation): boolean {
  const { convolve } = planner.options;
  const [out] = equation.outputs;
  const params = paramsOf<ConvParams>(equation);
  const rank = out.shape.length - 2;
  const parts = params.groups * params.batchGroups;
  if (convolve === undefined || (out.dtype !== "float32" && out.dtype !== "float64") || rank < 1 || rank > 3)
    return false;
  // Parts with a few outputs each have no work that could be shared.
  if (parts > 1 && out.shape[1] / parts < leastOutputs) return false;
  if ([...out.shape, ...equation.inputs.flatMap((x) => x.shape)].some((n) => n > mostElements)) return false;
  const [x, w] = equation.inputs.map((input) => planner.view(input));
  const [first, second] = isSmall(equation) ? [asFilter, asForward] : [asForward, asFilter];
  const seen = asData(planner, x, w, equation, params) ?? first(planner, x, w, equation, params) ?? second(planner, x, w, equation, params); // prettier-ignore
  const run = seen === null ? null : convolve(withTwoAxes(seen.of));
  if (seen === null || run === null) return false;
  const operands = seen.operands.map((view) => aligned(planner, planner.contiguous(view())));
  const y = fresh(planner, { dtype: out.dtype, shape: resultOf(seen.of) });
  callLibrary(planner, equation, {
    reads: operands,
    writes: [y],
    recordable: true,
    call: (_, [left, right, to]) => run(left, right, to),
  });
  planner.set(out, seen.back(y));
  return true;
}

const leastOutputs = 8;
/** The library counts by int32. */
const mostElements = 2 ** 31 - 1;

function resultOf({ kind, x, w, y }: Convolution): readonly number[] {
  return { forward: y, data: x, filter: w }[kind];
}

const allOnes = (list: readonly number[]): boolean => list.every((n) => n === 1);

/** Whether the result is smaller than what moves over x. */
function isSmall({ inputs: [, w], outputs: [out] }: Equation): boolean {
  return sizeOf(w.shape.slice(2)) > sizeOf(out.shape.slice(2));
}

/** As it stands. */
function asForward(_: Planner, x: View, w: View, { outputs: [out] }: Equation, params: ConvParams): Seen | null {
  const { stride, padding, inputDilation, kernelDilation: dilation, groups, batchGroups } = params;
  if (batchGroups > 1 || !allOnes(inputDilation)) return null;
  const low = padding.map(([before]) => before);
  const of = { kind: "forward", dtype: x.dtype as FloatType, x: x.shape, w: w.shape, y: out.shape, padding: low, stride, dilation, groups } as const; // prettier-ignore
  return fits(of) ? { of, operands: [() => x, () => w], back: (y) => y } : null;
}

/** As the cotangent of an input: x is what comes back from the result, its dilation was the stride. */
function asData(planner: Planner, x: View, w: View, { outputs: [out] }: Equation, params: ConvParams): Seen | null {
  const { stride, padding, inputDilation, kernelDilation: dilation, groups, batchGroups } = params;
  if (batchGroups > 1 || allOnes(inputDilation) || !allOnes(stride)) return null;
  const [outputs, channels, ...taps] = w.shape;
  const turned = flipView(w, taps.map((_, i) => i + 2)); // prettier-ignore
  const shape = [groups * channels, outputs / groups, ...taps];
  const swapped = (): View => swapInGroups(planner, turned, groups, shape);
  const low = taps.map((n, i) => (n - 1) * dilation[i] - padding[i][0]);
  const of = { kind: "data", dtype: x.dtype as FloatType, x: out.shape, w: shape, y: x.shape, padding: low, stride: inputDilation, dilation, groups } as const; // prettier-ignore
  return fits(of) ? { of, operands: [() => x, swapped], back: (y) => y } : null;
}

/** As the cotangent of a filter: images are summed over. */
function asFilter(_: Planner, x: View, w: View, { outputs: [out] }: Equation, params: ConvParams): Seen | null {
  const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = params;
  if (groups > 1 || !allOnes(inputDilation)) return null;
  const swap = <T>([first, second, ...others]: readonly T[]): T[] => [second, first, ...others];
  const [images, back] = [x, w].map((view) => transposeView(view, swap([...view.shape.keys()])));
  const low = padding.map(([before]) => before);
  const of = { kind: "filter", dtype: x.dtype as FloatType, x: images.shape, w: swap(out.shape), y: back.shape, padding: low, stride: kernelDilation, dilation: stride, groups: batchGroups } as const; // prettier-ignore
  return fits(of)
    ? { of, operands: [() => images, () => back], back: (y) => transposeView(y, swap([...y.shape.keys()])) }
    : null;
}

/** Whether the result has the size that follows from equal padding on both sides. */
function fits({ x, w, y, padding, stride, dilation }: Convolution): boolean {
  return padding.every((low, i) => {
    const room = x[i + 2] + 2 * low - dilation[i] * (w[i + 2] - 1) - 1;
    return low >= 0 && room >= 0 && Math.floor(room / stride[i]) + 1 === y[i + 2];
  });
}

/** Outputs and channels exchanged in each group: [g·O, C, K…] as [g·C, O, K…]. One group is not copied. */
function swapInGroups(planner: Planner, w: View, groups: number, shape: readonly number[]): View {
  const [outputs, channels, ...taps] = w.shape;
  // Parts of an axis are always to be had by strides; put together again they may not be.
  const split = reshapeView(w, [groups, outputs / groups, channels, ...taps])!;
  const swapped = transposeView(split, [0, 2, 1, ...taps.map((_, i) => i + 3)]);
  return reshapeView(swapped, shape) ?? reshapeView(planner.contiguous(swapped), shape)!;
}

/** The library has no convolution of one axis only: a second one of length 1 changes nothing. */
function withTwoAxes(of: Convolution): Convolution {
  if (of.padding.length > 1) return of;
  const { x, w, y, padding, stride, dilation } = of;
  return {
    ...of,
    x: [...x, 1],
    w: [...w, 1],
    y: [...y, 1],
    padding: [...padding, 0],
    stride: [...stride, 1],
    dilation: [...dilation, 1],
  };
}
