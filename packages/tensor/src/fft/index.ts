/** Fourier transforms of any length on pairs (re, im). `import * as fft from "@curv/tensor/fft"`. */

export { fft, fft2, fftn, ifft, ifft2, ifftn, type FftOptions, type FftnOptions } from "./fft.js";
export type { Complex } from "../complex.js";
export { irfft, rfft } from "./real.js";
export { fftFrequencies, fftShift, ifftShift, rfftFrequencies, type FrequencyOptions } from "./frequencies.js";
