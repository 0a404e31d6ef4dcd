/** Sums of products in the gather model: one thread writes one element. There is no memory that threads share, so nothing is tiled. */

import type { Equation } from "@curv/tensor";
import { sizeOf, type ConvParams } from "@curv/tensor/backend";
import type { Expression } from "./code.js";
import { applyElementwise } from "./elementwise.js";
import { Place, split } from "./place.js";
import { Accumulator, loopOver, paramsOf, shapeOf, zero, type Cell, type Rule } from "./rule.js";
import type { Value } from "./value.js";

interface DotParams {
  readonly contract: readonly [left: readonly number[], right: readonly number[]];
  readonly batch: readonly [left: readonly number[], right: readonly number[]];
}

/** Terms of one partial sum: rounding errors grow with this and with the number of partial sums, not with their product. */
const blockLength = 256;
const unrolled = 4;

const dot: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { contract, batch } = paramsOf<DotParams>(equation);
  const shapes = [shapeOf(equation, 0), shapeOf(equation, 1)] as const;
  const free = shapes.map((shape, side) =>
    shape.map((_, axis) => axis).filter((axis) => !contract[side].includes(axis) && !batch[side].includes(axis)),
  );
  const along = contract[0].map((axis) => shapes[0][axis]);
  /** The operand's place for a place of the result and contracted coordinates. */
  const operand = (side: 0 | 1, k: readonly Expression[]): Value => {
    const skip = batch[0].length + (side === 0 ? 0 : free[0].length);
    const axes = shapes[side].map((_, axis) => {
      const c = contract[side].indexOf(axis);
      if (c >= 0) return k[c];
      const b = batch[side].indexOf(axis);
      return place.axis(b >= 0 ? b : skip + free[side].indexOf(axis));
    });
    return cell.read(equation, side, Place.at(code, shapes[side], axes));
  };
  const term = (k: Expression): Value => {
    const at = split(code, k, along);
    return applyElementwise(code, "mul", [operand(0, at), operand(1, at)]);
  };
  return sumOfTerms(cell, equation, sizeOf(along), term);
};

/** Σ term(k), k = 0 … length − 1, by four accumulators inside blocks, and the blocks' sums added up. */
function sumOfTerms(cell: Cell, equation: Equation, length: number, term: (k: Expression) => Value): Value {
  const { code } = cell;
  const nothing = zero(equation.outputs[0].dtype);
  if (length < unrolled) {
    const terms = Array.from({ length }, (_, k) => term(`${k}.0`));
    return terms.length === 0 ? nothing : terms.reduce((a, b) => applyElementwise(code, "add", [a, b]));
  }
  const total = new Accumulator(code, nothing);
  const block = (first: (i: Expression) => Expression, rounds: number): void => {
    const sums = Array.from({ length: unrolled }, () => new Accumulator(code, nothing));
    code.loop(rounds, (i) => {
      const k = first(i);
      sums.forEach((sum, j) => sum.combine("add", term(j === 0 ? k : code.let(`${k} + ${j}.0`))));
    });
    const [a, b, c, d] = sums.map((sum) => sum.value);
    const pair = (p: Value, q: Value): Value => applyElementwise(code, "add", [p, q]);
    total.combine("add", pair(pair(a, b), pair(c, d)));
  };
  const blocks = Math.floor(length / blockLength);
  if (blocks > 0) {
    code.loop(blocks, (o) => {
      const start = code.let(`${o} * ${blockLength}.0`);
      block((i) => code.let(`${start} + ${i} * ${unrolled}.0`), blockLength / unrolled);
    });
  }
  const rest = blocks * blockLength;
  const rounds = Math.floor((length - rest) / unrolled);
  if (rounds > 0) block((i) => code.let(`${rest}.0 + ${i} * ${unrolled}.0`), rounds);
  for (let k = rest + rounds * unrolled; k < length; k++) total.combine("add", term(`${k}.0`));
  return total.value;
}

/** x of [N, groups·C, S…], w of [groups·O, C, K…]. A tap that meets padding or a gap of a dilated input adds nothing. */
const conv: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = paramsOf<ConvParams>(equation);
  const [x, w] = [shapeOf(equation, 0), shapeOf(equation, 1)];
  const parts = groups * batchGroups;
  const channels = w[1];
  const perPart = w[0] / parts;
  const images = place.shape[0];
  const output = place.axis(1);
  const part = parts === 1 ? "0.0" : code.let(`Math.floor((${output} + 0.5) / ${perPart}.0)`);
  const image = batchGroups > 1 ? code.let(`${part} * ${images}.0 + ${place.axis(0)}`) : place.axis(0);
  const firstChannel = groups > 1 ? code.let(`${part} * ${channels}.0`) : "0.0";
  const space = x.slice(2);
  const total = new Accumulator(code, zero("float32"));
  loopOver(code, w.slice(2), (taps) => {
    const conditions: string[] = [];
    const at = space.map((n, i) => {
      const dilation = inputDilation[i];
      const position = code.let(
        `${place.axis(2 + i)} * ${stride[i]}.0 + ${taps[i]} * ${kernelDilation[i]}.0 + (${-padding[i][0]}.0)`,
      );
      const index = dilation === 1 ? position : code.let(`Math.floor((${position} + 0.5) / ${dilation}.0)`);
      if (dilation > 1) conditions.push(`Math.abs(${position} - ${index} * ${dilation}.0) < 0.5`);
      conditions.push(`${index} >= 0.0`, `${index} < ${n - 1}.5`);
      return index;
    });
    code.when(conditions.length === 0 ? "1.0 > 0.0" : conditions.join(" && "), () => {
      const sum = new Accumulator(code, zero("float32"));
      code.loop(channels, (c) => {
        const channel = firstChannel === "0.0" ? c : code.let(`${firstChannel} + ${c}`);
        const left = cell.read(equation, 0, Place.at(code, x, [image, channel, ...at]));
        const right = cell.read(equation, 1, Place.at(code, w, [output, c, ...taps]));
        sum.set({
          dtype: "float32",
          parts: [code.let(`${sum.value.parts[0]} + ${left.parts[0]} * ${right.parts[0]}`)],
        });
      });
      total.combine("add", sum.value);
    });
  });
  return total.value;
};

export const contractionRules: Readonly<Record<string, Rule>> = { dot, conv };
