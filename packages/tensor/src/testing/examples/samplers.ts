/** Samplers that accept and reject, and what differentiates them. */

import { binomialPrimitive } from "../../random/binomial.js";
import { gammaCdfDerivative } from "../../random/gamma-cdf.js";
import { gammaPrimitive } from "../../random/gamma.js";
import { millsPrimitive } from "../../random/mills-ratio.js";
import { poissonPrimitive } from "../../random/poisson.js";
import type { Shape } from "../../shape.js";
import { entry, floats, type Entry } from "../example.js";
import { index, real, word } from "../operand.js";

const shapes: readonly Shape[] = [[], [3], [0], [2, 3]];

export const samplerEntries: readonly Entry[] = [
  // The derivative keeps the quantile; it is not that of the steps by which a sample is found.
  {
    ...entry(
      gammaPrimitive,
      floats,
      { ulps: 4 },
      shapes.map((shape) => ({
        params: null,
        operands: [word(shape), word(shape), real(shape, 0.5, 3)],
        smooth: false,
        condition: 10,
      })),
    ),
    ownDType: true,
  },
  entry(
    gammaCdfDerivative,
    floats,
    { ulps: 4 },
    [1, 2].flatMap((n) =>
      shapes.map((shape) => ({
        title: `n = ${n}, [${shape.join(", ")}]`,
        params: { n },
        operands: [real(shape, 0.5, 3), real(shape, -1, 1)],
        condition: 10,
      })),
    ),
  ),
  {
    ...entry(
      millsPrimitive,
      floats,
      { ulps: 4 },
      shapes.map((shape) => ({ params: null, operands: [real(shape, 1.25, 3)], condition: 10 })),
    ),
    smoothUnary: true,
  },
  {
    ...entry(poissonPrimitive, floats, {}, [
      { params: null, operands: [word([2]), real([3], 0, 40)] },
      { title: "empty", params: null, operands: [word([2]), real([0])] },
    ]),
    ownDType: true,
  },
  {
    ...entry(binomialPrimitive, floats, {}, [
      { params: null, operands: [word([2]), index([5], 60), real([5], 0, 1)] },
      { title: "empty", params: null, operands: [word([2]), index([0], 60), real([0], 0, 1)] },
    ]),
    ownDType: true,
  },
];
