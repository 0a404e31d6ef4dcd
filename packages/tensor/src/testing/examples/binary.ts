/** Functions of two numbers, with every way in which shapes broadcast. */

import type { BinaryKernels } from "../../cpu/kernels/binary.js";
import * as arithmetic from "../../primitives/arithmetic.js";
import * as compare from "../../primitives/compare.js";
import { isFloat } from "../../dtype.js";
import type { ElementwisePrimitive } from "../../primitives/elementwise.js";
import type { Shape } from "../../shape.js";
import { entry, floats, kernelDTypes, type Entry } from "../example.js";
import { awayFromZero, cycle, distinct, real, type Operand } from "../operand.js";

const shapes: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[2, 3], [2, 3]],
  [[3], [2, 3]],
  [[2, 3], [3]],
  [[2, 3], []],
  [[], [3]],
  [[1], [3]],
  [[2, 1], [1, 3]],
  [[1, 3], [2, 1]],
  [[2, 1, 3], [4, 1]],
  [[4, 1], [2, 1, 3]],
  [[0], [1]],
  [[2, 1], [1, 0]],
  [[1, 2, 1, 2, 1, 2], [2, 1, 2, 1, 3, 1]],
  [[2, 1, 2], [1, 2, 1, 2, 1, 2]],
]; // prettier-ignore

const values = [0, -0, 1, -1, 2, -2, 0.5, Infinity, -Infinity, NaN];
const pairs = values.flatMap((x) => values.map((y) => [x, y] as const));
const specials: readonly [Operand, Operand] = [
  cycle(
    [100],
    pairs.map(([x]) => x),
  ),
  cycle(
    [100],
    pairs.map(([, y]) => y),
  ),
];

interface Details {
  readonly x?: (shape: Shape) => Operand;
  readonly y?: (shape: Shape) => Operand;
  readonly smooth?: boolean;
  readonly ulps?: number;
  readonly ownDType?: boolean;
  readonly oracle?: (x: number, y: number) => number;
}

const anywhere = (shape: Shape): Operand => real(shape);

function binaryEntry(primitive: ElementwisePrimitive<BinaryKernels>, details: Details = {}): Entry {
  const { x = anywhere, y = anywhere, smooth = true, ulps = 0, ownDType = false, oracle } = details;
  return {
    ...entry(primitive, kernelDTypes(primitive), { ulps }, [
      ...shapes.map(([a, b]) => ({ params: null, operands: [x(a), y(b)], smooth })),
      {
        title: "special values",
        params: null,
        operands: specials,
        dtypes: kernelDTypes(primitive).filter(isFloat),
        smooth: null,
      },
    ]),
    ...(ownDType && { ownDType }),
    ...(oracle && { oracle }),
  };
}

const positive = (shape: Shape): Operand => real(shape, 0.25, 3);
/** Quotients of an operand of this by one of `small` stay away from integers. */
const large = (shape: Shape): Operand => real(shape, 2.25, 2.75);
const small = (shape: Shape): Operand => real(shape, 0.96, 1.04);

/** Ties, where both operands share the derivative. */
const ties = {
  title: "ties",
  params: null,
  operands: [cycle([6], [1, 2, 3]), cycle([6], [1, 3, 2])],
  dtypes: floats,
  smooth: false,
};
const extreme = (primitive: ElementwisePrimitive<BinaryKernels>): Entry => {
  const plain = binaryEntry(primitive, { x: (shape) => real(shape, -2, 0), y: (shape) => real(shape, 0.1, 2) });
  const mixed = { title: "either", params: null, operands: [distinct([5, 1]), cycle([1, 2], [0.05, -0.05])] };
  return { ...plain, examples: [...plain.examples, ties, mixed] };
};

export const binaryEntries: readonly Entry[] = [
  binaryEntry(arithmetic.addPrimitive, { oracle: (x, y) => x + y }),
  binaryEntry(arithmetic.subPrimitive, { oracle: (x, y) => x - y }),
  binaryEntry(arithmetic.mulPrimitive, { oracle: (x, y) => x * y }),
  binaryEntry(arithmetic.divPrimitive, { y: awayFromZero, oracle: (x, y) => x / y }),
  extreme(arithmetic.maximumPrimitive),
  extreme(arithmetic.minimumPrimitive),
  binaryEntry(arithmetic.remPrimitive, { x: large, y: small, oracle: (x, y) => x % y }),
  binaryEntry(arithmetic.modPrimitive, { x: large, y: small }),
  binaryEntry(arithmetic.floorDivPrimitive, { x: large, y: small }),
  binaryEntry(arithmetic.powPrimitive, { x: positive, ulps: 4 }),
  binaryEntry(arithmetic.atan2Primitive, { x: awayFromZero, y: awayFromZero, ulps: 4, oracle: Math.atan2 }),
  binaryEntry(arithmetic.nextAfterPrimitive, { smooth: false, ownDType: true }),
  binaryEntry(compare.equalPrimitive, { oracle: (x, y) => +(x === y) }),
  binaryEntry(compare.notEqualPrimitive, { oracle: (x, y) => +(x !== y) }),
  binaryEntry(compare.lessPrimitive, { oracle: (x, y) => +(x < y) }),
  binaryEntry(compare.lessEqualPrimitive, { oracle: (x, y) => +(x <= y) }),
  binaryEntry(compare.bitwiseAndPrimitive),
  binaryEntry(compare.bitwiseOrPrimitive),
  binaryEntry(compare.bitwiseXorPrimitive),
  binaryEntry(compare.shiftLeftPrimitive),
  binaryEntry(compare.shiftRightPrimitive),
];
