/** What the elementwise primitives make of elements, for each kind of dtype. */

import type { DType } from "@curv/tensor";
import type { Code, Expression } from "./code.js";
import { constant, partsOf, type Value } from "./value.js";
import * as words from "./words.js";
import type { Word } from "./words.js";

type FloatRule = (code: Code, ...x: Expression[]) => Expression;
type WordRule = (code: Code, signed: boolean, ...x: Word[]) => Word;
type WordTest = (code: Code, signed: boolean, ...x: Word[]) => Expression;
type BoolRule = (code: Code, ...x: Expression[]) => Expression;

const byFunction =
  (name: string): FloatRule =>
  (code, ...x) =>
    code.call(name, ...x);
const byOperator =
  (operator: string): FloatRule =>
  (code, x, y) =>
    code.let(`${x} ${operator} ${y}`);
const byTest =
  (operator: string): FloatRule =>
  (code, x, y) =>
    code.flag(`${x} ${operator} ${y}`);

/** On float32; comparisons give 0 or 1. */
const floatRules: Readonly<Record<string, FloatRule>> = {
  add: /* @__PURE__ */ byOperator("+"),
  sub: /* @__PURE__ */ byOperator("-"),
  mul: /* @__PURE__ */ byOperator("*"),
  div: /* @__PURE__ */ byOperator("/"),
  maximum: /* @__PURE__ */ byFunction("c_max"),
  minimum: /* @__PURE__ */ byFunction("c_min"),
  rem: /* @__PURE__ */ byFunction("c_rem"),
  mod: /* @__PURE__ */ byFunction("c_mod"),
  floorDiv: /* @__PURE__ */ byFunction("c_floorDiv"),
  pow: /* @__PURE__ */ byFunction("c_pow"),
  atan2: /* @__PURE__ */ byFunction("c_atan2"),
  nextAfter: /* @__PURE__ */ byFunction("c_nextAfter"),
  equal: /* @__PURE__ */ byTest("==="),
  notEqual: (code, x, y) => {
    const same = code.flag(`${x} === ${y}`);
    return code.let(`1.0 - ${same}`);
  },
  less: /* @__PURE__ */ byTest("<"),
  lessEqual: /* @__PURE__ */ byTest("<="),
  neg: (code, x) => code.negate(x),
  abs: (code, x) => code.let(`Math.abs(${x})`),
  sign: /* @__PURE__ */ byFunction("c_sign"),
  floor: (code, x) => code.let(`Math.floor(${x})`),
  ceil: (code, x) => code.negate(code.variable(`Math.floor(${code.negate(x)})`)),
  round: /* @__PURE__ */ byFunction("c_round"),
  sqrt: (code, x) => code.let(`Math.sqrt(${x})`),
  square: (code, x) => code.let(`${x} * ${x}`),
  reciprocal: (code, x) => code.let(`1.0 / ${x}`),
  isNaN: /* @__PURE__ */ byFunction("c_isNaN"),
  isFinite: (code, x) => code.flag(`Math.abs(${x}) <= 3.4028234663852886e38`),
  exp: /* @__PURE__ */ byFunction("c_exp"),
  exp2: /* @__PURE__ */ byFunction("c_exp2"),
  expm1: /* @__PURE__ */ byFunction("c_expm1"),
  log: /* @__PURE__ */ byFunction("c_log"),
  log1p: /* @__PURE__ */ byFunction("c_log1p"),
  log2: /* @__PURE__ */ byFunction("c_log2"),
  log10: /* @__PURE__ */ byFunction("c_log10"),
  rsqrt: /* @__PURE__ */ byFunction("c_rsqrt"),
  cbrt: /* @__PURE__ */ byFunction("c_cbrt"),
  sigmoid: /* @__PURE__ */ byFunction("c_sigmoid"),
  softplus: /* @__PURE__ */ byFunction("c_softplus"),
  sin: /* @__PURE__ */ byFunction("c_sin"),
  cos: /* @__PURE__ */ byFunction("c_cos"),
  tan: /* @__PURE__ */ byFunction("c_tan"),
  asin: /* @__PURE__ */ byFunction("c_asin"),
  acos: /* @__PURE__ */ byFunction("c_acos"),
  atan: /* @__PURE__ */ byFunction("c_atan"),
  sinh: /* @__PURE__ */ byFunction("c_sinh"),
  cosh: /* @__PURE__ */ byFunction("c_cosh"),
  tanh: /* @__PURE__ */ byFunction("c_tanh"),
  asinh: /* @__PURE__ */ byFunction("c_asinh"),
  acosh: /* @__PURE__ */ byFunction("c_acosh"),
  atanh: /* @__PURE__ */ byFunction("c_atanh"),
  erf: /* @__PURE__ */ byFunction("c_erf"),
  erfc: /* @__PURE__ */ byFunction("c_erfc"),
  erfinv: /* @__PURE__ */ byFunction("c_erfinv"),
  lgamma: /* @__PURE__ */ byFunction("c_lgamma"),
  digamma: /* @__PURE__ */ byFunction("c_digamma"),
};

/** On int32 (signed) and uint32. */
const wordRules: Readonly<Record<string, WordRule>> = {
  add: (code, _signed, x, y) => words.add(code, x, y),
  sub: (code, _signed, x, y) => words.sub(code, x, y),
  mul: (code, _signed, x, y) => words.mul(code, x, y),
  maximum: (code, signed, x, y) => words.choose(code, words.less(code, x, y, signed), y, x),
  minimum: (code, signed, x, y) => words.choose(code, words.less(code, x, y, signed), x, y),
  rem: (code, signed, x, y) => words.divide(code, x, y, signed).remainder,
  mod: (code, signed, x, y) => words.floorDivide(code, x, y, signed).remainder,
  floorDiv: (code, signed, x, y) => words.floorDivide(code, x, y, signed).quotient,
  pow: (code, signed, x, y) => words.power(code, x, y, signed),
  bitwiseAnd: (code, _signed, x, y) => words.bitwise(code, "c_and16", x, y),
  bitwiseOr: (code, _signed, x, y) => words.bitwise(code, "c_or16", x, y),
  bitwiseXor: (code, _signed, x, y) => words.bitwise(code, "c_xor16", x, y),
  bitwiseNot: (code, _signed, x) => words.not(code, x),
  shiftLeft: (code, _signed, x, y) => words.shiftLeft(code, x, y),
  shiftRight: (code, signed, x, y) => words.shiftRight(code, x, y, signed),
  neg: (code, _signed, x) => words.neg(code, x),
  abs: (code, signed, x) => (signed ? words.abs(code, x) : x),
  sign: (code, signed, x) => {
    const some = code.flag(`${x[0]} + ${x[1]} > 0.0`);
    const one: Word = ["0.0", some];
    return signed ? words.choose(code, words.isNegative(code, x), ["65535.0", "65535.0"], one) : one;
  },
  square: (code, _signed, x) => words.mul(code, x, x),
};

const wordTests: Readonly<Record<string, WordTest>> = {
  equal: (code, _signed, x, y) => words.equal(code, x, y),
  notEqual: (code, _signed, x, y) => code.let(`1.0 - ${words.equal(code, x, y)}`),
  less: (code, signed, x, y) => words.less(code, x, y, signed),
  lessEqual: (code, signed, x, y) => words.less(code, x, y, signed, true),
};

/** On bools. */
const boolRules: Readonly<Record<string, BoolRule>> = {
  bitwiseAnd: (code, x, y) => code.let(`${x} * ${y}`),
  bitwiseOr: (code, x, y) => code.let(`${x} + ${y} - ${x} * ${y}`),
  bitwiseXor: (code, x, y) => code.let(`Math.abs(${x} - ${y})`),
  bitwiseNot: (code, x) => code.let(`1.0 - ${x}`),
  maximum: (code, x, y) => code.let(`${x} + ${y} - ${x} * ${y}`),
  minimum: (code, x, y) => code.let(`${x} * ${y}`),
  equal: /* @__PURE__ */ byTest("==="),
  notEqual: (code, x, y) => code.let(`Math.abs(${x} - ${y})`),
  less: /* @__PURE__ */ byTest("<"),
  lessEqual: /* @__PURE__ */ byTest("<="),
};

/** Whether there is a rule for the primitive on elements of a dtype. */
export function hasRule(name: string, dtype: DType): boolean {
  if (dtype === "bool") return name in boolRules;
  return dtype === "float32" ? name in floatRules : name in wordRules || name in wordTests;
}

/** Names of all elementwise primitives with a rule for some dtype. */
export const elementwiseNames: ReadonlySet<string> = /* @__PURE__ */ namesOf(
  floatRules,
  wordRules,
  wordTests,
  boolRules,
);

function namesOf(...tables: readonly object[]): Set<string> {
  return new Set(tables.flatMap((table) => Object.keys(table)));
}

/** The result of an elementwise primitive on operands of one dtype. */
export function applyElementwise(code: Code, name: string, operands: readonly Value[]): Value {
  const [{ dtype }] = operands;
  if (partsOf(dtype) === 2) {
    const signed = dtype === "int32";
    const pairs = operands.map(({ parts }) => parts as Word);
    const test = wordTests[name] as WordTest | undefined;
    if (test !== undefined) return { dtype: "bool", parts: [test(code, signed, ...pairs)] };
    return { dtype, parts: wordRules[name](code, signed, ...pairs) };
  }
  const rules = dtype === "bool" ? boolRules : floatRules;
  const parts = [rules[name](code, ...operands.map((x) => x.parts[0]))];
  return { dtype: predicates.has(name) ? "bool" : dtype, parts };
}

const predicates: ReadonlySet<string> = new Set(["equal", "notEqual", "less", "lessEqual", "isNaN", "isFinite"]);

/** `condition ? x : y`, where both are there already. */
export function select(code: Code, condition: Expression, x: Value, y: Value): Value {
  return { dtype: x.dtype, parts: x.parts.map((part, i) => code.choose(`${condition} > 0.5`, part, y.parts[i])) };
}

/** Conversion of dtype: floats to integers truncate and saturate, integers wrap, to bool: what is not zero. */
export function cast(code: Code, x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  const from = partsOf(x.dtype);
  const to = partsOf(dtype);
  if (from === 2 && to === 2) return { dtype, parts: x.parts };
  if (from === 2) {
    if (dtype === "bool") return { dtype, parts: [code.flag(`${x.parts[0]} + ${x.parts[1]} > 0.0`)] };
    return { dtype, parts: [words.toFloat(code, x.parts as Word, x.dtype === "int32")] };
  }
  if (to === 2) {
    if (x.dtype === "bool") return { dtype, parts: ["0.0", x.parts[0]] };
    return { dtype, parts: words.fromFloat(code, x.parts[0], dtype === "int32") };
  }
  if (dtype === "bool") {
    // NaN is not zero.
    const zero = code.flag(`${x.parts[0]} === 0.0`);
    return { dtype, parts: [code.let(`1.0 - ${zero}`)] };
  }
  return { dtype, parts: x.parts };
}

/** The same 32 bits as another dtype. NaN has one pattern here. */
export function bitcast(code: Code, x: Value, dtype: DType): Value {
  const [from, to] = [partsOf(x.dtype), partsOf(dtype)];
  if (from === to) return { dtype, parts: x.parts };
  if (to === 2) return { dtype, parts: [code.call("c_highBits", x.parts[0]), code.call("c_lowBits", x.parts[0])] };
  return { dtype, parts: [code.call("c_fromBits", x.parts[0], x.parts[1])] };
}

/** xⁿ for a static integer n. */
export function integerPower(code: Code, x: Value, n: number): Value {
  const m = Math.abs(n);
  if (m > 64) {
    return { dtype: x.dtype, parts: [code.call("c_pow", x.parts[0], `${n < 0 ? `(${n}.0)` : `${n}.0`}`)] };
  }
  let base = x.parts[0];
  let y: Expression | null = null;
  for (let rest = m; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) y = y === null ? base : code.let(`${y} * ${base}`);
    if (rest > 1) base = code.let(`${base} * ${base}`);
  }
  y ??= "1.0";
  return { dtype: x.dtype, parts: [n < 0 ? code.let(`1.0 / ${y}`) : y] };
}

/** The n-th derivative of ψ: n! Σ_k (x + k)^−(n+1) term by term up to 12 + 2n, the rest by Euler–Maclaurin; reflected on the left. */
export function polygamma(code: Code, x: Expression, n: number): Expression {
  const odd = n % 2 === 1;
  const left = code.flag(odd ? `${x} < -16.0` : `${x} < 0.0`);
  const start = code.choose(`${left} > 0.5`, code.let(`1.0 - ${x}`), x);
  const y = code.variable(start);
  const sum = code.variable("0.0");
  const powered = (u: Expression, count: number, lead: Expression): Expression => {
    let term = lead;
    for (let j = 1; j <= count; j++) term = code.let(`${term} * ${j}.0 * ${u}`);
    return term;
  };
  code.loop(12 + 2 * n + (odd ? 17 : 1), () => {
    code.when(`${y} < ${12 + 2 * n}.0`, () => {
      const u = code.let(`1.0 / ${y}`);
      code.assign(sum, `${sum} + ${powered(u, n, u)}`);
      code.assign(y, `${y} + 1.0`);
    });
  });
  const u = code.let(`1.0 / ${y}`);
  const z = code.let(`${u} * ${u}`);
  let term = code.let(`${z} * ${constant((n + 1) / 12, "float32")!.parts[0]}`);
  let tail = term;
  [1 / 60, 1 / 42, 1 / 40].forEach((ratio, i) => {
    const factor = -(n + 2 + 2 * i) * (n + 3 + 2 * i) * ratio;
    term = code.let(`${term} * ${z} * ${constant(factor, "float32")!.parts[0]}`);
    tail = code.let(`${tail} + ${term}`);
  });
  // n!/yⁿ = n·(n − 1)!/yⁿ
  const lead = code.let(`${powered(u, n - 1, u)} * ${n}.0`);
  const whole = code.let(`${sum} + ${lead} * (${constant(1 / n, "float32")!.parts[0]} + (0.5 * ${u} + ${tail}))`);
  const right = odd ? whole : code.negate(whole);
  // −zetaSum(1 − x) − πⁿ⁺¹·Q_n(cot πx) on the left.
  const reflected = code.variable("0.0");
  code.when(`${left} > 0.5`, () => {
    const cot = code.negate(code.call("c_cotPi", code.negate(x)));
    const q = cotDerivative(n);
    let value = constant(q[n + 1], "float32")!.parts[0];
    for (let i = n; i >= 0; i--) value = code.let(`${value} * ${cot} + ${constant(q[i] + 0, "float32")!.parts[0]}`);
    code.assign(reflected, `-${whole} - ${value} * ${constant(Math.PI ** (n + 1), "float32")!.parts[0]}`);
  });
  const value = code.variable(code.choose(`${left} > 0.5`, reflected, right));
  // The poles 0, −1, −2, …: infinite for odd n; for even n, whose sides differ in sign, NaN but for 0.
  code.when(`${x} <= 0.0 && Math.floor(${x}) === ${x}`, () => {
    const nothing = code.let(`${x} - ${x}`);
    code.assign(value, odd ? `1.0 / (${nothing} * ${nothing})` : `${nothing} / ${nothing}`);
    if (!odd) code.line(`if (${x} === 0.0) { ${value} = -1.0 / ${x}; }`);
  });
  return value;
}

/** Coefficients q of dⁿ/dxⁿ cot πx = πⁿ·Q_n(cot πx), lowest power first: Q_0 = c, Q_(n+1) = −(1 + c²)Q_n′. */
function cotDerivative(n: number): number[] {
  let q = [0, 1];
  for (let k = 0; k < n; k++) {
    const next = new Array<number>(k + 3).fill(0);
    for (let i = 1; i < q.length; i++) {
      next[i - 1] -= i * q[i];
      next[i + 1] -= i * q[i];
    }
    q = next;
  }
  return q;
}
