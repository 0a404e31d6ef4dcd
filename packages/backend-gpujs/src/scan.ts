/** Running sums and recurrences: one thread writes one element and looks back; long ones in blocks, as `lower.ts` says. */

import type { Expression } from "./code.js";
import { applyElementwise, select } from "./elementwise.js";
import { Place } from "./place.js";
import { isBetter } from "./reduce.js";
import { Accumulator, integer, one, paramsOf, shapeOf, zero, type Cell, type Rule } from "./rule.js";
import type { Value } from "./value.js";
import type { Equation } from "@curv/tensor";

/** A scan that begins anew in each block: of a sum, a recurrence, or a product. */
const blockScan: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { block, kind } = paramsOf<{ block: number; kind: string }>(equation);
  const { position, read } = alongAxis(cell, equation, place);
  const { dtype } = equation.outputs[0];
  const first = code.let(`Math.floor((${position} + 0.5) / ${block}.0) * ${block}.0`);
  const z = new Accumulator(code, kind === "product" ? one(dtype) : zero(dtype));
  code.loop(block, (j) => {
    const i = code.let(`${first} + ${j}`);
    code.when(`${i} <= ${position}`, () => {
      if (kind !== "sum") z.combine("mul", read(0, i));
      if (kind === "recurrence") z.combine("add", read(1, i));
      if (kind === "sum") z.combine("add", read(0, i));
    });
  });
  return z.value;
};

/** What each block ends with, in scan order. */
const blockEnds: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { axis, block } = paramsOf<{ axis: number; block: number }>(equation);
  const { n, read } = alongAxis(cell, equation, place);
  const end = code.variable(`${place.axis(axis)} * ${block}.0 + ${block - 1}.0`);
  code.line(`if (${end} > ${n - 1}.0) { ${end} = ${n - 1}.0; }`);
  return read(0, end);
};

/** z + c, or z + p·c, with c what the block before ended with. */
const addCarry: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { axis, block } = paramsOf<{ axis: number; block: number }>(equation);
  const { position } = alongAxis(cell, equation, place);
  const before = code.variable(`Math.floor((${position} + 0.5) / ${block}.0) - 1.0`);
  const some = code.flag(`${before} >= 0.0`);
  code.line(`if (${before} < 0.0) { ${before} = 0.0; }`);
  const shape = shapeOf(equation, 1);
  const carry = cell.read(
    equation,
    1,
    Place.at(
      code,
      shape,
      shape.map((_, i) => (i === axis ? before : () => place.axis(i))),
    ),
  );
  const z = cell.read(equation, 0, place);
  const added =
    equation.inputs.length === 2 ? carry : applyElementwise(code, "mul", [cell.read(equation, 2, place), carry]);
  return select(code, some, applyElementwise(code, "add", [z, added]), z);
};

/** Operands at position i along the axis, and where in scan order the place is. */
function alongAxis(
  cell: Cell,
  equation: Equation,
  place: Place,
): { n: number; position: Expression; read(operand: number, i: Expression): Value; index(i: Expression): Expression } {
  const { axis, reverse } = paramsOf<{ axis: number; reverse: boolean }>(equation);
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const n = shape[axis];
  const index = (i: Expression): Expression => (reverse ? code.let(`${n - 1}.0 - ${i}`) : i);
  return {
    n,
    position: index(place.axis(axis)),
    index,
    read: (operand, i) =>
      cell.read(
        equation,
        operand,
        Place.at(
          code,
          shape,
          shape.map((_, k) => (k === axis ? index(i) : place.axis(k))),
        ),
      ),
  };
}

const cumsum: Rule = (cell, equation, place) => {
  const { n, position, read } = alongAxis(cell, equation, place);
  const total = new Accumulator(cell.code, zero(equation.outputs[0].dtype));
  cell.code.loop(n, (i) => cell.code.when(`${i} <= ${position}`, () => total.combine("add", read(0, i))));
  return total.value;
};

/** zᵢ = aᵢ z₍ᵢ₋₁₎ + bᵢ. */
const linearRecurrence: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { n, position, read } = alongAxis(cell, equation, place);
  const z = new Accumulator(code, zero(equation.outputs[0].dtype));
  code.loop(n, (i) =>
    code.when(`${i} <= ${position}`, () => {
      z.combine("mul", read(0, i));
      z.combine("add", read(1, i));
    }),
  );
  return z.value;
};

const cumArgMax: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { n, position, read, index } = alongAxis(cell, equation, place);
  const best = new Accumulator(code, read(0, "0.0"));
  const at = code.variable("0.0");
  code.loop(n, (i) =>
    code.when(`${i} <= ${position}`, () => {
      const v = read(0, i);
      code.when(`${isBetter(code, v, best.value)} > 0.5`, () => {
        best.set(v);
        code.assign(at, i);
      });
    }),
  );
  return integer(code, index(at));
};

export const scanRules: Readonly<Record<string, Rule>> = {
  blockScan,
  blockEnds,
  addCarry,
  cumsum,
  linearRecurrence,
  cumArgMax,
};
