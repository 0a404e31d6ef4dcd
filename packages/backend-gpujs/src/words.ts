/** 32-bit integers in two's complement as pairs of halves: what it takes to write their arithmetic into a kernel. */

import type { Code, Expression } from "./code.js";

/** High and low 16 bits. */
export type Word = readonly [high: Expression, low: Expression];

export const zero: Word = ["0.0", "0.0"];

export function add(code: Code, [ah, al]: Word, [bh, bl]: Word): Word {
  const low = code.variable(`${al} + ${bl}`);
  const high = code.variable(`${ah} + ${bh}`);
  code.line(`if (${low} >= 65536.0) { ${low} = ${low} - 65536.0; ${high} = ${high} + 1.0; }`);
  code.line(`if (${high} >= 65536.0) { ${high} = ${high} - 65536.0; }`);
  return [high, low];
}

export function sub(code: Code, [ah, al]: Word, [bh, bl]: Word): Word {
  const low = code.variable(`${al} - ${bl}`);
  const high = code.variable(`${ah} - ${bh}`);
  code.line(`if (${low} < 0.0) { ${low} = ${low} + 65536.0; ${high} = ${high} - 1.0; }`);
  code.line(`if (${high} < 0.0) { ${high} = ${high} + 65536.0; }`);
  return [high, low];
}

export function neg(code: Code, a: Word): Word {
  return sub(code, zero, a);
}

export function mul(code: Code, [ah, al]: Word, [bh, bl]: Word): Word {
  const low = code.call("c_mulLow", al, bl);
  const carried = code.call("c_mulHigh", al, bl);
  const cross = code.let(`${carried} + ${code.call("c_mulLow", ah, bl)} + ${code.call("c_mulLow", al, bh)}`);
  return [code.call("c_low16", cross), low];
}

/** a < b, or a ≤ b. As a condition. */
export function less(code: Code, a: Word, b: Word, signed: boolean, orEqual = false): Expression {
  const ah = signed ? signedHigh(code, a) : a[0];
  const bh = signed ? signedHigh(code, b) : b[0];
  const y = code.flag(`${ah} < ${bh}`);
  code.line(`if (${ah} === ${bh}) { if (${a[1]} ${orEqual ? "<=" : "<"} ${b[1]}) { ${y} = 1.0; } }`);
  return y;
}

export function equal(code: Code, a: Word, b: Word): Expression {
  return code.flag(`${a[0]} === ${b[0]} && ${a[1]} === ${b[1]}`);
}

export function choose(code: Code, flag: Expression, yes: Word, no: Word): Word {
  return [code.choose(`${flag} > 0.5`, yes[0], no[0]), code.choose(`${flag} > 0.5`, yes[1], no[1])];
}

function signedHigh(code: Code, [high]: Word): Expression {
  return code.choose(`${high} >= 32768.0`, code.let(`${high} - 65536.0`), high);
}

export function isNegative(code: Code, [high]: Word): Expression {
  return code.flag(`${high} >= 32768.0`);
}

export function abs(code: Code, a: Word): Word {
  return choose(code, isNegative(code, a), neg(code, a), a);
}

export function bitwise(code: Code, name: "c_and16" | "c_or16" | "c_xor16", a: Word, b: Word): Word {
  return [code.call(name, a[0], b[0]), code.call(name, a[1], b[1])];
}

export function not(code: Code, [high, low]: Word): Word {
  return [code.let(`65535.0 - ${high}`), code.let(`65535.0 - ${low}`)];
}

/** By 32 or more, or a negative count: 0. */
export function shiftLeft(code: Code, [high, low]: Word, [sh, sl]: Word): Word {
  const count = code.choose(`${sh} > 0.0 || ${sl} > 31.0`, "0.0", sl);
  const out = code.flag(`${sh} > 0.0 || ${sl} > 31.0`);
  const shifted: Word = [code.call("c_shiftLeftHigh", high, low, count), code.call("c_shiftLeftLow", low, count)];
  return choose(code, out, zero, shifted);
}

/** Arithmetic if signed; by 32 or more, or a negative count: all sign bits. */
export function shiftRight(code: Code, a: Word, [sh, sl]: Word, signed: boolean): Word {
  const negative = signed ? isNegative(code, a) : "0.0";
  const [high, low] = signed ? choose(code, negative, not(code, a), a) : a;
  const out = code.flag(`${sh} > 0.0 || ${sl} > 31.0`);
  const count = code.choose(`${out} > 0.5`, "0.0", sl);
  const back = code.let(`0.0 - ${count}`);
  const shifted: Word = [
    code.let(`Math.floor(${high} * ${code.call("c_pow2", back)})`),
    code.call("c_shiftRightLow", high, low, count),
  ];
  const logical = choose(code, out, zero, shifted);
  return signed ? choose(code, negative, not(code, logical), logical) : logical;
}

/** Quotient and remainder rounded to 0, of |a| and |b| with the signs put back. By zero: quotient and remainder 0. */
export function divide(
  code: Code,
  a: Word,
  b: Word,
  signed: boolean,
): { readonly quotient: Word; readonly remainder: Word } {
  const [x, y] = signed ? [abs(code, a), abs(code, b)] : [a, b];
  const part = (i: number): Expression => code.call("c_divide", x[0], x[1], y[0], y[1], `${i}.0`);
  let quotient: Word = [part(0), part(1)];
  let remainder: Word = [part(2), part(3)];
  if (signed) {
    const [na, nb] = [isNegative(code, a), isNegative(code, b)];
    const differ = code.flag(`${na} + ${nb} === 1.0`);
    quotient = choose(code, differ, neg(code, quotient), quotient);
    remainder = choose(code, na, neg(code, remainder), remainder);
  }
  const none = equal(code, b, zero);
  return { quotient: choose(code, none, zero, quotient), remainder: choose(code, none, zero, remainder) };
}

/** The quotient rounded to −∞, and the remainder with the divisor's sign. */
export function floorDivide(
  code: Code,
  a: Word,
  b: Word,
  signed: boolean,
): { readonly quotient: Word; readonly remainder: Word } {
  const { quotient, remainder } = divide(code, a, b, signed);
  if (!signed) return { quotient, remainder };
  const some = code.flag(`${remainder[0]} + ${remainder[1]} > 0.0`);
  const [nr, nb] = [isNegative(code, remainder), isNegative(code, b)];
  const step = code.flag(`${some} > 0.5 && ${nr} + ${nb} === 1.0`);
  return {
    quotient: choose(code, step, sub(code, quotient, ["0.0", "1.0"]), quotient),
    remainder: choose(code, step, add(code, remainder, b), remainder),
  };
}

/** x^n for n ≥ 0, wrapping; a negative n gives 0. */
export function power(code: Code, x: Word, n: Word, signed: boolean): Word {
  const result = [code.variable("0.0"), code.variable("1.0")] as const;
  const base = [code.variable(x[0]), code.variable(x[1])] as const;
  const left = [code.variable(n[0]), code.variable(n[1])] as const;
  code.loop(32, () => {
    const half = code.let(`Math.floor(${left[1]} * 0.5)`);
    const product = mul(code, result, base);
    code.when(`${left[1]} - ${half} * 2.0 > 0.5`, () => {
      code.assign(result[0], product[0]);
      code.assign(result[1], product[1]);
    });
    const square = mul(code, base, base);
    code.assign(base[0], square[0]);
    code.assign(base[1], square[1]);
    const high = code.let(`Math.floor(${left[0]} * 0.5)`);
    code.assign(left[1], `${half} + (${left[0]} - ${high} * 2.0) * 32768.0`);
    code.assign(left[0], high);
  });
  return signed ? choose(code, isNegative(code, n), zero, result) : result;
}

/** Truncated and saturated; NaN gives 0. */
export function fromFloat(code: Code, x: Expression, signed: boolean): Word {
  const t = code.call("c_trunc", x);
  const size = code.let(`Math.abs(${t})`);
  const high = code.let(`Math.floor(${size} / 65536.0)`);
  const magnitude: Word = [high, code.let(`${size} - ${high} * 65536.0`)];
  const negative = code.flag(`${x} < 0.0`);
  const inside = signed
    ? choose(code, negative, neg(code, magnitude), magnitude)
    : choose(code, negative, zero, magnitude);
  const [most, least, limit]: [Word, Word, string] = signed
    ? [["32767.0", "65535.0"], ["32768.0", "0.0"], "2147483648.0"]
    : [["65535.0", "65535.0"], zero, "4294967296.0"];
  const over = choose(code, code.flag(`${x} >= ${limit}`), most, inside);
  const under = choose(code, code.flag(`${x} <= -${limit}`), least, over);
  return choose(code, code.call("c_isNaN", x), zero, under);
}

/** Rounded once. */
export function toFloat(code: Code, a: Word, signed: boolean): Expression {
  return code.let(`${signed ? signedHigh(code, a) : a[0]} * 65536.0 + ${a[1]}`);
}
