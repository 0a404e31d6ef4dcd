/** Constants, index maps, and what is elementwise: everything that reads at most one element of each operand. */

import type { DType, Shape } from "@curv/tensor";
import { applyElementwise, bitcast, cast, elementwiseNames, integerPower, polygamma, select } from "./elementwise.js";
import { Place } from "./place.js";
import { clamp, integer, paramsOf, shapeOf, type Rule } from "./rule.js";
import { constant, partsOf, type Value } from "./value.js";

const elementwise: Rule = (cell, equation, place) =>
  applyElementwise(
    cell.code,
    equation.primitive.name,
    equation.inputs.map((x, i) => cell.read(equation, i, place.broadcastFrom(x.shape))),
  );

const identity: Rule = (cell, equation, place) => cell.read(equation, 0, place);

const full: Rule = (cell, equation) => {
  const { dtype, value } = paramsOf<{ dtype: DType; value: number }>(equation);
  return constant(dtype === "bool" ? +(value !== 0) : value, dtype) ?? { dtype, parts: [cell.number(value)] };
};

const iota: Rule = ({ code }, equation, place) => {
  const { dtype } = paramsOf<{ dtype: DType }>(equation);
  if (partsOf(dtype) === 2) return { ...integer(code, place.flat()), dtype };
  return cast(code, { dtype: "float32", parts: [place.flat()] }, dtype);
};

const reshape: Rule = (cell, equation, place) => cell.read(equation, 0, place.reshaped(shapeOf(equation, 0)));

const broadcast: Rule = (cell, equation, place) => {
  const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
  const shape = shapeOf(equation, 0);
  return cell.read(
    equation,
    0,
    place.derive(`spread ${shape.join()} ${axes.join()}`, () =>
      Place.at(
        cell.code,
        shape,
        shape.map((_, i) => () => place.axis(axes[i])),
      ),
    ),
  );
};

const transpose: Rule = (cell, equation, place) => {
  const { permutation } = paramsOf<{ permutation: readonly number[] }>(equation);
  const shape = shapeOf(equation, 0);
  return cell.read(
    equation,
    0,
    place.derive(`transpose ${permutation.join()}`, () => {
      const axes = new Array<() => string>(shape.length);
      permutation.forEach((axis, i) => (axes[axis] = () => place.axis(i)));
      return Place.at(cell.code, shape, axes);
    }),
  );
};

const slice: Rule = (cell, equation, place) => {
  const { start, step } = paramsOf<{ start: readonly number[]; step: readonly number[] }>(equation);
  const shape = shapeOf(equation, 0);
  const { code } = cell;
  const axes = shape.map((_, i) => () => {
    const at = place.axis(i);
    if (start[i] === 0 && step[i] === 1) return at;
    return code.once(`slice ${at} ${start[i]} ${step[i]}`, () => code.let(`${at} * ${step[i]}.0 + ${start[i]}.0`));
  });
  return cell.read(
    equation,
    0,
    place.derive(`slice ${shape.join()} ${start.join()} ${step.join()}`, () => Place.at(code, shape, axes)),
  );
};

const flip: Rule = (cell, equation, place) => {
  const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
  const shape = shapeOf(equation, 0);
  const { code } = cell;
  const at = shape.map((n, i) => () => {
    const own = place.axis(i);
    return axes.includes(i) && n !== 1 ? code.once(`flip ${own} ${n}`, () => code.let(`${n - 1}.0 - ${own}`)) : own;
  });
  return cell.read(
    equation,
    0,
    place.derive(`flip ${axes.join()}`, () => Place.at(code, shape, at)),
  );
};

/** Element j of an axis lies at low + j·(interior + 1). What lies elsewhere is read, clamped, and replaced. */
const pad: Rule = (cell, equation, place) => {
  const { low, interior } = paramsOf<{ low: readonly number[]; interior: readonly number[] }>(equation);
  const { code } = cell;
  const shape = shapeOf(equation, 0);
  const inside = code.variable("1.0");
  const axes = shape.map((n, i) => {
    if (place.shape[i] === n && low[i] === 0 && interior[i] === 0) return place.axis(i);
    const step = interior[i] + 1;
    const shifted = code.let(`${place.axis(i)} + (${-low[i]}.0)`);
    const at = step === 1 ? shifted : code.let(`Math.floor((${shifted} + 0.5) / ${step}.0)`);
    if (step > 1) code.line(`if (Math.abs(${shifted} - ${at} * ${step}.0) > 0.5) { ${inside} = 0.0; }`);
    code.line(`if (${at} < 0.0 || ${at} > ${n - 1}.5) { ${inside} = 0.0; }`);
    return clamp(code, at, 0, n - 1);
  });
  const x = cell.read(equation, 0, Place.at(code, shape, axes));
  const fill = cell.read(equation, 1, Place.flat(code, [], "0.0"));
  return select(code, inside, x, fill);
};

const concat: Rule = (cell, equation, place) => {
  const { axis } = paramsOf<{ axis: number }>(equation);
  const { code } = cell;
  const at = place.axis(axis);
  let start = 0;
  const dtype = equation.outputs[0].dtype;
  const names = Array.from({ length: partsOf(dtype) }, () => code.variable("0.0"));
  equation.inputs.forEach((x, k) => {
    const from = start;
    start += x.shape[axis];
    if (x.shape[axis] === 0) return;
    code.when(`${at} > ${from === 0 ? "(-0.5)" : `${from - 1}.5`} && ${at} < ${start - 1}.5`, () => {
      const own = from === 0 ? at : code.let(`${at} - ${from}.0`);
      const axes = x.shape.map((_, i) => (i === axis ? own : place.axis(i)));
      const value = cell.read(equation, k, Place.at(code, x.shape, axes));
      names.forEach((name, i) => code.assign(name, value.parts[i]));
    });
  });
  return { dtype, parts: names };
};

const selectRule: Rule = (cell, equation, place) => {
  const [c, x, y] = equation.inputs.map((operand, i): Value =>
    cell.read(equation, i, place.broadcastFrom(operand.shape)),
  );
  return select(cell.code, c.parts[0], x, y);
};

const castRule: Rule = (cell, equation, place) =>
  cast(cell.code, cell.read(equation, 0, place), paramsOf<{ dtype: DType }>(equation).dtype);

const bitcastRule: Rule = (cell, equation, place) =>
  bitcast(cell.code, cell.read(equation, 0, place), paramsOf<{ dtype: DType }>(equation).dtype);

const power: Rule = (cell, equation, place) =>
  integerPower(cell.code, cell.read(equation, 0, place), paramsOf<{ n: number }>(equation).n);

const polygammaRule: Rule = (cell, equation, place) => {
  const { dtype, parts } = cell.read(equation, 0, place);
  const { n } = paramsOf<{ n: number }>(equation);
  return { dtype, parts: [polygamma(cell.code, parts[0], n)] };
};

/** Rules that only say where to read: never worth a kernel. */
export const viewRules: Readonly<Record<string, Rule>> = {
  full,
  iota,
  reshape,
  broadcast,
  transpose,
  slice,
  flip,
  stopGradient: identity,
};

export const elementRules: Readonly<Record<string, Rule>> = {
  .../* @__PURE__ */ forEach(elementwiseNames, elementwise),
  pad,
  concat,
  select: selectRule,
  cast: castRule,
  bitcast: bitcastRule,
  integerPower: power,
  polygamma: polygammaRule,
};

function forEach(names: ReadonlySet<string>, rule: Rule): Record<string, Rule> {
  return Object.fromEntries(Array.from(names, (name) => [name, rule]));
}

/** Rough cost of one element, in arithmetic operations. */
export function costOf(name: string, shape: Shape): number {
  if (name in viewRules) return name === "full" ? 0 : 1 + shape.length;
  return cheap.has(name) ? 1 : name === "pad" || name === "concat" ? 6 : name in elementRules ? 12 : 100;
}

const cheap: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "add",
  "sub",
  "mul",
  "div",
  "neg",
  "abs",
  "square",
  "reciprocal",
  "sqrt",
  "equal",
  "less",
  "lessEqual",
  "notEqual",
  "select",
  "cast",
  "floor",
  "ceil",
  "bitwiseAnd",
  "bitwiseOr",
  "bitwiseNot",
  "integerPower",
  "maximum",
  "minimum",
]);
