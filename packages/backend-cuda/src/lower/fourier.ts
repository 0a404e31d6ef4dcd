/** Fourier transforms by cuFFT, which takes re and im side by side; both are written there and read from there by strides. */

import type { FloatType } from "../lib/cusolver.js";
import { sizeOf, type View } from "../view.js";
import { callLibrary } from "./library.js";
import { fresh, paramsOf, type Lower } from "./lowering.js";

export const fourier: Lower = (planner, equation) => {
  const { inverse } = paramsOf<{ inverse: boolean }>(equation);
  const [{ dtype, shape }] = equation.outputs;
  const n = shape[shape.length - 1];
  const z = fresh(planner, { dtype, shape: [...shape, 2] });
  const half = (offset: number): View => ({ ...z, shape, strides: z.strides.slice(0, -1), offset });
  equation.inputs.forEach((x, i) => planner.emitCopy(planner.view(x), half(i)));
  callLibrary(planner, equation, {
    writes: [z],
    recordable: true,
    call: ({ fourier: library }, [address]) =>
      library.transform(dtype as FloatType, n, sizeOf(shape) / n, inverse, address),
  });
  equation.outputs.forEach((out, i) => planner.set(out, half(i)));
};
