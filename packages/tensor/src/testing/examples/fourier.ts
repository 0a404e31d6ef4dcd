/** Fourier transforms of lengths of every kind: powers of two, composite, prime (by Bluestein's algorithm). */

import { fftPrimitive } from "../../primitives/fft.js";
import type { Shape } from "../../shape.js";
import { entry, floats, type Entry } from "../example.js";
import { real } from "../operand.js";

const shapes: readonly Shape[] = [[1], [2], [8], [12], [7], [37], [2, 5], [0, 3], [2, 0], [1, 2, 1, 1, 2, 3]];

export const fourierEntries: readonly Entry[] = [
  entry(
    fftPrimitive,
    floats,
    { norm: 8 },
    shapes.flatMap((shape) =>
      [false, true].map((inverse) => ({
        title: `${inverse ? "inverse" : "forward"} of [${shape.join(", ")}]`,
        params: { inverse },
        operands: [real(shape), real(shape)],
      })),
    ),
  ),
];
