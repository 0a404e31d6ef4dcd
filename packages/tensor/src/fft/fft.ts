/** Transforms of complex data. Forward without a factor, inverse with 1/n. */

import type { Complex } from "../complex.js";
import { zeros } from "../create.js";
import { floatDTypeOf, isFloat } from "../dtype.js";
import { DomainError, ShapeError } from "../errors.js";
import { moveAxis, pad } from "../ops/movement.js";
import { castTo, unify } from "../ops/operands.js";
import { fftPrimitive } from "../primitives/fft.js";
import { formatShape, normalizeAxes, normalizeAxis, sameShape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";

export interface FftOptions {
  /** Length along the axis: the input is cut or padded with zeros. Default: its own. */
  readonly n?: number;
  /** Default −1. */
  readonly axis?: number;
}

/** A pair of float tensors of one dtype and shape; a lone tensor is real. @internal */
export function asComplex(x: Complex | Tensor, caller: string): Complex {
  if (isTensor(x)) {
    const re = isFloat(x.dtype) ? x : castTo(x, floatDTypeOf(x.dtype));
    return { re, im: zeros(re.shape, { dtype: re.dtype }) };
  }
  if (typeof x !== "object" || x === null || !isTensor(x.re) || !isTensor(x.im)) {
    throw new DomainError(`${caller}: x is no tensor and no pair {re, im} of tensors.`);
  }
  const [re, im] = unify(x.re, x.im, caller);
  if (!sameShape(re.shape, im.shape)) {
    throw new ShapeError(
      `${caller}: re has shape ${formatShape(re.shape)}, im has ${formatShape(im.shape)}; they must be equal.`,
    );
  }
  if (isFloat(re.dtype)) return { re, im };
  return { re: castTo(re, floatDTypeOf(re.dtype)), im: castTo(im, floatDTypeOf(im.dtype)) };
}

/** x with n elements along the axis: cut, or zeros added at the end. @internal */
export function fitLength(x: Tensor, n: number, axis: number, caller: string): Tensor {
  if (!Number.isInteger(n) || n < 1) throw new DomainError(`${caller}: n is ${n}; wants an integer >= 1.`);
  return pad(
    x,
    x.shape.map((m, i) => [0, i === axis ? n - m : 0] as const),
  );
}

function alongAxis(x: Complex | Tensor, { n, axis = -1 }: FftOptions, inverse: boolean, caller: string): Complex {
  const z = asComplex(x, caller);
  const at = normalizeAxis(axis, z.re.rank, caller);
  const length = n ?? z.re.shape[at];
  const last = z.re.rank - 1;
  const prepare = (part: Tensor): Tensor => moveAxis(fitLength(part, length, at, caller), at, last);
  const [re, im] = bind(fftPrimitive, [prepare(z.re), prepare(z.im)], { inverse });
  const finish = (part: Tensor): Tensor => moveAxis(inverse ? part.div(length) : part, last, at);
  return { re: finish(re), im: finish(im) };
}

/** X_k = Σ_j x_j e^(−2πijk/n) along an axis, any n. */
export function fft(x: Complex | Tensor, options: FftOptions = {}): Complex {
  return alongAxis(x, options, false, "fft");
}

/** x_j = (1/n) Σ_k X_k e^(2πijk/n) along an axis, any n. */
export function ifft(x: Complex | Tensor, options: FftOptions = {}): Complex {
  return alongAxis(x, options, true, "ifft");
}

export interface FftnOptions {
  /** Lengths along the axes. Default: their own. */
  readonly shape?: readonly number[];
  /** Default: all. */
  readonly axes?: readonly number[];
}

function alongAxes(x: Complex | Tensor, { shape, axes }: FftnOptions, inverse: boolean, caller: string): Complex {
  const z = asComplex(x, caller);
  const list =
    axes === undefined && shape !== undefined
      ? shape.map((_, i) => z.re.rank - shape.length + i)
      : normalizeAxes(axes, z.re.rank, caller);
  if (shape !== undefined && shape.length !== list.length) {
    throw new ShapeError(`${caller}: shape ${formatShape(shape)} has ${shape.length} lengths for ${list.length} axes.`);
  }
  return list.reduce<Complex>(
    (y, axis, i) => alongAxis(y, shape === undefined ? { axis } : { axis, n: shape[i] }, inverse, caller),
    z,
  );
}

/** The transform along several axes (default: all). */
export function fftn(x: Complex | Tensor, options: FftnOptions = {}): Complex {
  return alongAxes(x, options, false, "fftn");
}

/** The inverse transform along several axes (default: all). */
export function ifftn(x: Complex | Tensor, options: FftnOptions = {}): Complex {
  return alongAxes(x, options, true, "ifftn");
}

/** The transform along the last two axes. */
export function fft2(x: Complex | Tensor, options: FftnOptions = {}): Complex {
  return alongAxes(x, { axes: [-2, -1], ...options }, false, "fft2");
}

/** The inverse transform along the last two axes. */
export function ifft2(x: Complex | Tensor, options: FftnOptions = {}): Complex {
  return alongAxes(x, { axes: [-2, -1], ...options }, true, "ifft2");
}
