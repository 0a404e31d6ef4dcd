/** Functions of one number. */

import type { UnaryKernels } from "../../cpu/kernels/unary.js";
import { isFloat, type DType } from "../../dtype.js";
import * as arithmetic from "../../primitives/arithmetic.js";
import * as compare from "../../primitives/compare.js";
import type { ElementwisePrimitive } from "../../primitives/elementwise.js";
import type { Primitive } from "../../primitives/primitive.js";
import { stopGradientPrimitive } from "../../primitives/select.js";
import * as special from "../../primitives/special.js";
import * as transcendental from "../../primitives/transcendental.js";
import type { Shape } from "../../shape.js";
import { entry, everything, floats, kernelDTypes, type Accuracy, type Entry, type Example } from "../example.js";
import { awayFromZero, betweenSteps, cycle, real, type Operand } from "../operand.js";

const shapes: readonly Shape[] = [[], [3], [0], [2, 0, 3], [2, 3], [1, 2, 1, 3, 1, 2]];

/** Values at which functions are decided by rule rather than by formula. */
const specialValues = cycle(
  [16],
  [0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN, 1e-30, -1e-30, 1e30, -1e30, 3, -3, 2],
);

function examples<P>(
  params: P,
  operand: (shape: Shape) => Operand,
  smooth: boolean,
  types: readonly DType[] = floats,
): Example<P>[] {
  return [
    ...shapes.map((shape) => ({ params, operands: [operand(shape)], smooth })),
    { title: "special values", params, operands: [specialValues], dtypes: types.filter(isFloat), smooth: null },
  ];
}

interface Details {
  readonly accuracy?: Accuracy;
  readonly oracle?: (x: number) => number;
}

/** Smooth on the range of `operand`. */
function smooth(
  primitive: ElementwisePrimitive<UnaryKernels>,
  operand: (shape: Shape) => Operand,
  { accuracy = { ulps: 4 }, oracle }: Details = {},
): Entry {
  return {
    ...entry(primitive, kernelDTypes(primitive), accuracy, examples(null, operand, true)),
    smoothUnary: true,
    ...(oracle && { oracle }),
  };
}

/** Piecewise linear or constant; `operand` keeps away from the steps. */
function stepwise(
  primitive: ElementwisePrimitive<UnaryKernels>,
  operand: (shape: Shape) => Operand,
  oracle?: Details["oracle"],
): Entry {
  return {
    ...entry(primitive, kernelDTypes(primitive), {}, examples(null, operand, true, kernelDTypes(primitive))),
    ...(oracle && { oracle }),
  };
}

/** A function with a static integer parameter. */
function family(primitive: Primitive<{ n: number }>, ns: readonly number[], operand: (shape: Shape) => Operand): Entry {
  return {
    ...entry(
      primitive,
      floats,
      { ulps: 6 },
      ns.flatMap((n) =>
        examples({ n }, operand, true).map((e) => ({ ...e, title: `n = ${n}, ${e.title ?? shapeTitle(e)}` })),
      ),
    ),
    smoothUnary: true,
  };
}

function shapeTitle(example: Example<unknown>): string {
  return `[${example.operands[0].shape.join(", ")}]`;
}

const between = (from: number, to: number) => (shape: Shape) => real(shape, from, to);
const anywhere = between(-2, 2);
const positive = between(0.3, 3);
const insideUnit = between(-0.875, 0.875);

export const unaryEntries: readonly Entry[] = [
  stepwise(arithmetic.negPrimitive, anywhere, (x) => -x),
  stepwise(arithmetic.absPrimitive, awayFromZero, Math.abs),
  stepwise(arithmetic.signPrimitive, awayFromZero, Math.sign),
  stepwise(arithmetic.floorPrimitive, betweenSteps, Math.floor),
  stepwise(arithmetic.ceilPrimitive, betweenSteps, Math.ceil),
  stepwise(arithmetic.roundPrimitive, betweenSteps),
  smooth(arithmetic.squarePrimitive, anywhere, { accuracy: {}, oracle: (x) => x * x }),
  smooth(arithmetic.reciprocalPrimitive, awayFromZero, { accuracy: {}, oracle: (x) => 1 / x }),
  smooth(arithmetic.sqrtPrimitive, positive, { accuracy: {}, oracle: Math.sqrt }),
  family(arithmetic.integerPowerPrimitive, [-3, -1, 0, 1, 2, 5], awayFromZero),
  smooth(transcendental.expPrimitive, anywhere, { oracle: Math.exp }),
  smooth(transcendental.exp2Primitive, anywhere, { oracle: (x) => 2 ** x }),
  smooth(transcendental.expm1Primitive, anywhere, { oracle: Math.expm1 }),
  smooth(transcendental.logPrimitive, positive, { oracle: Math.log }),
  smooth(transcendental.log1pPrimitive, between(-0.75, 2), { oracle: Math.log1p }),
  smooth(transcendental.log2Primitive, between(0.25, 3), { oracle: Math.log2 }),
  smooth(transcendental.log10Primitive, between(0.25, 3), { oracle: Math.log10 }),
  smooth(transcendental.rsqrtPrimitive, positive, { oracle: (x) => 1 / Math.sqrt(x) }),
  smooth(transcendental.cbrtPrimitive, awayFromZero, { oracle: Math.cbrt }),
  smooth(transcendental.sigmoidPrimitive, anywhere, { oracle: (x) => 1 / (1 + Math.exp(-x)) }),
  smooth(transcendental.softplusPrimitive, anywhere, {
    oracle: (x) => (x === Infinity ? x : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  }),
  smooth(transcendental.sinPrimitive, anywhere, { oracle: Math.sin }),
  smooth(transcendental.cosPrimitive, anywhere, { oracle: Math.cos }),
  smooth(transcendental.tanPrimitive, between(-1.25, 1.25), { oracle: Math.tan }),
  smooth(transcendental.asinPrimitive, insideUnit, { oracle: Math.asin }),
  smooth(transcendental.acosPrimitive, insideUnit, { oracle: Math.acos }),
  smooth(transcendental.atanPrimitive, anywhere, { oracle: Math.atan }),
  smooth(transcendental.sinhPrimitive, anywhere, { oracle: Math.sinh }),
  smooth(transcendental.coshPrimitive, anywhere, { oracle: Math.cosh }),
  smooth(transcendental.tanhPrimitive, anywhere, { oracle: Math.tanh }),
  smooth(transcendental.asinhPrimitive, anywhere, { oracle: Math.asinh }),
  smooth(transcendental.acoshPrimitive, between(1.25, 4), { oracle: Math.acosh }),
  smooth(transcendental.atanhPrimitive, insideUnit, { oracle: Math.atanh }),
  smooth(special.erfPrimitive, anywhere),
  smooth(special.erfcPrimitive, anywhere),
  smooth(special.erfinvPrimitive, insideUnit),
  smooth(special.lgammaPrimitive, between(2.25, 5)),
  smooth(special.digammaPrimitive, between(2, 5)),
  family(special.polygammaPrimitive, [1, 2, 3], positive),
  stepwise(compare.isNaNPrimitive, anywhere),
  stepwise(compare.isFinitePrimitive, anywhere),
  stepwise(compare.bitwiseNotPrimitive, anywhere),
  entry(stopGradientPrimitive, everything, {}, examples(null, anywhere, false)),
];
