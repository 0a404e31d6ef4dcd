/** Reductions: one thread writes one element of the result and reads all that it is made of. */

import type { Code, Expression } from "./code.js";
import { applyElementwise } from "./elementwise.js";
import { Place, split } from "./place.js";
import { Accumulator, integer, one, paramsOf, shapeOf, zero, type Rule } from "./rule.js";
import type { Value } from "./value.js";
import type { Shape } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";

/** The place in x for a place in the result and coordinates along the reduced axes. */
function expanded(code: Code, shape: Shape, axes: readonly number[], kept: Place, at: readonly Expression[]): Place {
  let next = 0;
  return Place.at(
    code,
    shape,
    shape.map((_, axis) => {
      const k = axes.indexOf(axis);
      return k >= 0 ? at[k] : kept.axis(next++);
    }),
  );
}

/** Combines all elements along the axes, the first being the start. */
const fold =
  (f: string): Rule =>
  (cell, equation, place) => {
    const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
    const { code } = cell;
    const shape = shapeOf(equation, 0);
    const along = axes.map((axis) => shape[axis]);
    const read = (at: readonly Expression[]): Value => cell.read(equation, 0, expanded(code, shape, axes, place, at));
    if (sizeOf(along) === 1) return read(axes.map(() => "0.0"));
    const start = f === "add" ? zero(equation.outputs[0].dtype) : f === "mul" ? one(equation.outputs[0].dtype) : null;
    const total = new Accumulator(code, start ?? read(axes.map(() => "0.0")));
    inBlocks(code, sizeOf(along), total, f, start, (i) => read(split(code, i, along)));
    return total.value;
  };

const blockLength = 64;

/** total = total ∘ term(0) ∘ … ∘ term(length − 1); long ones by blocks, so that rounding errors grow with the blocks' length and number. */
function inBlocks(
  code: Code,
  length: number,
  total: Accumulator,
  f: string,
  start: Value | null,
  term: (i: Expression) => Value,
): void {
  if (start === null || length <= 2 * blockLength) {
    code.loop(length, (i) => total.combine(f, term(i)));
    return;
  }
  const blocks = Math.ceil(length / blockLength);
  code.loop(blocks, (b) => {
    const partial = new Accumulator(code, start);
    const first = code.let(`${b} * ${blockLength}.0`);
    code.loop(blockLength, (j) => {
      const i = code.let(`${first} + ${j}`);
      if (blocks * blockLength === length) partial.combine(f, term(i));
      else code.when(`${i} < ${length - 1}.5`, () => partial.combine(f, term(i)));
    });
    total.combine(f, partial.value);
  });
}

/** What combines two elements of a reduction. */
export const folds: Readonly<Record<string, string>> = { sum: "add", prod: "mul", max: "maximum", min: "minimum" };

/** Reduces piece number c of the last axis. */
const partialReduce: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { name, piece } = paramsOf<{ name: string; piece: number }>(equation);
  const shape = shapeOf(equation, 0);
  const last = shape.length - 1;
  const first = code.let(`${place.axis(last)} * ${piece}.0`);
  const read = (i: Expression): Value =>
    cell.read(
      equation,
      0,
      Place.at(
        code,
        shape,
        shape.map((_, axis) => (axis === last ? i : () => place.axis(axis))),
      ),
    );
  const { dtype } = equation.outputs[0];
  const start = name === "sum" ? zero(dtype) : name === "prod" ? one(dtype) : null;
  const total = new Accumulator(code, start ?? read(first));
  code.loop(piece, (j) => {
    const i = code.let(`${first} + ${j}`);
    if (shape[last] % piece === 0) total.combine(folds[name], read(i));
    else code.when(`${i} < ${shape[last] - 1}.5`, () => total.combine(folds[name], read(i)));
  });
  return total.value;
};

/** Whether v takes the place of the best so far: larger (smaller), or the first NaN. */
export function isBetter(code: Code, v: Value, best: Value, smallest = false): Expression {
  const [low, high] = smallest ? [v, best] : [best, v];
  const better = applyElementwise(code, "less", [low, high]).parts[0];
  if (v.dtype !== "float32") return better;
  const y = code.variable(better);
  const fresh = code.let(`${code.call("c_isNaN", v.parts[0])} - ${code.call("c_isNaN", best.parts[0])}`);
  code.line(`if (${fresh} > 0.5) { ${y} = 1.0; }`);
  return y;
}

const argExtreme =
  (smallest: boolean): Rule =>
  (cell, equation, place) => {
    const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
    const { code } = cell;
    const shape = shapeOf(equation, 0);
    const read = (i: Expression): Value => cell.read(equation, 0, expanded(code, shape, axes, place, [i]));
    const best = new Accumulator(code, read("0.0"));
    const at = code.variable("0.0");
    code.loop(shape[axes[0]], (i) => {
      const v = read(i);
      code.when(`${isBetter(code, v, best.value, smallest)} > 0.5`, () => {
        best.set(v);
        code.assign(at, i);
      });
    });
    return integer(code, at);
  };

export const reductionRules: Readonly<Record<string, Rule>> = {
  partialReduce,
  sum: /* @__PURE__ */ fold("add"),
  prod: /* @__PURE__ */ fold("mul"),
  max: /* @__PURE__ */ fold("maximum"),
  min: /* @__PURE__ */ fold("minimum"),
  argMax: /* @__PURE__ */ argExtreme(false),
  argMin: /* @__PURE__ */ argExtreme(true),
};
