/** Transforms of real data: half of a symmetric spectrum. */

import { floatDTypeOf, isFloat } from "../dtype.js";
import { DomainError } from "../errors.js";
import { concat, flip, moveAxis } from "../ops/movement.js";
import { castTo } from "../ops/operands.js";
import { zeros } from "../create.js";
import { fftPrimitive } from "../primitives/fft.js";
import { normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import type { Complex } from "../complex.js";
import { asComplex, fitLength, type FftOptions } from "./fft.js";

/** The ⌊n/2⌋ + 1 non-redundant values of the transform of real data. */
export function rfft(x: Tensor, { n, axis = -1 }: FftOptions = {}): Complex {
  const real = isFloat(x.dtype) ? x : castTo(x, floatDTypeOf(x.dtype));
  const at = normalizeAxis(axis, real.rank, "rfft");
  const length = n ?? real.shape[at];
  const last = real.rank - 1;
  const row = moveAxis(fitLength(real, length, at, "rfft"), at, last);
  const [re, im] = bind(fftPrimitive, [row, zeros(row.shape, { dtype: row.dtype })], { inverse: false });
  const half = Math.floor(length / 2) + 1;
  const finish = (part: Tensor): Tensor => moveAxis(part.slice("...", [0, half]), last, at);
  return { re: finish(re), im: finish(im) };
}

/**
 * The real data of length n (default 2(m − 1)) whose transform begins with these m values. The imaginary parts at zero frequency, and for
 * even n at the highest, are ignored.
 */
export function irfft(x: Complex | Tensor, { n, axis = -1 }: FftOptions = {}): Tensor {
  const z = asComplex(x, "irfft");
  const at = normalizeAxis(axis, z.re.rank, "irfft");
  const length = n ?? 2 * (z.re.shape[at] - 1);
  if (!Number.isInteger(length) || length < 1) throw new DomainError(`irfft: n is ${length}; wants an integer >= 1.`);
  const half = Math.floor(length / 2) + 1;
  const last = z.re.rank - 1;
  const prepare = (part: Tensor): Tensor => moveAxis(fitLength(part, half, at, "irfft"), at, last);
  const re = prepare(z.re);
  const im = prepare(z.im);
  // The other half is the conjugate mirror image.
  const inner = length - half;
  const mirror = (part: Tensor): Tensor => flip(part.slice("...", [1, 1 + inner]), -1);
  const end = length % 2 === 0 ? [zeros([...im.shape.slice(0, -1), 1], { dtype: im.dtype })] : [];
  const middle = im.slice("...", [1, length % 2 === 0 ? half - 1 : half]);
  const imWhole =
    length === 1
      ? im.mul(0)
      : concat([zeros([...im.shape.slice(0, -1), 1], { dtype: im.dtype }), middle, ...end, mirror(im).neg()], -1);
  const reWhole = inner === 0 ? re : concat([re, mirror(re)], -1);
  const [out] = bind(fftPrimitive, [reWhole.slice("...", [0, length]), imWhole.slice("...", [0, length])], {
    inverse: true,
  });
  return moveAxis(out.div(length), last, at);
}
