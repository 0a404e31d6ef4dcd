/** Frequencies of the transforms, and the zero frequency moved to the middle. */

import { arange } from "../create.js";
import { DomainError } from "../errors.js";
import { type FloatDType, defaultDType } from "../dtype.js";
import { concat, roll } from "../ops/movement.js";
import { normalizeAxes } from "../shape.js";
import type { Tensor } from "../tensor.js";

export interface FrequencyOptions {
  /** Distance between samples. Default 1. */
  readonly spacing?: number;
  readonly dtype?: FloatDType;
}

function checkLength(n: number, caller: string): void {
  if (!Number.isInteger(n) || n < 1) throw new DomainError(`${caller}: n is ${n}; wants an integer >= 1.`);
}

/** Frequencies of `fft` of length n in cycles per unit: 0, 1, …, −1 over n·spacing. */
export function fftFrequencies(n: number, { spacing = 1, dtype = defaultDType() }: FrequencyOptions = {}): Tensor {
  checkLength(n, "fftFrequencies");
  const positive = Math.ceil(n / 2);
  const index = concat([arange(positive), arange(positive - n, 0)], 0);
  return index.cast(dtype).div(n * spacing);
}

/** Frequencies of `rfft` of length n in cycles per unit: 0, 1, …, ⌊n/2⌋ over n·spacing. */
export function rfftFrequencies(n: number, { spacing = 1, dtype = defaultDType() }: FrequencyOptions = {}): Tensor {
  checkLength(n, "rfftFrequencies");
  return arange(Math.floor(n / 2) + 1)
    .cast(dtype)
    .div(n * spacing);
}

/** Zero frequency to the middle of the axes (default: all). */
export function fftShift(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = normalizeAxes(axes, x.rank, "fftShift");
  return roll(
    x,
    list.map((axis) => Math.floor(x.shape[axis] / 2)),
    list,
  );
}

/** The inverse of {@link fftShift}. */
export function ifftShift(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = normalizeAxes(axes, x.rank, "ifftShift");
  return roll(
    x,
    list.map((axis) => -Math.floor(x.shape[axis] / 2)),
    list,
  );
}
