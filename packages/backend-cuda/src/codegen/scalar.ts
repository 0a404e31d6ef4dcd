/** What the elementwise primitives come to in CUDA C, for each type of element. */

import type { DType } from "@curv/tensor";
import { printFunctions } from "./portable.js";
import { cTypes, typeName, typeOf, type Operation, type ScalarProgram, type ValueType } from "./types.js";

type Formula = (t: DType, ...x: string[]) => string;

/** A function of the card: `exp` on float64, `expf` on float32. */
const native =
  (name: string): Formula =>
  (t, ...x) =>
    `${name}${t === "float32" ? "f" : ""}(${x.join(", ")})`;
/** A function of the prelude that knows both types. */
const own =
  (name: string): Formula =>
  (_t, ...x) =>
    `${name}(${x.join(", ")})`;
/** A function of the prelude in float64. */
const inDouble =
  (name: string): Formula =>
  (t, x) =>
    `(${cTypes[t]})${name}((double)${x})`;
const infix =
  (operator: string): Formula =>
  (_t, x, y) =>
    `${x} ${operator} ${y}`;
/** Integer arithmetic that wraps: on unsigned words, where that is defined. */
const wrapping =
  (operator: string): Formula =>
  (t, x, y) =>
    t === "uint32" ? `${x} ${operator} ${y}` : `(int)((unsigned int)${x} ${operator} (unsigned int)${y})`;

const floatFormulas: Readonly<Record<string, Formula>> = {
  add: /* @__PURE__ */ infix("+"),
  sub: /* @__PURE__ */ infix("-"),
  mul: /* @__PURE__ */ infix("*"),
  div: /* @__PURE__ */ infix("/"),
  maximum: /* @__PURE__ */ own("curv_max"),
  minimum: /* @__PURE__ */ own("curv_min"),
  rem: /* @__PURE__ */ own("curv_fmod"),
  mod: /* @__PURE__ */ own("curv_mod"),
  floorDiv: /* @__PURE__ */ own("curv_floor_div"),
  pow: /* @__PURE__ */ own("curv_pow"),
  atan2: /* @__PURE__ */ native("atan2"),
  nextAfter: /* @__PURE__ */ own("curv_next"),
  neg: (_t, x) => `-${x}`,
  abs: /* @__PURE__ */ native("fabs"),
  sign: (t, x) => `${x} > 0 ? (${cTypes[t]})1 : ${x} < 0 ? (${cTypes[t]})-1 : ${x}`,
  floor: /* @__PURE__ */ native("floor"),
  ceil: /* @__PURE__ */ native("ceil"),
  round: /* @__PURE__ */ native("rint"),
  sqrt: /* @__PURE__ */ native("sqrt"),
  square: (_t, x) => `${x} * ${x}`,
  reciprocal: (t, x) => `(${cTypes[t]})1 / ${x}`,
  isNaN: (_t, x) => `${x} != ${x}`,
  isFinite: (_t, x) => `${x} - ${x} == 0`,
  exp: /* @__PURE__ */ native("exp"),
  exp2: /* @__PURE__ */ native("exp2"),
  expm1: /* @__PURE__ */ native("expm1"),
  log: /* @__PURE__ */ native("log"),
  log1p: /* @__PURE__ */ native("log1p"),
  log2: /* @__PURE__ */ native("log2"),
  log10: /* @__PURE__ */ native("log10"),
  rsqrt: /* @__PURE__ */ native("rsqrt"),
  cbrt: /* @__PURE__ */ native("cbrt"),
  sigmoid: /* @__PURE__ */ own("curv_sigmoid"),
  softplus: /* @__PURE__ */ own("curv_softplus"),
  sin: /* @__PURE__ */ native("sin"),
  cos: /* @__PURE__ */ native("cos"),
  tan: /* @__PURE__ */ native("tan"),
  asin: /* @__PURE__ */ native("asin"),
  acos: /* @__PURE__ */ native("acos"),
  atan: /* @__PURE__ */ native("atan"),
  sinh: /* @__PURE__ */ native("sinh"),
  cosh: /* @__PURE__ */ native("cosh"),
  tanh: /* @__PURE__ */ native("tanh"),
  asinh: /* @__PURE__ */ native("asinh"),
  acosh: /* @__PURE__ */ native("acosh"),
  atanh: /* @__PURE__ */ native("atanh"),
  erf: /* @__PURE__ */ native("erf"),
  erfc: /* @__PURE__ */ native("erfc"),
  erfinv: /* @__PURE__ */ inDouble("curv_erfinv"),
  lgamma: /* @__PURE__ */ native("lgamma"),
  digamma: /* @__PURE__ */ inDouble("curv_digamma"),
};

const integerFormulas: Readonly<Record<string, Formula>> = {
  add: /* @__PURE__ */ wrapping("+"),
  sub: /* @__PURE__ */ wrapping("-"),
  mul: /* @__PURE__ */ wrapping("*"),
  maximum: (_t, x, y) => `${x} > ${y} ? ${x} : ${y}`,
  minimum: (_t, x, y) => `${x} < ${y} ? ${x} : ${y}`,
  rem: /* @__PURE__ */ own("curv_irem"),
  mod: /* @__PURE__ */ own("curv_imod"),
  floorDiv: /* @__PURE__ */ own("curv_ifloor_div"),
  pow: /* @__PURE__ */ own("curv_ipow"),
  bitwiseAnd: /* @__PURE__ */ infix("&"),
  bitwiseOr: /* @__PURE__ */ infix("|"),
  bitwiseXor: /* @__PURE__ */ infix("^"),
  bitwiseNot: (_t, x) => `~${x}`,
  // By 32 or more, and by what is negative: 0, or the sign.
  shiftLeft: (t, x, y) => `(unsigned int)${y} < 32u ? (${cTypes[t]})((unsigned int)${x} << ${y}) : (${cTypes[t]})0`,
  shiftRight: (t, x, y) =>
    t === "uint32" ? `${y} < 32u ? ${x} >> ${y} : 0u` : `${x} >> ((unsigned int)${y} < 32u ? ${y} : 31)`,
  neg: (t, x) => `(${cTypes[t]})(0u - (unsigned int)${x})`,
  abs: (t, x) => (t === "uint32" ? x : `${x} < 0 ? (int)(0u - (unsigned int)${x}) : ${x}`),
  sign: (t, x) => (t === "uint32" ? `${x} != 0u ? 1u : 0u` : `(${x} > 0) - (${x} < 0)`),
  square: (t, x) => `(${cTypes[t]})((unsigned int)${x} * (unsigned int)${x})`,
};

const boolFormulas: Readonly<Record<string, Formula>> = {
  bitwiseAnd: /* @__PURE__ */ infix("&"),
  bitwiseOr: /* @__PURE__ */ infix("|"),
  bitwiseXor: /* @__PURE__ */ infix("^"),
  bitwiseNot: (_t, x) => `!${x}`,
  maximum: /* @__PURE__ */ infix("|"),
  minimum: /* @__PURE__ */ infix("&"),
};

const comparisons: Readonly<Record<string, Formula>> = {
  equal: /* @__PURE__ */ infix("=="),
  notEqual: /* @__PURE__ */ infix("!="),
  less: /* @__PURE__ */ infix("<"),
  lessEqual: /* @__PURE__ */ infix("<="),
};

function formulasOf(t: DType): Readonly<Record<string, Formula>> {
  return t === "bool" ? boolFormulas : t === "float32" || t === "float64" ? floatFormulas : integerFormulas;
}

/** Whether the elementwise primitive `name` has a formula for elements of a dtype. */
export function hasFormula(name: string, dtype: DType): boolean {
  return name in comparisons || name in formulasOf(dtype);
}

/** Names of the elementwise primitives that have a formula for some dtype. */
export const elementwiseNames: ReadonlySet<string> = /* @__PURE__ */ namesOf(
  comparisons,
  floatFormulas,
  integerFormulas,
  boolFormulas,
);

function namesOf(...tables: readonly object[]): Set<string> {
  return new Set(tables.flatMap((table) => Object.keys(table)));
}

/** x of type `from` as `to`: floats to integers truncate and saturate. */
function cast(from: DType, to: DType, x: string): string {
  if (from === to) return x;
  if (to === "bool") return `${x} != 0`;
  if (from === "float32" || from === "float64") {
    if (to === "int32") return `curv_to_int((double)${x})`;
    if (to === "uint32") return `curv_to_uint((double)${x})`;
  }
  return `(${cTypes[to]})${x}`;
}

/** The bits of x as another type of the same size. */
function bitcast(from: DType, to: DType, x: string): string {
  if (from === to) return x;
  if (from === "float32") return to === "int32" ? `__float_as_int(${x})` : `(unsigned int)__float_as_int(${x})`;
  if (to === "float32") return `__int_as_float((int)${x})`;
  return `(${cTypes[to]})${x}`;
}

/** The expression of an operation on named values. */
function expressionOf({ name, type, result, n, call }: Operation, x: readonly string[]): string {
  if (call != null) return `${call.name}(${x.join(", ")})`;
  switch (name) {
    case "select":
      return `${x[0]} ? ${x[1]} : ${x[2]}`;
    case "cast":
      return cast(type as DType, result as DType, x[0]);
    case "bitcast":
      return bitcast(type as DType, result as DType, x[0]);
    case "integerPower":
      return `curv_power(${x[0]}, ${n})`;
    case "polygamma":
      return `(${typeName(result)})curv_polygamma(${n}, (double)${x[0]})`;
    case "threefry":
      return `curv_threefry(${x.join(", ")})`;
    case "lowWord":
      return `(unsigned int)${x[0]}`;
    case "highWord":
      return `(unsigned int)(${x[0]} >> 32)`;
    default: {
      const t = type as DType;
      return ((comparisons[name] as Formula | undefined) ?? formulasOf(t)[name])(t, ...x);
    }
  }
}

/**
 * The program as a function `curv_f(v0, v1, …, r0, r1, …)` that takes its inputs and literals by value and writes its results; before it,
 * the functions of other packages that it calls.
 */
export function printProgram(program: ScalarProgram): string {
  const { inputs, literals, operations, results } = program;
  const given = inputs.length + literals.length;
  const name = (i: number): string => `v${i}`;
  const parameters = [
    ...[...inputs, ...literals].map((type, i) => `const ${cTypes[type]} ${name(i)}`),
    ...results.map((value, k) => `${typeName(typeOf(program, value))}& r${k}`),
  ];
  const lines = operations.map((operation, j) => {
    const type: ValueType = operation.result;
    return `  const ${typeName(type)} ${name(given + j)} = ${expressionOf(operation, operation.operands.map(name))};`;
  });
  results.forEach((value, k) => lines.push(`  r${k} = ${name(value)};`));
  const called = operations.flatMap(({ call }) => call ?? []);
  return `${printFunctions(called)}__device__ __forceinline__ void curv_f(${parameters.join(", ")}) {\n${lines.join("\n")}\n}\n`;
}
