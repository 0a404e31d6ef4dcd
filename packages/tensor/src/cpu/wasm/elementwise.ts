/**
 * The elementwise primitives on vectors.
 *
 * A kernel works on 4 lanes at a time, or on 2 if any of its values is a float64. 32-bit values stand in 32-bit lanes, the lowest ones
 * if there are 2; a bool is a mask of lanes of 128 / lanes bits. What has no formula here is computed lane by lane by the portable kernel.
 */

import type { DType } from "../../dtype.js";
import { own } from "../../memory.js";
import type { BinaryKernels } from "../kernels/binary.js";
import { cast as castKernels } from "../kernels/cast.js";
import type { UnaryKernels } from "../kernels/unary.js";
import { integerConstant, lazyNode, node, simd, type Expression } from "./expression.js";
import { and, lanes32, lanes64, not, or, select, xor, type FloatLanes } from "./lanes.js";
import { f64, op, type ImportedFunction } from "./module.js";
import * as math from "./vector-math.js";
import { pow } from "./vector-power.js";

export type LaneCount = 2 | 4;

/** A vector value and what its lanes mean. */
export interface VectorValue {
  readonly expression: Expression;
  readonly dtype: DType;
}

/** Gives the index of an imported function, importing it once. */
export type ImportScalar = (key: string, f: () => ImportedFunction) => number;

/** What an elementwise function is written against. */
export interface VectorContext {
  readonly lanes: LaneCount;
  readonly importScalar: ImportScalar;
}

const floats = (dtype: DType): FloatLanes | null =>
  dtype === "float32" ? lanes32 : dtype === "float64" ? lanes64 : null;

/** A mask of 32-bit lanes, widened if the kernel's masks are. */
function maskOf32(mask: Expression, lanes: LaneCount): Expression {
  return lanes === 4 ? mask : simd(0xc7, mask);
}

/** The mask for values of `dtype`. */
function maskFor(mask: Expression, dtype: DType, lanes: LaneCount): Expression {
  if (lanes === 4 || dtype === "float64" || dtype === "bool") return mask;
  return node([mask, mask], (body) => body.simd(0x0d, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11));
}

/** A constant of any dtype. */
export function vectorConstant(value: number, dtype: DType, lanes: LaneCount): Expression {
  const v = floats(dtype);
  if (v !== null) return v.constant(value);
  if (dtype === "bool") return integerConstant(value === 0 ? 0 : -1, lanes === 4 ? 32 : 64);
  return integerConstant(value, 32);
}

type UnaryFormula = (v: FloatLanes, x: Expression, context: VectorContext) => Expression;

const scalarMath = (f: (x: number) => number, name?: string): ImportedFunction => ({
  ...(name !== undefined && { name }),
  params: [f64],
  results: [f64],
  call: f,
});

const circularFallbacks = ({ importScalar }: VectorContext): math.ScalarFallbacks => ({
  sin: importScalar("Math.sin", () => scalarMath(Math.sin, "Math.sin")),
  cos: importScalar("Math.cos", () => scalarMath(Math.cos, "Math.cos")),
});

const sign = (v: FloatLanes, x: Expression): Expression => {
  const one = or(v.constant(1), and(x, v.constant(-0)));
  return select(v.less(v.constant(0), v.abs(x)), one, x);
};

/** Functions of one float, by the names of their primitives. */
const unaryFloat: Readonly<Record<string, UnaryFormula>> = {
  neg: (v, x) => v.neg(x),
  abs: (v, x) => v.abs(x),
  sign,
  floor: (v, x) => v.floor(x),
  ceil: (v, x) => v.ceil(x),
  round: (v, x) => v.nearest(x),
  sqrt: (v, x) => v.sqrt(x),
  square: (v, x) => v.mul(x, x),
  reciprocal: (v, x) => v.div(v.constant(1), x),
  rsqrt: math.rsqrt,
  exp: math.exp,
  exp2: math.exp2,
  expm1: math.expm1,
  log: math.log,
  log2: math.log2,
  log1p: math.log1p,
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  softplus: math.softplus,
  erf: math.erf,
  sin: (v, x, context) => math.sin(v, x, circularFallbacks(context)),
  cos: (v, x, context) => math.cos(v, x, circularFallbacks(context)),
};

const binaryFloat: Readonly<Record<string, (v: FloatLanes, x: Expression, y: Expression) => Expression>> = {
  add: (v, x, y) => v.add(x, y),
  sub: (v, x, y) => v.sub(x, y),
  mul: (v, x, y) => v.mul(x, y),
  div: (v, x, y) => v.div(x, y),
  maximum: (v, x, y) => v.max(x, y),
  minimum: (v, x, y) => v.min(x, y),
};

const compareFloat: Readonly<Record<string, (v: FloatLanes, x: Expression, y: Expression) => Expression>> = {
  equal: (v, x, y) => v.equal(x, y),
  notEqual: (v, x, y) => v.notEqual(x, y),
  less: (v, x, y) => v.less(x, y),
  lessEqual: (v, x, y) => v.lessEqual(x, y),
};

/** Instructions on 32-bit integers: [int32, uint32]. */
const binaryInteger: Readonly<Record<string, readonly [number, number]>> = {
  add: [0xae, 0xae],
  sub: [0xb1, 0xb1],
  mul: [0xb5, 0xb5],
  minimum: [0xb6, 0xb7],
  maximum: [0xb8, 0xb9],
  bitwiseAnd: [0x4e, 0x4e],
  bitwiseOr: [0x50, 0x50],
  bitwiseXor: [0x51, 0x51],
};
const compareInteger: Readonly<Record<string, readonly [number, number]>> = {
  equal: [0x37, 0x37],
  notEqual: [0x38, 0x38],
  less: [0x39, 0x3a],
  lessEqual: [0x3d, 0x3e],
};
const binaryBool: Readonly<Record<string, (x: Expression, y: Expression) => Expression>> = {
  bitwiseAnd: and,
  bitwiseOr: or,
  bitwiseXor: xor,
  maximum: or,
  minimum: and,
  equal: (x, y) => not(xor(x, y)),
  notEqual: xor,
};

/** Whether the function is a few cycles a vector: worth computing twice to save a pass over memory. */
export function isCheap(name: string): boolean {
  return name in binaryFloat
    ? name !== "div"
    : name in compareFloat || ["neg", "abs", "square", "cast", "select"].includes(name);
}

/** A primitive with kernels of one or two operands. */
export function elementwise(
  name: string,
  kernels: UnaryKernels | BinaryKernels,
  inputs: readonly VectorValue[],
  out: DType,
  context: VectorContext,
): Expression {
  const [x, y] = inputs;
  const { lanes } = context;
  const v = floats(x.dtype);
  if (inputs.length === 1) {
    if (v !== null && name in unaryFloat) return unaryFloat[name](v, x.expression, context);
    if (v !== null && name === "isNaN") return maskOfFloat(v, v.notEqual(x.expression, x.expression), lanes);
    if (v !== null && name === "isFinite") {
      const difference = v.sub(x.expression, x.expression);
      return maskOfFloat(v, v.equal(difference, v.constant(0)), lanes);
    }
    if (v === null && name === "bitwiseNot") return not(x.expression);
  } else if (v !== null) {
    if (name in binaryFloat) return binaryFloat[name](v, x.expression, y.expression);
    if (name === "pow") return pow(v, x.expression, y.expression, lanes);
    if (name in compareFloat) return maskOfFloat(v, compareFloat[name](v, x.expression, y.expression), lanes);
  } else if (x.dtype === "bool") {
    if (name in binaryBool) return binaryBool[name](x.expression, y.expression);
  } else {
    const kind = x.dtype === "int32" ? 0 : 1;
    if (name in binaryInteger) return simd(binaryInteger[name][kind], x.expression, y.expression);
    if (name in compareInteger) return maskOf32(simd(compareInteger[name][kind], x.expression, y.expression), lanes);
  }
  const scalar = context.importScalar(`${name} ${x.dtype}`, () => scalarKernel(kernels, x.dtype, out, inputs.length));
  return byLane(scalar, inputs, out, lanes);
}

function maskOfFloat(v: FloatLanes, mask: Expression, lanes: LaneCount): Expression {
  return v.bits === 64 ? mask : maskOf32(mask, lanes);
}

/** The portable kernel as a function of numbers. */
function scalarKernel(
  kernels: UnaryKernels | BinaryKernels,
  dtype: DType,
  out: DType,
  arity: number,
): ImportedFunction {
  const [x, y, z] = [own(dtype, 1), own(dtype, 1), own(out, 1)];
  const call =
    arity === 1
      ? (a: number): number => {
          x[0] = a;
          (kernels as UnaryKernels)[dtype]!(x, z, 1);
          return z[0];
        }
      : (a: number, b: number): number => {
          x[0] = a;
          y[0] = b;
          (kernels as BinaryKernels)[dtype]!(x, 0, 1, y, 0, 1, z, 0, 1);
          return z[0];
        };
  return { params: new Array<number>(arity).fill(f64), results: [f64], call };
}

/** x where the condition holds, else y. */
export function selectValue(c: VectorValue, x: VectorValue, y: VectorValue, lanes: LaneCount): Expression {
  return select(maskFor(c.expression, x.dtype, lanes), x.expression, y.expression);
}

/** The power of a static integer, as `integerPower64` and `integerPower32` compute it. */
export function integerPower(x: VectorValue, n: number, { lanes }: VectorContext): Expression {
  const v = floats(x.dtype)!;
  if (Math.abs(n) > 16) return pow(v, x.expression, v.constant(n), lanes);
  const y = bySquaring(v, x.expression, Math.abs(n));
  if (n >= 0) return y;
  // The reciprocal of a power that left the normal numbers need not have left them.
  const size = v.abs(y);
  const smallestNormal = v.constant(v.bits === 32 ? 2 ** -126 : 2 ** -1022);
  const ordinary = and(v.lessEqual(smallestNormal, size), v.less(size, v.constant(Infinity)));
  const one = v.constant(1);
  return select(ordinary, v.div(one, y), bySquaring(v, v.div(one, x.expression), -n));
}

function bySquaring(v: FloatLanes, x: Expression, n: number): Expression {
  let y = n & 1 ? x : v.constant(1);
  let base = x;
  for (let m = n >> 1; m > 0; m >>= 1) {
    base = v.mul(base, base);
    if (m & 1) y = v.mul(y, base);
  }
  return y;
}

/** Conversion, as kernels/cast.ts does it. */
export function cast(x: VectorValue, to: DType, { lanes, importScalar }: VectorContext): Expression {
  const from = x.dtype;
  const { expression } = x;
  if (from === to) return expression;
  if (from === "bool") {
    const one = vectorConstant(1, to, lanes);
    return and(maskFor(expression, to, lanes), one);
  }
  if (to === "bool") {
    const v = floats(from);
    if (v !== null) return maskOfFloat(v, v.notEqual(expression, v.constant(0)), lanes);
    return maskOf32(simd(0x38, expression, integerConstant(0, 32)), lanes);
  }
  const code = castInstructions[`${from} ${to}`];
  if (code !== undefined) return code === null ? expression : simd(code, expression);
  const scalar = importScalar(`cast ${from} ${to}`, () => {
    const [a, b] = [own(from, 1), own(to, 1)];
    return scalarMath((value) => {
      a[0] = value;
      castKernels[from][to](a, b, 1);
      return b[0];
    });
  });
  return byLane(scalar, [x], to, lanes);
}

/** null: the same bits. */
const castInstructions: Readonly<Record<string, number | null>> = {
  "float32 float64": 0x5f,
  "float64 float32": 0x5e,
  "int32 float32": 0xfa,
  "uint32 float32": 0xfb,
  "int32 float64": 0xfe,
  "uint32 float64": 0xff,
  "float32 int32": 0xf8,
  "float32 uint32": 0xf9,
  "float64 int32": 0xfc,
  "float64 uint32": 0xfd,
  "int32 uint32": null,
  "uint32 int32": null,
};

/** f of every lane, by a host function of float64. */
function byLane(scalar: number, inputs: readonly VectorValue[], out: DType, lanes: LaneCount): Expression {
  return lazyNode(
    inputs.map(({ expression }) => expression),
    (body, operand) => {
      body.simd(0x0c, ...new Array<number>(16).fill(0));
      for (let lane = 0; lane < lanes; lane++) {
        inputs.forEach(({ dtype }, i) => {
          operand(i);
          if (dtype === "float64") body.simd(0x21, lane);
          else if (dtype === "float32") body.simd(0x1f, lane).emit(op.f64PromoteF32);
          else if (dtype === "bool")
            body
              .simd(0x1b, (lane * 4) / lanes)
              .int(1)
              .emit(op.i32And, op.f64ConvertI32S);
          else body.simd(0x1b, lane).emit(dtype === "int32" ? op.f64ConvertI32S : 0xb8);
        });
        body.call(scalar);
        if (out === "float64") body.simd(0x22, lane);
        else if (out === "float32") body.emit(op.f32DemoteF64).simd(0x20, lane);
        else if (out === "bool") {
          body.emit(0xfc, 0x02); // 0 or 1
          if (lanes === 4) body.int(-1).emit(op.i32Mul).simd(0x1c, lane);
          else body.emit(0xac).emit(0x42, 0x7f, 0x7e).simd(0x1e, lane);
        } else body.emit(0xfc, out === "int32" ? 0x02 : 0x03).simd(0x1c, lane);
      }
    },
  );
}

/** Most bytes of an element, to find how many lanes a kernel has. */
export function lanesFor(dtypes: Iterable<DType>): LaneCount {
  for (const dtype of dtypes) if (dtype === "float64") return 2;
  return 4;
}
