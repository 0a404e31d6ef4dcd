/**
 * The discrete Fourier transform, in passes over the last axis.
 *
 * After the passes of radices whose product is L, element k·(n/L) + m is Σ_j x[m + (n/L)·j]·w_L^(jk): a transform of length L of every
 * (n/L)-th element. The pass of radix p takes L to L′ = pL by X′[k, m] = Σ_r w_{L′}^(rk)·X[k mod L, m + (n/L′)·r], r < p. After the last,
 * L = n, elements are in their natural order.
 *
 * Source: Stockham's form of the fast Fourier transform (Van Loan 1992, §1.7).
 */

import { Variable, type Equation } from "@curv/tensor";
import type { Expression } from "./code.js";
import { Place } from "./place.js";
import { internal } from "./rewrite.js";
import { paramsOf, type Rule } from "./rule.js";

const fftPass = /* @__PURE__ */ internal("fftPass");

interface PassParams {
  /** Length of the transforms that are there. */
  readonly length: number;
  readonly radix: number;
  readonly inverse: boolean;
}

const preferred = [8, 4, 2, 3, 5, 7];
/** A larger prime is for the CPU: one thread would add up so many products. */
const largestRadix = 256;
/** Products of indices are exact below. */
const exact = 2 ** 23;

/** Radices whose product is n; null if one would be too large. */
function radicesOf(n: number): number[] | null {
  const radices: number[] = [];
  let rest = n;
  for (const p of preferred) {
    for (; rest % p === 0; rest /= p) radices.push(p);
  }
  for (let p = 11; rest > 1; p += 2) {
    if (p > largestRadix) return null;
    for (; rest % p === 0; rest /= p) radices.push(p);
  }
  return radices.every((p) => p * n < exact) ? radices : null;
}

/** fft as one pass a radix; as it is if there is no way. */
export function lowerFft(equation: Equation, out: Equation[]): void {
  const { inputs, outputs } = equation;
  const { inverse } = equation.params as { inverse: boolean };
  const { shape } = outputs[0];
  const radices = radicesOf(shape[shape.length - 1]);
  if (radices === null) {
    out.push(equation);
    return;
  }
  if (radices.length === 0) radices.push(1);
  let pair = inputs;
  let length = 1;
  radices.forEach((radix, i) => {
    const results = i === radices.length - 1 ? outputs : outputs.map((y) => new Variable(y.shape, y.dtype, false));
    const params: PassParams = { length, radix, inverse };
    out.push({ primitive: fftPass, inputs: pair, params, outputs: results });
    pair = results;
    length *= radix;
  });
}

const pass: Rule = (cell, equation, place, output) => {
  const { code } = cell;
  const { length, radix, inverse } = paramsOf<PassParams>(equation);
  const { shape } = place;
  const last = shape.length - 1;
  const n = shape[last];
  const longer = length * radix;
  const blocks = n / longer;
  const quotient = (x: Expression, m: number): Expression =>
    m === 1 ? x : code.let(`Math.floor((${x} + 0.5) / ${m}.0)`);
  const remainder = (x: Expression, m: number): Expression =>
    m === 1 ? "0.0" : code.let(`${x} - ${quotient(x, m)} * ${m}.0`);
  const at = place.axis(last);
  const k = quotient(at, blocks);
  const first = code.let(`${remainder(k, length)} * ${n / length}.0 + ${remainder(at, blocks)}`);
  const read = (r: Expression): [re: Expression, im: Expression] => {
    const index = r === "0.0" ? first : code.let(`${first} + ${r} * ${blocks}.0`);
    const from = Place.at(
      code,
      shape,
      shape.map((_, axis) => (axis === last ? index : place.axis(axis))),
    );
    return [cell.read(equation, 0, from).parts[0], cell.read(equation, 1, from).parts[0]];
  };
  const sum = code.variable(read("0.0")[output]);
  if (radix > 1) {
    code.loop(radix, (r) => {
      // The angle in quarters of a turn, whole and rest, from integers.
      const turn = code.let(`4.0 * ${remainder(code.let(`${r} * ${k}`), longer)}`);
      const quarter = code.let(`Math.floor(${turn} / ${longer}.0 + 0.5)`);
      const rest = code.let(`(${turn} - ${quarter} * ${longer}.0) / ${longer}.0 * 1.5707963705062866`);
      const [re, im] = read(r);
      const cos = code.call("c_sinQuadrant", rest, code.let(`${quarter} + 1.0`));
      const sin = code.call("c_sinQuadrant", rest, quarter);
      const [direct, crossed] = output === 0 ? [re, im] : [im, re];
      const plus = (output === 0) !== inverse;
      code.when(`${r} > 0.5`, () =>
        code.assign(sum, `${sum} + (${direct} * ${cos} ${plus ? "+" : "-"} ${crossed} * ${sin})`),
      );
    });
  }
  return { dtype: "float32", parts: [sum] };
};

export const fftRules: Readonly<Record<string, Rule>> = { fftPass: pass };
