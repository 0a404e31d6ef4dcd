/** Arithmetic, comparison, choice and conversion. */

import type { DType } from "@curv/tensor";
import { type Engine, type EngineDType } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable, TfjsKernel } from "./kernel.js";

/** A kernel of the engine as it is. */
export const direct =
  (name: string): TfjsKernel =>
  (engine, [x]) => [engine.unary(name, x)];

const pairwise =
  (name: string): TfjsKernel =>
  (engine, [x, y]) => [engine.binary(name, x, y)];

/** On bools, whose order the engines do not all know, by way of int32. */
const comparison =
  (name: string): TfjsKernel =>
  (engine, [x, y]) => {
    if (x.dtype !== "bool") return [engine.binary(name, x, y)];
    return [engine.binary(name, engine.cast(x, "int32"), engine.cast(y, "int32"))];
  };

/** −1, 0 or 1; NaN stays. */
export function sign(engine: Engine, x: TfjsTensor): TfjsTensor {
  const dtype = x.dtype as EngineDType;
  const s = engine.sub(engine.cast(engine.less(0, x), dtype), engine.cast(engine.less(x, 0), dtype));
  return dtype === "float32" ? engine.where(engine.isNaN(x), x, s) : s;
}

/** −x. The engines negate integers, and take their magnitudes, as floats. */
function negative(engine: Engine, x: TfjsTensor): TfjsTensor {
  return x.dtype === "int32" ? engine.sub(0, x) : engine.unary("Neg", x);
}

function magnitude(engine: Engine, x: TfjsTensor): TfjsTensor {
  return x.dtype === "int32" ? engine.where(engine.less(x, 0), engine.sub(0, x), x) : engine.unary("Abs", x);
}

/** Whether two numbers that are not 0 have different signs. */
const areOpposite = (engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor =>
  engine.binary("NotEqual", engine.less(x, 0), engine.less(y, 0));

/** The remainder with the sign of the dividend; the engine's Mod is exact for floats of one sign. */
function rem(engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
  if (x.dtype === "int32") {
    const r = mod(engine, x, y);
    const changes = engine.and(engine.binary("NotEqual", r, 0), areOpposite(engine, x, y));
    return engine.where(changes, engine.sub(r, y), r);
  }
  const m = engine.binary("Mod", engine.unary("Abs", x), engine.unary("Abs", y));
  return engine.where(engine.less(x, 0), engine.unary("Neg", m), m);
}

/** ⌊x/y⌋ of integers; 0 where y = 0, and −x where y = −1, which traps on some processors for the least of them. */
function wholeQuotient(engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
  const [zero, minusOne] = [engine.equal(y, 0), engine.equal(y, -1)];
  const q = engine.binary("FloorDiv", x, engine.where(engine.or(zero, minusOne), 1, y));
  return engine.where(zero, 0, engine.where(minusOne, engine.sub(0, x), q));
}

/** The remainder with the sign of the divisor. */
function mod(engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
  if (x.dtype === "int32") {
    const r = engine.sub(x, engine.mul(y, wholeQuotient(engine, x, y)));
    return engine.where(engine.equal(y, 0), 0, r);
  }
  const r = rem(engine, x, y);
  const opposite = areOpposite(engine, r, y);
  return engine.where(engine.and(opposite, engine.binary("NotEqual", r, 0)), engine.add(r, y), r);
}

/** ⌊x/y⌋ from the exact remainder. */
function floorDiv(engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
  if (x.dtype === "int32") return wholeQuotient(engine, x, y);
  const r = rem(engine, x, y);
  const below = engine.and(engine.binary("NotEqual", r, 0), areOpposite(engine, r, y));
  const quotient = engine.sub(engine.div(engine.sub(x, r), y), engine.cast(below, "float32")); // an integer but for rounding
  const floor = engine.unary("Floor", quotient);
  const rounded = engine.where(engine.less(0.5, engine.sub(quotient, floor)), engine.add(floor, 1), floor);
  const divided = engine.div(x, y);
  const zero = engine.equal(rounded, 0);
  return engine.where(engine.equal(y, 0), divided, engine.where(zero, engine.mul(divided, 0), rounded));
}

/** C and JavaScript disagree on powers of ±1; Curv's are those of C. */
function pow(engine: Engine, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
  const infinite = engine.equal(engine.unary("Abs", y), Infinity);
  const one = engine.or(engine.equal(x, 1), engine.or(engine.equal(y, 0), engine.and(engine.equal(x, -1), infinite)));
  return engine.where(one, 1, engine.binary("Pow", x, y));
}

/** x to a static integer, by squaring. */
export function integerPower(engine: Engine, x: TfjsTensor, n: number): TfjsTensor {
  if (n === 0) return engine.fill(x.shape, 1, "float32");
  let result: TfjsTensor | null = null;
  let base = x;
  for (let m = Math.abs(n); m > 0; m = Math.floor(m / 2)) {
    if (m % 2 === 1) result = result === null ? base : engine.mul(result, base);
    if (m > 1) base = engine.mul(base, base);
  }
  if (n > 0) return result!;
  return engine.div(1, result!);
}

const bitwise =
  (name: string): TfjsKernel =>
  (engine, [x, y]) => [engine.binary(name, x, y)];

export const elementwiseKernels: KernelTable = {
  add: /* @__PURE__ */ pairwise("Add"),
  sub: /* @__PURE__ */ pairwise("Sub"),
  mul: (engine, [x, y]) => [engine.mul(x, y)],
  div: /* @__PURE__ */ pairwise("RealDiv"),
  maximum: (engine, [x, y]) => [engine.maximum(x, y)],
  minimum: (engine, [x, y]) => [engine.minimum(x, y)],
  rem: (engine, [x, y]) => [rem(engine, x, y)],
  mod: (engine, [x, y]) => [mod(engine, x, y)],
  floorDiv: (engine, [x, y]) => [floorDiv(engine, x, y)],
  pow: (engine, [x, y]) => [pow(engine, x, y)],
  atan2: /* @__PURE__ */ pairwise("Atan2"),
  neg: (engine, [x]) => [negative(engine, x)],
  abs: (engine, [x]) => [magnitude(engine, x)],
  sign: (engine, [x]) => [sign(engine, x)],
  floor: /* @__PURE__ */ direct("Floor"),
  ceil: /* @__PURE__ */ direct("Ceil"),
  round: /* @__PURE__ */ direct("Round"),
  square: (engine, [x]) => [engine.mul(x, x)],
  reciprocal: (engine, [x]) => [engine.div(1, x)],
  sqrt: /* @__PURE__ */ direct("Sqrt"),
  integerPower: (engine, [x], { n }: { n: number }) => [integerPower(engine, x, n)],
  equal: /* @__PURE__ */ comparison("Equal"),
  notEqual: /* @__PURE__ */ comparison("NotEqual"),
  less: /* @__PURE__ */ comparison("Less"),
  lessEqual: /* @__PURE__ */ comparison("LessEqual"),
  isNaN: /* @__PURE__ */ direct("IsNan"),
  isFinite: /* @__PURE__ */ direct("IsFinite"),
  // Of bools; words are computed on the host.
  bitwiseAnd: /* @__PURE__ */ bitwise("LogicalAnd"),
  bitwiseOr: /* @__PURE__ */ bitwise("LogicalOr"),
  bitwiseXor: /* @__PURE__ */ bitwise("NotEqual"),
  bitwiseNot: /* @__PURE__ */ direct("LogicalNot"),
  select: (engine, [c, x, y]) => [engine.where(c, x, y)],
  cast: (engine, [x], { dtype }: { dtype: DType }) => [engine.cast(x, dtype as EngineDType)],
  stopGradient: (_engine, [x]) => [x],
};
