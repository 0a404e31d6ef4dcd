/** Steps of a stable merge sort: every element of a merged run is found by bisection. */

import type { Code, Expression } from "./code.js";
import { applyElementwise } from "./elementwise.js";
import { Place } from "./place.js";
import { integer, paramsOf, shapeOf, type Rule } from "./rule.js";
import type { Value } from "./value.js";

/** The order of a sort after runs of length `width` have been merged in pairs: an element of the merged run, found by bisection. */
const mergeRuns: Rule = (cell, equation, place) => {
  const { code } = cell;
  const { width, descending } = paramsOf<{ width: number; descending: boolean }>(equation);
  const shape = shapeOf(equation, 0);
  const n = shape[shape.length - 1];
  const last = shape.length - 1;
  const k = place.axis(last);
  const rows = (i: Expression): Place =>
    Place.at(
      code,
      shape,
      shape.map((_, axis) => (axis === last ? i : place.axis(axis))),
    );
  const order = (i: Expression): Expression => cell.read(equation, 1, rows(i)).parts[0];
  const value = (i: Expression): Value => cell.read(equation, 0, rows(order(i)));
  const start = code.let(`Math.floor((${k} + 0.5) / ${2 * width}.0) * ${2 * width}.0`);
  const middle = code.variable(`${start} + ${width}.0`);
  code.line(`if (${middle} > ${n}.0) { ${middle} = ${n}.0; }`);
  const end = code.variable(`${start} + ${2 * width}.0`);
  code.line(`if (${end} > ${n}.0) { ${end} = ${n}.0; }`);
  const lengthA = code.let(`${middle} - ${start}`);
  const lengthB = code.let(`${end} - ${middle}`);
  const offset = code.let(`${k} - ${start}`);
  // The least a such that b = offset − a of the right run stand before A[a].
  const low = code.variable(`${offset} - ${lengthB}`);
  code.line(`if (${low} < 0.0) { ${low} = 0.0; }`);
  const high = code.variable(offset);
  code.line(`if (${high} > ${lengthA}) { ${high} = ${lengthA}; }`);
  code.loop(Math.ceil(Math.log2(width)) + 1, () => {
    code.when(`${low} < ${high}`, () => {
      const mid = code.let(`Math.floor((${low} + ${high}) * 0.5)`);
      const a = value(code.let(`${start} + ${mid}`));
      const b = value(code.let(`${middle} + ${offset} - 1.0 - ${mid}`));
      const right = precedes(code, b, a, descending);
      code.line(`if (${right} > 0.5) { ${high} = ${mid}; } else { ${low} = ${mid} + 1.0; }`);
    });
  });
  const from = code.variable(`${middle} + ${offset} - ${low}`);
  code.when(`${low} < ${lengthA}`, () => {
    const a = code.let(`${start} + ${low}`);
    const take = code.variable("1.0");
    code.when(`${from} < ${end}`, () => {
      const right = precedes(code, value(from), value(a), descending);
      code.assign(take, `1.0 - ${right}`);
    });
    code.line(`if (${take} > 0.5) { ${from} = ${a}; }`);
  });
  return { dtype: "float32", parts: [order(from)] };
};

/** Whether p stands strictly before q. NaN counts as larger than every number. */
function precedes(code: Code, p: Value, q: Value, descending: boolean): Expression {
  const y = code.variable(applyElementwise(code, "less", descending ? [q, p] : [p, q]).parts[0]);
  if (p.dtype === "float32") {
    const [last, first] = descending ? [p, q] : [q, p];
    const only = code.let(`${code.call("c_isNaN", last.parts[0])} - ${code.call("c_isNaN", first.parts[0])}`);
    code.line(`if (${only} > 0.5) { ${y} = 1.0; }`);
  }
  return y;
}

/** x in the order of a sort: the first `count` values. */
const inOrder: Rule = (cell, equation, place) => {
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const last = shape.length - 1;
  const rows = (i: Expression): Place =>
    Place.at(
      code,
      shape,
      shape.map((_, axis) => (axis === last ? i : place.axis(axis))),
    );
  return cell.read(equation, 0, rows(cell.read(equation, 1, rows(place.axis(last))).parts[0]));
};

const position: Rule = (_cell, _equation, place) => ({
  dtype: "float32",
  parts: [place.axis(place.shape.length - 1)],
});

const orderIndices: Rule = (cell, equation, place) => {
  const shape = shapeOf(equation, 0);
  const order = cell.read(
    equation,
    0,
    Place.at(
      cell.code,
      shape,
      shape.map((_, axis) => () => place.axis(axis)),
    ),
  );
  return integer(cell.code, order.parts[0]);
};

export const sortRules: Readonly<Record<string, Rule>> = { position, mergeRuns, inOrder, orderIndices };
