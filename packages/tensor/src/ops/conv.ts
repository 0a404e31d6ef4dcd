/** Convolutions in one to three dimensions, and their transposes. */

import { isFloat } from "../dtype.js";
import { DTypeError, DomainError, ShapeError } from "../errors.js";
import { convPrimitive, dilated, type ConvParams } from "../primitives/conv.js";
import { formatShape, range, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { flip, reshape, transpose } from "./movement.js";
import { describe, unify } from "./operands.js";

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[];

/** "valid" adds nothing; "same" gives ⌈length/stride⌉ outputs; a number pads both ends; pairs say before and after for each axis. */
export type ConvPadding = "valid" | "same" | number | readonly (readonly [before: number, after: number])[];

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: PerAxis;
  /** Default "valid". */
  readonly padding?: ConvPadding;
  /** Step between kernel elements. Default 1. */
  readonly dilation?: PerAxis;
  /** Step between input elements, zeros in the gaps. Default 1. */
  readonly inputDilation?: PerAxis;
  /** Channels and outputs are split in so many independent parts. Default 1. */
  readonly groups?: number;
}

/** One positive integer for each of `count` axes. @internal */
export function perAxis(value: PerAxis, count: number, caller: string, name: string): number[] {
  if (typeof value !== "number" && !Array.isArray(value)) {
    throw new DomainError(
      `${caller}: ${name} is ${describe(value)}; wants an integer >= 1 or one for each spatial axis.`,
    );
  }
  const list = typeof value === "number" ? new Array<number>(count).fill(value) : [...(value as readonly number[])];
  if (list.length !== count)
    throw new ShapeError(`${caller}: ${name} has ${list.length} entries for ${count} spatial axes.`);
  for (const v of list)
    if (!Number.isInteger(v) || v < 1) throw new DomainError(`${caller}: ${name} is ${v}; wants an integer >= 1.`);
  return list;
}

/** Padding before and after each axis, for windows that reach over `reach` elements of `lengths`. @internal */
export function resolvePadding(
  padding: ConvPadding,
  lengths: readonly number[],
  reach: readonly number[],
  stride: readonly number[],
  caller: string,
): (readonly [number, number])[] {
  if (padding === "valid") return lengths.map(() => [0, 0]);
  if (padding === "same") {
    return lengths.map((n, i) => {
      const total = Math.max((Math.ceil(n / stride[i]) - 1) * stride[i] + reach[i] - n, 0);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
  }
  if (typeof padding === "number" && Number.isInteger(padding)) return lengths.map(() => [padding, padding]);
  if (!Array.isArray(padding)) {
    const got = typeof padding === "string" ? JSON.stringify(padding) : String(padding);
    throw new DomainError(
      `${caller}: padding is ${got}; wants "valid", "same", an integer or a pair for each spatial axis.`,
    );
  }
  if (padding.length !== lengths.length) {
    throw new ShapeError(`${caller}: padding has ${padding.length} entries for ${lengths.length} spatial axes.`);
  }
  for (const pair of padding as readonly (readonly number[])[]) {
    if (pair.length !== 2 || !pair.every(Number.isInteger))
      throw new DomainError(`${caller}: padding entry [${pair.join(", ")}] is no pair of integers.`);
  }
  return padding as (readonly [number, number])[];
}

/** Refuses a window that does not fit. @internal */
export function checkWindowFits(
  lengths: readonly number[],
  reach: readonly number[],
  padding: readonly (readonly [number, number])[],
  caller: string,
): void {
  lengths.forEach((n, i) => {
    const room = n + padding[i][0] + padding[i][1];
    if (reach[i] > room)
      throw new ShapeError(`${caller}: window ${reach[i]} is larger than padded input ${room} on spatial axis ${i}.`);
  });
}

function operands(x: Tensor, kernel: Tensor, caller: string): [Tensor, Tensor] {
  const [a, w] = unify(x, kernel, caller);
  if (!isFloat(a.dtype)) throw new DTypeError(`${caller}: operands are ${a.dtype}; wants float32 or float64.`);
  if (a.rank !== w.rank || a.rank < 3 || a.rank > 5) {
    throw new ShapeError(
      `${caller}: x has shape ${formatShape(x.shape)} and kernel ${formatShape(kernel.shape)}; wants [N, C, …] and [O, C/groups, …] with the same 1 to 3 spatial axes.`,
    );
  }
  return [a, w];
}

/**
 * Convolution (cross-correlation): x of [N, C, …S] with a kernel of [O, C/groups, …K] gives [N, O, …Y],
 * Y = ⌊(dilated S + padding − dilated K)/stride⌋ + 1, in one to three dimensions.
 *
 * @throws ShapeError if channels, groups or windows do not fit.
 */
export function conv(x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = "valid", dilation = 1, inputDilation = 1, groups = 1 } = options;
  const [a, w] = operands(x, kernel, "conv");
  const spatial = a.rank - 2;
  const [, channels] = a.shape;
  const [outputs, perGroup] = w.shape;
  perAxis(groups, 1, "conv", "groups");
  if (channels !== perGroup * groups)
    throw new ShapeError(`conv: x has ${channels} channels, kernel wants ${perGroup} × ${groups} groups.`);
  if (outputs % groups !== 0)
    throw new ShapeError(`conv: kernel has ${outputs} outputs, which ${groups} groups do not divide.`);
  const s = perAxis(stride, spatial, "conv", "stride");
  const kernelDilation = perAxis(dilation, spatial, "conv", "dilation");
  const spread = perAxis(inputDilation, spatial, "conv", "inputDilation");
  const lengths = a.shape.slice(2).map((n, i) => dilated(n, spread[i]));
  const reach = w.shape.slice(2).map((k, i) => dilated(k, kernelDilation[i]));
  const pads = resolvePadding(padding, lengths, reach, s, "conv");
  checkWindowFits(lengths, reach, pads, "conv");
  const params: ConvParams = {
    stride: s,
    padding: pads,
    inputDilation: spread,
    kernelDilation,
    groups,
    batchGroups: 1,
  };
  return bind1(convPrimitive, [a, w], params);
}

export interface ConvTransposeOptions {
  /** Default 1. */
  readonly stride?: PerAxis;
  /** Padding of the convolution whose transpose this is: it crops the result. "same" gives length·stride. Default "valid". */
  readonly padding?: ConvPadding;
  /** Default 1. */
  readonly dilation?: PerAxis;
  /** Added to the end of each axis, to choose among the lengths that a stride maps to one. Default 0. */
  readonly outputPadding?: number | readonly number[];
  /** Default 1. */
  readonly groups?: number;
}

/**
 * Transposed convolution, as PyTorch's: x of [N, C, …S] with a kernel of [C, O/groups, …K] gives [N, O, …Y],
 * Y = (S − 1)·stride − padding + dilated K + outputPadding. It is the adjoint of {@link conv} with the same kernel.
 */
export function convTranspose(x: Tensor, kernel: Tensor, options: ConvTransposeOptions = {}): Tensor {
  const { stride = 1, padding = "valid", dilation = 1, outputPadding = 0, groups = 1 } = options;
  const [a, w] = operands(x, kernel, "convTranspose");
  const spatial = a.rank - 2;
  const [, channels] = a.shape;
  perAxis(groups, 1, "convTranspose", "groups");
  if (w.shape[0] !== channels || channels % groups !== 0) {
    throw new ShapeError(`convTranspose: x has ${channels} channels, kernel has ${w.shape[0]} in ${groups} groups.`);
  }
  const s = perAxis(stride, spatial, "convTranspose", "stride");
  const kernelDilation = perAxis(dilation, spatial, "convTranspose", "dilation");
  const extra = typeof outputPadding === "number" ? range(spatial).map(() => outputPadding) : outputPadding;
  if (extra.length !== spatial) {
    throw new ShapeError(`convTranspose: outputPadding has ${extra.length} entries for ${spatial} spatial axes.`);
  }
  extra.forEach((n, i) => {
    const most = Math.max(s[i], kernelDilation[i]) - 1;
    if (!Number.isInteger(n) || n < 0 || n > most) {
      throw new DomainError(
        `convTranspose: outputPadding is ${n}; wants an integer from 0 to ${most}, less than the stride or the dilation.`,
      );
    }
  });
  const reach = w.shape.slice(2).map((k, i) => dilated(k, kernelDilation[i]));
  const wanted: Shape = a.shape.slice(2).map((n, i) => n * s[i]);
  const pads = resolvePadding(padding, padding === "same" ? wanted : a.shape.slice(2), reach, s, "convTranspose");
  const params: ConvParams = {
    stride: range(spatial).map(() => 1),
    inputDilation: s,
    kernelDilation,
    padding: range(spatial).map((i) => {
      const after =
        padding === "same"
          ? wanted[i] - (dilated(a.shape[i + 2], s[i]) - reach[i] + 1 + (reach[i] - 1 - pads[i][0]))
          : reach[i] - 1 - pads[i][1] + extra[i];
      return [reach[i] - 1 - pads[i][0], after] as const;
    }),
    groups,
    batchGroups: 1,
  };
  // [g·C', O', K…] → [g·O', C', K…], flipped.
  const perGroup = channels / groups;
  const [, outputs, ...taps] = w.shape;
  const split = reshape(w, [groups, perGroup, outputs, ...taps]);
  const swapped = reshape(transpose(split, [0, 2, 1, ...range(spatial).map((i) => i + 3)]), [
    groups * outputs,
    perGroup,
    ...taps,
  ]);
  return bind1(
    convPrimitive,
    [
      a,
      flip(
        swapped,
        range(spatial).map((i) => i + 2),
      ),
    ],
    params,
  );
}
