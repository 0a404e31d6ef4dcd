/** Fast Fourier transforms of any length. */

export { fft } from "./fft.js";
